"""Writing files whole or not at all.

A file is written under another name in the same folder, flushed to the disk, and only then takes its place. Whoever
reads sees the old content or the new one, never a part; a failure leaves the old file as it was.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic_core import from_json

from gatewise.errors import DiskFullError, InputError, OutputError

#: How the name of a file ends while it is being written; what a killed process left behind can be told by it.
UNFINISHED = ".unfinished"

#: What the system says when there is no space left.
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)

_ADVICE = {
    errno.ENOSPC: "the disk is full: free some space or choose another folder",
    errno.EDQUOT: "your disk quota is used up: free some space or choose another folder",
    errno.EROFS: "the file system is read-only: choose another folder",
    errno.EACCES: "no permission to write here: choose another folder or change its permissions",
    errno.EPERM: "no permission to write here: choose another folder or change its permissions",
    errno.ENOTDIR: "a part of this path is a file, not a folder: choose another folder",
    errno.EEXIST: "a file of this name stands where a folder is needed: remove it or choose another folder",
    errno.EISDIR: "a folder of this name stands where a file is needed: remove it or choose another folder",
    errno.ENAMETOOLONG: "the name is too long for this file system: choose a shorter one",
}


def cannot_write(path: Path, error: OSError) -> OutputError:
    """Return the error that says why `path` cannot be written and what to do."""
    said = re.search(r"\(os error (\d+)\)", str(error))  # Polars names the number in its text only
    number = error.errno or (int(said[1]) if said else 0)
    advice = _ADVICE.get(number, f"{error.strerror or error}: choose another folder")
    kind = DiskFullError if number in DISK_FULL else OutputError
    return kind(f"cannot write {path}: {advice}")


def make_folder(path: Path) -> None:
    """Make a folder and those above it.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the path of a new file that takes the place of `path` when the block ends without an error.

    Raises
    ------
    OutputError
        If the disk is full, read-only, or may not be written; the old file is then unchanged.

    Examples
    --------
    >>> with replacing(Path("table.parquet")) as new:  # doctest: +SKIP
    ...     frame.write_parquet(new)
    """
    new = path.with_name(f".{path.name}.{uuid4().hex[:12]}{UNFINISHED}")
    try:
        yield new
        _flush(new)
        os.replace(new, path)
        _flush(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path, *, known_by: str) -> Iterator[Path]:
    """Give a new folder that takes the place of the folder `path` when the block ends without an error.

    Parameters
    ----------
    known_by
        Name of the file by which a folder of this kind is known; a folder without it is never replaced, unless empty.

    Raises
    ------
    OutputError
        If the disk is full, read-only, or may not be written, or other things lie at `path`; all is then as before.
    """
    held = path.exists() and (not path.is_dir() or (any(path.iterdir()) and not (path / known_by).is_file()))
    if held:
        raise OutputError(f"{path} holds something else than what is to be written there: choose another folder")
    make_folder(path.parent)
    mark = uuid4().hex[:12]
    new = path.with_name(f".{path.name}.{mark}{UNFINISHED}")
    old = path.with_name(f".{path.name}.{mark}.old{UNFINISHED}")
    try:
        new.mkdir()
        yield new
        for file in new.iterdir():
            _flush(file)
        _flush(new)
        if path.exists():
            os.replace(path, old)
        os.replace(new, path)
        _flush(path.parent)
    except OSError as error:
        if old.exists() and not path.exists():
            os.replace(old, path)
        raise cannot_write(path, error) from error
    finally:
        for left in (new, old):
            shutil.rmtree(left, ignore_errors=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all; see :func:`replacing` for what it raises."""
    with replacing(path) as new, new.open("xb") as file:
        file.write(content)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to `path`, whole or not at all; see :func:`replacing` for what it raises."""
    write_bytes(path, text.encode())


def write_json(path: Path, tree: Any) -> None:
    """Write a plain tree as readable JSON, whole or not at all; see :func:`to_json` and :func:`replacing`."""
    write_text(path, to_json(tree, indent=2) + "\n")


def read_json(path: Path | str) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises
    ------
    InputError
        If it cannot be read as a JSON object.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            tree = from_json(file.read())  # four times as fast as Python's own: a study has thousands of them
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: not readable as JSON ({error}): run again into a new folder") from error
    if not isinstance(tree, dict):
        raise InputError(f"{path}: a JSON object is expected, found {type(tree).__name__}")
    return tree


def to_json(tree: Any, *, indent: int | None = None) -> str:
    """Return a tree as standard JSON.

    JSON has no NaN and no infinity: a float that is not finite becomes ``null``. NumPy numbers become plain ones,
    paths become text.

    Examples
    --------
    >>> to_json({"r2": float("nan"), "mse": 1.5})
    '{"r2": null, "mse": 1.5}'
    """
    return json.dumps(_plain(tree), indent=indent, ensure_ascii=False, allow_nan=False)


def remove_unfinished(folder: Path) -> None:
    """Remove what a killed process left half-written in `folder`."""
    for path in folder.glob(f".*{UNFINISHED}"):
        with suppress(OutputError):
            remove(path)


def remove(path: Path) -> None:
    """Remove a file or a folder with all it holds; nothing happens when there is none.

    Raises
    ------
    OutputError
        If it may not be removed.
    """
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def flush_tree(folder: Path) -> None:
    """Bring a folder and all that it holds to the disk."""
    for path in (*folder.rglob("*"), folder):
        _flush(path)


def _flush(path: Path) -> None:
    """Ask the system to bring a file or a folder's list of names to the disk."""
    if os.name == "nt" and path.is_dir():  # Windows opens no folders
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _plain(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {str(key): _plain(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_plain(value) for value in tree]
    if isinstance(tree, os.PathLike):
        return os.fspath(tree)
    if hasattr(tree, "tolist"):  # NumPy numbers and arrays
        return _plain(tree.tolist())
    if isinstance(tree, float) and not math.isfinite(tree):
        return None
    return tree
