"""The layers of BERT and its nearest kin, with weights laid out beforehand for oneDNN's matrix products.

The same numbers as transformers gives, to 1e-4 (checked whenever they are built), about a third faster on a processor:
the three projections of attention are one product, the weights are packed once, the activation and the sum with the
residual are part of the products, and layers above the last one that is wanted are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

#: Transformers' classes whose layers these are.
_BERT = ("BertModel", "CamembertModel", "ElectraModel", "RobertaModel", "XLMRobertaModel")
_DISTIL = "DistilBertModel"
_ACTIVATIONS = ("gelu", "relu")
#: Rows for which oneDNN lays the weights out; other numbers of rows are computed too.
_ROWS = 2048
_TOLERANCE = 1e-4


class Packed:
    """A linear layer whose weights are packed, with what follows it."""

    def __init__(self, linears: list[nn.Module], activation: str = "none") -> None:
        plain = [one for one in linears if type(one) is nn.Linear]
        if len(plain) < len(linears):  # adapters wrap them, and compute more
            raise _NotTheseError
        weights = torch.cat([one.weight.detach() for one in plain])
        self.bias = torch.cat([one.bias.detach() for one in plain])
        self.weights = torch.ops.mkldnn._reorder_linear_weight.default(weights, _ROWS)
        self.activation = activation

    def __call__(self, x: Tensor) -> Tensor:
        """Return the outputs ``(N, O)`` of inputs ``(N, I)``."""
        done: Tensor = torch.ops.mkldnn._linear_pointwise.default(
            x, self.weights, self.bias, self.activation, [], "none" if self.activation == "gelu" else ""
        )
        return done

    def plus(self, x: Tensor, residual: Tensor) -> Tensor:
        """Return the outputs with `residual` added."""
        done: Tensor = torch.ops.mkldnn._linear_pointwise.binary(x, residual, self.weights, self.bias, "add")
        return done


@dataclass(frozen=True)
class _Layer:
    attended: Packed
    joined: Packed
    joined_norm: nn.Module
    inner: Packed
    outer: Packed
    outer_norm: nn.Module


class PackedLayers:
    """The embeddings and layers of a module of transformers, up to the last that is wanted.

    Made by :func:`pack_layers`.
    """

    def __init__(self, module: Any, last: int) -> None:
        config = module.config
        kind = type(module).__name__
        activation = config.activation if kind == _DISTIL else getattr(config, "hidden_act", None)
        if kind not in (*_BERT, _DISTIL) or activation not in _ACTIVATIONS or getattr(config, "is_decoder", False):
            raise _NotTheseError
        first = next(module.parameters())
        if first.device.type != "cpu" or first.dtype != torch.float32:
            raise _NotTheseError
        read: Callable[[Any, str], _Layer] = _of_distilbert if kind == _DISTIL else _of_bert
        layers = module.transformer.layer if kind == _DISTIL else module.encoder.layer
        self.embeddings = module.embeddings
        self.project = getattr(module, "embeddings_project", None)
        self.heads = int(config.num_attention_heads)
        self.layers = [read(layer, activation) for layer in layers[:last]]

    def __call__(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        """Return the embeddings and every layer's states, each ``(B, T, D)``, of numbers ``(B, T)``."""
        B, T = ids.shape
        held = self.embeddings(input_ids=ids)
        x = held if self.project is None else self.project(held)
        D = x.shape[-1]
        x = x.reshape(B * T, D)
        hidden = [x]
        valid = None if bool(mask.all()) else mask[:, None, None, :]
        for layer in self.layers:
            q, k, v = layer.attended(x).view(B, T, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4)
            joined = scaled_dot_product_attention(q, k, v, attn_mask=valid).transpose(1, 2).reshape(B * T, D)
            x = layer.joined_norm(layer.joined.plus(joined, x))
            x = layer.outer_norm(layer.outer.plus(layer.inner(x), x))
            hidden.append(x)
        return tuple(one.view(B, T, D) for one in hidden)


def pack_layers(
    module: nn.Module, last: int, reference: Callable[[Tensor, Tensor], tuple[Tensor, ...]]
) -> PackedLayers | None:
    """Return the packed layers of a module, None where they cannot stand in for it.

    Parameters
    ----------
    module
        A module of transformers.
    last
        The last hidden state that is wanted, 0 for the embeddings.
    reference
        Gives the module's own hidden states; both are compared on two short rows, one of them padded.
    """
    ids = torch.arange(14).view(2, 7) % module.get_input_embeddings().num_embeddings  # type: ignore[operator]
    mask = torch.arange(7) < torch.tensor([[7], [4]])
    try:
        with torch.inference_mode():
            packed = PackedLayers(module, last)
            found = packed(ids, mask)
            wanted = reference(ids, mask)
    except (_NotTheseError, AttributeError, RuntimeError, NotImplementedError):  # also a torch without oneDNN
        return None
    for one, other in zip(found, wanted, strict=False):
        if not torch.allclose(one[mask], other[mask], rtol=_TOLERANCE, atol=_TOLERANCE):
            return None
    return packed


class _NotTheseError(Exception):
    """The module has other layers than those that can be packed."""


def _of_bert(layer: Any, activation: str) -> _Layer:
    attention = layer.attention.self
    return _Layer(
        attended=Packed([attention.query, attention.key, attention.value]),
        joined=Packed([layer.attention.output.dense]),
        joined_norm=layer.attention.output.LayerNorm,
        inner=Packed([layer.intermediate.dense], activation),
        outer=Packed([layer.output.dense]),
        outer_norm=layer.output.LayerNorm,
    )


def _of_distilbert(layer: Any, activation: str) -> _Layer:
    attention = layer.attention
    return _Layer(
        attended=Packed([attention.q_lin, attention.k_lin, attention.v_lin]),
        joined=Packed([attention.out_lin]),
        joined_norm=layer.sa_layer_norm,
        inner=Packed([layer.ffn.lin1], activation),
        outer=Packed([layer.ffn.lin2]),
        outer_norm=layer.output_layer_norm,
    )
