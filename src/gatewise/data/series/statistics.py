"""Statistics of the training rows, by series, with a pooled row for series that have none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gatewise.data.series.series import reduce_by_series
from gatewise.data.series.windows import Windows

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]


def training_rows(windows: Windows, train: NDArray[np.int64]) -> Rows:
    """Mark the rows inside the inputs and targets of the windows `train`, (N,)."""
    size = len(windows.series.times)
    steps = np.zeros(size + 1, dtype=np.int64)
    first, target = windows.first_row(train), windows.first_target_row(train)
    for begin, length in ((first, windows.window), (target, windows.horizon)):
        steps += np.bincount(begin, minlength=size + 1)
        steps -= np.bincount(begin + length, minlength=size + 1)
    return np.asarray(np.cumsum(steps[:-1]) > 0)


def spread_by_series(values: Floats, offsets: NDArray[np.int64], rows: Rows) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of the marked rows: (N, C) -> (S+1, C) each; the last row is pooled."""
    count = reduce_by_series(np.add, rows.astype(np.int64), offsets, 0)[:, None]
    kept = np.where(rows[:, None], values, 0.0)
    mean = _with_pooled(reduce_by_series(np.add, kept, offsets, 0.0), count)
    own = np.repeat(mean[:-1], np.diff(offsets), axis=0)
    squares = reduce_by_series(np.add, np.where(rows[:, None], (values - own) ** 2, 0.0), offsets, 0.0)
    deviation = np.sqrt(_with_pooled(squares, count))
    deviation[-1] = values[rows].std(axis=0) if rows.any() else 1.0
    deviation[:-1] = np.where(count > 0, deviation[:-1], deviation[-1])
    return mean, deviation


def range_by_series(values: Floats, offsets: NDArray[np.int64], rows: Rows) -> tuple[Floats, Floats]:
    """Return least and greatest value of the marked rows: (N, C) -> (S+1, C) each; the last row is pooled."""
    low = reduce_by_series(np.minimum, np.where(rows[:, None], values, np.inf), offsets, np.inf)
    high = reduce_by_series(np.maximum, np.where(rows[:, None], values, -np.inf), offsets, -np.inf)
    low, high = np.vstack([low, low.min(axis=0)]), np.vstack([high, high.max(axis=0)])
    empty = low > high
    return np.where(empty, low[-1], low), np.where(empty, high[-1], high)


def mean_square_of_changes(values: Floats, windows: Windows, train: NDArray[np.int64], *, summed: bool) -> Floats:
    """Return the mean square of the training targets' changes: (N, C) -> (S+1, C); the last row is pooled.

    Parameters
    ----------
    summed
        Changes from the window's last value, not from the row before.
    """
    series_of = windows.series_at(train)
    last, first = windows.last_row(train), windows.first_target_row(train)
    size = len(windows.series.names)
    squares = np.zeros((size, values.shape[1]))
    for step in range(windows.horizon):  # a step at a time: no array of (n, horizon, C)
        before = last if summed or step == 0 else first + step - 1
        change = values[first + step] - values[before]
        for channel in range(values.shape[1]):
            squares[:, channel] += np.bincount(series_of, change[:, channel] ** 2, minlength=size)
    count = np.bincount(series_of, minlength=size)[:, None] * windows.horizon
    return _with_pooled(squares, count)


def _with_pooled(sums: Floats, count: NDArray[np.int64]) -> Floats:
    """Turn sums by series into means, with the pooled mean below and in place of those of empty series."""
    pooled = sums.sum(axis=0, keepdims=True) / max(int(count.sum()), 1)
    means = np.where(count > 0, sums / np.maximum(count, 1), pooled)
    return np.vstack([means, pooled])
