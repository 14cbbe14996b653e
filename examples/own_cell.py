"""A cell of one's own: one class, held to every contract, then usable by its name everywhere."""

from typing import Any, Unpack

import numpy as np
from torch import Tensor, nn, sigmoid, tanh, zeros

from gatewise import Forecaster
from gatewise.cells.base import Cell, CommonOptions, State
from gatewise.cells.initialise import glorot_uniform, orthogonal
from gatewise.registry import CELLS
from gatewise.testing import check_cell


class LeakyCell(Cell):
    """h_t = a h_{t-1} + (1 - a) tanh(W x_t + U h_{t-1}), with a learned rate 0 < a < 1 for each unit."""

    def __init__(self, input_size: int, units: int, **common: Unpack[CommonOptions]) -> None:
        super().__init__(input_size, units, **common)
        self.input_kernel = nn.Parameter(glorot_uniform(units, input_size, common.get("generator")))
        self.recurrent_kernel = nn.Parameter(orthogonal(units, units, common.get("generator")))
        self.rate = nn.Parameter(zeros(units))

    @classmethod
    def parameter_formula(cls, input_size: int, units: int, **options: Any) -> int:
        return units * (input_size + units + 1)

    def update(self, projected: Tensor, h: Tensor, state: State) -> State:
        a = sigmoid(self.rate)  # `h` is for products with recurrent weights, `state[0]` for everything else
        return (a * state[0] + (1 - a) * tanh(projected @ self.input_kernel.T + h @ self.recurrent_kernel.T),)


check_cell(LeakyCell)
CELLS.register("leaky", LeakyCell, summary="Leaky integration of the input")

wave = np.sin(np.arange(400) / 8) + 0.1 * np.random.default_rng(0).normal(size=400)
forecaster = Forecaster(cell="leaky", units=16, window=20, transform="standard", learning_rate=1e-2, epochs=40)
forecaster.fit(wave)
print(f"{forecaster.result_['parameters']} weights, skill {forecaster.score():.2f} over the last value")
