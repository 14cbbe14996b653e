"""Reading JSON lines: an object a line, every value as text, as in a CSV file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from gatewise.data.tables.csv_file import open_plain, stem_of
from gatewise.data.tables.table import SAMPLE_ROWS, Table, polars_speaks
from gatewise.errors import DataError


def json_lines_table(source: str, path: Path) -> Table:
    r"""Open a file with a JSON object on each line; empty lines are passed over.

    Its columns are all names that occur, in the order in which they come. Numbers, true and false become text, so that
    a value means the same whatever kind of file it stands in; lists and objects become their JSON; null is empty.

    Raises
    ------
    DataError
        If a line is no JSON object, with the number of the line.
    """
    columns: dict[str, list[str | None]] = {}
    lines: list[int] = []
    with polars_speaks(source), open_plain(path) as file:
        content: bytes = file.read()
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if not line.strip():
            continue
        record = _record(source, number, line)
        for name in record:
            if name not in columns:
                columns[name] = [None] * len(lines)
        for name, values in columns.items():
            values.append(_text(record.get(name)))
        lines.append(number)
    if not lines:
        raise DataError(f"{source}: there are no rows")
    if not columns:
        raise DataError(f"{source}: the objects on its lines are empty")
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    return Table(source, stem_of(path), tuple(columns), frame.head(SAMPLE_ROWS), frame.select, lines.__getitem__)


def _record(source: str, number: int, line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise DataError(f"{source}, row {number}: the text is not UTF-8; save the file as UTF-8") from None
    except (ValueError, RecursionError):
        hint = "; write an object a line, not one list" if number == 1 and line.lstrip()[:1] == b"[" else ""
        raise DataError(f"{source}, row {number}: this is no JSON object{hint}") from None
    if not isinstance(record, dict):
        raise DataError(f"{source}, row {number}: a JSON object is wanted, with a name for each value")
    return record


def _text(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # Half a surrogate pair, which JSON can write and UTF-8 cannot, becomes the sign for a letter that is lost.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
