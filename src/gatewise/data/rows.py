"""The rows of one table, made clean: cast, sorted, none twice, none missing; each step names what it finds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gatewise.data.columns import Layout
from gatewise.data.files import Table
from gatewise.data.frequency import Frequency
from gatewise.data.series import show_time
from gatewise.data.values import Refuse, read_numbers, read_times
from gatewise.errors import DataError
from gatewise.settings import DataSettings

Floats = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Rows of one or many series of one table.

    Attributes
    ----------
    names
        Names of the series, (S,).
    offsets
        Row at which each series begins, and N, (S+1,).
    times
        (N,).
    values
        One column for each of ``layout.values``, (N, K).
    records
        Record of the file that each row comes from; all in order when None.
    """

    table: Table
    layout: Layout
    names: tuple[str, ...]
    offsets: Index
    times: NDArray[Any]
    values: Floats
    records: Index | None
    notes: tuple[str, ...] = ()

    def record(self, row: int) -> int:
        """Return the record of the file that a row comes from."""
        return row if self.records is None else int(self.records[row])

    def name_at(self, row: int) -> str:
        """Return the name of the series that a row belongs to."""
        return self.names[int(np.searchsorted(self.offsets, row, side="right")) - 1]

    def last_rows(self) -> NDArray[np.bool_]:
        """Mark each series' last row, (N,)."""
        last = np.zeros(len(self.times), dtype=bool)
        last[self.offsets[1:] - 1] = True
        return last

    def take(self, keep: NDArray[Any], codes: Index, notes: tuple[str, ...] = ()) -> Rows:
        """Return some rows, with `codes` saying which series each of them belongs to; series without any vanish."""
        counts = np.bincount(codes, minlength=len(self.names))
        names = tuple(name for name, count in zip(self.names, counts, strict=True) if count)
        records = np.arange(len(self.times))[keep] if self.records is None else self.records[keep]
        return Rows(
            self.table, self.layout, names, np.r_[0, np.cumsum(counts[counts > 0])].astype(np.int64),
            self.times[keep], self.values[keep], records, self.notes + notes,
        )  # fmt: skip

    def codes(self) -> Index:
        """Return the series of every row, (N,)."""
        return np.repeat(np.arange(len(self.names), dtype=np.int64), np.diff(self.offsets))


def read_rows(table: Table, layout: Layout, settings: DataSettings, refuse: Refuse) -> Rows:
    """Read the columns of a table, and bring its rows into series and time order.

    Raises
    ------
    DataError
        If a date or an id cannot be read. Text and infinity in a column of numbers go to `refuse`.
    """
    frame = table.read(layout.columns)
    records: Index | None = None
    if frame.width > 1:
        blank = frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
        if blank.any():
            records = (~blank).arg_true().to_numpy().astype(np.int64)
            frame = frame.filter(~blank)
    if frame.height == 0:
        raise DataError(f"{table.name}: there are no rows with values")
    if layout.time is None:
        times: NDArray[Any] = np.arange(frame.height, dtype=np.int64)
    else:
        times = read_times(table, layout.time, frame[layout.time], records, settings.date_format)
    names, codes = _series_codes(table, layout, frame, records, settings)
    values = np.empty((frame.height, len(layout.values)))
    for i, name in enumerate(layout.values):
        values[:, i] = read_numbers(table, name, frame[name], records, refuse)
    notes = () if layout.time else (f"{table.name}: no column of dates; rows are taken in their order",)
    del frame
    if layout.time is None and codes is not None:
        times = _count_within(codes)
    rows = Rows(table, layout, names, np.array([0, len(times)], dtype=np.int64), times, values, records, notes)
    return _in_order(rows, codes)


def _series_codes(
    table: Table, layout: Layout, frame: pl.DataFrame, records: Index | None, settings: DataSettings
) -> tuple[tuple[str, ...], Index | None]:
    """Number the series in the order in which they appear; None where the table is one series."""
    if layout.id is None:
        return (table.stem,), None
    ids = frame[layout.id]
    blank = ids.is_null()
    if blank.any():
        first = int(blank.arg_true()[0])
        record = first if records is None else int(records[first])
        raise DataError(f"{table.where(record, layout.id)}: the id of the series is missing")
    ids = ids.cast(pl.String, strict=False)
    names = ids.unique(maintain_order=True)
    if settings.id_column is None and len(names) == len(ids) > 1:
        return (table.stem,), None  # a column called "id" that numbers the rows
    if len(names) == 1:
        return (str(names[0]),), None
    codes = ids.cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int64)
    return tuple(names.to_list()), codes


