"""Which windows train, which choose the epoch, which judge.

Every kind keeps time order but `random`, which leaks because neighbouring windows overlap, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from math import ceil

import numpy as np
from numpy.typing import NDArray

from gatewise.data.series.series import SeriesSet, require_varying
from gatewise.data.series.windows import Windows
from gatewise.errors import DataError
from gatewise.settings import ForecastSplitSettings

Index = NDArray[np.int64]
NONE: Index = np.empty(0, dtype=np.int64)

LEAKS = (
    "random split: neighbouring windows overlap, so most test rows were seen in training; "
    "errors are too small and say nothing about the future"
)


@dataclass(frozen=True)
class Split:
    """Numbers of the windows in each part.

    Attributes
    ----------
    train, validation, test
        Window numbers, int64.
    fold, folds
        Which of how many.
    leaks
        Whether rows of the test part were seen in training.
    purged
        Windows left out because they straddle a border.
    """

    train: Index
    validation: Index
    test: Index
    kind: str
    fold: int = 0
    folds: int = 1
    leaks: bool = False
    purged: int = 0
    notes: tuple[str, ...] = ()

    def parts(self) -> dict[str, Index]:
        """Return the parts by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


def split_windows(windows: Windows, settings: ForecastSplitSettings) -> list[Split]:
    """Divide windows into parts, one `Split` a fold.

    Raises
    ------
    DataError
        If a part would be empty (the message says how many rows are needed) or a series is constant.

    Notes
    -----
    chronological
        The last `test` of the windows, by the time of their first forecast row, are the test part; the last
        `validation` of the rest is the validation part. Windows whose forecast rows reach the next part are
        purged.
    walk_forward
        `folds` test blocks of equal length at the end, each forecast from everything before it.
    blocked
        `folds` contiguous blocks, each once the test part; every window that shares a row with a test window is
        purged, and `embargo` further windows after the block. The validation part is the last share of the training
        windows in time order, purged in the same way.
    random
        scikit-learn's `train_test_split`; the validation part is the last share of the shuffled training part.
    """
    notes = require_varying(windows.series)
    splits = _divide(windows, settings)
    if not all(_complete(split, settings) for split in splits):
        raise _too_few(windows, settings)
    return [replace(split, notes=split.notes + windows.notes + notes) for split in splits]


def _divide(windows: Windows, settings: ForecastSplitSettings) -> list[Split]:
    if settings.kind == "random":
        return [_random(windows, settings)]
    if settings.kind == "chronological":
        return [_before(windows, settings, fold=0, folds=1)]
    make = partial(_before, folds=settings.folds) if settings.kind == "walk_forward" else _blocked
    return [make(windows, settings, fold=fold) for fold in _wanted(settings)]


def _wanted(settings: ForecastSplitSettings) -> range:
    return range(settings.folds) if settings.fold is None else range(settings.fold, settings.fold + 1)


def _random(windows: Windows, settings: ForecastSplitSettings) -> Split:
    from sklearn.model_selection import train_test_split

    everything = np.arange(len(windows), dtype=np.int64)
    if settings.test == 0:
        rest = np.random.RandomState(settings.seed).permutation(everything)
        test = NONE
    elif len(windows) < 2:
        rest, test = everything, NONE
    else:
        try:
            rest, test = train_test_split(everything, test_size=settings.test, random_state=settings.seed)
        except ValueError:
            rest, test = NONE, everything
    cut = int(len(rest) * (1 - settings.validation))
    return Split(rest[:cut], rest[cut:], test, "random", leaks=True, notes=(LEAKS,))


def _groups(windows: Windows, settings: ForecastSplitSettings) -> Iterator[Index]:
    """Yield the windows that share a border: all of them, or those of each series."""
    if settings.border == "time" or len(windows.series.names) == 1:
        yield np.arange(len(windows), dtype=np.int64)
        return
    for begin, end in zip(windows.bounds[:-1], windows.bounds[1:], strict=True):
        if end > begin:
            yield np.arange(begin, end, dtype=np.int64)


def _before(windows: Windows, settings: ForecastSplitSettings, fold: int, folds: int) -> Split:
    """Test on block `fold` of the last `folds` blocks, train on what comes before it."""
    parts: list[tuple[Index, Index, Index]] = []
    purged = 0
    for group in _groups(windows, settings):
        first, last = _target_times(windows, group)
        order = np.sort(first)
        block = ceil(len(group) * settings.test)
        begin = len(group) - (folds - fold) * block
        begin = max(begin, 0)  # nothing is left to train on, which the caller refuses
        border = order[begin] if begin < len(order) else _after(order)
        end = order[begin + block] if begin + block < len(order) else _after(order)
        test = group[(first >= border) & (first < end)]
        rest = int((first < border).sum())
        cut = int(rest * (1 - settings.validation))
        inner = order[cut] if cut < rest else border
        train, chosen = first < inner, (first >= inner) & (first < border)
        extra = settings.purge or 0  # windows asked for on top of those whose forecast rows reach the next part
        clean_train = train & (last < inner) & (first < order[max(cut - extra, 0)] if extra else True)
        clean_chosen = chosen & (last < border) & (first < order[max(rest - extra, 0)] if extra else True)
        purged += int(train.sum() - clean_train.sum() + chosen.sum() - clean_chosen.sum())
        parts.append((group[clean_train], group[clean_chosen], test))
    kind = "walk_forward" if settings.kind == "walk_forward" else "chronological"
    return Split(*_join(parts), kind, fold, folds, purged=purged, notes=_purge_note(purged))


