"""Long short-term memory with exponential gates and a scalar memory: Beck et al. 2024 (xLSTM), arXiv:2405.04517."""

from __future__ import annotations

from typing import Any, Unpack

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, logsigmoid

from gatewise.cells import checks
from gatewise.cells.base import Cell, CommonOptions, State
from gatewise.cells.initialise import small_normal


class SLSTM(Cell):
    """An LSTM whose input gate is an exponential, so that a step can outweigh all that came before it.

    ::

        i, f, z, o = W x_t + U h_{t-1} + b                       the paper's (11) .. (14)
        c_t = sigmoid(f) * c_{t-1} + exp(i) * tanh(z)            (8)
        n_t = sigmoid(f) * n_{t-1} + exp(i)                      (9)
        h_t = sigmoid(o) * c_t / n_t                             (10)

    c and n are kept divided by exp(m), with m as in (15), so that nothing overflows. For the forget gate the paper
    leaves a choice, sigmoid or exponential; this is the sigmoid, as in the authors' code (NX-AI/xlstm). Each head
    multiplies its own part of h only.

    Weights, gates in the order i, f, z, o: ``input_kernel`` W ``(4H, I)``, ``bias`` b ``(4H,)``, ``recurrent_kernel`` U
    ``(heads, 4H/heads, H/heads)``, the same order within each head. State: ``(h, c, n, m)``, each ``(H,)``. They start
    as in the authors' code: W small and normal, U zero, the forget gate's bias spread over the units of a head from 5
    (remembers long) down to -7, the others zero.

    Parameters
    ----------
    heads
        Number of parts of h that do not see each other; must divide the units. 1 by default, 4 in the paper.
    **common
        Parameters, options and errors of :class:`gatewise.cells.base.Cell`.

    Examples
    --------
    >>> SLSTM.parameter_formula(input_size=2, units=512, heads=4)
    268288
    """

    state_names = ("h", "c", "n", "m")

    def __init__(self, input_size: int, units: int, *, heads: int = 1, **common: Unpack[CommonOptions]) -> None:
        super().__init__(input_size, units, **common)
        self.heads = checks.heads(heads, self.units)
        width = self.units // self.heads
        self.input_kernel = nn.Parameter(small_normal(4 * self.units, self.input_size, common.get("generator")))
        self.recurrent_kernel = nn.Parameter(torch.zeros(self.heads, 4 * width, width))
        bias = torch.zeros(4, self.heads, width)
        bias[1] = 5.0 - 12.0 * torch.linspace(0.0, 1.0, width) ** 0.3
        self.bias = nn.Parameter(bias.flatten())

    @classmethod
    def parameter_formula(cls, input_size: int, units: int, **options: Any) -> int:
        """Return 4 H (I + H / heads + 1)."""
        heads: int = options.get("heads", 1)
        return 4 * units * (input_size + units // heads + 1)

    def project(self, x: Tensor) -> Tensor:
        """Return W x + b for all four gates."""
        return linear(x, self.input_kernel, self.bias)

    def update(self, projected: Tensor, h: Tensor, state: State) -> State:
        """Compute one step."""
        _, c, n, m = state
        i, f, z, o = (projected + self._recurrent(h)).chunk(4, dim=-1)  # (11) .. (14)
        kept = logsigmoid(f) + m
        # An empty memory takes the scale of what is written: under its own one, a small exp(i) would be lost.
        m = torch.where(n == 0.0, i, torch.maximum(kept, i))  # (15)
        i = torch.exp(i - m)  # (16)
        f = torch.exp((kept - m).clamp(max=80.0))  # (17); above 0 for an empty memory only
        c = f * c + i * torch.tanh(z)  # (8)
        n = f * n + i  # (9)
        return torch.sigmoid(o) * c / n, c, n, m  # (10)

    def _recurrent(self, h: Tensor) -> Tensor:
        """Return U h ``(B, 4H)``, in which each head sees its own part of h."""
        by_head = torch.unflatten(h, -1, (self.heads, -1)).transpose(0, 1)  # (heads, B, H / heads)
        sums = by_head @ self.recurrent_kernel.mT
        return torch.unflatten(sums, -1, (4, -1)).permute(1, 2, 0, 3).flatten(1)

    def extra_repr(self) -> str:
        """Say the sizes and the number of heads when printed."""
        return f"{super().extra_repr()}, heads={self.heads}"
