"""A trained text model in memory: the network with the vocabulary that it reads and writes by."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from gatewise.data.text import Vocabulary
from gatewise.models import TextNetwork, count_parameters
from gatewise.settings import TextSettings
from gatewise.training import Seeds
from gatewise.training.device import DTYPES


@dataclass
class TextModel:
    """Network and vocabulary that belong together."""

    settings: TextSettings
    network: TextNetwork
    vocabulary: Vocabulary

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
        return replace(self, network=network.eval(), vocabulary=vocabulary)


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


def weights_of(network: nn.Module) -> dict[str, torch.Tensor]:
    """Return the trained weights by name, each once, tied ones too; not the state that training carries."""
    return {name: weight.detach().cpu().contiguous() for name, weight in network.named_parameters()}


def load_weights(network: TextNetwork, weights: dict[str, torch.Tensor]) -> None:
    """Load what :func:`weights_of` gave.

    Raises
    ------
    ValueError
        If a weight is missing, unknown or of another shape.
    """
    own = dict(network.named_parameters())
    if own.keys() != weights.keys():
        wrong = sorted(own.keys() ^ weights.keys())
        raise ValueError(f"weights do not fit the settings: {', '.join(wrong[:3])}")
    with torch.no_grad():
        for name, weight in own.items():
            if weight.shape != weights[name].shape:
                raise ValueError(f"{name} has the shape {tuple(weights[name].shape)}, not {tuple(weight.shape)}")
            weight.copy_(weights[name])


def no_spans() -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Return no spans of a text."""
    return np.zeros((0, 2), np.int64)
