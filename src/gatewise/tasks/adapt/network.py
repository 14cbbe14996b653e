"""An encoder with the head that guesses hidden tokens."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from gatewise.encoders.convert import weights_folder
from gatewise.encoders.quiet import first_line, quiet
from gatewise.encoders.source import EncoderSource
from gatewise.errors import InputError, SettingsError


class MaskedNetwork(nn.Module):
    """A masked language model of transformers, whose head sees only the tokens that are to be guessed.

    Dropout stays off: it would draw from torch's global generator, and a masked language model learns better without
    it (Lan et al. 2020, arXiv:1909.11942, section 4.8).

    Parameters
    ----------
    model
        An ``AutoModelForMaskedLM``.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model: Any = model.eval()
        self._chosen: Tensor | None = None
        inside: Any = self.model.base_model
        inside.register_forward_hook(self._pick)

    def forward(self, ids: Tensor, mask: Tensor, chosen: Tensor) -> Tensor:
        """Return the logits ``(M, V)`` of the chosen tokens, in their order."""
        self._chosen = chosen
        try:
            logits: Tensor = self.model(input_ids=ids, attention_mask=mask.long()).logits
        finally:
            self._chosen = None
        return logits[0]

    def train(self, mode: bool = True) -> MaskedNetwork:
        """Leave the model as it judges, without dropout, whatever the `mode`."""
        super().train(mode)
        self.model.eval()
        return self

    def head(self) -> dict[str, nn.Parameter]:
        """Return the head's own weights; the embeddings, with which it ends, are the encoder's."""
        inside = f"{self.model.base_model_prefix}."
        return {name: weight for name, weight in self.model.named_parameters() if not name.startswith(inside)}

    def learn(self, *, head_alone: bool) -> None:
        """Let only the head be trained, or everything."""
        self.requires_grad_(not head_alone)
        for weight in self.head().values():
            weight.requires_grad_(True)

    def _pick(self, module: nn.Module, given: Any, output: Any) -> Any:  # noqa: ARG002 - torch's signature
        """Hand only the chosen states on: most of the head's work would be for tokens that nobody asks for."""
        if self._chosen is not None:
            output["last_hidden_state"] = output["last_hidden_state"][self._chosen][None]
        return output


def load_masked(source: EncoderSource, generator: torch.Generator) -> tuple[MaskedNetwork, bool]:
    """Load an encoder with its head, and say whether the head is new.

    A head that does not come with the encoder, in part or whole, ends in the token embeddings and starts with biases
    of 0 and weights drawn as the architecture's own are.

    Raises
    ------
    SettingsError
        If encoders of this architecture do not guess hidden tokens.
    InputError
        If the weights are damaged or incomplete.
    """
    if source.kind == "t5":
        raise SettingsError(
            f"encoder {source.name}: a {source.architecture} is not trained by guessing single hidden tokens, so adapt "
            "cannot go on with its training; take an encoder of the BERT family"
        )
    folder = weights_folder(source)
    with quiet(), torch.random.fork_rng(devices=[]):  # transformers draws what is missing; that is drawn again below
        import transformers

        try:
            config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            config.is_decoder = False
            model, found = transformers.AutoModelForMaskedLM.from_pretrained(
                folder, config=config, local_files_only=True, use_safetensors=True, trust_remote_code=False,
                dtype=torch.float32, output_loading_info=True,
            )  # fmt: skip
        except Exception as error:
            raise InputError(
                f"encoder {source.name}: its weights in {source.folder} cannot be loaded ({first_line(error)})"
            ) from error
    network = MaskedNetwork(model)
    head = network.head()
    inside = f"{network.model.base_model_prefix}."
    lost = sorted(name for name in found["missing_keys"] if name.startswith(inside) and "position_ids" not in name)
    if lost:
        raise InputError(
            f"encoder {source.name}: its weights lack {len(lost)} of what {source.architecture} has, {lost[0]} for "
            "one; take a complete copy"
        )
    missing = [name for name in head if name in found["missing_keys"]]
    for name in missing:
        _start(name, head[name], float(getattr(config, "initializer_range", 0.02)), generator)
    return network, bool(missing)


@torch.no_grad()
def _start(name: str, weight: nn.Parameter, spread: float, generator: torch.Generator) -> None:
    if weight.dim() > 1:
        weight.normal_(0.0, spread, generator=generator)
    else:
        weight.fill_(0.0 if name.endswith("bias") else 1.0)  # a bias, or the scale of a norm
