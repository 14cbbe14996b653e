"""From text to numbers, with the row, column and value in every message.

Whole columns are cast at once; only when that fails is the offending row looked for.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gatewise.data.tables.table import Table
from gatewise.errors import DataError

Refuse = Callable[[str], None]
Floats = NDArray[np.float64]

#: Texts that stand for "no value".
MISSING = ("", "na", "n/a", "nan", "null", "none", "nil", "-", ".", "?", "#n/a")

_SHOWN = 40


def show(value: object) -> str:
    """Quote a value from a file, shortened."""
    text = str(value)
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "...")


def looks_numeric(column: pl.Series) -> bool:
    """Tell whether a sample holds numbers and nothing else but missing values."""
    if column.dtype.is_numeric() or column.dtype == pl.Boolean:
        return True
    if column.dtype != pl.String:
        return False
    texts = present(column)
    decimal = texts.str.replace(",", ".", literal=True)
    return len(texts) > 0 and decimal.cast(pl.Float64, strict=False).null_count() == 0


def present(column: pl.Series) -> pl.Series:
    """Return the texts that stand for a value."""
    texts = column.drop_nulls().str.strip_chars()
    return texts.filter(~texts.str.to_lowercase().is_in(MISSING))


def read_numbers(
    table: Table,
    name: str,
    column: pl.Series,
    rows: NDArray[np.int64] | None,
    refuse: Refuse,
    refused: list[NDArray[np.int64]] | None = None,
) -> Floats:
    """Cast a column to float64, NaN where a value is missing.

    Parameters
    ----------
    rows
        Record of the file that each value comes from; all of them in order when None.
    refuse
        Called with a message about text or infinity; such a value is NaN when it returns.
    refused
        Takes the places of such values.
    """
    refused = [] if refused is None else refused
    if column.dtype.is_numeric() or column.dtype == pl.Boolean:
        numbers = column.cast(pl.Float64)
    elif column.dtype == pl.String:
        numbers = column.cast(pl.Float64, strict=False)
        if numbers.null_count() > column.null_count():
            numbers = _cast_carefully(table, name, column, rows, refuse, refused)
    elif column.dtype == pl.Null:
        numbers = column.cast(pl.Float64)
    else:
        raise DataError(f"{table.name}, column {name!r}: it holds {_kind(column)}, numbers are needed")
    values = numbers.fill_null(np.nan).to_numpy().astype(np.float64, copy=False)
    endless = np.isinf(values)
    if endless.any():
        first = int(endless.argmax())
        refuse(f"{table.where(record_of(rows, first), name)}: {show(column[first])} is infinite; give a finite number")
        refused.append(np.flatnonzero(endless))
        values = np.where(endless, np.nan, values)
    return values


def first_of(mask: pl.Series) -> int:
    """Return where the first true value stands."""
    found = mask.arg_true()
    return int(found[0]) if len(found) else 0


def _kind(column: pl.Series) -> str:
    return "dates" if column.dtype.is_temporal() else f"values of type {column.dtype}"


def record_of(rows: NDArray[np.int64] | None, index: int) -> int:
    """Return the record of the file that a value comes from."""
    return index if rows is None else int(rows[index])


def _cast_carefully(
    table: Table,
    name: str,
    column: pl.Series,
    rows: NDArray[np.int64] | None,
    refuse: Refuse,
    refused: list[NDArray[np.int64]],
) -> pl.Series:
    """Cast text around which there are spaces, that stands for "missing", or has a decimal comma."""
    texts = column.str.strip_chars()
    texts = texts.set(texts.str.to_lowercase().is_in(MISSING).fill_null(True), None)
    numbers = texts.cast(pl.Float64, strict=False)
    bad = numbers.is_null() & texts.is_not_null()
    if bad.any() and bool(texts.filter(bad).str.contains(r"^[+-]?\d+,\d+$").all()):
        commas = texts.filter(bad)
        if bool(commas.str.contains(r"^[+-]?[1-9]\d{0,2},\d{3}$").all()):
            first = first_of(bad)
            where = table.where(record_of(rows, first), name)
            raise DataError(f"{where}: is {show(texts[first])} a thousand or a fraction? Write numbers with a point")
        numbers = texts.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
        bad = numbers.is_null() & texts.is_not_null()
    if bad.any():
        first = first_of(bad)
        count = int(bad.sum())
        more = f" ({count} such values)" if count > 1 else ""
        refuse(f"{table.where(record_of(rows, first), name)}: {show(column[first])} is not a number{more}")
        refused.append(bad.arg_true().to_numpy().astype(np.int64))
    return numbers
