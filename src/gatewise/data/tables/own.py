"""Files read by a function of the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gatewise.data.tables.csv_file import stem_of
from gatewise.data.tables.frames import to_polars
from gatewise.data.tables.table import Table, frame_table
from gatewise.errors import DataError, GatewiseError
from gatewise.registry import READERS


def read_own(reader: str, source: str) -> Any:
    """Return what the function at the import path `reader` makes of a file's name.

    Raises
    ------
    DataError
        If it raises anything.
    """
    try:
        return READERS.load(reader)(source)
    except GatewiseError:
        raise
    except Exception as error:  # whatever a user's own function raises is told as its own
        raise DataError(f"{source}: the reader {reader} fails: {type(error).__name__}: {error}") from error


def open_own(reader: str, source: str) -> Table:
    """Open the table that a reader makes; a frame of Polars, pandas or PyArrow, or a dict of columns.

    Raises
    ------
    DataError
        If the reader fails, or gives no table or one without rows.
    """
    return frame_table(source, stem_of(Path(source)), to_polars(read_own(reader, source), source))
