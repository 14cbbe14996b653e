"""Labelled texts that every Python brings along, so that a first run needs no file and no network."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import polars as pl

from gatewise.data.tables import Table, frame_table
from gatewise.errors import DataError, did_you_mean

#: What modules of the standard library are about.
_AREAS = {
    "concurrency": "asyncio concurrent contextvars multiprocessing queue sched signal subprocess threading "
    "_threading_local _weakrefset",
    "dates": "calendar datetime _pydatetime _strptime timeit zoneinfo",
    "files": "bz2 dbm filecmp fileinput fnmatch genericpath glob gzip _compression linecache lzma mailbox ntpath os "
    "pathlib posixpath _pyio shelve shutil sqlite3 stat tarfile tempfile zipfile",
    "network": "ftplib http imaplib ipaddress poplib select selectors smtplib socket socketserver ssl urllib "
    "webbrowser wsgiref xmlrpc",
    "numbers": "bisect colorsys decimal _pydecimal fractions hashlib heapq hmac numbers random secrets statistics uuid",
    "text": "argparse codecs configparser csv difflib email gettext html json locale optparse pprint re reprlib shlex "
    "string stringprep textwrap tomllib quopri xml",
}
#: Words that a text has at least and at most.
_FEWEST, _MOST = 5, 60


def open_sample(source: str) -> Table:
    """Return the table of ``sample:NAME``, with the columns text, label and module.

    python-docstrings
        What the modules, classes and functions of the standard library say of themselves, some 3,500 texts of at most
        60 words, labelled by what their module is about: concurrency, dates, files, network, numbers or text. They
        differ a little between versions of Python.

    Raises
    ------
    DataError
        If there is no such sample, or this Python came without it.
    """
    name = source.removeprefix("sample:")
    if name not in SAMPLES:
        raise DataError(f"{source}: there is no such sample of labelled texts{did_you_mean(name, SAMPLES)}")
    rows = SAMPLES[name]()
    if len(rows) < 100:
        raise DataError(f"{source}: this Python came without its source, so there is nothing to read")
    frame = pl.DataFrame(rows, schema=["text", "label", "module"], orient="row")
    return frame_table(source, name, frame)


@cache  # the library does not change while it runs, and a study reads it for each run
def _python_docstrings() -> tuple[tuple[str, str, str], ...]:
    """Return text, area and module, each text once; source is read and never run."""
    library = Path(os.__file__).parent
    rows: dict[str, tuple[str, str, str]] = {}
    for area, modules in _AREAS.items():
        for module in modules.split():
            for path in (library / f"{module}.py", *sorted((library / module).rglob("*.py"))):
                for text in _docstrings(path):
                    rows.setdefault(text, (text, area, module))
    return tuple(rows.values())


def _docstrings(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_text("utf-8"))
    except (OSError, ValueError, SyntaxError):  # not in this Python
        return
    for text in _inside(tree):
        words = text.split()
        if len(words) >= _FEWEST:
            yield " ".join(words[:_MOST])


def _inside(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """Yield the docstring of a piece of source and of the classes and functions in it."""
    for place, inner in enumerate(node.body):
        if isinstance(inner, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _inside(inner)
        elif place == 0 and isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant):
            said = inner.value.value
            yield said if isinstance(said, str) else ""


SAMPLES: dict[str, Callable[[], tuple[tuple[str, str, str], ...]]] = {"python-docstrings": _python_docstrings}
