"""Corpora that were encoded once, in a folder of the cache, each with a checksum."""

from __future__ import annotations

import errno
import hashlib
import importlib.metadata
import json
import os
import shutil
import time
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import numpy as np

from gatewise import caching
from gatewise.data.text.corpus import Corpus
from gatewise.data.text.numbering import smallest_dtype
from gatewise.data.text.sources import Source
from gatewise.data.text.store import DOCUMENTS, RAW, Encoded, FileStore, Store
from gatewise.errors import OutputError
from gatewise.settings import TextDataSettings

#: Changes when the same text would be encoded in another way.
VERSION = 1
ABOUT = "corpus.json"
UNFINISHED = ".unfinished"
_DAY = 86_400


def cache_folder() -> Path:
    """Return the folder of encoded texts."""
    return caching.cache_folder("text")


def open_or_encode(sources: Sequence[Source], settings: TextDataSettings, encode: Callable[[Store], Encoded]) -> Corpus:
    """Return the corpus of some files from the cache; it is encoded first where it is not there or damaged.

    Raises
    ------
    OutputError
        If the cache cannot be written.
    """
    folder = cache_folder() / _key(sources, settings)
    found = _open(folder, settings.symbols)
    if found is not None:
        return found
    new = folder.with_name(f"{folder.name}.{uuid4().hex[:12]}{UNFINISHED}")
    try:
        new.mkdir(parents=True)
        _remove_abandoned(new.parent)
        store = FileStore(new)
        try:
            about = encode(store)
            store.finish()
        finally:
            store.close()
        _write_about(new, about)
        _put(new, folder)
    except OSError as error:
        raise OutputError(
            f"cannot write {error.filename or new}: {error.strerror or error}; a text of this size is encoded in the "
            f"cache folder: set GATEWISE_CACHE to a folder with room"
        ) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    made = _open(folder, settings.symbols)
    if made is None:
        raise OutputError(f"{folder}: what was written there is not what is read; is the disk damaged?")
    return made


def _key(sources: Sequence[Source], settings: TextDataSettings) -> str:
    """Return a name that changes with the files' contents and with everything that cleans or divides them."""
    made = settings.model_dump(mode="json", include={"encoding", "lower", "normalize", "symbols", "documents"})
    versions = [VERSION, unicodedata.unidata_version]
    if settings.symbols == "graphemes":
        versions.append(importlib.metadata.version("regex"))
    key = hashlib.sha256(json.dumps([versions, made]).encode())
    for source in sources:
        with source.stored() as file:
            key.update(hashlib.file_digest(file, "sha256").digest())  # type: ignore[arg-type]
    return key.hexdigest()[:32]


def _checksum(folder: Path, about: dict[str, object]) -> str:
    """Return the checksum of both files and of what is said about them."""
    total = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name in (RAW, DOCUMENTS):
        with (folder / name).open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def _write_about(folder: Path, made: Encoded) -> None:
    about: dict[str, object] = {
        "length": made.length, "symbols": list(made.symbols), "digest": made.digest, "notes": list(made.notes),
    }  # fmt: skip
    about["checksum"] = _checksum(folder, about)
    with (folder / ABOUT).open("x", encoding="utf-8") as file:
        json.dump(about, file)
        file.flush()
        os.fsync(file.fileno())


def _open(folder: Path, kind: str) -> Corpus | None:
    """Return the corpus in a folder; None where there is none, or its checksum is wrong."""
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        if about.pop("checksum") != _checksum(folder, about):
            return None
        symbols, length = tuple(about["symbols"]), about["length"]
        raw = np.memmap(folder / RAW, dtype=smallest_dtype(len(symbols)), mode="r", shape=(length,))
        begins = np.memmap(folder / DOCUMENTS, dtype=np.int64, mode="r")
    except (OSError, ValueError, KeyError, AttributeError):
        return None
    return Corpus(raw, symbols, begins, about["digest"], kind, tuple(about["notes"]))


def _put(new: Path, folder: Path) -> None:
    """Let a finished folder take its place; a damaged one, or one that another process made meanwhile, gives way."""
    old = new.with_name(f"{new.name}.old{UNFINISHED}")
    with suppress(FileNotFoundError):
        os.replace(folder, old)
    try:
        os.replace(new, folder)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:  # another process was faster; its corpus is the same
            raise
    shutil.rmtree(old, ignore_errors=True)


def _remove_abandoned(place: Path) -> None:
    """Remove what killed processes left behind a day ago or earlier."""
    for left in place.glob(f"*{UNFINISHED}"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _DAY:
                shutil.rmtree(left, ignore_errors=True)
