"""From text to dates, with the row, column and value in every message."""

from __future__ import annotations

import re
from datetime import time
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gatewise.data.series.values import first_of, present, record_of, show
from gatewise.data.tables.table import Table
from gatewise.errors import DataError

#: Stands for the format of quarters, which strptime does not have; a quarter is dated by its first day.
_QUARTER = "2010Q1"

#: Formats that are tried in turn, by the shape of the first date. Fractions come last: they are slow to read.
_FORMATS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"\d{4}-\d{1,2}-\d{1,2}", ("%Y-%m-%d",)),
    (r"\d{4}-\d{1,2}-\d{1,2} \d{1,2}:\d{2}", ("%Y-%m-%d %H:%M",)),
    (r"\d{4}-\d{1,2}-\d{1,2} \d{1,2}:\d{2}:\d{2}", ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S%.f")),
    (r"\d{4}-\d{1,2}-\d{1,2} \d{1,2}:\d{2}:\d{2}\.\d+", ("%Y-%m-%d %H:%M:%S%.f",)),
    (r"\d{4}-\d{1,2}-\d{1,2}T\d{1,2}:\d{2}", ("%Y-%m-%dT%H:%M",)),
    (r"\d{4}-\d{1,2}-\d{1,2}T\d{1,2}:\d{2}:\d{2}", ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%.f")),
    (r"\d{4}-\d{1,2}-\d{1,2}T\d{1,2}:\d{2}:\d{2}\.\d+", ("%Y-%m-%dT%H:%M:%S%.f",)),
    (r"\d{4}-\d{1,2}-\d{1,2} \d{1,2}:\d{2}:\d{2}(\.\d+)?\s?(Z|[+-]\d{2}:?\d{2})", ("%Y-%m-%d %H:%M:%S%.f%#z",)),
    (r"\d{4}-\d{1,2}-\d{1,2}T\d{1,2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:?\d{2})", ("%Y-%m-%dT%H:%M:%S%.f%#z",)),
    (r"\d{4}-\d{1,2}", ("%Y-%m",)),
    (r"\d{4}[- ]?[Qq][1-4]|[Qq][1-4][- ]\d{4}", (_QUARTER,)),
    (r"\d{4}/\d{1,2}/\d{1,2}", ("%Y/%m/%d",)),
    (r"\d{4}/\d{1,2}/\d{1,2} \d{1,2}:\d{2}", ("%Y/%m/%d %H:%M",)),
    (r"\d{4}/\d{1,2}/\d{1,2} \d{1,2}:\d{2}:\d{2}", ("%Y/%m/%d %H:%M:%S",)),
    (r"\d{4}\.\d{1,2}\.\d{1,2}", ("%Y.%m.%d",)),
    (r"\d{1,2}\.\d{1,2}\.\d{4}", ("%d.%m.%Y",)),
    (r"\d{1,2}\.\d{1,2}\.\d{4} \d{1,2}:\d{2}", ("%d.%m.%Y %H:%M",)),
    (r"\d{1,2}\.\d{1,2}\.\d{4} \d{1,2}:\d{2}:\d{2}", ("%d.%m.%Y %H:%M:%S",)),
    (r"\d{1,2}/\d{1,2}/\d{4}", ("%d/%m/%Y", "%m/%d/%Y")),
    (r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d{2}", ("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M")),
    (r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d{2}:\d{2}", ("%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S")),
    (r"\d{1,2}-\d{1,2}-\d{4}", ("%d-%m-%Y", "%m-%d-%Y")),
    (r"\d{1,2}[- ][A-Za-z]{3}[- ]\d{4}", ("%d-%b-%Y", "%d %b %Y")),
    (r"[A-Za-z]{3} \d{1,2},? \d{4}", ("%b %d, %Y", "%b %d %Y")),
    (r"[A-Za-z]{4,9} \d{1,2},? \d{4}", ("%B %d, %Y", "%B %d %Y")),
    (r"\d{1,2} [A-Za-z]{4,9} \d{4}", ("%d %B %Y",)),
)
_COMPACT = r"(18|19|20|21)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"


def looks_dated(column: pl.Series) -> bool:
    """Tell whether a sample holds dates in one of the known formats."""
    if column.dtype.is_temporal():
        return column.dtype.base_type() in {pl.Date, pl.Datetime}
    if column.dtype != pl.String:
        return False
    texts = present(column)
    return len(texts) > 0 and any(_parse(texts, form).null_count() == 0 for form in _candidates(str(texts[0])))


def read_times(
    table: Table, name: str, column: pl.Series, rows: NDArray[np.int64] | None, date_format: str | None
) -> NDArray[Any]:
    """Read dates as datetime64[us], or whole numbers as int64.

    Raises
    ------
    DataError
        If a value is blank or cannot be read, or day and month cannot be told apart.
    """
    if column.dtype == pl.String:
        dates = None if date_format else _read_plainly(column)
        if dates is not None:
            return _stamps(dates)
        column = column.str.strip_chars()
        blank = (column.is_null() | (column == "")).fill_null(True)
    else:
        blank = column.is_null()
    if blank.any():
        first = first_of(blank)
        raise DataError(f"{table.where(record_of(rows, first), name)}: the date is missing")
    if column.dtype.is_integer():
        return column.cast(pl.Int64).to_numpy()
    if column.dtype.is_float():
        return _whole_numbers(table, name, column, rows)
    if column.dtype.base_type() in {pl.Date, pl.Datetime}:
        return _stamps(column)
    if column.dtype != pl.String:
        raise DataError(f"{table.name}, column {name!r}: it holds values of type {column.dtype}, dates are needed")
    if date_format is None:
        numbers = _integer_index(column)
        if numbers is not None:
            return numbers
    forms = (date_format,) if date_format else _candidates(str(column[0]))
    parsed = [_parse(column, form) for form in forms]
    complete = [dates for dates in parsed if dates.null_count() == 0]
    if len(complete) == 2 and _ambiguous(forms) and not complete[0].equals(complete[1]):
        raise DataError(
            f"{table.where(record_of(rows, 0), name)}: in {show(column[0])} day and month cannot be told apart; "
            f"set date_format to {forms[0]!r} or {forms[1]!r}"
        )
    if complete:
        return _stamps(complete[0])
    best = min(parsed, key=lambda dates: dates.null_count(), default=column.set(~blank, None))
    first = first_of(best.is_null())
    known = f"by the format {forms[0]!r} of the first row" if forms and not date_format else "in any known way"
    raise DataError(
        f"{table.where(record_of(rows, first), name)}: the date {show(column[first])} cannot be read "
        f"{f'by date_format {date_format!r}' if date_format else known}; "
        "write it as 2010-01-31 or 2010-01-31 16:00:00, or set date_format"
    )


def _read_plainly(column: pl.Series) -> pl.Series | None:
    """Parse a column without blanks or spaces in one pass, when its format leaves no doubt."""
    if column.null_count():
        return None
    forms = _candidates(str(column[0]))
    if not forms or _ambiguous(forms):
        return None
    dates = _parse(column, forms[0])
    return dates if dates.null_count() == 0 else None


def _ambiguous(forms: tuple[str, ...]) -> bool:
    """Tell whether two formats differ in what is the day and what the month."""
    return len(forms) == 2 and forms[1].startswith("%m")


def _candidates(first: str) -> tuple[str, ...]:
    if re.fullmatch(_COMPACT, first):
        return ("%Y%m%d",)
    return next((forms for shape, forms in _FORMATS if re.fullmatch(shape, first)), ())


def _parse(column: pl.Series, form: str) -> pl.Series:
    try:
        if form == _QUARTER:
            return _quarters(column)
        if "%#z" in form or "%z" in form:
            if form.endswith("%#z"):
                local = _parse(column.str.replace(r"\s?(Z|[+-]\d{2}:?\d{2})$", ""), form.removesuffix("%#z"))
                if local.null_count() == column.null_count() and _all_midnight(local):
                    return local
            dates = column.str.to_datetime(form, strict=False, time_unit="us", cache=False)
            return dates.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return column.str.to_datetime(form, strict=False, time_unit="us", cache=False)
    except (pl.exceptions.PolarsError, ValueError):
        return pl.Series([None] * len(column), dtype=pl.Datetime("us"))


def _quarters(column: pl.Series) -> pl.Series:
    """Read quarters as their first day: 2010Q1, 2010-Q1 or Q1 2010."""
    year = column.str.extract(r"^(?:[Qq][1-4][- ])?(\d{4})(?:[- ]?[Qq][1-4])?$", 1).cast(pl.Int32)
    month = column.str.extract(r"^(?:\d{4}[- ]?)?[Qq]([1-4])(?:[- ]\d{4})?$", 1).cast(pl.Int8) * 3 - 2
    return pl.select(pl.datetime(year, month, 1, time_unit="us")).to_series()


def _all_midnight(local: pl.Series) -> bool:
    """Tell whether local times are days: these stay the days that they are, other times become UTC."""
    return bool((local.dt.time() == time(0)).all())


def zone_note(table: Table, name: str, column: pl.Series, times: NDArray[Any]) -> tuple[str, ...]:
    """Say that times with a zone were read as UTC; days keep their dates."""
    if times.dtype.kind != "M" or not len(times):
        return ()
    typed = isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None
    texts = column.dtype == pl.String and bool(re.search(r":\d{2}(\.\d+)?\s?[+-]\d{2}:?\d{2}$", str(column[0]).strip()))
    days = not np.any(times.view(np.int64) % 86_400_000_000)
    return (
        (f"{table.name}: times in column {name!r} have a zone and are read as UTC",)
        if (typed or texts) and not days
        else ()
    )


def _stamps(column: pl.Series) -> NDArray[Any]:
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone:
        local = column.dt.replace_time_zone(None)
        column = local if _all_midnight(local) else column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.cast(pl.Datetime("us")).to_physical().to_numpy().view("datetime64[us]")


def _integer_index(column: pl.Series) -> NDArray[np.int64] | None:
    """Read text as an integer index, unless all of it is dates like 20100131."""
    if not re.fullmatch(r"[+-]?\d{1,18}", str(column[0])):
        return None
    if re.fullmatch(_COMPACT, str(column[0])) and _parse(column, "%Y%m%d").null_count() == 0:
        return None
    numbers = column.cast(pl.Int64, strict=False)
    return numbers.to_numpy() if numbers.null_count() == 0 else None


def _whole_numbers(table: Table, name: str, column: pl.Series, rows: NDArray[np.int64] | None) -> NDArray[np.int64]:
    numbers = column.to_numpy()
    broken = ~(np.isfinite(numbers) & (np.abs(numbers) < 2**53) & (numbers == np.round(numbers)))
    if broken.any():
        first = int(broken.argmax())
        raise DataError(
            f"{table.where(record_of(rows, first), name)}: {numbers[first]} is neither a date nor a whole number"
        )
    return numbers.astype(np.int64)
