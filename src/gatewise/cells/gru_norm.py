"""Gated recurrent unit with layer normalisation: Ba, Kiros & Hinton 2016, arXiv:1607.06450."""

from __future__ import annotations

from typing import Any, Unpack

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, linear

from gatewise.cells.base import Cell, CommonOptions, State
from gatewise.cells.initialise import glorot_uniform, orthogonal

EPSILON = 1e-5


class LayerNormGRU(Cell):
    """A GRU whose pre-activations are normalised over their features, step by step.

    ::

        r, z = sigmoid(LN(W_rz x_t; gain_x) + b + LN(U_rz h_{t-1}; gain_h))                      the paper's (26)
        n_t = tanh(LN(W_n x_t; gain_x) + b_n + r_t * (LN(U_n h_{t-1}; gain_h) + d))              (27)
        h_t = (1 - z_t) * n_t + z_t * h_{t-1}                                                    (28)

    LN subtracts the mean and divides by the standard deviation (plus 1e-5 under the root): the two gates' 2H
    pre-activations together, the candidate's H apart from them. The paper gives each norm a bias; the two that are
    added to each other in (26) are one here. As in our GRU, z keeps the old state; in the paper it takes the new one.
    With one input W x_t has one direction, and of x_t little more than its sign is left: give such a cell two inputs or
    more.

    Weights, in the order r, z, n: ``input_kernel`` W ``(3H, I)``, ``recurrent_kernel`` U ``(3H, H)``, ``input_gain``
    and ``recurrent_gain`` ``(3H,)``, ``bias`` b ``(3H,)``, ``recurrent_bias`` d ``(H,)``. State: ``(h,)``. Gains start
    at 1 and biases at 0, as in the paper. Parameters, options and errors are those of
    :class:`gatewise.cells.base.Cell`.

    Examples
    --------
    >>> LayerNormGRU.parameter_formula(input_size=2, units=512)
    794624
    """

    def __init__(self, input_size: int, units: int, **common: Unpack[CommonOptions]) -> None:
        super().__init__(input_size, units, **common)
        generator = common.get("generator")
        self.input_kernel = nn.Parameter(glorot_uniform(3 * self.units, self.input_size, generator))
        self.recurrent_kernel = nn.Parameter(orthogonal(3 * self.units, self.units, generator))
        self.input_gain = nn.Parameter(torch.ones(3 * self.units))
        self.recurrent_gain = nn.Parameter(torch.ones(3 * self.units))
        self.bias = nn.Parameter(torch.zeros(3 * self.units))
        self.recurrent_bias = nn.Parameter(torch.zeros(self.units))

    @classmethod
    def parameter_formula(cls, input_size: int, units: int, **options: Any) -> int:  # noqa: ARG003 - no option adds any
        """Return 3 H (I + H + 3) + H."""
        return 3 * units * (input_size + units + 3) + units

    def project(self, x: Tensor) -> Tensor:
        """Return LN(W x; gain_x) + b for both gates and the candidate."""
        return self._normalise(linear(x, self.input_kernel), self.input_gain) + self.bias

    def update(self, projected: Tensor, h: Tensor, state: State) -> State:
        """Compute one step."""
        x_r, x_z, x_n = projected.chunk(3, dim=-1)
        h_r, h_z, h_n = self._normalise(linear(h, self.recurrent_kernel), self.recurrent_gain).chunk(3, dim=-1)
        r, z = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)  # (26)
        n = torch.tanh(x_n + r * (h_n + self.recurrent_bias))  # (27)
        return ((1.0 - z) * n + z * state[0],)  # (28)

    def _normalise(self, sums: Tensor, gain: Tensor) -> Tensor:
        """Normalise the gates' part ``(..., 2H)`` and the candidate's part ``(..., H)``, each on its own."""
        sizes = [2 * self.units, self.units]
        parts = zip(torch.split(sums, sizes, dim=-1), torch.split(gain, sizes), strict=True)
        return torch.cat([layer_norm(part, its_gain.shape, its_gain, None, EPSILON) for part, its_gain in parts], -1)
