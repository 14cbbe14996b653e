"""Simple recurrent unit: Lei et al. 2018, "Simple recurrent units for highly parallelizable recurrence", 1709.02755."""

from __future__ import annotations

import math
from typing import Any, Unpack

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from gatewise.cells.base import Cell, CommonOptions, State

#: Keeps the size of the highway's output that of its input: sqrt(1 + 2 exp(b)) for a reset gate with bias b = 0, 3.2.
ALPHA = math.sqrt(3.0)


class SRU(Cell):
    """Gates that see the last memory unit by unit, and a highway around them.

    ::

        f_t = sigmoid(W_f x_t + v_f * c_{t-1} + b_f)            forget gate, eq. 1
        c_t = f_t * c_{t-1} + (1 - f_t) * (W x_t)               eq. 2
        r_t = sigmoid(W_r x_t + v_r * c_{t-1} + b_r)            reset gate, eq. 3
        h_t = r_t * c_t + (1 - r_t) * alpha * x_t               eq. 4, rescaled as in section 3.2

    where alpha * x_t is W_s x_t if the sizes differ. One product with W is all that is not elementwise, and it is done
    for all steps at once; what is left is a loop, since the gates see c.

    Weights: ``input_kernel`` ``(3H, I)``, in the order W, W_f, W_r, then W_s if I != H ``(4H, I)``; ``memory_kernel``
    v_f, v_r ``(2, H)``; ``bias`` b_f, b_r ``(2H,)``. They start as section 3.2 says: variance 1 / I for W, half of that
    for the gates' weights, 1/2 for v, zero biases. State: ``(h, c)``. Nothing multiplies h, so recurrent dropout drops
    parts of what is written to c. Parameters, options and errors are those of :class:`gatewise.cells.base.Cell`.

    Examples
    --------
    >>> SRU.parameter_formula(input_size=512, units=512)
    788480
    """

    state_names = ("h", "c")
    recurrent_weights = ()

    def __init__(self, input_size: int, units: int, **common: Unpack[CommonOptions]) -> None:
        super().__init__(input_size, units, **common)
        H, generator = self.units, common.get("generator")
        self.projects = self.input_size != H
        rows = 4 if self.projects else 3
        limit = math.sqrt(3.0 / self.input_size)  # U(-limit, limit) has variance 1 / I
        weights = torch.empty(rows * H, self.input_size).uniform_(-limit, limit, generator=generator)
        weights[H : 3 * H] *= math.sqrt(0.5)
        weights[3 * H :] *= ALPHA
        self.input_kernel = nn.Parameter(weights)
        limit = math.sqrt(1.5)
        self.memory_kernel = nn.Parameter(torch.empty(2, H).uniform_(-limit, limit, generator=generator))
        self.bias = nn.Parameter(torch.zeros(2 * H))

    @classmethod
    def parameter_formula(cls, input_size: int, units: int, **options: Any) -> int:  # noqa: ARG003 - no option adds any
        """Return 3 H I + 4 H, and H I more if I != H."""
        matrices = 3 if input_size == units else 4
        return units * (matrices * input_size + 4)

    def project(self, x: Tensor) -> Tensor:
        """Return W x, W_f x + b_f, W_r x + b_r and what the highway carries."""
        H = self.units
        bias = nn.functional.pad(self.bias, (H, H if self.projects else 0))
        projected = linear(x, self.input_kernel, bias)
        return projected if self.projects else torch.cat([projected, ALPHA * x], dim=-1)

    def update(self, projected: Tensor, h: Tensor, state: State) -> State:  # noqa: ARG002 - nothing multiplies h
        """Compute one step."""
        H, c = self.units, state[1]
        # Under autocast the product is narrower than the memory, and lerp takes one format only.
        candidate, gates, highway = torch.split(projected.to(c.dtype), [H, 2 * H, H], dim=-1)
        gates = torch.addcmul(torch.unflatten(gates, -1, (2, H)), self.memory_kernel, c[:, None])
        f, r = torch.sigmoid(gates).unbind(1)  # eq. 1 and 3
        c = torch.lerp(candidate, c, f)  # eq. 2
        return torch.lerp(highway, c, r), c  # eq. 4

    def advance(self, projected: Tensor, state: State, recurrent_mask: Tensor | None, *rest: Any) -> State:
        """Return the state after one step whose input is already projected and checked."""
        if recurrent_mask is not None:
            candidate, others = projected.tensor_split([self.units], dim=-1)
            projected = torch.cat([candidate * recurrent_mask, others], dim=-1)
        return super().advance(projected, state, None, *rest)
