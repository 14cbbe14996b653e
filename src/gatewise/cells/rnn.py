"""Simple recurrent network: Elman 1990, "Finding structure in time"."""

from __future__ import annotations

from typing import Any, Unpack

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from gatewise.cells.base import State
from gatewise.cells.initialise import glorot_uniform, orthogonal
from gatewise.cells.regularised import RegularisedCell, RegularisedOptions


class SimpleRNN(RegularisedCell):
    """tanh of a weighted sum of the input and the last output.

    ::

        h_t = tanh(W x_t + U h_{t-1} + b)

    Weights: ``input_kernel`` W ``(H, I)``, ``recurrent_kernel`` U ``(H, H)``, ``bias`` b ``(H,)``. State: ``(h,)``.
    Parameters, options and errors are those of :class:`gatewise.cells.regularised.RegularisedCell`.

    Examples
    --------
    >>> SimpleRNN.parameter_formula(input_size=2, units=512)
    263680
    """

    def __init__(self, input_size: int, units: int, **common: Unpack[RegularisedOptions]) -> None:
        super().__init__(input_size, units, **common)
        generator = common.get("generator")
        self.input_kernel = nn.Parameter(glorot_uniform(self.units, self.input_size, generator))
        self.recurrent_kernel = nn.Parameter(orthogonal(self.units, self.units, generator))
        self.bias = nn.Parameter(torch.zeros(self.units))

    @classmethod
    def parameter_formula(cls, input_size: int, units: int, **options: Any) -> int:  # noqa: ARG003 - no option adds any
        """Return H (I + H + 1)."""
        return units * (input_size + units + 1)

    def project(self, x: Tensor) -> Tensor:
        """Return W x + b."""
        return linear(x, self.input_kernel, self.bias)

    def update(
        self,
        projected: Tensor,
        h: Tensor,
        state: State,  # noqa: ARG002 - h is all of it
        recurrent_kernel: Tensor | None = None,
    ) -> State:
        """Compute one step."""
        U = self.recurrent_kernel if recurrent_kernel is None else recurrent_kernel
        return (torch.tanh(projected + linear(h, U)),)
