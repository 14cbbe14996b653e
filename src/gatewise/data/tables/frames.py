"""Frames of pandas, Polars, PyArrow and whatever exports Arrow as Polars frames; none of them is imported here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from gatewise.errors import DataError


def kind_of(frame: Any) -> str:
    """Return which library a frame is of: polars, pandas, pyarrow or other."""
    library = type(frame).__module__.split(".")[0]
    return library if library in {"polars", "pandas", "pyarrow"} else "other"


def to_polars(frame: Any, name: str = "frame") -> pl.DataFrame:
    """Turn any frame, or a NumPy array of numbers, into a Polars frame.

    Raises
    ------
    DataError
        If it is none.
    """
    try:
        if isinstance(frame, pl.LazyFrame):
            return frame.collect()
        if isinstance(frame, pl.DataFrame):
            return frame
        if isinstance(frame, pl.Series):
            return frame.to_frame(frame.name or "y")
        if kind_of(frame) == "pandas":
            return _from_pandas(frame)
        if isinstance(frame, np.ndarray):
            return _from_numpy(frame)
        if hasattr(frame, "__arrow_c_stream__"):
            return pl.DataFrame(frame)
        if hasattr(frame, "__dataframe__"):
            return pl.from_dataframe(frame)
        if isinstance(frame, Mapping):
            return pl.DataFrame(dict(frame), strict=False)
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError, ImportError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DataError(f"{name}: the frame cannot be read ({reason})") from None
    raise DataError(f"{name}: a value of type {type(frame).__name__} is no table; give a frame or files")


def _from_pandas(frame: Any) -> pl.DataFrame:
    """Copy a pandas frame column by column, which needs no PyArrow; an index that says something becomes columns."""
    if not hasattr(frame, "columns"):
        frame = frame.to_frame(frame.name if frame.name is not None else "y")
    if type(frame.index).__name__ != "RangeIndex":
        taken = {str(column).lower() for column in frame.columns}
        unnamed = frame.index.nlevels == 1 and frame.index.name is None
        dated = unnamed and (frame.index.dtype.kind == "M" or type(frame.index).__name__ == "PeriodIndex")
        if unnamed and dated and "ds" not in taken:
            frame = frame.rename_axis("ds").reset_index()
        elif not unnamed:
            frame = frame.reset_index()
    columns: dict[str, pl.Series] = {}
    for i, column in enumerate(frame.columns):
        name = str(column)
        if name in columns:
            raise ValueError(f"the column {name!r} is there twice")
        columns[name] = _pandas_column(name, frame.iloc[:, i])
    return pl.DataFrame(columns)


def _pandas_column(name: str, column: Any) -> pl.Series:
    kind = getattr(column.dtype, "kind", "O")
    if getattr(column.dtype, "tz", None) is not None:
        local = column.dt.tz_localize(None)
        daily = bool((local == local.dt.normalize()).all())  # midnights stay the days that they are
        column = local if daily else column.dt.tz_convert("UTC").dt.tz_localize(None)
        kind = "M"
    if kind == "M":
        return pl.Series(name, column.to_numpy().astype("datetime64[us]"))
    if kind in "iufb":
        extension = not isinstance(column.dtype, np.dtype)
        values = column.to_numpy(dtype=float, na_value=np.nan) if extension else column.to_numpy()
        return pl.Series(name, values)
    if type(column.dtype).__name__ == "PeriodDtype":
        return pl.Series(name, column.dt.to_timestamp().to_numpy().astype("datetime64[us]"))
    values = [None if _is_missing(value) else value for value in column.tolist()]
    if all(value is None or isinstance(value, bool | int | float) for value in values):
        return pl.Series(name, [None if value is None else float(value) for value in values], dtype=pl.Float64)
    if all(value is None or hasattr(value, "isoformat") for value in values):
        return pl.Series(name, [None if value is None else np.datetime64(value, "us") for value in values])
    return pl.Series(name, [None if value is None else str(value) for value in values], dtype=pl.String)


def _is_missing(value: Any) -> bool:
    return (
        value is None or type(value).__name__ in {"NAType", "NaTType"} or (isinstance(value, float) and value != value)
    )


def _from_numpy(values: Any) -> pl.DataFrame:
    if values.ndim not in {1, 2} or values.dtype.kind not in "iufb":
        raise ValueError("an array must be of numbers, (rows,) or (rows, columns)")
    if values.ndim == 1 or values.shape[1] == 1:
        return pl.DataFrame({"y": values.reshape(-1)})
    return pl.DataFrame({f"y{i}": values[:, i] for i in range(values.shape[1])})
