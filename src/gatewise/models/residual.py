"""A residual layer: norm, cells, norm, dense layers, each pair added to what came in, so that deep stacks train."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from gatewise.models.heads import dense

#: Hidden units of the dense layers for each unit of width: 4 D^2 weights, as many as the gated 4/3 of xLSTM's block.
EXPANSION = 2


class ResidualLayer(nn.Module):
    """What stands around the cells of one layer.

    ::

        x = x + cells(norm(x))
        x = x + narrow(gelu(widen(norm(x))))

    Both norms stand before what they serve (Xiong et al. 2020, arXiv:2002.04745), so that the sum itself passes
    unchanged from the first layer to the last and gradients reach every layer whole. `widen` makes ``2 D`` units
    (the sLSTM block of Beck et al. 2024, arXiv:2405.04517, with a plain dense layer in place of the gated one).

    Parameters
    ----------
    width
        Width D of the sum.
    generator
        Draws the start weights (Glorot uniform; biases and norms draw nothing).
    """

    def __init__(self, width: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.cell_norm = nn.LayerNorm(width)
        self.dense_norm = nn.LayerNorm(width)
        self.widen = dense(width, EXPANSION * width, generator)
        self.narrow = dense(EXPANSION * width, width, generator)

    def forward(self, x: Tensor, cells: Callable[[Tensor], Tensor], drop: Callable[[Tensor], Tensor]) -> Tensor:
        """Add to x ``(..., D)`` what `cells` make of it, then what the dense layers make; `drop` acts on both."""
        x = x + drop(cells(self.cell_norm(x)))
        y: Tensor = self.narrow(functional.gelu(self.widen(self.dense_norm(x))))
        return x + drop(y)
