"""Opening any table: CSV and JSON lines, plain or gzipped, and Parquet."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from gatewise.data.paths import nearby
from gatewise.data.tables.csv_file import csv_table, open_plain, stem_of
from gatewise.data.tables.json_lines import json_lines_table
from gatewise.data.tables.table import SAMPLE_ROWS, Table, frame_table, polars_speaks
from gatewise.errors import DataError

_JSON = {".json", ".jsonl", ".ndjson"}


def open_file(source: str, separator: str | None = None) -> Table:
    """Open a file and look at its columns.

    Raises
    ------
    DataError
        If there is no such file, it is empty, holds a header only, is no table, or its rows are ragged.
    """
    path = Path(source)
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except FileNotFoundError:
        raise DataError(f"{source}: there is no such file{nearby(path)}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{source}: the file cannot be read ({reason})") from None
    if not start:
        raise DataError(f"{source}: the file is empty")
    if start == b"PAR1" or path.suffix.lower() in {".parquet", ".pq"}:
        return _parquet_table(source, path)
    if start[:2] in {b"PK", b"\xd0\xcf"}:
        raise DataError(f"{source}: this is a zip or Excel file; save the table as CSV or Parquet")
    if start[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise DataError(f"{source}: the text is UTF-16; save the file as UTF-8")
    if _is_json(source, path):
        return json_lines_table(source, path)
    return csv_table(source, path, separator)


def _is_json(source: str, path: Path) -> bool:
    """Tell by its ending or its first sign whether a file holds JSON."""
    ending = Path(path.stem).suffix if path.suffix.lower() == ".gz" else path.suffix
    if ending.lower() in _JSON:
        return True
    with polars_speaks(source), open_plain(path) as file:
        start: bytes = file.read(64)
    return start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"


def _parquet_table(source: str, path: Path) -> Table:
    with polars_speaks(source):
        sample = pl.read_parquet(path, n_rows=SAMPLE_ROWS)

    def load(columns: list[str]) -> pl.DataFrame:
        with polars_speaks(source):
            return pl.read_parquet(path, columns=columns)

    return frame_table(source, stem_of(path), sample, load)
