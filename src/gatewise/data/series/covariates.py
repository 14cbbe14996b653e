"""Covariates: calendar features, the static table, and what is known ahead of a forecast."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gatewise.data.series.columns import ID_NAMES
from gatewise.data.series.dates import read_times
from gatewise.data.series.files import open_table
from gatewise.data.series.frames import open_frames
from gatewise.data.series.series import SeriesSet, show_time
from gatewise.data.series.values import read_numbers
from gatewise.data.tables.table import Table
from gatewise.errors import DataError, SettingsError, did_you_mean
from gatewise.settings import ForecastDataSettings

Floats = NDArray[np.float64]

#: Length of the cycle of each calendar feature; year_progress runs from 0 to 1 and starts again.
_CYCLES = {"day_of_week": 7, "day_of_month": 31, "month": 12, "quarter": 4, "week": 53, "hour": 24, "year_progress": 0}


def calendar_names(features: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns that calendar features make: a sine and a cosine for those that go round.

    Examples
    --------
    >>> calendar_names(("month", "year_progress"))
    ('month_sin', 'month_cos', 'year_progress')

    Raises
    ------
    SettingsError
        If there is no such feature.
    """
    names: list[str] = []
    for feature in features:
        if feature not in _CYCLES:
            raise SettingsError(f"calendar: unknown feature {feature!r}{did_you_mean(feature, _CYCLES)}")
        names += [f"{feature}_sin", f"{feature}_cos"] if _CYCLES[feature] else [feature]
    return tuple(names)


def calendar_features(times: NDArray[Any], features: tuple[str, ...]) -> Floats:
    """Make calendar features of past or future dates alike: (N,) -> (N, columns of `calendar_names`).

    Raises
    ------
    DataError
        If `times` are no dates.
    """
    width = len(calendar_names(features))
    if features and times.dtype.kind != "M":
        raise DataError("calendar features need a column of dates, and the times of these series are whole numbers")
    made = np.empty((len(times), width))
    column = 0
    for feature in features:
        place = _place(times, feature)
        cycle = _CYCLES[feature]
        if cycle:
            made[:, column] = np.sin(2 * np.pi * place / cycle)
            made[:, column + 1] = np.cos(2 * np.pi * place / cycle)
        else:
            made[:, column] = place
        column += 2 if cycle else 1
    return made


