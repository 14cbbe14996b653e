"""Windows over the rows of one or many series: views, never copies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from gatewise.data.series.series import SeriesSet
from gatewise.errors import DataError

Index = NDArray[np.int64]


class Windows:
    """Every window of every series, numbered series by series.

    Window `i` of a series sees its rows ``i .. i + window - 1``; the forecast rows are ``last + offset ..
    last + offset + horizon - 1``, where ``last`` is the window's last row. Nothing is stored but how many windows each
    series has, so a million windows cost no more than the rows they look at.

    Parameters
    ----------
    window
        Rows that the network sees.
    horizon
        Rows that are forecast.
    offset
        Rows from the window's last row to the first forecast row; 1 is the next row.

    Raises
    ------
    DataError
        If no series is long enough; the message says how many rows are needed.

    Examples
    --------
    >>> windows = Windows(series, window=30, horizon=1, offset=2)  # doctest: +SKIP
    >>> len(windows)  # of 2,264 rows  # doctest: +SKIP
    2233
    """

    def __init__(self, series: SeriesSet, window: int, horizon: int = 1, offset: int = 1) -> None:
        self.series = series
        self.window = window
        self.horizon = horizon
        self.offset = offset
        #: Rows from a window's first row to its last forecast row.
        self.span = window + offset - 1 + horizon
        rows = np.diff(series.offsets)
        counts = np.maximum(rows - self.span + 1, 0)
        short = np.flatnonzero(counts == 0)
        if len(short) == len(rows):
            longest = int(rows.argmax())
            raise DataError(
                f"{series.called(longest)} has {rows[longest]} rows; window {window}, target offset {offset} "
                f"and horizon {horizon} need at least {self.span}: give more rows or a smaller window"
            )
        #: What a person should know about these windows.
        self.notes: tuple[str, ...] = ()
        if len(short):
            named = ", ".join(series.names[i] for i in short[:5]) + (" ..." if len(short) > 5 else "")
            self.notes = (f"{len(short)} series shorter than {self.span} rows have no window: {named}",)
        #: Window numbers at which each series begins, (S+1,).
        self.bounds: Index = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    def __len__(self) -> int:
        return int(self.bounds[-1])

    @property
    def starts(self) -> Index:
        """First row of every window, (n,); made anew at each call."""
        return self.first_row(np.arange(len(self), dtype=np.int64))

    @property
    def series_of(self) -> Index:
        """Series of every window, (n,); made anew at each call."""
        return self.series_at(np.arange(len(self), dtype=np.int64))

    def series_at(self, idx: Any) -> Index:
        """Return the series that windows `idx` belong to, (b,)."""
        idx = np.asarray(idx, dtype=np.int64)
        if len(self.bounds) == 2:
            return np.zeros(idx.shape, dtype=np.int64)
        return np.asarray(np.searchsorted(self.bounds, idx, side="right") - 1, dtype=np.int64)

    def first_row(self, idx: Any) -> Index:
        """Return the first row that windows `idx` see, (b,)."""
        idx = np.asarray(idx, dtype=np.int64)
        series = self.series_at(idx)
        return np.asarray(self.series.offsets[series] + idx - self.bounds[series])

    def last_row(self, idx: Any) -> Index:
        """Return the last row that windows `idx` see, (b,)."""
        return np.asarray(self.first_row(idx) + self.window - 1)

    def first_target_row(self, idx: Any) -> Index:
        """Return the first forecast row of windows `idx`, (b,)."""
        return self.last_row(idx) + self.offset

    def target_rows(self, idx: Any) -> Index:
        """Return the forecast rows of windows `idx`, (b, horizon)."""
        return self.first_target_row(idx)[:, None] + np.arange(self.horizon, dtype=np.int64)

    def inputs(self, array: NDArray[Any], idx: Any) -> NDArray[Any]:
        """Cut windows `idx` out of an array over all rows: (N, F) -> (b, window, F)."""
        return _cut(array, self.first_row(idx), self.window)

    def targets(self, array: NDArray[Any], idx: Any) -> NDArray[Any]:
        """Cut the forecast rows of windows `idx` out of an array over all rows: (N, F) -> (b, horizon, F)."""
        return _cut(array, self.first_target_row(idx), self.horizon)

    def last(self, array: NDArray[Any], idx: Any) -> NDArray[Any]:
        """Return the last row that windows `idx` see: (N, F) -> (b, F)."""
        return array[self.last_row(idx)]


def _cut(array: NDArray[Any], starts: Index, length: int) -> NDArray[Any]:
    width = array.shape[1]
    if width == 0:
        return np.empty((len(starts), length, 0), dtype=array.dtype)
    view = sliding_window_view(array, (length, width))[:, 0]  # (N - length + 1, length, F), no copy
    return view[starts]
