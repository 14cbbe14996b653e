"""Parts of one's own that a study names by their import path: a cell, a loss, a metric, a baseline, a reader."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from torch import Tensor, nn

from gatewise.cells.base import State
from gatewise.cells.rnn import SimpleRNN
from gatewise.metrics import Metric
from gatewise.training.losses import Loss


class LeakyCell(SimpleRNN):
    """A simple RNN that keeps four fifths of its state in each step."""

    def update(self, projected: Tensor, h: Tensor, state: State) -> State:
        return (0.8 * state[0] + 0.2 * super().update(projected, h, state)[0],)


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
