"""Reading CSV: the separator found by itself, every column as text, and a row number for whatever is wrong.

Values are cast later, by whoever knows what a column means, because only then can a message say in which row a bad
value stands.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from gatewise.data.tables.table import SAMPLE_ROWS, Table, polars_speaks
from gatewise.errors import DataError

_SEPARATORS = (",", ";", "\t", "|", " ")
_SEPARATOR_WORDS = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|", "space": " "}
_HEAD_BYTES = 1 << 16


def stem_of(path: Path) -> str:
    """Return a file's name without its endings: ``GOOG.csv.gz`` -> ``GOOG``."""
    name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
    return Path(name).stem


def csv_table(source: str, path: Path, separator: str | None) -> Table:
    """Open a CSV file and look at its columns."""
    lines = _head(source, path)
    if not any(line.strip() for line in lines):
        raise DataError(f"{source}: the file is empty")
    mark = _separator(separator) if separator is not None else sniff_separator(lines)
    form = _Form(mark, _quotes_enclose(source, path, mark))
    squeeze = mark == " " and any(re.search(r"^ |  | $", line) for line in lines)
    header = _header(source, lines, mark, squeeze)
    names = _names(source, header)
    content = partial(_squeezed, path) if squeeze else (lambda: path)
    number = partial(_csv_line, path, form)
    explain = partial(_explain_csv, path, form, len(header))
    quote = '"' if form.quoted else None

    def load(columns: list[str], rows: int | None = None) -> pl.DataFrame:
        wanted = sorted({names.index(column) for column in columns} | {len(names) - 1})
        with polars_speaks(source, explain):
            frame = pl.read_csv(
                content(), separator=mark, quote_char=quote, infer_schema=False, columns=wanted, n_rows=rows,
                low_memory=False,
            )  # fmt: skip
            frame.columns = [names[i] for i in wanted]
        if len(names) > 1 and frame.get_column(names[-1]).null_count() > 0:
            _refuse_short_rows(source, path, form, squeeze, len(header))
        return frame.select(columns)

    sample = load(names, SAMPLE_ROWS)
    if sample.height == 0:
        raise DataError(f"{source}: there is a header ({', '.join(names[:8])}) but no rows below it")
    if all(re.fullmatch(r"[\d.,:/+\- T]+", name) for name in names):
        raise DataError(
            f"{source}: the first line must name the columns, and holds values ({', '.join(names[:4])}); add a header"
        )
    keep = [name for name, title in zip(names, header, strict=True) if title.strip() or _filled(sample, name)]
    return Table(
        source, stem_of(path), tuple(keep), sample.select(keep), load, number, all_rows=partial(_csv_lines, path, form)
    )


