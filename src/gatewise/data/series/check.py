"""What would be read and what would be refused, all of it at once instead of the first problem only."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.data.series.columns import find_columns
from gatewise.data.series.files import open_table
from gatewise.data.series.frames import open_frames
from gatewise.data.series.frequency import Frequency, infer_frequency, parse_frequency
from gatewise.data.series.reading import read_series
from gatewise.data.series.repairs import without_duplicates, without_gaps, without_missing
from gatewise.data.series.rows import Rows, read_rows
from gatewise.data.series.series import SeriesSet, reduce_by_series, require_varying, show_time
from gatewise.data.series.splits import split_windows
from gatewise.data.series.values import Refuse
from gatewise.data.series.windows import Windows
from gatewise.data.tables.table import Table
from gatewise.errors import InputError
from gatewise.settings import ForecastDataSettings, ForecastSplitSettings

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

#: Series that are shown one by one; thousands are counted.
SHOWN = 20


@dataclass(frozen=True)
class SeriesReport:
    """One column of one series, as it stands in the file.

    Attributes
    ----------
    first, last
        First and last date, or number of the row.
    gaps, duplicates, missing
        Dates that are not there, rows that repeat a date, and rows without a value.
    zeros, negatives
        Values that a percentage error, or a logarithm, cannot take.
    """

    source: str
    name: str
    column: str
    rows: int
    first: str
    last: str
    frequency: str
    gaps: int
    duplicates: int
    missing: int
    zeros: int
    negatives: int
    minimum: float | None
    mean: float | None
    maximum: float | None
    deviation: float | None


@dataclass(frozen=True)
class DataReport:
    """What `check_files` found.

    Attributes
    ----------
    series
        Every series of every file.
    problems
        What would be refused, each with its file, row and column.
    notes
        What reading does to the rows.
    windows
        How many windows there would be; None where the files would be refused.
    shape
        What would be read, in words.
    """

    series: tuple[SeriesReport, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    windows: int | None
    shape: str

    @property
    def refused(self) -> bool:
        """Whether training on these files would be refused."""
        return bool(self.problems)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "refused": self.refused}

    def to_text(self) -> str:
        """Return the report as lines for a person."""
        lines = []
        for one in self.series[:SHOWN]:
            about = one.column if one.name == one.column else f"{one.name} ({one.column})"
            lines.append(f"{one.source}: {about}")
            lines.append(f"  {one.rows} rows, {one.first} to {one.last}, frequency {one.frequency}")
            lines.append(f"  gaps {one.gaps}, duplicates {one.duplicates}, missing {one.missing}")
            if one.mean is not None:
                lines.append(
                    f"  from {one.minimum:.6g} to {one.maximum:.6g}, mean {one.mean:.6g}, "
                    f"standard deviation {one.deviation:.6g}"
                )
            for count, what, user in (
                (one.zeros, "zero", "loss mape"),
                (one.zeros + one.negatives, "zero or negative", "transform log_return"),
            ):
                if count:
                    lines.append(f"  {count} values are {what}: {user} would refuse them")
        if len(self.series) > SHOWN:
            lines.append(f"... and {len(self.series) - SHOWN} more series")
        lines += [f"note: {note}" for note in self.notes]
        if self.shape and not self.problems:
            lines.append(self.shape)
        lines += [f"refused: {problem}" for problem in self.problems]
        return "\n".join(lines)


def check_files(
    settings: ForecastDataSettings,
    frames: Any = None,
    *,
    nonzero: str | None = None,
    split: ForecastSplitSettings | None = None,
) -> DataReport:
    """Read files as training would, and report what is there and everything that would be refused.

    Parameters
    ----------
    nonzero
        What divides by the target, e.g. "loss mape": zeros are then refused.
    split
        How the windows would be divided: too few of them for that are then refused.
    """
    problems: dict[str, None] = {}  # a set that keeps its order: the two passes below find the same problems

    def refuse(message: str) -> None:
        problems[message] = None

    reports: list[SeriesReport] = []
    notes: tuple[str, ...] = ()
    for table in _tables(settings, frames, refuse):
        try:
            rows, found = _report_table(table, settings, refuse, several=len(settings.files) > 1)
            notes += rows.notes
            reports += found
        except InputError as error:
            refuse(str(error))
    windows, shape = None, ""
    try:
        series = read_series(settings, frames, nonzero=nonzero, refuse=refuse)
        made = Windows(series, settings.window, settings.horizon, settings.target_offset)
        notes = series.notes + made.notes + require_varying(series)
        windows, shape = len(made), _shape(series, made)
        if split is not None:
            split_windows(made, split)
    except InputError as error:
        refuse(str(error))
    return DataReport(tuple(reports), tuple(problems), notes, None if problems else windows, shape)


def _tables(settings: ForecastDataSettings, frames: Any, refuse: Refuse) -> list[Table]:
    """Open what can be opened."""
    tables = []
    try:
        if frames is not None:
            return open_frames(frames)
        for file in settings.files:
            try:
                tables.append(open_table(file, settings.separator, settings.reader))
            except InputError as error:
                refuse(str(error))
    except InputError as error:
        refuse(str(error))
    return tables


def _shape(series: SeriesSet, windows: Windows) -> str:
    what = (
        f"one series of {len(series.channels)} channels ({', '.join(series.channels[:SHOWN])})"
        if series.joint
        else f"{len(series.names)} series, one model over all of them"
    )
    return (
        f"would be read as {what}, {len(series.times)} rows: {len(windows)} windows of {windows.window} rows, "
        f"horizon {windows.horizon}, target offset {windows.offset}"
    )


def _report_table(
    table: Table, settings: ForecastDataSettings, refuse: Refuse, *, several: bool
) -> tuple[Rows, list[SeriesReport]]:
    rows = read_rows(table, find_columns(table, settings, several_files=several), settings, refuse)
    single = without_duplicates(rows, settings.duplicates, refuse)
    duplicates = np.diff(rows.offsets) - np.diff(single.offsets)
    missing = single.missing()[:, : len(single.layout.targets)]
    complete = without_missing(single, settings.missing, refuse)
    frequency = _frequency(complete, settings)
    missing_after = frequency.missing_after(single.times.view(np.int64), single.last_rows())
    without_gaps(complete, frequency, settings.gaps, refuse)
    gaps = reduce_by_series(np.add, missing_after, single.offsets, 0)
    return complete, _summaries(single, missing, frequency, gaps, duplicates)


def _frequency(rows: Rows, settings: ForecastDataSettings) -> Frequency:
    dated = rows.times.dtype.kind == "M"
    if rows.layout.time is None:
        return Frequency("row")
    if settings.frequency is not None:
        asked = parse_frequency(settings.frequency)
        if dated or asked.kind == "irregular":
            return asked
    return infer_frequency(rows.times.view(np.int64), rows.offsets, dated=dated)


def _summaries(
    rows: Rows, absent: NDArray[np.bool_], frequency: Frequency, gaps: Index, duplicates: Index
) -> list[SeriesReport]:
    """Describe every target column of every series."""
    target = rows.values[:, : absent.shape[1]]
    there = ~np.isnan(target)
    known = np.where(there, target, 0.0)

    def count(mask: NDArray[np.bool_]) -> Index:
        return reduce_by_series(np.add, mask.astype(np.int64), rows.offsets, 0)

    present = count(there)
    size = np.maximum(present, 1)
    mean = reduce_by_series(np.add, known, rows.offsets, 0.0) / size
    centred = np.where(there, target - np.repeat(mean, np.diff(rows.offsets), axis=0), 0.0)
    deviation = np.sqrt(reduce_by_series(np.add, centred**2, rows.offsets, 0.0) / size)
    low = reduce_by_series(np.minimum, np.where(there, target, np.inf), rows.offsets, np.inf)
    high = reduce_by_series(np.maximum, np.where(there, target, -np.inf), rows.offsets, -np.inf)
    missing, zeros, negatives = count(absent), count(target == 0), count(target < 0)
    reports = []
    for i, name in enumerate(rows.names):
        begin, end = int(rows.offsets[i]), int(rows.offsets[i + 1]) - 1
        for j, column in enumerate(rows.layout.targets):
            known_here = present[i, j] > 0
            reports.append(
                SeriesReport(
                    source=rows.table.name,
                    name=name,
                    column=column,
                    rows=end - begin + 1 + int(duplicates[i]),
                    first=show_time(rows.times[begin]),
                    last=show_time(rows.times[end]),
                    frequency=frequency.name,
                    gaps=int(gaps[i]),
                    duplicates=int(duplicates[i]),
                    missing=int(missing[i, j]),
                    zeros=int(zeros[i, j]),
                    negatives=int(negatives[i, j]),
                    minimum=float(low[i, j]) if known_here else None,
                    mean=float(mean[i, j]) if known_here else None,
                    maximum=float(high[i, j]) if known_here else None,
                    deviation=float(deviation[i, j]) if known_here else None,
                )
            )
    return reports
