"""Exponential smoothing, ARIMA and Theta, through statsforecast (extra: baselines).

The parameters of each series are estimated once, on its longest run of training rows (the latest 1,000 of it). For
every window they stay as they are while the model reads the series up to the window's last row and forecasts from
there: no model is estimated again, so judging many windows stays affordable. With a random split the training windows
cover the whole series, so the parameters have seen test rows: the leak that such a split gives the network too.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gatewise.data.series import Windows, training_rows
from gatewise.errors import MissingExtraError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Rows that parameters are estimated on, and rows that a forecast is made from.
FIT_ROWS, HISTORY_ROWS = 1000, 2000


class _Classical:
    """A model of statsforecast for each series and channel.

    A series without training rows, or one that the model cannot be estimated on (too short), is forecast by its last
    value, and ``notes`` says so.

    Raises
    ------
    MissingExtraError
        If statsforecast is not installed.
    """

    model = ""

    def __init__(self) -> None:
        # Said before anything is trained, and without importing what takes seconds.
        if find_spec("statsforecast") is None:
            raise MissingExtraError(self.model, "baselines")

    def fit(
        self,
        windows: Windows,
        target: Floats,
        train: Ints,
        validation: Ints,  # noqa: ARG002  (every baseline takes the same)
        season: int | None = None,
    ) -> Self:
        """Estimate each series; see :class:`~gatewise.tasks.forecast.baselines.Baseline`."""
        with _quiet():
            from statsforecast import models

            self.windows = windows
            self.fitted: dict[tuple[int, int], tuple[Any, int, int]] = {}  # (series, channel): model, first row, season
            rows, failed = training_rows(windows, train), []
            for number, name in enumerate(windows.series.names):
                begin, end = _longest_run(rows, *windows.series.offsets[number : number + 2].tolist())
                begin = max(begin, end - FIT_ROWS)
                length = season if season and end - begin >= 2 * season else 1
                for channel in range(target.shape[1]):
                    known = np.ascontiguousarray(target[begin:end, channel])
                    try:
                        model = getattr(models, self.model)(season_length=length, **self.options(len(known), length))
                        self.fitted[number, channel] = model.fit(known), begin, length
                    except Exception:  # noqa: BLE001  (bare Exception is what it raises; a baseline must not end a run)
                        failed.append(name)
        named = ", ".join(dict.fromkeys(failed[:5])) + (" ..." if len(failed) > 5 else "")
        self.notes = (f"{self.model} cannot be estimated and repeats the last value: {named}",) if failed else ()
        return self

    def options(self, rows: int, season: int) -> dict[str, Any]:  # noqa: ARG002  (AutoARIMA reads them)
        """Return further arguments of the model."""
        return {}

    def predict(self, target: Floats, indices: Ints) -> Floats:
        """Forecast what follows the windows `indices`: (n, H, C)."""
        made = np.repeat(self.windows.last(target, indices)[:, None], self.windows.horizon, axis=1)
        places = zip(
            self.windows.series_at(indices).tolist(),
            self.windows.first_row(indices).tolist(),
            self.windows.last_row(indices).tolist(),
            strict=True,
        )
        with _quiet():
            for number, (series, first, last) in enumerate(places):
                for channel in range(target.shape[1]):
                    if (series, channel) in self.fitted:
                        found = self._forward(target[:, channel], series, channel, first, last)
                        if np.isfinite(found).all():
                            made[number, :, channel] = found
        return made

    def _forward(self, values: Floats, series: int, channel: int, first: int, last: int) -> Floats:
        """Read a series up to a window's last row, from a whole season off the fit's start, and forecast from there."""
        model, begin, season = self.fitted[series, channel]
        start = max(min(begin, first), last + 1 - HISTORY_ROWS)
        start = begin + (start - begin) // season * season
        if start < self.windows.series.offsets[series]:
            start += season
        ahead = self.windows.offset - 1 + self.windows.horizon
        try:
            mean = model.forward(y=np.ascontiguousarray(values[start : last + 1]), h=ahead)["mean"]
        except Exception:  # noqa: BLE001  (too few rows for this model: the last value stays)
            return np.full(self.windows.horizon, np.nan)
        return np.asarray(mean, np.float64)[-self.windows.horizon :]


class AutoETS(_Classical):
    """Exponential smoothing; error, trend and season chosen by AICc (Hyndman et al. 2002)."""

    model = "AutoETS"


class AutoARIMA(_Classical):
    """ARIMA; orders chosen stepwise by AICc (Hyndman & Khandakar 2008)."""

    model = "AutoARIMA"

    def options(self, rows: int, season: int) -> dict[str, Any]:
        """Choose the orders by the approximate likelihood where the exact one is slow, by the rule of R's forecast."""
        return {"approximation": rows > 150 or season > 12}


class Theta(_Classical):
    """The Theta method: a line and simple exponential smoothing, averaged (Assimakopoulos & Nikolopoulos 2000)."""

    model = "Theta"


def _longest_run(rows: NDArray[np.bool_], begin: int, end: int) -> tuple[int, int]:
    """Return the longest run of marked rows within a series, the latest of equals; an empty one when none is marked."""
    edges = np.diff(np.concatenate([[0], rows[begin:end].astype(np.int8), [0]]))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    if len(starts) == 0:
        return begin, begin
    best = len(starts) - 1 - int(np.argmax((ends - starts)[::-1]))
    return begin + int(starts[best]), begin + int(ends[best])


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library's warnings (and those of the libraries below it) away from the user."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
