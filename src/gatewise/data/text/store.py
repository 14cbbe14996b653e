"""Where the numbers of a corpus go while it is read: a list in memory, or files that grow."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gatewise.data.text.numbering import Raw, smallest_dtype

RAW, DOCUMENTS = "raw.bin", "documents.bin"
_COPIED = 1 << 20


@dataclass(frozen=True)
class Encoded:
    """What there is to say about a corpus besides its numbers."""

    symbols: tuple[str, ...]
    digest: str
    notes: tuple[str, ...]
    length: int


class Store(Protocol):
    """Takes a corpus in pieces."""

    def append(self, raw: Raw, documents: NDArray[np.int64]) -> None:
        """Add numbers of symbols, and where documents begin among all of them."""
        ...


class MemoryStore:
    """A corpus in memory."""

    def __init__(self) -> None:
        self._raw: list[Raw] = []
        self._documents: list[NDArray[np.int64]] = []

    def append(self, raw: Raw, documents: NDArray[np.int64]) -> None:
        """Add a piece."""
        self._raw.append(raw)
        self._documents.append(documents)

    def finish(self, symbols: int) -> tuple[Raw, NDArray[np.int64]]:
        """Return all numbers, in the narrowest type, and all beginnings."""
        dtype = smallest_dtype(symbols)
        raw = np.concatenate([np.empty(0, dtype), *self._raw]).astype(dtype, copy=False)
        return raw, np.concatenate([np.empty(0, np.int64), *self._documents])


class FileStore:
    """A corpus in two files; when a number no longer fits, what is there is written again with wider numbers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dtype = np.dtype(np.uint8)
        self._raw = (folder / RAW).open("xb")
        self._documents = (folder / DOCUMENTS).open("xb")

    def append(self, raw: Raw, documents: NDArray[np.int64]) -> None:
        """Add a piece."""
        if raw.dtype.itemsize > self.dtype.itemsize:
            self._widen(raw.dtype)
        self._raw.write(raw.astype(self.dtype, copy=False).data)
        self._documents.write(documents.data)

    def _widen(self, dtype: np.dtype[np.unsignedinteger]) -> None:
        self._raw.close()
        narrow, wide = self.folder / RAW, self.folder / f"wide-{RAW}"
        with narrow.open("rb") as source, wide.open("xb") as target:
            while block := source.read(_COPIED):
                target.write(np.frombuffer(block, self.dtype).astype(dtype).data)
        os.replace(wide, narrow)
        self.dtype = dtype
        self._raw = narrow.open("ab")

    def finish(self) -> None:
        """Bring everything to the disk."""
        for file in (self._raw, self._documents):
            file.flush()
            os.fsync(file.fileno())
        self.close()

    def close(self) -> None:
        """Close the files."""
        self._raw.close()
        self._documents.close()
