"""Texts that every Python brings along, so that a first run needs no file and no network."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from gatewise.errors import DataError, did_you_mean

Documents = Iterator[tuple[str, bytes]]


def read_sample(source: str) -> list[tuple[str, bytes]]:
    """Return name and UTF-8 text of every document of ``sample:NAME``.

    licence
        Python's licence, about 14 kB.
    python-docs
        The help texts of ``help()``, about 450 to 700 kB of English, a topic a document. They differ a little between
        versions of Python.
    python-source
        The modules of the standard library, about 4.5 MB of Python, a module a document.

    Raises
    ------
    DataError
        If there is no such sample, or this Python came without it.
    """
    name = source.removeprefix("sample:")
    if name not in SAMPLES:
        raise DataError(f"{source}: there is no such sample{did_you_mean(name, SAMPLES)}")
    found = list(SAMPLES[name]())
    if not found:
        raise DataError(f"{source}: this Python came without that text; try another of {', '.join(SAMPLES)}")
    return found


def _licence() -> Documents:
    library = Path(os.__file__).parent
    for folder in (library, library.parent, Path(sys.base_prefix)):
        for name in ("LICENSE.txt", "LICENSE"):
            if (folder / name).is_file():
                yield name, (folder / name).read_bytes()
                return


def _python_docs() -> Documents:
    from pydoc_data.topics import topics  # type: ignore[import-untyped, unused-ignore]

    for name in sorted(topics):
        yield name, (topics[name].strip() + "\n\n").encode()


def _python_source() -> Documents:
    for path in sorted(Path(os.__file__).parent.glob("*.py")):
        yield path.name, path.read_bytes()


SAMPLES: dict[str, Callable[[], Documents]] = {
    "licence": _licence,
    "python-docs": _python_docs,
    "python-source": _python_source,
}
