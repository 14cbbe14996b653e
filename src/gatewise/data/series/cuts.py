"""Parts of a set of series: the rows before a cutoff, the last rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gatewise.data.series.series import SeriesSet


def without_last(series: SeriesSet, rows: int) -> SeriesSet:
    """Return every series without its last `rows` rows; a series that is shorter has none left.

    Examples
    --------
    >>> without_last(series, 5).times[-1]  # doctest: +SKIP
    """
    begin, end = series.offsets[:-1], series.offsets[1:]
    return _cut(series, begin, np.maximum(begin, end - rows))


def at_least(series: SeriesSet, rows: int) -> SeriesSet:
    """Return the series that have at least `rows` rows; all of them when none has."""
    enough = np.diff(series.offsets) >= rows
    if enough.all() or not enough.any():
        return series
    begin, end = series.offsets[:-1][enough], series.offsets[1:][enough]
    names = tuple(name for name, kept in zip(series.names, enough, strict=True) if kept)
    kept = replace(
        series,
        names=names,
        channels=names if len(names) == 1 else series.channels,  # one series alone is called by its own name
        static=series.static[enough],
        sources=tuple(file for file, kept in zip(series.sources, enough, strict=False) if kept),
    )
    return _cut(kept, begin, end)


def last_rows(series: SeriesSet, rows: int) -> SeriesSet:
    """Return the last `rows` rows of every series (all of a shorter one)."""
    begin, end = series.offsets[:-1], series.offsets[1:]
    return _cut(series, np.maximum(begin, end - rows), end)


def _cut(series: SeriesSet, begin: NDArray[np.int64], end: NDArray[np.int64]) -> SeriesSet:
    steps = np.zeros(len(series.times) + 1, dtype=np.int64)
    np.add.at(steps, begin, 1)
    np.add.at(steps, end, -1)
    kept = np.cumsum(steps[:-1]) > 0
    return replace(
        series,
        offsets=np.concatenate([[0], np.cumsum(end - begin)]).astype(np.int64),
        times=series.times[kept],
        target=series.target[kept],
        past=series.past[kept],
        future=series.future[kept],
    )
