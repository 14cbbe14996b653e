"""Long short-term memory with layer normalisation: Ba, Kiros & Hinton 2016, arXiv:1607.06450."""

from __future__ import annotations

from typing import Any, Unpack

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, linear

from gatewise.cells.base import Cell, CommonOptions, State
from gatewise.cells.initialise import glorot_uniform, orthogonal

EPSILON = 1e-5


class LayerNormLSTM(Cell):
    """An LSTM whose pre-activations and cell state are normalised over their features, step by step.

    ::

        i, f, g, o = LN(U h_{t-1}; gain_h) + LN(W x_t; gain_x) + b        the paper's (20)
        c_t = sigmoid(f) * c_{t-1} + sigmoid(i) * tanh(g)                 (21)
        h_t = sigmoid(o) * tanh(LN(c_t; gain_c, bias_c))                  (22)

    LN subtracts the mean and divides by the standard deviation (plus 1e-5 under the root), for all 4H pre-activations
    together. The paper's two norms in (20) have a bias each; beside b they would say the same thing three times, so b
    stands alone. With one input W x_t has one direction, and of x_t little more than its sign is left: give such a cell
    two inputs or more.

    Weights, gates in the order i, f, g, o: ``input_kernel`` W ``(4H, I)``, ``recurrent_kernel`` U ``(4H, H)``,
    ``input_gain`` and ``recurrent_gain`` ``(4H,)``, ``bias`` b ``(4H,)``, ``cell_gain`` and ``cell_bias`` ``(H,)``.
    State: ``(h, c)``. Gains start at 1 and biases at 0, as in the paper, but the forget gate's at 1, as in the LSTM.
    Parameters, options and errors are those of :class:`gatewise.cells.base.Cell`.

    Examples
    --------
    >>> LayerNormLSTM.parameter_formula(input_size=2, units=512)
    1059840
    """

    state_names = ("h", "c")

    def __init__(self, input_size: int, units: int, **common: Unpack[CommonOptions]) -> None:
        super().__init__(input_size, units, **common)
        generator = common.get("generator")
        self.input_kernel = nn.Parameter(glorot_uniform(4 * self.units, self.input_size, generator))
        self.recurrent_kernel = nn.Parameter(orthogonal(4 * self.units, self.units, generator))
        self.input_gain = nn.Parameter(torch.ones(4 * self.units))
        self.recurrent_gain = nn.Parameter(torch.ones(4 * self.units))
        bias = torch.zeros(4 * self.units)
        bias[self.units : 2 * self.units] = 1.0
        self.bias = nn.Parameter(bias)
        self.cell_gain = nn.Parameter(torch.ones(self.units))
        self.cell_bias = nn.Parameter(torch.zeros(self.units))

    @classmethod
    def parameter_formula(cls, input_size: int, units: int, **options: Any) -> int:  # noqa: ARG003 - no option adds any
        """Return 4 H (I + H + 3) + 2 H."""
        return 4 * units * (input_size + units + 3) + 2 * units

    def project(self, x: Tensor) -> Tensor:
        """Return LN(W x; gain_x) + b for all four gates."""
        return layer_norm(linear(x, self.input_kernel), self.bias.shape, self.input_gain, self.bias, EPSILON)

    def update(self, projected: Tensor, h: Tensor, state: State) -> State:
        """Compute one step."""
        recurrent = layer_norm(
            linear(h, self.recurrent_kernel), self.recurrent_gain.shape, self.recurrent_gain, None, EPSILON
        )
        i, f, g, o = (recurrent + projected).chunk(4, dim=-1)  # (20)
        c = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)  # (21)
        c_norm = layer_norm(c, self.cell_gain.shape, self.cell_gain, self.cell_bias, EPSILON)
        return torch.sigmoid(o) * torch.tanh(c_norm), c  # (22)
