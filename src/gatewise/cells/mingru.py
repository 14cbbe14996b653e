"""minGRU: Feng et al. 2024, "Were RNNs all we needed?", arXiv:2410.01201."""

from __future__ import annotations

from typing import Any, Unpack

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from gatewise.cells.base import CommonOptions
from gatewise.cells.initialise import glorot_uniform
from gatewise.cells.linear import LinearCell, dropped


class MinGRU(LinearCell):
    """A GRU whose gate and candidate see the input alone.

    ::

        z_t = sigmoid(W_z x_t + b_z)                    update gate
        n_t = W_n x_t + b_n                             candidate
        h_t = (1 - z_t) * h_{t-1} + z_t * n_t           Algorithms 1 and 2

    This is the paper's plain form. Its log-space form (appendix B) maps candidates to positive numbers, because a
    logarithm needs them, so that a log-depth scan keeps its precision. The scan here goes step by step and is as exact
    as a loop, so candidates and start states may have any sign and no map is needed.

    Weights, in the order z, n: ``input_kernel`` W ``(2H, I)``, ``bias`` b ``(2H,)``. State: ``(h,)``. The gate does not
    see h, so the cell cannot follow a state such as parity. Parameters, options and errors are those of
    :class:`gatewise.cells.base.Cell`.

    Examples
    --------
    >>> MinGRU.parameter_formula(input_size=2, units=512)
    3072
    """

    def __init__(self, input_size: int, units: int, **common: Unpack[CommonOptions]) -> None:
        super().__init__(input_size, units, **common)
        self.input_kernel = nn.Parameter(glorot_uniform(2 * self.units, self.input_size, common.get("generator")))
        self.bias = nn.Parameter(torch.zeros(2 * self.units))

    @classmethod
    def parameter_formula(cls, input_size: int, units: int, **options: Any) -> int:  # noqa: ARG003 - no option adds any
        """Return 2 H (I + 1)."""
        return 2 * units * (input_size + 1)

    def project(self, x: Tensor) -> Tensor:
        """Return W x + b for gate and candidate."""
        return linear(x, self.input_kernel, self.bias)

    def coefficients(self, projected: Tensor, recurrent_mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return 1 - z and z * n."""
        z, n = projected.chunk(2, dim=-1)
        z = torch.sigmoid(z)
        return 1.0 - z, dropped(z * n, recurrent_mask)
