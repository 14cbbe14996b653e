"""A corpus: text as numbers of its symbols, in memory or on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.data.text.numbering import Raw

Index = NDArray[np.int64]

#: Symbols that are looked at together, so that a corpus larger than memory is never in memory.
BLOCK = 1 << 20
#: Letters that look alike and differ: Arabic and Persian keyboards write the same word with other code points.
LOOK_ALIKES = (
    ("yeh", "\u064a\u0649", "\u06cc"),
    ("kaf", "\u0643", "\u06a9"),
    ("heh", "\u0647", "\u06c1"),
    ("digits", "".join(map(chr, range(0x660, 0x66A))), "".join(map(chr, range(0x6F0, 0x6FA)))),
)


@dataclass(frozen=True, eq=False)
class Corpus:
    """Texts one after the other, each symbol a number.

    Attributes
    ----------
    raw
        Numbers of the symbols, uint8, uint16 or uint32, (N,); on disk for a large corpus.
    symbols
        The symbol of each number, in the order of first appearance; in bytes mode chr(byte).
    documents
        Where each document begins, and at last N: int64, (D + 1,).
    digest
        SHA-256 of the cleaned text and its documents, in hexadecimal digits.
    kind
        ``characters``, ``graphemes`` or ``bytes``.
    notes
        What reading did and found.
    """

    raw: Raw
    symbols: tuple[str, ...]
    documents: Index
    digest: str
    kind: str = "characters"
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.raw)

    def text(self, begin: int = 0, end: int | None = None) -> str:
        """Return the text from one symbol to another (in bytes mode with U+FFFD for bytes that are no letter)."""
        return join_symbols([self.symbols[i] for i in self.raw[begin:end].tolist()], self.kind)

    def counts(self, spans: Index | None = None) -> Index:
        """Count every symbol, in some spans (n, 2) [begin, end) or everywhere: int64, (len(symbols),).

        A symbol that two spans share is counted once.
        """
        counts = np.zeros(len(self.symbols), dtype=np.int64)
        for raw, _ in self.blocks(spans):
            counts += np.bincount(raw, minlength=len(counts))
        return counts

    def blocks(self, spans: Index | None = None) -> Iterator[tuple[Raw, Index]]:
        """Yield the numbers inside some spans and where they stand, a part of the corpus at a time."""
        edges = np.array([[0, len(self)]]) if spans is None else spans
        begins, ends = np.sort(edges[:, 0]), np.sort(edges[:, 1])
        for start in range(0, len(self), BLOCK):
            stop = min(start + BLOCK, len(self))
            inside = _depth(begins, ends, start, stop) > 0
            if inside.all():
                yield self.raw[start:stop], np.arange(start, stop)
            elif inside.any():
                yield self.raw[start:stop][inside], start + np.flatnonzero(inside)


def _depth(begins: Index, ends: Index, start: int, stop: int) -> Index:
    """Return in how many spans each symbol from `start` to `stop` lies."""
    change = np.zeros(stop - start, dtype=np.int64)
    change[0] = np.searchsorted(begins, start, "right") - np.searchsorted(ends, start, "right")
    for edges, step in ((begins, 1), (ends, -1)):
        here = edges[np.searchsorted(edges, start, "right") : np.searchsorted(edges, stop, "left")]
        np.add.at(change, here - start, step)
    return np.cumsum(change)


def join_symbols(symbols: list[str], kind: str) -> str:
    """Return the text that symbols make; bytes that are no letter become U+FFFD."""
    text = "".join(symbols)
    if kind != "bytes":
        return text
    if text.isascii():
        return text
    data = b"".join(one.encode("latin-1") if one <= "\xff" else one.encode() for one in symbols)
    return data.decode("utf-8", errors="replace")


def look_alike_notes(symbols: tuple[str, ...], count: Any) -> tuple[str, ...]:
    """Say which letters stand in a text in two forms that look the same.

    Parameters
    ----------
    count
        Called once, where there is something to say: returns how often each symbol stands in the text.
    """
    notes = []
    present = set("".join(symbols))
    for name, one, other in LOOK_ALIKES:
        if present & set(one) and present & set(other):
            counts = count()
            often = [
                sum(int(n) for symbol, n in zip(symbols, counts, strict=True) if set(symbol) & set(form))
                for form in (one, other)
            ]
            notes.append(
                f"look-alike {name}: the Arabic form (U+{ord(one[0]):04X}) {often[0]} times, the Persian or Urdu form "
                f"(U+{ord(other[0]):04X}) {often[1]} times; they stay different symbols"
            )
    return tuple(notes)
