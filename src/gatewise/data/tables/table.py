"""A table that can be read by column, and knows how a person finds its rows again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import polars as pl

from gatewise.errors import DataError, did_you_mean

#: Rows that are looked at to find out what the columns hold.
SAMPLE_ROWS = 200

_PANIC: type[BaseException] = getattr(pl.exceptions, "PanicException", pl.exceptions.PolarsError)

#: What a frame is called that comes without a name; its series is then called after its column.
UNNAMED = "frame"


@dataclass(frozen=True)
class Table:
    """A table that can be read by column, and knows how a person finds its rows again.

    Attributes
    ----------
    name
        What messages call it: the path as it was given.
    stem
        What a series made from it is called: the file's name without endings.
    columns
        Names of the columns, in order.
    sample
        The first `SAMPLE_ROWS` rows.
    """

    name: str
    stem: str
    columns: tuple[str, ...]
    sample: pl.DataFrame
    load: Callable[[list[str]], pl.DataFrame]
    row_number: Callable[[int], int]
    rows_are: str = ""
    all_rows: Callable[[], list[int]] | None = None

    def read(self, columns: list[str]) -> pl.DataFrame:
        """Return some columns, all rows."""
        return self.load(columns)

    def row(self, index: int) -> str:
        """Say which row of the file (its first line is row 1) or of the frame (from 0) record `index` is."""
        return f"row {self.row_number(index)}{self.rows_are}"

    def row_numbers(self, count: int) -> list[int]:
        """Return the row of the file of each of the first `count` records, in one walk through the file."""
        if self.all_rows is None:
            return [self.row_number(index) for index in range(count)]
        found = self.all_rows()[:count]
        return [*found, *range(len(found) + 2, count + 2)]  # what cannot be walked through is counted on

    def where(self, index: int, column: str) -> str:
        """Say where a value stands: file, row and column."""
        return f"{self.name}, {self.row(index)}, column {column!r}"

    def require(self, column: str, what: str) -> str:
        """Return `column` if it is there.

        Raises
        ------
        DataError
            If it is not; the message lists the columns and says which was probably meant.
        """
        if column not in self.columns:
            raise DataError(f"{self.name}: there is no {what} {column!r}{did_you_mean(column, self.columns)}")
        return column


def frame_table(
    name: str, stem: str, frame: pl.DataFrame, load: Callable[[list[str]], pl.DataFrame] | None = None
) -> Table:
    """Make a table of a frame in memory, whose rows count from 0."""
    if frame.width == 0 or frame.height == 0:
        raise DataError(f"{name}: there are no rows")
    columns = tuple(frame.columns)
    return Table(name, stem, columns, frame.head(SAMPLE_ROWS), load or frame.select, int, " (counting from 0)")


@contextmanager
def polars_speaks(source: str, explain: Callable[[], str] | None = None) -> Iterator[None]:
    """Turn whatever Polars raises into a DataError."""
    try:
        yield
    except (pl.exceptions.PolarsError, OSError, EOFError, ValueError, TypeError, _PANIC) as error:
        if isinstance(error, DataError):
            raise
        first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
        found = explain() if explain else ""
        raise DataError(f"{source}: {found or f'the table cannot be read ({first_line})'}") from None
