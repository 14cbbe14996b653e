"""The one form in which series leave this room: arrays over all rows, series after series."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.data.series.frequency import Frequency
from gatewise.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SeriesSet:
    """One or many series, checked, sorted and complete.

    Joint series are the channels of one series (S = 1); a global set has one channel and many series. Shapes: S
    series, N rows of all series together, C target channels, P past, F future-known and K static covariates.

    Attributes
    ----------
    names
        Names of the series, (S,).
    channels
        Names of the target channels, (C,).
    offsets
        Row at which each series begins, and N, (S+1,).
    times
        datetime64[us], or int64 where the index is one of integers or of rows, (N,).
    target
        (N, C).
    past, future, static
        Covariates known up to the window's end (N, P); known ahead (N, F), calendar included; one row a series (S, K).
    frequency
        The calendar of `times`.
    notes
        What was done to the rows, in words.
    time_name, id_name
        What the columns of times and of ids were called.
    sources
        File or frame of each series, or of each channel of joint series; empty where it is not known.
    """

    names: tuple[str, ...]
    channels: tuple[str, ...]
    offsets: NDArray[np.int64]
    times: NDArray[np.datetime64] | NDArray[np.int64]
    target: Floats
    frequency: Frequency
    past: Floats = field(default_factory=lambda: np.empty((0, 0)))
    past_names: tuple[str, ...] = ()
    future: Floats = field(default_factory=lambda: np.empty((0, 0)))
    future_names: tuple[str, ...] = ()
    static: Floats = field(default_factory=lambda: np.empty((0, 0)))
    static_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    time_name: str = "ds"
    id_name: str = "unique_id"
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, rows in (("past", len(self.times)), ("future", len(self.times)), ("static", len(self.names))):
            if getattr(self, name).size == 0:
                object.__setattr__(self, name, np.empty((rows, 0)))

    @property
    def joint(self) -> bool:
        """Whether this is one series, of one or several channels."""
        return len(self.names) == 1

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the content and its names, not over paths: hex."""
        sha = hashlib.sha256()
        names = (self.names, self.channels, self.past_names, self.future_names, self.static_names, self.frequency.name)
        sha.update(repr(names).encode())
        for array in (self.offsets, self.times, self.target, self.past, self.future, self.static):
            sha.update(repr((array.dtype.str, array.shape)).encode())
            sha.update(np.ascontiguousarray(array).view(np.uint8).data if array.size else b"")
        return sha.hexdigest()

    def series_of_row(self, row: int) -> int:
        """Return the series that a row belongs to."""
        return int(np.searchsorted(self.offsets, row, side="right")) - 1

    def called(self, series: int, channel: int | None = None) -> str:
        """Name a series, or one of its channels, with the file it comes from: ``GOOG.csv: series 'GOOG'``."""
        if not self.joint:
            name, files = self.names[series], self.sources[series : series + 1]
        elif channel is None:
            name, files = self.names[0], tuple(dict.fromkeys(self.sources))
        else:
            name, files = self.channels[channel], self.sources[channel : channel + 1]
        return f"{', '.join(files)}: series {name!r}" if files else f"series {name!r}"

    def say(self, row: int, channel: int) -> str:
        """Name a value in words: its file, series and time."""
        where = self.called(self.series_of_row(row), channel)
        return f"{where} is {self.target[row, channel]:g} at {show_time(self.times[row])}"


def reduce_by_series(ufunc: np.ufunc, values: NDArray[Any], offsets: NDArray[np.int64], empty: float) -> NDArray[Any]:
    """Reduce the rows of each series: (N, ...) -> (S, ...); `empty` stands for a series without rows."""
    filled = np.diff(offsets) > 0
    reduced = np.full((len(filled), *values.shape[1:]), empty, dtype=np.result_type(values, type(empty)))
    if filled.any():
        reduced[filled] = ufunc.reduceat(values, offsets[:-1][filled], axis=0)
    return reduced


def show_time(stamp: np.datetime64 | np.integer | int) -> str:
    """Write a time as people do: a date without midnight, or the integer.

    Examples
    --------
    >>> show_time(np.datetime64("2010-01-04T00:00:00", "us"))
    '2010-01-04'
    """
    text = str(stamp)
    return text.replace("T", " ").removesuffix(".000000").removesuffix(" 00:00:00")


def require_positive(series: SeriesSet, what: str) -> None:
    """Refuse zeros and negative targets.

    Raises
    ------
    DataError
        Naming the first such value, how many there are, and `what` needs positive ones.
    """
    _refuse(series, series.target <= 0, f"{what} needs positive values")


def require_nonzero(series: SeriesSet, what: str) -> None:
    """Refuse targets that are zero, where `what` divides by the truth.

    Raises
    ------
    DataError
        Naming the first zero and how many there are.
    """
    _refuse(series, series.target == 0, f"{what} divides by the truth, which must not be zero")


def _refuse(series: SeriesSet, bad: NDArray[np.bool_], why: str) -> None:
    if bad.any():
        row, channel = (int(i) for i in np.argwhere(bad)[0])
        raise DataError(f"{why}: {series.say(row, channel)} ({int(bad.sum())} such values)")


def require_varying(series: SeriesSet) -> tuple[str, ...]:
    """Refuse series that never change; of many, note those that do not.

    Raises
    ------
    DataError
        If a channel, or every series of many, is constant: there is nothing to forecast.
    """
    low = reduce_by_series(np.minimum, series.target, series.offsets, np.inf)  # (S, C)
    constant = low >= reduce_by_series(np.maximum, series.target, series.offsets, -np.inf)
    if constant.all() or (series.joint and constant.any()):
        row, channel = (int(i) for i in np.argwhere(constant)[0])
        raise DataError(
            f"{series.called(row, channel)} is {low[row, channel]:g} in every row: there is nothing to forecast"
        )
    flat = [series.names[i] for i in np.flatnonzero(constant.any(axis=1))]
    if not flat:
        return ()
    return (f"{len(flat)} series never change: {', '.join(flat[:5])}{' ...' if len(flat) > 5 else ''}",)