class _Form(NamedTuple):
    """How a file writes its rows."""

    mark: str
    quoted: bool

    def reader(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Return a reader of records; its ``line_num`` counts lines."""
        return csv.reader(lines, delimiter=self.mark, quoting=csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE)


def _quotes_enclose(source: str, path: Path, mark: str) -> bool:
    """Tell whether quotes enclose fields, or are signs like others.

    Tables of texts with tabs between columns are often written without any quoting: a field may then begin with a
    quote that nothing closes. It is so where every line has as many tabs as the first, and such a field is there.
    """
    if mark != "\t":
        return True
    with polars_speaks(source), open_plain(path) as file:
        content = file.read()
    if b'"' not in content:
        return True
    rows = [line.rstrip(b"\r").split(b"\t") for line in content.split(b"\n") if line.strip()]
    if any(len(row) != len(rows[0]) for row in rows):
        return True
    return all(_is_closed(field) for row in rows for field in row if b'"' in field)


def _is_closed(field: bytes) -> bool:
    """Tell whether a field with a quote in it is enclosed in quotes, those inside written twice."""
    return len(field) > 1 and field[:1] == field[-1:] == b'"' and b'"' not in field[1:-1].replace(b'""', b"")


def _filled(sample: pl.DataFrame, name: str) -> bool:
    return sample.get_column(name).null_count() < sample.height


def open_plain(path: Path) -> Any:
    """Open a file's bytes, unpacked where it is gzipped."""
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if zipped else path.open("rb")


def _head(source: str, path: Path) -> list[str]:
    """Return the first whole lines of a text file."""
    with polars_speaks(source):
        with open_plain(path) as file:
            head = file.read(_HEAD_BYTES)
        while len(head) == _HEAD_BYTES and b"\n" not in head:
            raise DataError(f"{source}: the first line is longer than {_HEAD_BYTES} bytes; this is no table")
    whole = head[: head.rfind(b"\n")] if len(head) == _HEAD_BYTES else head
    try:
        text: str = whole.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = whole[: error.start].count(b"\n") + 1
        raise DataError(f"{source}, row {row}: the text is not UTF-8; save the file as UTF-8") from None
    return list(text.splitlines())


def _separator(word: str) -> str:
    mark = _SEPARATOR_WORDS.get(word, word)
    if len(mark) != 1 or not mark.isascii() or mark in '"\r\n':
        raise DataError(f"separator: {word!r} cannot separate columns; give one of , ; | tab space")
    return mark


def sniff_separator(lines: list[str]) -> str:
    r"""Return the separator that cuts the first lines into equally many columns.

    Examples
    --------
    >>> sniff_separator(["ds;y", "2020-01-01;1,5", "2020-01-02;1,7"])
    ';'
    """
    head = [line for line in lines if line.strip()][:50]
    widths: dict[str, list[int]] = {}
    for mark in _SEPARATORS:
        texts = [" ".join(line.split()) for line in head] if mark == " " else head
        widths[mark] = [len(row) for row in _parse(texts, mark)]
    for mark in _SEPARATORS:
        if widths[mark] and widths[mark][0] > 1 and len(set(widths[mark])) == 1:
            return mark
    return max(_SEPARATORS, key=lambda mark: widths[mark][0] if widths[mark] and mark != " " else 0)


def _parse(lines: list[str], mark: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(lines, delimiter=mark) if row]
    except csv.Error:
        return []


def _header(source: str, lines: list[str], mark: str, squeeze: bool) -> list[str]:
    lines = [line for line in lines if line.strip()]
    rows = _parse([" ".join(line.split()) if squeeze else line for line in lines], mark)
    if not rows:
        raise DataError(f"{source}: the first line cannot be read as names of columns")
    return rows[0]


def _names(source: str, header: list[str]) -> list[str]:
    names = [title.strip() or f"column_{i}" for i, title in enumerate(header, start=1)]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise DataError(f"{source}: the column {twice[0]!r} is there twice; give every column its own name")
    return names


def _squeezed(path: Path) -> io.BytesIO:
    """Read a file whose columns stand apart by runs of spaces."""
    with open_plain(path) as file:
        content = file.read()
    return io.BytesIO(re.sub(rb"(?m)^ +| +(?=\r?$)", b"", re.sub(rb" {2,}", b" ", content)))


def _records(path: Path, form: _Form) -> Iterator[tuple[int, list[str]]]:
    """Walk through a CSV file slowly, with the line on which each record starts; blank lines count."""
    with open_plain(path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
        reader: Any = form.reader(text)
        line = 1
        for record in reader:
            yield line, record
            line = reader.line_num + 1


def _csv_line(path: Path, form: _Form, index: int) -> int:
    """Return the line of the file on which record `index` (from 0, below the header) starts."""
    try:
        records = _records(path, form)
        next(line for line, record in records if record)  # the header, wherever it stands
        return next(islice(records, index, None))[0]
    except (csv.Error, UnicodeDecodeError, StopIteration, OSError):
        return index + 2


def _csv_lines(path: Path, form: _Form) -> list[int]:
    """Return the line of the file on which each record starts, up to where the file cannot be walked through."""
    found: list[int] = []
    with suppress(csv.Error, UnicodeDecodeError, OSError):
        records = _records(path, form)
        next(line for line, record in records if record)  # the header, wherever it stands
        found.extend(line for line, _ in records)
    return found


def _explain_csv(path: Path, form: _Form, width: int) -> str:
    """Say which row Polars stumbled over."""
    line = 0
    try:
        for line, record in _records(path, form):
            if len(record) > width:
                return f"row {line} has {len(record)} fields, the header has {width}; check that row's separators"
    except UnicodeDecodeError:
        return f"the text is not UTF-8 (after row {line}); save the file as UTF-8"
    except (csv.Error, OSError, EOFError):
        return f"the file cannot be read beyond row {line}"
    return ""


def _refuse_short_rows(source: str, path: Path, form: _Form, squeeze: bool, width: int) -> None:
    """Refuse rows with too few fields: Polars would move their values to the left and say nothing."""
    with polars_speaks(source), open_plain(path) as file:
        quoted = form.quoted and b'"' in file.read()
    if not quoted and not squeeze:
        with polars_speaks(source):
            lines = pl.read_csv(
                path, separator="\x01", quote_char=None, has_header=False, infer_schema=False, new_columns=["line"]
            ).get_column("line")
        short = (lines.str.count_matches(form.mark, literal=True) < width - 1) & (lines.str.strip_chars() != "")
        if not short.fill_null(False).any():
            return
    for line, record in _records(path, form):
        fields = [field for field in record if field] if squeeze else record
        if record and len(fields) < width:
            raise DataError(
                f"{source}: row {line} has {len(fields)} fields, the header has {width}; check that row's separators"
            )
