"""What travels between a study and a worker on another machine: run folders there and back, and data files there.

A run folder travels as the bytes of an archive. Data travel by content: a worker that has a file of the same path and
content reads its own, otherwise it keeps the content under its hash. The run reads it by another path, and what it
writes is spelled with the original one, so a folder does not tell where it was made.
"""

from __future__ import annotations

import glob
import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gatewise.errors import DataError, GatewiseError
from gatewise.runs import atomic

#: Ray keeps what travels in memory, so there is a limit: the largest folder, and the largest file of data.
MOST_BYTES = 2**30
_PLACES = ("files", "validation_files", "test_files", "static_file", "vectors")
_SPELLED = (".json", ".jsonl", ".md")


def pack(folder: Path, spell: Callable[[str], str] = str) -> bytes | None:
    """Return a run folder as bytes; None when there is nothing in it.

    Parameters
    ----------
    spell
        Changes the text of its JSON files.

    Raises
    ------
    GatewiseError
        If it is too large to travel.
    """
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path != folder / "lock"]
    size = sum(path.stat().st_size for path in files)
    if size > MOST_BYTES:
        raise GatewiseError(
            f"{folder.name}: the run folder has {size / 2**30:.1f} GiB, too much to send (most: "
            f"{MOST_BYTES / 2**30:.0f} GiB): save a smaller model, or run this study with the local engine"
        )
    if not files:
        return None
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for path in files:
            name = str(path.relative_to(folder))
            if path.suffix in _SPELLED:
                text = spell(path.read_text(encoding="utf-8")).encode()
                entry = tarfile.TarInfo(name)
                entry.size = len(text)
                archive.addfile(entry, io.BytesIO(text))
            else:
                archive.add(path, name)
    return content.getvalue()


def unpack(content: bytes, folder: Path) -> None:
    """Put a run folder in its place, whole or not at all; what was there is replaced.

    Raises
    ------
    OutputError
        If it cannot be written.
    GatewiseError
        If the bytes are not a whole folder.
    """
    new = folder.with_name(f".{folder.name}{atomic.UNFINISHED}")
    atomic.remove(new)
    atomic.make_folder(new)
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            archive.extractall(new, filter="data")
        atomic.flush_tree(new)
        atomic.remove(folder)
        os.replace(new, folder)
    except OSError as error:
        raise atomic.cannot_write(folder, error) from error
    except tarfile.TarError as error:
        raise GatewiseError(f"{folder}: did not come back whole from its worker ({error})") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)


def data_of(settings: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what a run reads by path: each place as its settings spell it, with the files that it stands for."""
    found: dict[str, list[str]] = {}
    for text in _places(settings):
        paths = [text] if os.path.exists(text) else glob.glob(text, recursive=True) if glob.has_magic(text) else []
        files = [file for path in paths for file in _files_below(path)]
        if files:
            found[text] = sorted(files)
    return found


def hash_of(path: str) -> str:
    """Return the hash of a file's content.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


class View:
    """A run's settings as its worker must read them, and what it writes as the study spells it.

    Parameters
    ----------
    places
        From :func:`data_of`.
    root
        Folder below which the files lie by their full path; empty when they lie in their own places.
    """

    def __init__(self, places: Mapping[str, Any], root: str) -> None:
        self._paths = {text: root + os.path.abspath(text) for text in places}

    def settings(self, tree: Any) -> Any:
        """Return settings with the worker's own paths."""
        if isinstance(tree, dict):
            return {key: self.settings(value) for key, value in tree.items()}
        if isinstance(tree, list | tuple):
            return [self.settings(value) for value in tree]
        return self._paths.get(tree, tree) if isinstance(tree, str) else tree

    def spell(self, text: str) -> str:
        """Return JSON text with the study's own paths."""
        for original, path in sorted(self._paths.items(), key=lambda pair: -len(pair[1])):
            text = text.replace(_inside(path), _inside(original))
        return text


def respell(text: str, before: str, after: str) -> str:
    """Return JSON text with one path in the place of another."""
    return text.replace(_inside(before), _inside(after))


def _inside(text: str) -> str:
    """Return how a text stands inside of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _places(tree: Any) -> Iterator[str]:
    if not isinstance(tree, Mapping):
        return
    for key, value in tree.items():
        if key in _PLACES:
            yield from [value] if isinstance(value, str) else value or ()
        elif key == "encoder" and isinstance(value, Mapping) and os.path.isdir(str(value.get("name"))):
            yield str(value["name"])
        yield from _places(value)


def _files_below(path: str) -> list[str]:
    if not os.path.isdir(path):
        return [os.path.abspath(path)]
    return [os.path.abspath(one) for one in Path(path).rglob("*") if one.is_file()]
