"""Forecasts that cost next to nothing, and that a network has to beat before anybody should believe in it.

Each is fitted on training windows only and then forecasts any windows of the same series, from no row later than a
window's last one. With `t` that last row, step ``h = 0 ... H - 1`` of a forecast is for row ``t + s``, and
``s = offset + h`` are the rows ahead.
"""

from __future__ import annotations

from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from gatewise.data.series import Windows
from gatewise.tasks.forecast.classical import AutoARIMA, AutoETS, Theta
from gatewise.tasks.forecast.ridge import Ridge

__all__ = ["AutoARIMA", "AutoETS", "Baseline", "Drift", "LastValue", "Ridge", "SeasonalNaive", "Theta", "WindowMean"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Baseline(Protocol):
    """What every baseline does.

    A new one is a class with these two methods and one line in ``gatewise.registry.BASELINES``.
    """

    def fit(self, windows: Windows, target: Floats, train: Ints, validation: Ints, season: int | None = None) -> Self:
        """Learn what there is to learn.

        Parameters
        ----------
        windows
            Windows over the rows of `target`.
        target : (N, C)
            Rows of all series.
        train, validation : (n,)
            Windows to learn from, and to choose by.
        season
            Rows in a season; None or 1 where there is none.
        """

    def predict(self, target: Floats, indices: Ints) -> Floats:
        """Forecast what follows the windows `indices`: (n, H, C), in the unit of `target`."""


class _Untrained:
    """A baseline without parameters: keeps the windows and the season."""

    def fit(
        self,
        windows: Windows,
        target: Floats,  # noqa: ARG002  (every baseline takes the same)
        train: Ints,  # noqa: ARG002
        validation: Ints,  # noqa: ARG002
        season: int | None = None,
    ) -> Self:
        """Keep the windows and the season; there is nothing to learn."""
        self.windows = windows
        self.season = season or 1
        #: Rows from a window's last row to each forecast row, (H,).
        self.ahead = windows.offset + np.arange(windows.horizon)
        return self


class LastValue(_Untrained):
    """The same as the last value seen: ``y[t]``. The best forecast of a random walk."""

    def predict(self, target: Floats, indices: Ints) -> Floats:
        """Repeat each window's last row."""
        return np.repeat(self.windows.last(target, indices)[:, None], len(self.ahead), axis=1)


class Drift(_Untrained):
    """The last value plus the window's mean step: ``y[t] + s (y[t] - y[t - W + 1]) / (W - 1)``.

    A window of one row has no step, and its last value is repeated.
    """

    def predict(self, target: Floats, indices: Ints) -> Floats:
        """Draw the line through each window's first and last row on."""
        first, last = target[self.windows.first_row(indices)], self.windows.last(target, indices)
        step = (last - first) / max(self.windows.window - 1, 1)
        return last[:, None] + self.ahead[:, None] * step[:, None]


class WindowMean(_Untrained):
    """The mean of the window, for every step."""

    def predict(self, target: Floats, indices: Ints) -> Floats:
        """Repeat each window's mean."""
        mean = self.windows.inputs(target, indices).mean(axis=1)
        return np.repeat(mean[:, None], len(self.ahead), axis=1)


class SeasonalNaive(_Untrained):
    """The value one season before: ``y[t + s - k m]``, with the least k for which that row is not after `t`.

    The season `m` may be longer than the window: the series' own earlier rows are then read. Where the series does not
    reach back that far, the last value stands in. Without a season (m = 1) it is the last value.
    """

    def predict(self, target: Floats, indices: Ints) -> Floats:
        """Repeat the latest season known at each window's end."""
        last = self.windows.last_row(indices)[:, None]
        seasons = -(-self.ahead // self.season)
        rows = last + self.ahead - seasons * self.season  # (n, H)
        begin = self.windows.series.offsets[self.windows.series_at(indices)][:, None]
        return target[np.where(rows >= begin, rows, last)]
