"""An encoder of which a part is trained with the head: its last layers, or low-rank adapters in every layer.

Its own dropout stays off. It would draw from torch's global generator, which no checkpoint of ours keeps: a run that
was stopped would end with other numbers than one that was not.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn

from gatewise.encoders.load import Encoder
from gatewise.errors import MissingExtraError, SettingsError
from gatewise.settings.classify import EncoderSettings

#: Where a network keeps its layers, and the norm behind them where there is one; the first that is there is taken.
_LAYERS = (
    ("encoder.layer", None),
    ("transformer.layer", None),
    ("{side}.block", "{side}.final_layer_norm"),
    ("layers", "final_norm"),
)
#: The linear maps that get adapters: of the queries and the values (Hu et al. 2022, section 4.2), or what holds both.
_ADAPTED = {
    "deberta": ["in_proj"],
    "deberta-v2": ["query_proj", "value_proj"],
    "distilbert": ["q_lin", "v_lin"],
    "modernbert": ["Wqkv"],
    "mpnet": ["q", "v"],
    "mt5": ["q", "v"],
    "t5": ["q", "v"],
    "umt5": ["q", "v"],
}
_QUERY_AND_VALUE = ["query", "value"]


class TrainableEncoder(nn.Module):
    """Hidden states of an encoder that learns; made by :func:`trainable_encoder`.

    Parameters
    ----------
    module
        The encoder's network; those of its weights that need a gradient are trained.
    layers
        Numbers of the hidden states that are given, 0 for the embeddings.
    decoder
        Whether they are those of a T5's decoder, which reads the same text.
    """

    def __init__(self, module: nn.Module, layers: tuple[int, ...], *, decoder: bool = False) -> None:
        super().__init__()
        self.module = module.eval()
        self.layers = layers
        self.decoder = decoder

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the hidden states ``(B, L, T, D)`` of numbers ``(B, T)``; `mask` is False where they are padding."""
        more: dict[str, Any] = {}
        if self.decoder:
            more = {"decoder_input_ids": ids, "decoder_attention_mask": mask.long(), "use_cache": False}
        # Up to the first weight that is trained nothing needs a gradient, so that torch keeps nothing of it.
        out = self.module(input_ids=ids, attention_mask=mask.long(), output_hidden_states=True, **more)
        hidden = out.decoder_hidden_states if self.decoder else out.hidden_states
        return torch.stack([hidden[layer] for layer in self.layers], 1)

    def train(self, mode: bool = True) -> TrainableEncoder:
        """Leave the encoder's network as it judges, without dropout, whatever the `mode`."""
        super().train(mode)
        self.module.eval()
        return self


def trainable_encoder(encoder: Encoder, settings: EncoderSettings, *, generator: torch.Generator) -> TrainableEncoder:
    """Return a copy of an encoder's network of which a part is trained.

    With ``tune_layers`` its last layers are, and the norm behind them. With ``lora_rank`` every layer gets adapters
    ``x -> W x + 2 B A x``, A of `rank` rows, and they alone are trained (Hu et al. 2022, arXiv:2106.09685, eq. 3 with
    alpha twice the rank): A is drawn, B starts at 0, so that training starts from the encoder as it is. A hidden state
    that no trained layer reaches is the frozen encoder's.

    Parameters
    ----------
    encoder
        Left as it is.
    settings
        ``tune_layers`` or ``lora_rank``.
    generator
        Draws the start of the adapters.

    Raises
    ------
    SettingsError
        If nothing is to be trained, or the encoder does not have so many layers, has only one that it repeats, or
        none of the hidden states that are read depends on what is trained.
    MissingExtraError
        If adapters are asked for and PEFT is not installed.

    Examples
    --------
    >>> network = trainable_encoder(encoder, EncoderSettings(tune_layers=2), generator=generator)  # doctest: +SKIP
    >>> network(ids, mask).shape  # doctest: +SKIP
    torch.Size([32, 4, 40, 384])
    """
    if not settings.tune_layers and not settings.lora_rank:
        raise SettingsError("nothing of the encoder is to be trained: set tune_layers or lora_rank")
    architecture, decoder = encoder.source.architecture, settings.states == "decoder"
    if architecture == "albert":
        raise SettingsError("tune_layers, lora_rank: albert has one layer that it repeats; its parts cannot be trained")
    module = copy.deepcopy(encoder.module).requires_grad_(False)
    layers, norm = _layers_of(module, decoder=decoder)
    if settings.tune_layers > len(layers):
        raise SettingsError(f"tune_layers {settings.tune_layers}: the encoder has {len(layers)} layers")
    frozen = 0 if settings.lora_rank else len(layers) - settings.tune_layers
    if max(encoder.layer_numbers) <= frozen:
        raise SettingsError(
            "tune_layers, lora_rank: no trained layer reaches a hidden state that is read; name a later one in "
            "encoder_layers, such as -1"
        )
    if settings.lora_rank:
        _add_adapters(module, _ADAPTED.get(architecture, _QUERY_AND_VALUE), settings.lora_rank, generator)
    else:
        for part in (*layers[frozen:], *([] if norm is None else [norm])):
            part.requires_grad_(True)
    return TrainableEncoder(module, encoder.layer_numbers, decoder=decoder)


def _layers_of(module: nn.Module, *, decoder: bool) -> tuple[nn.ModuleList, nn.Module | None]:
    """Return the layers whose states are read, and the norm behind the last."""
    side = "decoder" if decoder else "encoder"
    for place, norm in _LAYERS:
        layers = _part(module, place.format(side=side))
        if layers is not None:
            return layers, _part(module, norm.format(side=side)) if norm else None
    raise SettingsError(f"tune_layers, lora_rank: the layers of {type(module).__name__} are not known; leave both at 0")


def _add_adapters(module: nn.Module, targets: list[str], rank: int, generator: torch.Generator) -> None:
    """Put adapters beside the named linear maps; nothing is drawn from torch's global generator."""
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise MissingExtraError("lora_rank", "tune") from error
    with torch.random.fork_rng(devices=[]):  # PEFT draws a start too, which is drawn again below
        config = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules=targets)
        inject_adapter_in_model(config, module)
    for name, weight in module.named_parameters():
        weight.requires_grad_("lora_" in name)
        if "lora_A" in name:
            nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)


def _part(module: nn.Module, path: str) -> Any:
    for name in path.split("."):
        module = getattr(module, name, None)  # type: ignore[assignment]
    return module