def _place(times: NDArray[Any], feature: str) -> NDArray[Any]:
    """Return where in its cycle each date is, from 0."""
    days = times.astype("datetime64[D]")
    months, years = times.astype("datetime64[M]"), times.astype("datetime64[Y]")
    if feature == "day_of_week":
        return np.asarray((days.astype(np.int64) + 3) % 7)
    if feature == "day_of_month":
        return np.asarray((days - months.astype("datetime64[D]")).astype(np.int64))
    if feature in {"month", "quarter"}:
        month = (months - years.astype("datetime64[M]")).astype(np.int64)
        return np.asarray(month // 3 if feature == "quarter" else month)
    if feature == "week":
        return np.asarray((days - years.astype("datetime64[D]")).astype(np.int64) // 7)
    if feature == "hour":
        return np.asarray((times - days).astype("timedelta64[us]").astype(np.int64) / 3.6e9)
    begin, end = years.astype("datetime64[us]"), (years + 1).astype("datetime64[us]")
    return np.asarray((times - begin).astype(np.int64) / (end - begin).astype(np.int64))


# ------------------------------------------------------------------------------------------------------- static table


def read_static(
    settings: ForecastDataSettings, names: tuple[str, ...], channels: tuple[str, ...]
) -> tuple[Floats, tuple[str, ...]]:
    """Read one row of numbers for each series: (S, K) and their names.

    The channels of a joint series have a row each, which stand side by side as ``GOOG.employees``.

    Raises
    ------
    DataError
        If ids have no row (they are listed) or two, or a value is no number.
    """
    if settings.static_file is None:
        return np.empty((len(names), 0)), ()
    table = open_table(settings.static_file, settings.separator)
    wanted = channels if len(names) == 1 else names
    identity = _static_id(table, settings)
    columns = [column for column in table.columns if column != identity]
    if not columns:
        raise DataError(f"{table.name}: there is no column beside {identity!r}")
    frame = table.read([identity, *columns])
    ids = frame[identity].cast(pl.String, strict=False).to_list()
    place = {name: row for row, name in reversed(list(enumerate(ids)))}
    for row, name in enumerate(ids):
        if place[name] != row:
            raise DataError(f"{table.name}: {name!r} has two rows, {table.row(place[name])} and {table.row(row)}")
    lacking = [name for name in wanted if name not in place]
    if lacking:
        listed = ", ".join(lacking[:10]) + (" ..." if len(lacking) > 10 else "")
        raise DataError(f"{table.name}: {len(lacking)} of {len(wanted)} series have no row: {listed}")
    values = np.column_stack([read_numbers(table, column, frame[column], None, _raise) for column in columns])
    picked = values[[place[name] for name in wanted]]
    if np.isnan(picked).any():
        series, column = np.argwhere(np.isnan(picked))[0]
        raise DataError(f"{table.where(place[wanted[series]], columns[column])}: the value is missing")
    if len(names) > 1 or len(channels) == 1:
        return picked, tuple(columns)
    return picked.reshape(1, -1), tuple(f"{channel}.{column}" for channel in channels for column in columns)


def _static_id(table: Table, settings: ForecastDataSettings) -> str:
    if settings.id_column in table.columns:
        return str(settings.id_column)
    lower = {column.lower(): column for column in table.columns}
    return next((lower[name] for name in ID_NAMES if name in lower), table.columns[0])


def _raise(message: str) -> None:
    raise DataError(message)


# ----------------------------------------------------------------------------------------- known ahead of a forecast


def future_template(series: SeriesSet, settings: ForecastDataSettings, horizon: int) -> pl.DataFrame:
    """Return the table of known-future covariates to fill in: ids where there are many series, dates, empty columns.

    Raises
    ------
    DataError
        If the data have no known-future covariates but the calendar, or their dates cannot be continued.
    """
    columns = _given(series, settings)
    if not columns:
        raise DataError("this forecast needs no covariates of the future: future_covariates is empty")
    ids, times = _forecast_rows(series, horizon, settings.target_offset)
    made: dict[str, Any] = {} if series.joint else {series.id_name: ids}
    stamps = pl.Series(times)
    if stamps.dtype.is_temporal() and not np.any(times.view(np.int64) % 86_400_000_000):
        stamps = stamps.cast(pl.Date)
    made[series.time_name] = stamps
    frame = pl.DataFrame(made)
    return frame.with_columns(pl.lit(None, dtype=pl.Float64).alias(column) for column in columns)


def future_values(series: SeriesSet, settings: ForecastDataSettings, horizon: int, known: Any = None) -> Floats:
    """Return the known-future covariates of the forecast rows after each series' end: (S, horizon, F).

    Parameters
    ----------
    known
        A path or a frame shaped like `future_template`; needed unless every covariate is a calendar feature.

    Raises
    ------
    DataError
        Naming exactly the rows that are missing.
    """
    columns = _given(series, settings)
    ids, times = _forecast_rows(series, horizon, settings.target_offset)
    given = np.empty((len(times), 0))
    if columns and known is None:
        raise DataError(
            f"the forecast needs {', '.join(columns)} for {len(times)} future rows: {_some(series, ids, times)}; "
            "write the table to fill in with `gatewise forecast MODEL --future-template`"
        )
    if columns:
        given = _look_up(series, settings, columns, known, ids, times)
    calendar = calendar_features(times, settings.calendar)
    return np.hstack([given, calendar]).reshape(len(series.names), horizon, -1)


def _given(series: SeriesSet, settings: ForecastDataSettings) -> tuple[str, ...]:
    made = len(calendar_names(settings.calendar))
    return series.future_names[: len(series.future_names) - made]


def _forecast_rows(series: SeriesSet, horizon: int, offset: int) -> tuple[list[str], NDArray[Any]]:
    ids: list[str] = []
    times = []
    for i, (name, end) in enumerate(zip(series.names, series.offsets[1:], strict=True)):
        if end == series.offsets[i]:
            raise DataError(f"{series.called(i)} has no rows, so there is no date to go on from")
        ids += [name] * horizon
        times.append(series.frequency.next_times(series.times[end - 1], offset - 1 + horizon)[offset - 1 :])
    return ids, np.concatenate(times)


def _some(series: SeriesSet, ids: list[str], times: NDArray[Any]) -> str:
    rows = [show_time(t) if series.joint else f"{i} {show_time(t)}" for i, t in zip(ids, times, strict=True)]
    return ", ".join(rows[:5]) + (" ..." if len(rows) > 5 else "")


def _look_up(
    series: SeriesSet,
    settings: ForecastDataSettings,
    columns: tuple[str, ...],
    known: Any,
    ids: list[str],
    times: NDArray[Any],
) -> Floats:
    table = open_table(known, settings.separator) if isinstance(known, str) else open_frames(known)[0]
    needed = [] if series.joint else [series.id_name]
    if series.frequency.kind != "row":
        needed.append(series.time_name)
    for column in (*needed, *columns):
        table.require(column, "covariate column")
    frame = table.read([*needed, *columns])
    values = np.column_stack([read_numbers(table, column, frame[column], None, _raise) for column in columns])
    row_ids = [series.names[0]] * frame.height
    if not series.joint:
        row_ids = frame[series.id_name].cast(pl.String, strict=False).to_list()
    if series.frequency.kind == "row":
        row_times = np.concatenate([times[: frame.height]])
        values = values[: len(row_times)]
        row_ids = ids[: len(row_times)]
    else:
        row_times = read_times(table, series.time_name, frame[series.time_name], None, settings.date_format)
    place: dict[tuple[str, int], int] = {}
    for row, key in enumerate(zip(row_ids, row_times.view(np.int64).tolist(), strict=True)):
        if key in place:
            what = _some(series, [key[0]], row_times[row : row + 1])
            raise DataError(f"{table.name}: {what} is there twice, in {table.row(place[key])} and {table.row(row)}")
        place[key] = row
    keys = list(zip(ids, times.view(np.int64).tolist(), strict=True))
    lacking = [i for i, key in enumerate(keys) if key not in place or np.isnan(values[place[key]]).any()]
    if lacking:
        listed = _some(series, [ids[i] for i in lacking], times[lacking])
        raise DataError(
            f"{table.name}: {len(lacking)} of {len(keys)} future rows are missing or not filled in: {listed}"
        )
    return np.asarray(values[[place[key] for key in keys]])
