"""Hidden states computed by torch, from weights that were loaded whole and from nowhere but their folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gatewise.encoders.convert import weights_folder
from gatewise.encoders.packed import PackedLayers, pack_layers
from gatewise.encoders.quiet import first_line, quiet
from gatewise.encoders.source import EncoderSource
from gatewise.errors import InputError

#: Parts of published weights that give no hidden state; an encoder may come without them.
_NEEDLESS = ("pooler.", "embeddings.position_ids")


class TorchRuntime:
    """Some hidden states of an encoder, computed by torch.

    Parameters
    ----------
    source
        The encoder.
    layers
        Numbers of the hidden states that are wanted, 0 for the embeddings.
    decoder
        Take them from the decoder of a T5, which reads the same text, instead of from its encoder.
    """

    def __init__(self, source: EncoderSource, layers: Sequence[int], *, decoder: bool = False) -> None:
        self.layers = tuple(layers)
        self.decoder = decoder
        self.module = _load(source, decoder)
        self._packed: PackedLayers | None = None
        self._packed_from: object = None

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the hidden states ``(B, L, T, D)`` of numbers ``(B, T)``; `mask` is False where they are padding."""
        training = self.module.training
        self.module.eval()
        try:
            with torch.inference_mode():
                packed = self._packed_layers()
                hidden = self._hidden(ids, mask) if packed is None else packed(ids, mask)
        finally:
            self.module.train(training)
        # Joined outside, since what is made in inference mode may not enter a network that is trained.
        return torch.stack([hidden[layer] for layer in self.layers], 1).float()

    def _packed_layers(self) -> PackedLayers | None:
        """Return the packed layers, packed anew when a weight has changed since."""
        now = [(id(weights), weights._version) for weights in self.module.parameters()]
        if now != self._packed_from:
            self._packed = None if self.decoder else pack_layers(self.module, max(self.layers), self._hidden)
            self._packed_from = now
        return self._packed

    def _hidden(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        more: dict[str, Any] = {}
        if self.decoder:
            more = {"decoder_input_ids": ids, "decoder_attention_mask": mask.long(), "use_cache": False}
        out = self.module(input_ids=ids, attention_mask=mask.long(), output_hidden_states=True, **more)
        hidden: tuple[Tensor, ...] = out.decoder_hidden_states if self.decoder else out.hidden_states
        return hidden


def _load(source: EncoderSource, decoder: bool) -> nn.Module:
    folder = weights_folder(source)
    with quiet():
        import transformers

        # Half of the BERT family has no entry among the text encoders, and T5 must lose its decoder.
        kind = transformers.AutoModelForTextEncoding if source.kind == "t5" and not decoder else transformers.AutoModel
        try:
            config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            if source.kind == "bert":
                config.is_decoder = False
            module, found = kind.from_pretrained(
                folder, config=config, local_files_only=True, use_safetensors=True, trust_remote_code=False,
                dtype=torch.float32, output_loading_info=True,
            )  # fmt: skip
        except Exception as error:
            raise InputError(
                f"encoder {source.name}: its weights in {source.folder} cannot be loaded ({first_line(error)})"
            ) from error
    missing = sorted(name for name in found["missing_keys"] if not name.startswith(_NEEDLESS))
    if missing:
        more = " its decoder is not among them; take the encoder's states." if decoder else ""
        raise InputError(
            f"encoder {source.name}: its weights lack {len(missing)} of what {source.architecture} has, "
            f"{missing[0]} for one;{more or ' take a complete copy'}"
        )
    if getattr(module, "pooler", None) is not None:
        module.pooler = None
    module.requires_grad_(False)
    loaded: nn.Module = module.eval()
    return loaded
