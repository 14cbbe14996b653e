"""minLSTM: Feng et al. 2024, "Were RNNs all we needed?", arXiv:2410.01201."""

from __future__ import annotations

from typing import Any, Unpack

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, logsigmoid

from gatewise.cells.base import CommonOptions
from gatewise.cells.initialise import glorot_uniform
from gatewise.cells.linear import LinearCell, dropped


class MinLSTM(LinearCell):
    """An LSTM whose gates and candidate see the input alone, with forget and input gate scaled to sum to 1.

    ::

        f_t = sigmoid(W_f x_t + b_f)                                forget gate
        i_t = sigmoid(W_i x_t + b_i)                                input gate
        n_t = W_n x_t + b_n                                         candidate
        h_t = (f_t * h_{t-1} + i_t * n_t) / (f_t + i_t)             Algorithms 3 and 4

    The paper's plain form, for the reason that :class:`gatewise.cells.mingru.MinGRU` gives. Weights, in the order f, i,
    n: ``input_kernel`` W ``(3H, I)``, ``bias`` b ``(3H,)``. State: ``(h,)``. The forget gate's bias starts at 1 as in
    the LSTM; the paper finds that a higher start trains faster. Parameters, options and errors are those of
    :class:`gatewise.cells.base.Cell`.

    Examples
    --------
    >>> MinLSTM.parameter_formula(input_size=2, units=512)
    4608
    """

    def __init__(self, input_size: int, units: int, **common: Unpack[CommonOptions]) -> None:
        super().__init__(input_size, units, **common)
        self.input_kernel = nn.Parameter(glorot_uniform(3 * self.units, self.input_size, common.get("generator")))
        bias = torch.zeros(3 * self.units)
        bias[: self.units] = 1.0
        self.bias = nn.Parameter(bias)

    @classmethod
    def parameter_formula(cls, input_size: int, units: int, **options: Any) -> int:  # noqa: ARG003 - no option adds any
        """Return 3 H (I + 1)."""
        return 3 * units * (input_size + 1)

    def project(self, x: Tensor) -> Tensor:
        """Return W x + b for both gates and the candidate."""
        return linear(x, self.input_kernel, self.bias)

    def coefficients(self, projected: Tensor, recurrent_mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return f / (f + i) and i / (f + i) * n."""
        f, i, n = projected.chunk(3, dim=-1)
        # i / (f + i) is the sigmoid of log i - log f, which stays a number where both gates are closed to 0.
        share = torch.sigmoid(logsigmoid(i) - logsigmoid(f))
        return 1.0 - share, dropped(share * n, recurrent_mask)
