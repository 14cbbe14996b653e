"""Opening any file: CSV, plain or gzipped, Parquet, and the prices of a sample package."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import polars as pl

from gatewise.data.paths import nearby
from gatewise.data.series.csv_file import csv_table, stem_of
from gatewise.data.series.table import SAMPLE_ROWS, Table, frame_table, polars_speaks
from gatewise.errors import DataError, MissingExtraError, did_you_mean

_SAMPLES = ("AAPL", "FB", "GOOG", "IBM", "MSFT")


def open_table(source: str, separator: str | None = None) -> Table:
    """Open a file or ``sample:NAME`` and look at its columns.

    Raises
    ------
    DataError
        If there is no such file, it is empty, holds a header only, is no table, or its rows are ragged.
    MissingExtraError
        If a sample is asked for and the package of samples is not installed.
    """
    if source.startswith("sample:"):
        return _sample_table(source)
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
    return csv_table(source, path, separator)


def _parquet_table(source: str, path: Path) -> Table:
    with polars_speaks(source):
        sample = pl.read_parquet(path, n_rows=SAMPLE_ROWS)

    def load(columns: list[str]) -> pl.DataFrame:
        with polars_speaks(source):
            return pl.read_parquet(path, columns=columns)

    return frame_table(source, stem_of(path), sample, load)


def _sample_table(source: str) -> Table:
    """Open the prices of one company from the package `bokeh_sampledata`, without importing that package."""
    name = source.removeprefix("sample:")
    if name not in _SAMPLES:
        raise DataError(f"{source}: there is no such sample{did_you_mean(name, _SAMPLES)}")
    spec = find_spec("bokeh_sampledata")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError(source, "samples")
    path = Path(next(iter(spec.submodule_search_locations))) / "_data" / "stocks.csv.gz"
    with polars_speaks(source):
        stocks = pl.read_csv(path, infer_schema=False)
        frame = stocks.filter(pl.col("Ticker") == name).drop("Ticker")
    return frame_table(source, name, frame)
