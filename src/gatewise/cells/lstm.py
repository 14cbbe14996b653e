"""Long short-term memory: Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000."""

from __future__ import annotations

from typing import Any, Unpack

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from gatewise.cells.base import Cell, CommonOptions, State
from gatewise.cells.initialise import glorot_uniform, orthogonal


class LSTM(Cell):
    """Input, forget and output gates around a cell state.

    ::

        i_t = sigmoid(W_i x_t + U_i h_{t-1} + b_i)      input gate
        f_t = sigmoid(W_f x_t + U_f h_{t-1} + b_f)      forget gate
        g_t = tanh(W_g x_t + U_g h_{t-1} + b_g)         candidate
        o_t = sigmoid(W_o x_t + U_o h_{t-1} + b_o)      output gate
        c_t = f_t * c_{t-1} + i_t * g_t
        h_t = o_t * tanh(c_t)

    Weights, gates in the order i, f, g, o (torch's and Keras'): ``input_kernel`` W ``(4H, I)``, ``recurrent_kernel`` U
    ``(4H, H)``, ``bias`` b ``(4H,)``. State: ``(h, c)``. The forget gate's bias starts at 1, so that a new network
    remembers (Jozefowicz et al. 2015). Parameters, options and errors are those of :class:`gatewise.cells.base.Cell`.

    Examples
    --------
    >>> LSTM.parameter_formula(input_size=2, units=512)
    1054720
    """

    state_names = ("h", "c")

    def __init__(self, input_size: int, units: int, **common: Unpack[CommonOptions]) -> None:
        super().__init__(input_size, units, **common)
        generator = common.get("generator")
        self.input_kernel = nn.Parameter(glorot_uniform(4 * self.units, self.input_size, generator))
        self.recurrent_kernel = nn.Parameter(orthogonal(4 * self.units, self.units, generator))
        bias = torch.zeros(4 * self.units)
        bias[self.units : 2 * self.units] = 1.0
        self.bias = nn.Parameter(bias)

    @classmethod
    def parameter_formula(cls, input_size: int, units: int, **options: Any) -> int:  # noqa: ARG003 - no option adds any
        """Return 4 H (I + H + 1)."""
        return 4 * units * (input_size + units + 1)

    def project(self, x: Tensor) -> Tensor:
        """Return W x + b for all four gates."""
        return linear(x, self.input_kernel, self.bias)

    def update(self, projected: Tensor, h: Tensor, state: State) -> State:
        """Compute one step."""
        i, f, g, o = (projected + linear(h, self.recurrent_kernel)).chunk(4, dim=-1)
        c = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c