def _blocked(windows: Windows, settings: ForecastSplitSettings, fold: int) -> Split:
    """Test on contiguous block `fold` of all windows, train on both sides of it."""
    purge = windows.span - 1 if settings.purge is None else settings.purge
    parts: list[tuple[Index, Index, Index]] = []
    purged = 0
    for group in _groups(windows, settings):
        first, _ = _target_times(windows, group)
        order = np.sort(first)
        edges = [round(len(order) * i / settings.folds) for i in (fold, fold + 1)]
        begin, end = (order[i] if i < len(order) else _after(order) for i in edges)
        inside = (first >= begin) & (first < end)
        near = _near(windows, group, inside, purge, purge + settings.embargo)
        free = ~inside & ~near
        times = np.sort(first[free])
        cut = int(len(times) * (1 - settings.validation))
        chosen = free & (first >= times[cut]) if cut < len(times) else np.zeros_like(free)
        close = free & ~chosen & _near(windows, group, chosen, purge, purge)
        purged += int(near.sum() + close.sum())
        parts.append((group[free & ~chosen & ~close], group[chosen], group[inside]))
    notes = _purge_note(purged)
    leaks = purge < windows.span - 1
    if leaks:
        notes += (f"purge {purge}: rows of the test part were seen in training; {windows.span - 1} would be enough",)
    return Split(*_join(parts), "blocked", fold, settings.folds, leaks, purged, notes)


def _near(windows: Windows, group: Index, inside: NDArray[np.bool_], before: int, after: int) -> NDArray[np.bool_]:
    """Mark windows outside that lie up to `before` ahead of or `after` behind marked ones of their series."""
    near = np.zeros_like(inside)
    if not inside.any():
        return near
    series = windows.series_at(group)
    times = windows.series.times[windows.first_target_row(group)]
    low, high = times[inside].min(), times[inside].max()
    for begin, end in _runs(series):
        own = inside[begin:end]
        if own.any():
            marked = np.flatnonzero(own)
            jumps = np.flatnonzero(np.diff(marked) > 1)
            heads, tails = marked[np.r_[0, jumps + 1]], marked[np.r_[jumps, len(marked) - 1]] + 1
        else:  # a series without a window in the block still shares its dates
            heads = np.searchsorted(times[begin:end], [low])
            tails = np.searchsorted(times[begin:end], [high], side="right")
        for head, tail in zip(heads, tails, strict=True):
            near[begin + max(head - before, 0) : begin + min(tail + after, end - begin)] = True
    return near & ~inside


def _runs(codes: Index) -> Iterator[tuple[int, int]]:
    edges = np.r_[0, np.flatnonzero(np.diff(codes)) + 1, len(codes)]
    yield from zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)


def _target_times(windows: Windows, group: Index) -> tuple[Index, Index]:
    """Return the times of the first and last forecast row, as integers."""
    rows = windows.first_target_row(group)
    times = windows.series.times.view(np.int64)
    return times[rows], times[rows + windows.horizon - 1]


def _after(order: Index) -> int:
    return int(order[-1]) + 1


def _join(parts: list[tuple[Index, Index, Index]]) -> tuple[Index, Index, Index]:
    train, validation, test = (np.concatenate(part) for part in zip(*parts, strict=True))
    return train, validation, test


def _purge_note(purged: int) -> tuple[str, ...]:
    return (f"{purged} windows that straddle a border between parts were left out",) if purged else ()


def _complete(split: Split, settings: ForecastSplitSettings) -> bool:
    """Tell whether every part that is asked for has a window."""
    wanted = {"train": True, "validation": settings.validation > 0, "test": settings.test > 0}
    return all(len(part) or not wanted[name] for name, part in split.parts().items())


def _too_few(windows: Windows, settings: ForecastSplitSettings) -> DataError:
    """Say how many rows a series must have for every part to get a window."""
    rows = np.diff(windows.series.offsets)
    longest = int(rows.argmax())
    sizes = f"test {settings.test:g}, validation {settings.validation:g}"
    folds = f", {settings.folds} folds" if settings.kind in {"walk_forward", "blocked"} else ""
    low, high = windows.span - 1, 2 * windows.span
    while not _fits(high, windows, settings):
        low, high = high, 2 * high
        if high > 1_000_000:
            return DataError(f"split {settings.kind}: {sizes}{folds} leave no window to train on; ask for less")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _fits(middle, windows, settings) else (middle, high)
    return DataError(
        f"{windows.series.called(longest)} has {rows[longest]} rows; {len(windows)} windows are too few for a "
        f"{settings.kind} split ({sizes}{folds}): one series needs at least {high}; give more rows or a smaller window"
    )


def _fits(rows: int, windows: Windows, settings: ForecastSplitSettings) -> bool:
    """Tell whether one series of so many rows has a window for every part."""
    one = SeriesSet(
        ("rows",), ("rows",), np.array([0, rows]), np.arange(rows), np.empty((rows, 0)), windows.series.frequency
    )
    made = Windows(one, windows.window, windows.horizon, windows.offset)
    return all(_complete(split, settings) for split in _divide(made, settings))
