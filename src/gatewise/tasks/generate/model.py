"""A trained text model in memory: the network with the vocabulary that it reads and writes by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gatewise.data.text import Vocabulary
from gatewise.models import TextNetwork, count_parameters
from gatewise.settings import SamplingSettings, TextSettings
from gatewise.tasks.generate import generation
from gatewise.tasks.generate.int8 import Int8Cost, int8_cost, with_int8_weights
from gatewise.tasks.generate.result import Generated
from gatewise.training import Seeds
from gatewise.training.device import DTYPES

#: Texts, and symbols in each, on which the cost of int8 weights is measured.
_INT8_TEXTS, _INT8_SYMBOLS = 20, 100


@dataclass
class TextModel:
    """Network and vocabulary that belong together."""

    settings: TextSettings
    network: TextNetwork
    vocabulary: Vocabulary
    int8: TextNetwork | None = None
    """A copy with int8 weights, which writes in the network's place once it is there."""

    def generate(self, prompts: Sequence[str], sampling: SamplingSettings) -> list[Generated]:
        """Write texts; see :func:`gatewise.tasks.generate.generation.generate`."""
        return generation.generate(self.int8 or self.network, self.vocabulary, prompts, sampling)

    def stream(self, prompt: str, sampling: SamplingSettings) -> generation.Stream:
        """Write one text piece by piece; see :func:`gatewise.tasks.generate.generation.stream`."""
        return generation.stream(self.int8 or self.network, self.vocabulary, prompt, sampling)

    def use_int8(self) -> Int8Cost:
        """Write with int8 weights from now on.

        Returns
        -------
        Int8Cost
            What it costs, on texts that the network itself has written: the mean difference is an estimate of the
            Kullback-Leibler divergence of the two.

        Raises
        ------
        SettingsError
            If the cell has no int8 form.
        """
        made = with_int8_weights(self.network)
        sampling = SamplingSettings(length=_INT8_SYMBOLS, n=_INT8_TEXTS, seed=0)
        texts = generation.generate(self.network, self.vocabulary, [""], sampling)
        self.int8 = made
        return int8_cost(self.network, made, self.vocabulary, "".join(one.text for one in texts))

    @property
    def parameters(self) -> int:
        """Number of trained weights."""
        return count_parameters(self.network)

    def extended(self, symbols: tuple[str, ...]) -> TextModel:
        """Return a copy that also knows new symbols, behind those that it knew.

        Their embeddings start at zero, as they were read before; the output layer's rows start at zero with the lowest
        of the old biases, so that they are as unlikely as the rarest symbol.
        """
        vocabulary = self.vocabulary.extended(symbols)
        network = create_network(self.settings, len(vocabulary))
        own, old, before = network.state_dict(), self.network.state_dict(), len(self.vocabulary)
        last = f"head.layers.{len(self.settings.model.head)}"
        for name, tensor in own.items():
            kept = old[name]
            if tensor.shape == kept.shape:
                tensor.copy_(kept)
                continue
            # Symbols are the rows of the embedding and of the output layer, and the one-hot inputs of the first cell,
            # where a cell that reads two steps at once has them twice.
            axis = next(axis for axis, (a, b) in enumerate(zip(tensor.shape, kept.shape, strict=True)) if a != b)
            tensor.fill_(float(kept.min()) if name == f"{last}.bias" else 0.0)
            times = kept.shape[axis] // before
            known = tensor.unflatten(axis, (times, -1)).narrow(axis + 1, 0, before)
            known.copy_(kept.unflatten(axis, (times, before)))
        mixture = self.network.mixture
        network.mixture = None if mixture is None else mixture.extended(len(vocabulary))
        return replace(self, network=network.eval(), vocabulary=vocabulary, int8=None)


def create_network(settings: TextSettings, symbols: int, seeds: Seeds | None = None) -> TextNetwork:
    """Make an untrained network; its start weights and dropout come from `seeds`, for a fixed one when absent."""
    seeds = seeds or Seeds.of(settings)
    network = TextNetwork(
        settings.model,
        symbols,
        init_generator=seeds.init_generator(),
        dropout_generator=seeds.dropout_generator(settings.train.device),
    )
    made: TextNetwork = network.to(dtype=DTYPES[settings.train.precision])
    return made
