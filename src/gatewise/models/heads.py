"""Heads: what turns a stack's output into a network's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from gatewise.cells import checks
from gatewise.cells.initialise import glorot_uniform
from gatewise.models.dropout import Dropout

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu,
    "tanh": torch.tanh,
    "gelu": functional.gelu,
    "linear": lambda x: x,
}


class DenseHead(nn.Module):
    """Dense layers with an activation, dropout after the first of them, and a linear output layer.

    With sizes (256, 128): dense 256, activation, norm where it is asked for, dropout, dense 128, activation, dense
    `outputs`.

    Parameters
    ----------
    in_features
        Number of inputs.
    sizes
        Units of each dense layer; none of them gives the output layer alone, without dropout.
    outputs
        Number of outputs.
    dropout
        Share of the first dense layer's units that is dropped while training.
    activation
        "relu", "tanh", "gelu" or "linear".
    norm
        Normalise what the first dense layer gives (layer norm, before the dropout).
    init_generator
        Draws the start weights (Glorot uniform, as in Keras; biases start at zero).
    dropout_generator
        Draws the dropout masks.

    Raises
    ------
    SettingsError
        If a value cannot be used.
    """

    def __init__(
        self,
        in_features: int,
        sizes: Sequence[int],
        outputs: int,
        *,
        dropout: float = 0.0,
        activation: str = "relu",
        norm: bool = False,
        init_generator: torch.Generator | None = None,
        dropout_generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.activation = checks.choice("head activation", activation, tuple(ACTIVATIONS))
        widths = [checks.count("head size", size) for size in (in_features, *sizes, outputs)]
        self.layers = nn.ModuleList(dense(before, after, init_generator) for before, after in pairwise(widths))
        self.norm = nn.LayerNorm(widths[1]) if norm and sizes else nn.Identity()
        self.dropout = Dropout(dropout, generator=dropout_generator)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(..., in_features)`` to ``(..., outputs)``."""
        return self._map(x, self.dropout)

    def step(self, x: Tensor) -> Tensor:
        """Map as `forward` does, for use after training: nothing is dropped, whatever the mode."""
        return self._map(x, lambda y: y)

    def _map(self, x: Tensor, drop: Callable[[Tensor], Tensor]) -> Tensor:
        activate = ACTIVATIONS[self.activation]
        *hidden, output = self.layers
        for number, layer in enumerate(hidden):
            x = activate(layer(x))
            if number == 0:
                x = drop(self.norm(x))
        y: Tensor = output(x)
        return y


def dense(inputs: int, outputs: int, generator: torch.Generator | None) -> nn.Linear:
    """Make a dense layer that starts as in Keras, without drawing from torch's global generator."""
    layer = nn.Linear(inputs, outputs, device="meta")
    layer.weight = nn.Parameter(glorot_uniform(outputs, inputs, generator))
    layer.bias = nn.Parameter(torch.zeros(outputs))
    return layer
