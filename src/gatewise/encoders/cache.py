"""Hidden states on disk: made once, read by every later run.

A store is a folder for one encoder and one list of texts. It holds a file for each hidden layer, the states of the
different texts' tokens end to end, by length; and ``progress.json``, which says how many texts of each layer are on the
disk. It is written after the states themselves were brought to the disk, so that a killed run goes on from there.
"""

from __future__ import annotations

import json
import mmap
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import numpy as np

from gatewise.caching import cache_folder
from gatewise.encoders.batches import Order, encode_batch
from gatewise.encoders.features import Features, States, encode_now
from gatewise.encoders.load import Encoder
from gatewise.encoders.room import in_words, make_room
from gatewise.encoders.tokens import Tokens
from gatewise.errors import InputError, OutputError
from gatewise.runs.atomic import cannot_write, make_folder, read_json, write_json
from gatewise.runs.lock import share_lock, waited_lock

#: Changes when the same texts would give other states, or lie in the files in another way.
VERSION = 1
PROGRESS = "progress.json"
#: Seconds of work that a kill may cost.
_SYNC_SECONDS = 5.0

Progress = Callable[[int, int], None]


def encode_texts(
    encoder: Encoder, tokens: Tokens, *, precision: str = "float16", progress: Progress | None = None
) -> Features:
    """Return the hidden states of texts, from the cache; what is not there yet is made now and kept.

    A run that was killed goes on where it was. Of two processes that need the same states one makes them, the other
    waits and reads. States that were used longest ago make room for new ones when all together would take more than
    ``GATEWISE_CACHE_LIMIT_GB``.

    Parameters
    ----------
    encoder
        A loaded encoder.
    tokens
        The texts, from its :meth:`Encoder.tokenize`.
    precision
        ``float16`` or ``float32``, in which the states are kept.
    progress
        Called with the different texts that are done and all of them.

    Raises
    ------
    SettingsError
        If the states alone would take more than the cache may hold.
    OutputError
        If the cache cannot be written or the disk has no room.
    """
    if not len(tokens):
        return encode_now(encoder, tokens)
    begin = time.perf_counter()
    store = Store(encoder, tokens, precision)
    if (found := store.open()) is not None:
        return found
    with waited_lock(store.folder.with_suffix(".lock")):
        fresh = 0
        if not store.complete():
            fresh = store.encode(progress)
        made = store.open()
    if made is None:
        raise OutputError(f"{store.folder}: what was written there is not what is read; is the disk damaged?")
    made.fresh, made.seconds = fresh, time.perf_counter() - begin
    return made


