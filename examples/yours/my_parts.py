"""Parts of one's own that a study names by their import path: a cell, a loss, a metric, a baseline, a reader."""

from pathlib import Path
from typing import Any, Self, Unpack

import numpy as np
import polars as pl
from torch import Tensor, nn, sigmoid, tanh, zeros

from gatewise.cells import Cell
from gatewise.cells.base import CommonOptions, State
from gatewise.cells.initialise import glorot_uniform, orthogonal
from gatewise.metrics import Metric
from gatewise.training.losses import Loss


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
        a = sigmoid(self.rate)
        return (a * state[0] + (1 - a) * tanh(projected @ self.input_kernel.T + h @ self.recurrent_kernel.T),)


class LogCosh(Loss):
    """mean log cosh(error): squared near zero, absolute far away."""

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        error = (prediction.squeeze(-1) - target).abs()
        return (error + nn.functional.softplus(-2 * error) - np.log(2.0)).mean()

    def point(self, prediction: Tensor) -> Tensor:
        return prediction.squeeze(-1)


def _share_within_one_percent(y: Any, yhat: Any) -> float:
    return float(np.mean(np.abs(yhat - y) <= 0.01 * np.abs(y)))


NEAR = Metric(
    name="within_1_percent",
    label="Within 1 %",
    unit="share",
    direction="higher",
    summary="Share of forecasts that are off by at most 1 %",
    function=_share_within_one_percent,
    needs=("y", "yhat"),
)


class WindowMedian:
    """A baseline: the median of the window."""

    def fit(self, windows: Any, target: Any, train: Any, validation: Any, season: int | None = None) -> Self:
        self.windows = windows
        return self

    def predict(self, target: Any, indices: Any) -> Any:
        seen = self.windows.inputs(target, indices)  # (n, window, C)
        return np.repeat(np.median(seen, axis=1, keepdims=True), self.windows.horizon, axis=1)


def read_prices(file: str) -> pl.DataFrame:
    """A reader: a file that writes `day;price` with a comma for the decimal point."""
    rows = [line.split(";") for line in Path(file).read_text(encoding="utf-8").splitlines() if line]
    return pl.DataFrame({"ds": [day for day, _ in rows], "price": [float(x.replace(",", ".")) for _, x in rows]})
