"""Opening a table of series: a file, or the prices of a sample package."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import polars as pl

from gatewise.data.tables import Table, frame_table, open_file, open_own, polars_speaks
from gatewise.errors import DataError, MissingExtraError, did_you_mean

_SAMPLES = ("AAPL", "FB", "GOOG", "IBM", "MSFT")


def open_table(source: str, separator: str | None = None, reader: str | None = None) -> Table:
    """Open a file or ``sample:NAME`` and look at its columns; a `reader` of the user's own opens the rest.

    Raises
    ------
    DataError
        If there is no such file, it is empty, holds a header only, is no table, or its rows are ragged.
    MissingExtraError
        If a sample is asked for and the package of samples is not installed.
    """
    if source.startswith("sample:"):
        return _sample_table(source)
    return open_own(reader, source) if reader else open_file(source, separator)


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
