"""Frames in, frames out: pandas, Polars, PyArrow and whatever exports Arrow, none of which is imported here."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from gatewise.data.tables.frames import kind_of, to_polars
from gatewise.data.tables.table import UNNAMED, Table, frame_table
from gatewise.errors import DataError


def open_frames(frames: Any) -> list[Table]:
    """Open one frame, a list of frames, or a dict from name to frame.

    Raises
    ------
    DataError
        If something else is given, or a frame has no rows.
    """
    if isinstance(frames, Mapping) and not frames:
        raise DataError("no data: the dict of frames is empty")
    if isinstance(frames, Mapping) and all(_is_frame(frame) and _ndim(frame) == 2 for frame in frames.values()):
        return [_open(str(name), frame) for name, frame in frames.items()]
    if isinstance(frames, list | tuple) and frames and all(_is_frame(frame) for frame in frames):
        if len(frames) == 1:
            return [_open(UNNAMED, frames[0])]
        return [_open(f"frame_{i}", frame) for i, frame in enumerate(frames)]
    return [_open(UNNAMED, frames)]


def _open(name: str, frame: Any) -> Table:
    return frame_table(name, name, to_polars(frame, name))


def _is_frame(value: Any) -> bool:
    arrow = hasattr(value, "__arrow_c_stream__") or hasattr(value, "__dataframe__")
    return isinstance(value, pl.DataFrame | pl.LazyFrame | np.ndarray) or arrow or kind_of(value) == "pandas"


def _ndim(value: Any) -> int:
    """Return 1 for one column and 2 for a table: a dict may hold either."""
    return 1 if isinstance(value, pl.Series) else int(getattr(value, "ndim", 2))


def like_input(frame: pl.DataFrame, given: Any) -> Any:
    """Turn a result into the kind of frame that was given; Polars where that kind is not known."""
    if isinstance(given, Mapping) and given:
        given = next(iter(given.values()))
    elif isinstance(given, list | tuple) and given:
        given = given[0]
    kind = kind_of(given)
    if kind == "pandas":
        return _to_pandas(frame)
    return frame.to_arrow() if kind == "pyarrow" else frame


def _to_pandas(frame: pl.DataFrame) -> Any:
    pandas = sys.modules["pandas"]
    columns = {}
    for column in frame.iter_columns():
        if column.dtype.is_temporal():
            columns[column.name] = column.cast(pl.Datetime("us")).to_numpy()
        elif column.dtype == pl.String:
            columns[column.name] = np.array(column.to_list(), dtype=object)
        else:
            columns[column.name] = column.to_numpy()
    return pandas.DataFrame(columns)