def _count_within(codes: Index) -> Index:
    """Number the rows of each series from 0 in the order of the file."""
    order = np.argsort(codes, kind="stable")
    starts = np.r_[0, np.cumsum(np.bincount(codes))[:-1]]
    places = np.empty(len(codes), dtype=np.int64)
    places[order] = np.arange(len(codes)) - starts[codes[order]]
    return places


def _in_order(rows: Rows, codes: Index | None) -> Rows:
    """Sort rows by series, then by time; equal times keep the order of the file."""
    stamps = rows.times.view(np.int64)
    if codes is None:
        if len(stamps) < 2 or bool((stamps[1:] >= stamps[:-1]).all()):
            return rows
        falling = bool((stamps[1:] <= stamps[:-1]).all())
        return rows.take(np.argsort(stamps, kind="stable"), np.zeros(len(stamps), dtype=np.int64), _say(rows, falling))
    if bool((codes[1:] >= codes[:-1]).all()):
        order, sorted_codes = None, codes
    else:
        order = np.argsort(codes, kind="stable")
        sorted_codes = codes[order]
    grouped = stamps if order is None else stamps[order]
    same = sorted_codes[1:] == sorted_codes[:-1]
    steps = np.diff(grouped)[same]
    if bool((steps >= 0).all()):
        return rows.take(slice(None) if order is None else order, sorted_codes)  # type: ignore[arg-type]
    return rows.take(np.lexsort((stamps, codes)), sorted_codes, _say(rows, bool((steps <= 0).all())))


def _say(rows: Rows, falling: bool) -> tuple[str, ...]:
    found = "newest row came first" if falling else "rows were not in order"
    dated = rows.times.dtype.kind == "M"
    return (f"{rows.table.name}: {found}; sorted by {'date' if dated else rows.layout.time}",)


# ------------------------------------------------------------------------------------ duplicates, missing values, gaps


def without_duplicates(rows: Rows, policy: str, refuse: Refuse) -> Rows:
    """Refuse rows that repeat a time of their series, or keep the first, the last or their mean."""
    codes = rows.codes()
    stamps = rows.times.view(np.int64)
    again = np.r_[False, (stamps[1:] == stamps[:-1]) & (codes[1:] == codes[:-1])] if len(stamps) else np.zeros(0, bool)
    if not again.any():
        return rows
    count = int(again.sum())
    if policy == "error":
        second = int(again.argmax())
        column = "" if rows.layout.time is None else f", column {rows.layout.time!r}"
        one, two = (rows.table.row(rows.record(row)) for row in (second - 1, second))
        ids = _id_hint(rows)
        refuse(
            f"{rows.table.name}{column}: series {rows.name_at(second)!r} has {show_time(rows.times[second])} twice, in "
            f"{one} and {two} ({count} {'repetition' if count == 1 else 'repetitions'} in all); "
            f"{ids}set duplicates to first, last or mean to keep one"
        )
    firsts = np.flatnonzero(~again)
    if policy == "mean":
        sizes = np.diff(np.r_[firsts, len(stamps)])[:, None]
        rows = replace(rows, values=rows.values.copy())
        rows.values[firsts] = np.add.reduceat(rows.values, firsts, axis=0) / sizes
    keep = np.r_[firsts[1:] - 1, len(stamps) - 1] if policy == "last" else firsts
    kept = "first" if policy == "error" else policy
    return rows.take(keep, codes[keep], (f"{rows.table.name}: {count} rows repeat a date; the {kept} of each is kept",))


def _id_hint(rows: Rows) -> str:
    """Suggest the column that may hold ids, when a long table was read as one series."""
    if rows.layout.id is not None:
        return ""
    free = [name for name in rows.table.columns if name not in rows.layout.columns]
    texts = [name for name in free if rows.table.sample[name].dtype == pl.String]
    shared = [name for name in texts if 1 < rows.table.sample[name].n_unique() < rows.table.sample.height]
    return f"if {shared[0]!r} names the series, set id_column: {shared[0]}; or " if shared else ""


