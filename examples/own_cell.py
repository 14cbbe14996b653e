"""A cell of one's own: register one class, and every command and estimator can use it by its name."""

from typing import Any, Unpack

import numpy as np
import torch
from torch import Tensor, nn

from gatewise import Forecaster
from gatewise.cells.base import Cell, CommonOptions, State
from gatewise.registry import CELLS


class LeakyCell(Cell):
    """h_t = a h_{t-1} + (1 - a) tanh(W x_t), with one learned rate a for each unit."""

    def __init__(self, input_size: int, units: int, **common: Unpack[CommonOptions]) -> None:
        super().__init__(input_size, units, **common)
        self.kernel_weight = nn.Parameter(torch.empty(units, input_size).uniform_(-1, 1, generator=common["generator"]))
        self.rate = nn.Parameter(torch.zeros(units))

    @classmethod
    def parameter_formula(cls, input_size: int, units: int, **options: Any) -> int:
        return units * input_size + units

    def update(self, projected: Tensor, h: Tensor, state: State) -> State:
        a = torch.sigmoid(self.rate)
        return (a * h + (1 - a) * torch.tanh(projected @ self.kernel_weight.T),)


CELLS.register("leaky", LeakyCell, summary="Leaky integration of the input")

wave = np.sin(np.arange(400) / 8) + 0.1 * np.random.default_rng(0).normal(size=400)
forecaster = Forecaster(cell="leaky", units=16, window=20, transform="standard", learning_rate=1e-2, epochs=40)
forecaster.fit(wave)
print(f"{forecaster.result_['parameters']} weights, skill {forecaster.score():.2f} over the last value")
