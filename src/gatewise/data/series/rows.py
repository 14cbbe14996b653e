"""The rows of one table: cast, and brought into series and time order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gatewise.data.series.columns import Layout
from gatewise.data.series.dates import read_times, zone_note
from gatewise.data.series.values import Refuse, read_numbers
from gatewise.data.tables.table import Table
from gatewise.errors import DataError
from gatewise.settings import ForecastDataSettings

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
    refused
        Values that are no numbers and were refused as such, (N, K); none when None.
    """

    table: Table
    layout: Layout
    names: tuple[str, ...]
    offsets: Index
    times: NDArray[Any]
    values: Floats
    records: Index | None
    notes: tuple[str, ...] = ()
    refused: NDArray[np.bool_] | None = None

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
            None if self.refused is None else self.refused[keep],
        )  # fmt: skip

    def missing(self) -> NDArray[np.bool_]:
        """Mark the values that are not there, (N, K); what was refused already is another problem."""
        missing: NDArray[np.bool_] = np.isnan(self.values)
        return missing if self.refused is None else missing & ~self.refused

    def codes(self) -> Index:
        """Return the series of every row, (N,)."""
        return np.repeat(np.arange(len(self.names), dtype=np.int64), np.diff(self.offsets))


def read_rows(table: Table, layout: Layout, settings: ForecastDataSettings, refuse: Refuse) -> Rows:
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
    refused: NDArray[np.bool_] | None = None
    for i, name in enumerate(layout.values):
        places: list[Index] = []
        values[:, i] = read_numbers(table, name, frame[name], records, refuse, places)
        if places:
            refused = np.zeros(values.shape, dtype=bool) if refused is None else refused
            refused[np.concatenate(places), i] = True
    notes = (
        zone_note(table, layout.time, frame[layout.time], times)
        if layout.time
        else (f"{table.name}: no column of dates; rows are taken in their order",)
    )
    del frame
    if layout.time is None and codes is not None:
        times = _count_within(codes)
    offsets = np.array([0, len(times)], dtype=np.int64)
    rows = Rows(table, layout, names, offsets, times, values, records, notes, refused)
    return _in_order(rows, codes)


def _series_codes(
    table: Table, layout: Layout, frame: pl.DataFrame, records: Index | None, settings: ForecastDataSettings
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
    if not bool((same & (grouped[1:] < grouped[:-1])).any()):
        if order is not None:
            return rows.take(order, sorted_codes)
        offsets = np.r_[0, np.cumsum(np.bincount(codes, minlength=len(rows.names)))].astype(np.int64)
        return replace(rows, offsets=offsets)
    falling = not bool((same & (grouped[1:] > grouped[:-1])).any())
    return rows.take(np.lexsort((stamps, codes)), sorted_codes, _say(rows, falling))


def _say(rows: Rows, falling: bool) -> tuple[str, ...]:
    found = "newest row came first" if falling else "rows were not in order"
    dated = rows.times.dtype.kind == "M"
    return (f"{rows.table.name}: {found}; sorted by {'date' if dated else rows.layout.time}",)
