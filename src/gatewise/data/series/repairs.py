"""Repeated dates, missing values and missing dates: refused with their rows, or repaired by a policy that is named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gatewise.data.series.frequency import Frequency
from gatewise.data.series.rows import Rows
from gatewise.data.series.series import show_time
from gatewise.data.series.values import Refuse, looks_numeric
from gatewise.errors import DataError


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
    note = f"{rows.table.name}: {count} rows repeat a date; the {policy} of each is kept"
    return rows.take(keep, codes[keep], () if policy == "error" else (note,))


def _id_hint(rows: Rows) -> str:
    """Suggest the column that may hold ids, when a long table was read as one series."""
    if rows.layout.id is not None:
        return ""
    free = [name for name in rows.table.columns if name not in rows.layout.columns]
    texts = [name for name in free if not looks_numeric(rows.table.sample[name])]
    shared = [name for name in texts if 1 < rows.table.sample[name].n_unique() < rows.table.sample.height]
    return f"if {shared[0]!r} names the series, set id_column: {shared[0]}; or " if shared else ""


def without_missing(rows: Rows, policy: str, refuse: Refuse) -> Rows:
    """Refuse missing values, or fill or drop them."""
    missing = rows.missing()
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
        return rows
    note = f"{rows.table.name}: {count} missing values "
    if policy in {"ffill", "interpolate"}:
        return replace(filled(rows, policy), notes=(*rows.notes, note + _HOW[policy]))
    keep: NDArray[np.bool_] = ~missing.any(axis=1)  # type: ignore[assignment]
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
            left, right = values[before[gone], i], values[after[gone], i]
            values[gone, i] = left + (right - left) * share
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
    for gap in np.flatnonzero(missing):
        begin = places[gap] + 1
        times[begin : begin + missing[gap]] = frequency.next_times(rows.times[gap], int(missing[gap]))
    offsets = np.r_[0, np.cumsum(np.bincount(codes, minlength=len(rows.names)))].astype(np.int64)
    records = np.repeat(np.arange(len(missing)) if rows.records is None else rows.records, missing + 1)
    note = f"{rows.table.name}: {count} missing dates were added; their values {_HOW[policy]}"
    grown = replace(
        rows, offsets=offsets, times=times, values=values, records=records, notes=(*rows.notes, note), refused=None
    )
    return filled(grown, policy)
