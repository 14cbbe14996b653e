"""From settings to a `SeriesSet`: open, find columns, clean, and put series together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.data.series.columns import find_columns
from gatewise.data.series.covariates import calendar_features, calendar_names, read_static
from gatewise.data.series.files import open_table
from gatewise.data.series.frames import open_frames
from gatewise.data.series.frequency import Frequency, infer_frequency, parse_frequency
from gatewise.data.series.joining import Channel, Joined, join_channels
from gatewise.data.series.repairs import without_duplicates, without_gaps, without_missing
from gatewise.data.series.rows import Rows, read_rows
from gatewise.data.series.series import SeriesSet
from gatewise.data.series.values import Refuse
from gatewise.data.tables.table import Table
from gatewise.errors import DataError
from gatewise.settings import ForecastDataSettings, ForecastTrainSettings

Floats = NDArray[np.float64]


def read_series(
    settings: ForecastDataSettings, frames: Any = None, *, nonzero: str | None = None, refuse: Refuse | None = None
) -> SeriesSet:
    """Read files or frames into series that are sorted, complete and of one calendar.

    Parameters
    ----------
    frames
        A frame (pandas, Polars, PyArrow or anything that exports Arrow), a list of them or a dict from name to frame,
        instead of ``settings.files``.
    nonzero
        What divides by the target, e.g. "loss mape": zeros are then refused, with their row.
    refuse
        Called with each problem instead of raising; reading then goes on with a repair where there is one.

    Raises
    ------
    DataError
        For everything that is wrong with the data: which file, row and column, what was found and what to do.

    Examples
    --------
    >>> read_series(ForecastDataSettings(files=("GOOG.csv", "AAPL.csv"), column="Close")).channels  # doctest: +SKIP
    ('GOOG', 'AAPL')
    """
    refuse = refuse or _raise
    tables = open_tables(settings, frames)
    pieces = [_clean(table, settings, nonzero, refuse, several=len(tables) > 1) for table in tables]
    frequency = _frequency(pieces, settings, refuse)
    pieces = [without_gaps(rows, frequency, settings.gaps, refuse) for rows in pieces]
    if _is_joint(pieces, settings):
        made = join_channels(_channels(pieces), align=settings.align)
        if made.changed:
            frequency = _inferred([(made.times, np.array([0, len(made.times)]))], settings)
    else:
        made = _global(pieces)
    notes = tuple(note for rows in pieces for note in rows.notes) + made.notes + (f"frequency: {frequency.name}",)
    static, static_names = read_static(settings, made.names, made.channels)
    future = made.future
    if settings.calendar:
        future = np.hstack([future, calendar_features(made.times, settings.calendar)])
    first = pieces[0].layout
    return SeriesSet(
        names=made.names,
        channels=made.channels,
        offsets=made.offsets,
        times=made.times,
        target=made.target,
        frequency=frequency,
        past=made.past,
        past_names=made.past_names,
        future=future,
        future_names=made.future_names + calendar_names(settings.calendar),
        static=static,
        static_names=static_names,
        notes=notes,
        time_name=first.time or "ds",
        id_name=first.id or "unique_id",
        sources=made.sources,
    )


def divides_by_truth(settings: ForecastTrainSettings) -> str | None:
    """Name what divides by the target, so that zeros are refused with their row; None when nothing does."""
    return "loss mape" if settings.loss == "mape" else None


def _raise(message: str) -> None:
    raise DataError(message)


def open_tables(settings: ForecastDataSettings, frames: Any = None) -> list[Table]:
    """Open every file or frame.

    Raises
    ------
    DataError
        If there is none, one is given twice, or one cannot be opened.
    """
    if frames is not None:
        return open_frames(frames)
    if not settings.files:
        raise DataError("no data: give files (CSV or Parquet) or frames")
    twice = [file for file in settings.files if settings.files.count(file) > 1]
    if twice:
        raise DataError(f"{twice[0]}: the file is given twice")
    return [open_table(file, settings.separator, settings.reader) for file in settings.files]


def _clean(table: Table, settings: ForecastDataSettings, nonzero: str | None, refuse: Refuse, *, several: bool) -> Rows:
    layout = find_columns(table, settings, several_files=several)
    rows = read_rows(table, layout, settings, refuse)
    rows = without_duplicates(rows, settings.duplicates, refuse)
    rows = without_missing(rows, settings.missing, refuse)
    target = rows.values[:, : len(layout.targets)]
    if settings.transform == "log_return":
        _refuse_values(rows, target <= 0, "transform log_return needs positive values", refuse)
    if nonzero:
        _refuse_values(rows, target == 0, f"{nonzero} divides by the truth, which must not be zero", refuse)
    return rows


def _refuse_values(rows: Rows, bad: NDArray[np.bool_], why: str, refuse: Refuse) -> None:
    if not bad.any():
        return
    row, column = (int(i) for i in np.argwhere(bad)[0])
    where = rows.table.where(rows.record(row), rows.layout.values[column])
    count = int(bad.sum())
    refuse(f"{where}: the value is {rows.values[row, column]:g}{f' ({count} such values)' if count > 1 else ''}; {why}")


def _frequency(pieces: list[Rows], settings: ForecastDataSettings, refuse: Refuse) -> Frequency:
    kinds = {rows.times.dtype.kind for rows in pieces}
    if len(kinds) > 1:
        dated = next(rows.table.name for rows in pieces if rows.times.dtype.kind == "M")
        counted = next(rows.table.name for rows in pieces if rows.times.dtype.kind != "M")
        raise DataError(f"{dated} has dates and {counted} has none: they cannot be put together")
    if all(rows.layout.time is None for rows in pieces):
        return Frequency("row")
    found = _inferred([(rows.times, rows.offsets) for rows in pieces], settings)
    if found.kind == "irregular" and settings.frequency is None:
        steps = np.diff(pieces[0].times[: pieces[0].offsets[1]].view(np.int64))
        span = f" (steps from {_duration(steps.min())} to {_duration(steps.max())})" if len(steps) else ""
        refuse(
            f"{pieces[0].table.name}: the dates follow no calendar{span}; set frequency to 1h, 1d, business ..., "
            "or to irregular to take rows in their order"
        )
    return found


def _inferred(parts: list[tuple[NDArray[Any], NDArray[np.int64]]], settings: ForecastDataSettings) -> Frequency:
    dated = parts[0][0].dtype.kind == "M"
    if settings.frequency is not None:
        asked = parse_frequency(settings.frequency)
        if dated or asked.kind == "irregular":
            return asked
    stamps = np.concatenate([times.view(np.int64) for times, _ in parts]) if len(parts) > 1 else parts[0][0]
    starts = np.cumsum([0] + [len(times) for times, _ in parts])
    offsets = np.concatenate(
        [part[:-1] + start for (_, part), start in zip(parts, starts, strict=False)] + [starts[-1:]]
    )
    return infer_frequency(stamps.view(np.int64), offsets, dated=dated)


def _duration(step: int) -> str:
    return str(np.timedelta64(int(step), "us").astype(object))


def _is_joint(pieces: list[Rows], settings: ForecastDataSettings) -> bool:
    if settings.series != "auto":
        return settings.series == "joint"
    return all(len(rows.names) == 1 for rows in pieces) or any(len(rows.layout.targets) > 1 for rows in pieces)


def _global(pieces: list[Rows]) -> Joined:
    """Put series after series: one channel, the same covariates in each."""
    first = pieces[0].layout
    owner: dict[str, str] = {}
    for rows in pieces:
        layout = rows.layout
        if len(layout.targets) > 1:
            raise DataError(f"{rows.table.name}: series global takes one column; set column to one of {layout.targets}")
        if (layout.past, layout.future) != (first.past, first.future):
            lacking = set(first.past + first.future) ^ set(layout.past + layout.future)
            raise DataError(f"{rows.table.name}: not every file has the covariates {', '.join(sorted(lacking))}")
        for name in rows.names:
            if name in owner:
                raise DataError(f"series {name!r} is in {owner[name]} and in {rows.table.name}; give each its own id")
            owner[name] = rows.table.name
    single = len(pieces) == 1
    values = pieces[0].values if single else np.concatenate([rows.values for rows in pieces])
    place = {name: i for i, name in enumerate(first.values)}
    return Joined(
        names=tuple(owner),
        channels=first.targets,
        offsets=np.cumsum([0] + [n for rows in pieces for n in np.diff(rows.offsets).tolist()], dtype=np.int64),
        times=pieces[0].times if single else np.concatenate([rows.times for rows in pieces]),
        target=_columns(values, [place[name] for name in first.targets]),
        past=_columns(values, [place[name] for name in first.past]),
        past_names=first.past,
        future=_columns(values, [place[name] for name in first.future]),
        future_names=first.future,
        sources=tuple(owner.values()),
    )


def _columns(values: Floats, places: list[int]) -> Floats:
    return values if places == list(range(values.shape[1])) else np.ascontiguousarray(values[:, places])


def _channels(pieces: list[Rows]) -> list[Channel]:
    """Cut every series of every table into what joins on the dates."""
    labels = _labels(pieces)
    channels = []
    for rows, label in zip(pieces, labels, strict=True):
        for i, name in enumerate(rows.names):
            part = slice(int(rows.offsets[i]), int(rows.offsets[i + 1]))
            own = name if len(rows.names) > 1 or rows.layout.id is not None else label
            numbered = rows.layout.time is None
            times = np.arange(part.stop - part.start, dtype=np.int64) if numbered else rows.times[part]
            channels.append(Channel(own, rows.table.name, rows.layout, times, rows.values[part]))
    return channels


def _labels(pieces: list[Rows]) -> list[str]:
    """Name each table by its file's stem, with the folder where two stems are equal."""
    stems = [rows.table.stem for rows in pieces]
    labels = [
        rows.table.stem if stems.count(rows.table.stem) == 1 else str(Path(rows.table.name).with_suffix(""))
        for rows in pieces
    ]
    if len(set(labels)) < len(labels):
        raise DataError(f"two tables are called {max(labels, key=labels.count)!r}; give them different names")
    return labels
