"""Several series as the channels of one, joined on their dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.data.series.columns import Layout
from gatewise.data.series.series import show_time
from gatewise.data.tables.table import UNNAMED
from gatewise.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Channel:
    """One series of one table: its columns become channels and covariates of the joint series."""

    name: str
    source: str
    layout: Layout
    times: NDArray[Any]
    values: Floats


@dataclass(frozen=True)
class Joined:
    """The arrays of a set of series, all tables together; `changed` says that dates were left out."""

    names: tuple[str, ...]
    channels: tuple[str, ...]
    offsets: NDArray[np.int64]
    times: NDArray[Any]
    target: Floats
    past: Floats
    past_names: tuple[str, ...]
    future: Floats
    future_names: tuple[str, ...]
    notes: tuple[str, ...] = ()
    changed: bool = False
    sources: tuple[str, ...] = ()


def join_channels(parts: list[Channel], *, align: str) -> Joined:
    """Join series on the dates that they share.

    Parameters
    ----------
    align
        ``error`` refuses series that do not share all dates; ``common`` keeps the dates that all have.

    Raises
    ------
    DataError
        Naming two series, how many dates one of them lacks, and the first such date.
    """
    times, notes = _shared_times(parts, align)
    changed = bool(notes)
    blocks = [part.values if not changed else part.values[np.isin(part.times, times)] for part in parts]
    single = len(parts) == 1
    several_columns = any(len(part.layout.targets) > 1 for part in parts)
    target, past, future, sources = [], [], [], []
    for part, values in zip(parts, blocks, strict=True):
        place = {name: values[:, i] for i, name in enumerate(part.layout.values)}
        for name in part.layout.targets:
            by_file = part.name != UNNAMED and not several_columns
            label = part.name if by_file else name if single else f"{part.name}.{name}"
            target.append((label, place[name]))
            sources.append(part.source)
        past += [(name if single else f"{part.name}.{name}", place[name]) for name in part.layout.past]
        future += [(name if single else f"{part.name}.{name}", place[name]) for name in part.layout.future]
    channels = tuple(name for name, _ in target)
    if len(set(channels)) < len(channels):
        raise DataError(f"two series are called {max(channels, key=channels.count)!r}; give them different names")
    return Joined(
        names=channels if len(channels) == 1 else ("joint",),
        channels=channels,
        offsets=np.array([0, len(times)], dtype=np.int64),
        times=times,
        target=_stack(target, len(times)),
        past=_stack(past, len(times)),
        past_names=tuple(name for name, _ in past),
        future=_stack(future, len(times)),
        future_names=tuple(name for name, _ in future),
        notes=notes,
        changed=changed,
        sources=tuple(sources),
    )


def _stack(columns: list[tuple[str, Floats]], rows: int) -> Floats:
    if not columns:
        return np.empty((rows, 0))
    return np.ascontiguousarray(np.column_stack([values for _, values in columns]))


def _shared_times(parts: list[Channel], align: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    first = parts[0]
    other = next((part for part in parts[1:] if not np.array_equal(part.times, first.times)), None)
    if other is None:
        return first.times, ()
    common = first.times
    for part in parts[1:]:
        common = np.intersect1d(common, part.times, assume_unique=True)
    one, two = _call(first, other), _call(other, first)
    if len(common) == 0:
        raise DataError(
            f"{one} and {two} share no date: {_span(first)} and {_span(other)}; "
            "series that are no channels of one window can be forecast with series: global"
        )
    lacks = [_lack(one, first, two, other), _lack(two, other, one, first)]
    if align == "error":
        raise DataError(
            f"series do not share all dates: {' and '.join(text for text in lacks if text)}; "
            f"set align to common to keep the {len(common)} dates that all have"
        )
    longest = max(len(part.times) for part in parts)
    return common, (f"align common: {len(common)} dates that all series have, of up to {longest}",)


def _call(part: Channel, other: Channel) -> str:
    return part.source if part.source != other.source else repr(part.name)


def _lack(one: str, first: Channel, two: str, other: Channel) -> str:
    """Say what `other` lacks of the dates of `first`."""
    gone = np.setdiff1d(first.times, other.times, assume_unique=True)
    return f"{two} lacks {len(gone)} dates of {one} (the first is {show_time(gone[0])})" if len(gone) else ""


def _span(part: Channel) -> str:
    return f"{show_time(part.times[0])} to {show_time(part.times[-1])}"