def without_missing(rows: Rows, policy: str, refuse: Refuse) -> Rows:
    """Refuse missing values, or fill or drop them."""
    missing = np.isnan(rows.values)
    if not missing.any():
        return rows
    count = int(missing.sum())
    if policy == "error":
        row, column = _first_in_file(rows, missing)
        name = rows.layout.values[column]
        refuse(
            f"{rows.table.where(rows.record(row), name)}: the value is missing ({count} missing in all); "
            "fill it in, or set missing to ffill, interpolate or drop"
        )
    note = f"{rows.table.name}: {count} missing values "
    if policy in {"ffill", "interpolate"}:
        return replace(filled(rows, policy), notes=(*rows.notes, note + _HOW[policy]))
    keep = ~missing.any(axis=1)
    if not keep.any():
        raise DataError(f"{rows.table.name}: every row has a missing value")
    return rows.take(keep, rows.codes()[keep], (note + f"in {int((~keep).sum())} rows that were dropped",))


_HOW = {"ffill": "take the value before them", "interpolate": "are interpolated (this reads the row after them)"}


def _first_in_file(rows: Rows, bad: NDArray[np.bool_]) -> tuple[int, int]:
    found = np.flatnonzero(bad.any(axis=1))
    row = int(found[0] if rows.records is None else found[rows.records[found].argmin()])
    return row, int(bad[row].argmax())


def filled(rows: Rows, policy: str) -> Rows:
    """Fill NaN by the value before it, or by a straight line between its neighbours, within each series.

    Raises
    ------
    DataError
        If a series begins with a missing value, or interpolation meets one at an end.
    """
    values = rows.values.copy()
    missing = np.isnan(values)
    places = np.arange(len(values))
    first = np.repeat(rows.offsets[:-1], np.diff(rows.offsets))
    end = np.repeat(rows.offsets[1:], np.diff(rows.offsets))
    for i, name in enumerate(rows.layout.values):
        gone = missing[:, i]
        if not gone.any():
            continue
        before = np.maximum.accumulate(np.where(gone, -1, places))
        after = np.minimum.accumulate(np.where(gone, len(values), places)[::-1])[::-1]
        lost = gone & ((before < first) | ((after >= end) & (policy == "interpolate")))
        if lost.any():
            row = int(lost.argmax())
            raise DataError(
                f"{rows.table.where(rows.record(row), name)}: the value is missing at an end of series "
                f"{rows.name_at(row)!r}, where {policy} has no neighbour; remove that row or set missing to drop"
            )
        if policy == "ffill":
            values[gone, i] = values[before[gone], i]
        else:
            share = (places[gone] - before[gone]) / (after[gone] - before[gone])
            values[gone, i] = values[before[gone], i] * (1 - share) + values[after[gone], i] * share
    return replace(rows, values=values)


def without_gaps(rows: Rows, frequency: Frequency, policy: str, refuse: Refuse) -> Rows:
    """Refuse missing dates, or add their rows by repeating the row before or interpolating."""
    last = rows.last_rows()
    missing = frequency.missing_after(rows.times.view(np.int64), last)
    count = int(missing.sum())
    if count == 0:
        return rows
    if policy == "error":
        row = int((missing > 0).argmax())
        first = frequency.next_times(rows.times[row], 1)[0]
        refuse(
            f"{rows.table.name}: series {rows.name_at(row)!r} lacks {show_time(first)} after "
            f"{rows.table.row(rows.record(row))} ({count} missing stamps in all at frequency {frequency.name}); "
            "add the rows, set gaps to ffill or interpolate, or set frequency to irregular to take rows in order"
        )
        return rows
    if count > 10 * len(rows.times) + 1000:
        raise DataError(
            f"{rows.table.name}: {count} stamps are missing at frequency {frequency.name}: too many to fill"
        )
    codes = np.repeat(rows.codes(), missing + 1)
    places = np.cumsum(np.r_[0, missing[:-1] + 1])
    values = np.full((len(codes), rows.values.shape[1]), np.nan)
    values[places] = rows.values
    times = np.empty(len(codes), dtype=rows.times.dtype)
    times[places] = rows.times
    for row in np.flatnonzero(missing):
        begin = places[row] + 1
        times[begin : begin + missing[row]] = frequency.next_times(rows.times[row], int(missing[row]))
    offsets = np.r_[0, np.cumsum(np.bincount(codes, minlength=len(rows.names)))].astype(np.int64)
    records = np.repeat(np.arange(len(missing)) if rows.records is None else rows.records, missing + 1)
    note = f"{rows.table.name}: {count} missing dates were added; their values {_HOW[policy]}"
    grown = replace(rows, offsets=offsets, times=times, values=values, records=records, notes=(*rows.notes, note))
    return filled(grown, policy)
