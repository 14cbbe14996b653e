"""A cell whose memory is known: what enters fades by the same rate at every step."""

from typing import Any, Unpack

import torch
from torch import Tensor, nn

from gatewise.cells.base import Cell, CommonOptions, State


class Leaky(Cell):
    """h_t = a h_{t-1} + W x_t, with one known rate a."""

    rate = 0.9

    def __init__(self, input_size: int, units: int, **common: Unpack[CommonOptions]) -> None:
        super().__init__(input_size, units, **common)
        self.weight = nn.Parameter(torch.randn(units, input_size, generator=common.get("generator")))

    @classmethod
    def parameter_formula(cls, input_size: int, units: int, **_options: Any) -> int:
        return units * input_size

    def update(self, projected: Tensor, h: Tensor, state: State) -> State:
        return (self.rate * h + projected @ self.weight.T,)


class Forgets(Leaky):
    """Keeps nothing."""

    rate = 0.0