class Store:
    """The folder of one list of texts' states.

    Parameters
    ----------
    encoder, tokens, precision
        As :func:`encode_texts` takes them.
    """

    def __init__(self, encoder: Encoder, tokens: Tokens, precision: str) -> None:
        self.encoder, self.tokens = encoder, tokens
        self.dtype = np.dtype(precision)
        self.order = Order.of(tokens)
        key = json.dumps([VERSION, encoder.states_digest, tokens.digest, precision])
        self.folder = cache_folder("encoders") / "states" / sha256(key.encode()).hexdigest()[:32]
        self._row_bytes = encoder.width * self.dtype.itemsize

    @property
    def layer_bytes(self) -> int:
        """Size of one layer's file."""
        return self.order.tokens * self._row_bytes

    def missing(self) -> list[int]:
        """Return the hidden layers that are wanted and not on the disk as a whole."""
        done = self._done()
        return [layer for layer in self.encoder.layer_numbers if done.get(layer) != len(self.order)]

    def complete(self) -> bool:
        """Return whether all that is wanted is on the disk."""
        return not self.missing()

    def open(self) -> Features | None:
        """Return the states from the disk, None where a part of them is not there."""
        if not self.complete():
            return None
        maps: list[mmap.mmap] = []
        for layer in self.encoder.layer_numbers:
            mapped = _map(self._file(layer))
            if mapped is None:
                return None
            maps.append(mapped)
        with suppress(OSError):  # by its time of change it is known which store was used longest ago
            os.utime(self.folder / PROGRESS)
        shape = (self.order.tokens, self.encoder.width)
        states: list[States] = [np.frombuffer(one, self.dtype).reshape(shape) for one in maps]
        return Features(states, self.order, let_go=lambda: _let_go(maps))

    def encode(self, progress: Progress | None) -> int:
        """Make what is missing, going on where a killed run stopped, and return how many texts were encoded."""
        layers = self.missing()
        done = self._done()
        begin = min(done.get(layer, 0) for layer in layers)
        kept = {layer: count for layer, count in done.items() if layer not in layers}
        size = self.layer_bytes * len(layers) - int(self.order.starts[begin]) * self._row_bytes * len(layers)
        make_folder(self.folder.parent)
        make_room(size, self.folder)
        make_folder(self.folder)
        try:
            with ExitStack() as files:
                open_files = {layer: files.enter_context(self._file(layer).open("ab")) for layer in layers}
                for file in open_files.values():
                    file.truncate(int(self.order.starts[begin]) * self._row_bytes)
                for count in self._encoded(open_files, begin, progress):
                    self._write_progress(kept | dict.fromkeys(layers, count))
        except OSError as error:
            raise OutputError(
                f"{cannot_write(self.folder, error)}; hidden states are kept in the cache: set GATEWISE_CACHE to a "
                f"folder with room for {in_words(size)}"
            ) from error
        return len(self.order) - begin

    def _encoded(self, files: Mapping[int, IO[bytes]], begin: int, progress: Progress | None) -> Iterator[int]:
        """Write batch after batch; give how many texts are done whenever all before is on the disk."""
        synced = time.monotonic()
        for first, end in self.order.batches():
            if first < begin:
                continue
            made = encode_batch(self.encoder, self.tokens, self.order.rows[first:end])
            for layer, states in zip(self.encoder.layer_numbers, made, strict=True):
                if layer in files:
                    kept = states.half() if self.dtype == np.float16 else states
                    files[layer].write(kept.numpy().data)
            if progress is not None:
                progress(end, len(self.order))
            if end == len(self.order) or time.monotonic() - synced > _SYNC_SECONDS:
                for file in files.values():
                    file.flush()
                    os.fsync(file.fileno())
                yield end
                synced = time.monotonic()

    def _file(self, layer: int) -> Path:
        return self.folder / f"layer-{layer:02d}.bin"

    def _done(self) -> dict[int, int]:
        """Return how many texts of each layer are on the disk; a layer whose file is too short has none."""
        try:
            said = read_json(self.folder / PROGRESS)
            counts = {int(layer): int(count) for layer, count in said["done"].items()}
        except (InputError, KeyError, AttributeError, TypeError, ValueError):
            return {}
        if said.get("version") != VERSION:
            return {}
        begins = {0, len(self.order), *(first for first, _ in self.order.batches())}
        return {layer: count for layer, count in counts.items() if count in begins and self._holds(layer, count)}

    def _holds(self, layer: int, count: int) -> bool:
        wanted = int(self.order.starts[count]) * self._row_bytes
        try:
            size = self._file(layer).stat().st_size
        except OSError:
            return False
        return size == wanted if count == len(self.order) else size >= wanted

    def _write_progress(self, done: dict[int, int]) -> None:
        source = self.encoder.source
        about: dict[str, Any] = {
            "version": VERSION, "encoder": source.name, "encoder_digest": source.digest, "width": self.encoder.width,
            "precision": self.dtype.name, "max_tokens": self.encoder.max_tokens, "texts": len(self.order),
            "tokens": self.order.tokens, "done": {str(layer): count for layer, count in sorted(done.items())},
        }  # fmt: skip
        write_json(self.folder / PROGRESS, about)


def _map(path: Path) -> mmap.mmap | None:
    """Return a file mapped into memory, marked as in use as long as it is; None where it is not there any more."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except OSError:
        return None
    try:
        # The map keeps a copy of the handle, and with it the lock.
        return mmap.mmap(handle, 0, access=mmap.ACCESS_READ) if share_lock(handle, path) else None
    finally:
        os.close(handle)


def _let_go(maps: list[mmap.mmap]) -> None:
    advice = getattr(mmap, "MADV_DONTNEED", None)
    if advice is not None:
        for one in maps:
            one.madvise(advice)
