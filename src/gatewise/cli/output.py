"""What commands print: results on standard output, talk on standard error, one JSON document when asked."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else on standard output.")]

Language = Annotated[
    str | None,
    typer.Option(
        "--language", metavar="en|fa", help="Language of what is found: English or Persian.", show_default=False
    ),
]

#: Columns of a table that nobody looks at on a terminal: wide enough that nothing is cut.
_WIDE = 200


def console(*, err: bool = False) -> Console:
    """Return the console for results; colours only on a terminal and without NO_COLOR."""
    from rich.console import Console

    stream = sys.stderr if err else sys.stdout
    return Console(width=None if stream.isatty() else _WIDE, highlight=False, soft_wrap=False, stderr=err)


def say(text: str) -> None:
    """Tell the person something that is not the result."""
    typer.echo(text, err=True)


def print_table(
    heads: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None, err: bool = False
) -> None:
    """Print a table; numbers stand to the right, and nothing in a cell is read as markup."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    rows = [list(row) for row in rows]
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for place, head in enumerate(heads):
        numbers = all(isinstance(row[place], int | float | None) for row in rows)
        table.add_column(Text(head), justify="right" if numbers and rows else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(value)) for value in row))
    console(err=err).print(table)


def shown(value: object) -> str:
    """Return a value as it stands in a table.

    Examples
    --------
    >>> shown(71.61312), shown(1219202), shown(None)
    ('71.61', '1,219,202', '-')
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "-"
    if isinstance(value, datetime):
        return str(value).removesuffix(" 00:00:00")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


def plain(value: Any) -> Any:
    """Return `value` as JSON can hold it: times as text, numbers that are not finite as null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    return value


def print_json(value: Any) -> None:
    """Print one JSON document; letters that the terminal cannot show are escaped."""
    ascii_only = "utf" not in (sys.stdout.encoding or "").lower()
    typer.echo(json.dumps(plain(value), indent=2, ensure_ascii=ascii_only, allow_nan=False))
