"""Independently recurrent network: Li et al. 2018, arXiv:1803.04831."""

from __future__ import annotations

from typing import Any, Unpack

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from gatewise.cells import checks
from gatewise.cells.base import Cell, CommonOptions, State
from gatewise.cells.initialise import glorot_uniform


class IndRNN(Cell):
    """A simple recurrence in which each unit sees, of the last output, itself alone.

    ::

        h_t = activation(W x_t + u * h_{t-1} + b)               eq. 2

    Weights: ``input_kernel`` W ``(H, I)``, ``recurrent_kernel`` u ``(H,)``, ``bias`` b ``(H,)``. State: ``(h,)``. The
    recurrent weights start in U(0, 1): the paper's range is 0 to 2^(1/T), which for long sequences is that, and keeps
    gradients from exploding. Training may move them beyond it.

    Parameters
    ----------
    activation
        "relu" (default, as the paper) or "tanh".
    **common
        Parameters, options and errors of :class:`gatewise.cells.base.Cell`.

    Examples
    --------
    >>> IndRNN.parameter_formula(input_size=2, units=512)
    2048
    """

    def __init__(
        self, input_size: int, units: int, *, activation: str = "relu", **common: Unpack[CommonOptions]
    ) -> None:
        super().__init__(input_size, units, **common)
        self.activation = checks.choice("activation", activation, ("relu", "tanh"))
        generator = common.get("generator")
        self.input_kernel = nn.Parameter(glorot_uniform(self.units, self.input_size, generator))
        self.recurrent_kernel = nn.Parameter(torch.rand(self.units, generator=generator))
        self.bias = nn.Parameter(torch.zeros(self.units))

    @classmethod
    def parameter_formula(cls, input_size: int, units: int, **options: Any) -> int:  # noqa: ARG003 - no option adds any
        """Return H (I + 2)."""
        return units * (input_size + 2)

    def project(self, x: Tensor) -> Tensor:
        """Return W x + b."""
        return linear(x, self.input_kernel, self.bias)

    def update(self, projected: Tensor, h: Tensor, state: State) -> State:  # noqa: ARG002 - h is all of it
        """Compute one step."""
        total = torch.addcmul(projected, self.recurrent_kernel, h)
        return (torch.relu(total) if self.activation == "relu" else torch.tanh(total),)

    def extra_repr(self) -> str:
        """Say the sizes and the activation when printed."""
        return f"{super().extra_repr()}, activation={self.activation!r}"
