"""Forecasts as tables with names and dates."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gatewise.data.series import SeriesSet, Split, Windows
from gatewise.tasks.forecast.model import Forecasts

Ints = NDArray[np.int64]

#: Training windows whose forecasts are kept; of more, the latest.
MOST_TRAINING_WINDOWS = 20_000


def prediction_frame(
    series: SeriesSet, windows: Windows, split: Split, forecasts: dict[str, Forecasts]
) -> pl.DataFrame:
    """Return a row for every forecast value, in time order within each part.

    Columns: ``part``, ``window``, ``unique_id``, ``cutoff`` (time of the window's last row), ``ds``, ``step``, ``y``,
    ``mean``, the interval bounds, ``last_value``.
    """
    frames = []
    for part, made in forecasts.items():
        indices: Ints = getattr(split, part)
        order = np.argsort(series.times[windows.first_target_row(indices)], kind="stable")
        if part == "train":
            order = order[-MOST_TRAINING_WINDOWS:]
        frames.append(_part_frame(part, series, windows, indices[order], made.at(order)))
    return pl.concat(frames)


def _part_frame(part: str, series: SeriesSet, windows: Windows, indices: Ints, made: Forecasts) -> pl.DataFrame:
    n, horizon, channels = made.mean.shape
    rows = windows.target_rows(indices)  # (n, H)
    last = windows.last_row(indices)
    shape = (n, horizon, channels)

    def over_channels(values: NDArray[np.generic]) -> NDArray[np.generic]:
        return np.broadcast_to(values.reshape(*values.shape, *(1,) * (3 - values.ndim)), shape).ravel()

    return pl.DataFrame(
        {
            "part": [part] * (n * horizon * channels),
            "window": over_channels(indices),
            "unique_id": np.broadcast_to(ids(series)[windows.series_of[indices]][:, None], shape).ravel(),
            "cutoff": over_channels(series.times[last]),
            "ds": over_channels(series.times[rows]),
            "step": np.broadcast_to(np.arange(1, horizon + 1)[None, :, None], shape).ravel(),
            "y": series.target[rows].ravel(),
            "mean": made.mean.ravel(),
            **{name: values.ravel() for name, values in made.bounds.items()},
            "last_value": np.broadcast_to(series.target[last][:, None], shape).ravel(),
        }
    )


def forecast_frame(series: SeriesSet, forecasts: Forecasts, direct: int) -> pl.DataFrame:
    """Return forecasts after the end of every series, with dates that go on at the series' frequency.

    Columns: ``unique_id``, ``ds``, ``mean``, the interval bounds, ``method`` (``direct`` for the first `direct` steps,
    ``recursive`` after them, whose bounds are null).
    """
    count, horizon, channels = forecasts.mean.shape
    dates = np.stack(
        [series.frequency.next_times(series.times[end - 1], horizon) for end in series.offsets[1:]]
    )  # (S, h)
    shape = (count, channels, horizon)
    method = np.where(np.arange(horizon) < direct, "direct", "recursive")
    frame = pl.DataFrame(
        {
            "unique_id": np.broadcast_to(ids(series)[:, :, None], shape).ravel(),
            "ds": np.broadcast_to(dates[:, None, :], shape).ravel(),
            "mean": forecasts.mean.swapaxes(1, 2).ravel(),
            **{name: values.swapaxes(1, 2).ravel() for name, values in forecasts.bounds.items()},
            "method": np.broadcast_to(method, shape).ravel(),
        }
    )
    return frame.with_columns(pl.col(name).fill_nan(None) for name in forecasts.bounds)


def ids(series: SeriesSet) -> NDArray[np.object_]:
    """Return the public name of every series and channel, (S, C): the channel of joint series, else the series."""
    if len(series.channels) == 1 and len(series.names) > 1:
        return np.array([[name] for name in series.names], dtype=object)
    return np.array([list(series.channels)] * len(series.names), dtype=object)
