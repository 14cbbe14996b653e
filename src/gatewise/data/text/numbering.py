"""Symbols and their numbers: characters, graphemes or bytes, numbered in the order of their first appearance."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Raw = NDArray[np.unsignedinteger[Any]]
_CODE_POINTS = sys.maxunicode + 1
#: Pieces of fewer characters, such as a prompt, are numbered one by one: a table of all code points costs more.
_SHORT = 1 << 12


def smallest_dtype(symbols: int) -> np.dtype[np.unsignedinteger[Any]]:
    """Return the narrowest type that numbers so many symbols."""
    return np.dtype(np.uint8 if symbols <= 2**8 else np.uint16 if symbols <= 2**16 else np.uint32)


class Numbering:
    """A dictionary of symbols that grows as text comes in.

    Parameters
    ----------
    kind
        ``characters`` (code points), ``graphemes`` (extended grapheme clusters of Unicode's annex 29, what a reader
        takes for one letter), or ``bytes`` of UTF-8.

    Examples
    --------
    >>> numbering = Numbering("characters")
    >>> numbering.number("abba").tolist(), numbering.number("bc").tolist(), numbering.symbols
    ([0, 1, 1, 0], [1, 2], ('a', 'b', 'c'))
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._numbers = _Growing(self._place)
        self._bytes = np.zeros(256, dtype=np.uint32)  # numbers of ASCII characters, or of bytes
        self._known = b""
        self._points: NDArray[np.int32] | None = None  # number of every code point, -1 where it has none yet

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols so far; in bytes mode chr(byte)."""
        return tuple(self._numbers)

    @property
    def line_end(self) -> int:
        """The number of the line feed; -1 where there was none yet."""
        return self._numbers.get("\n", -1)

    def number(self, piece: str, encoded: bytes | None = None) -> Raw:
        """Return the numbers of the symbols of a piece that no symbol straddles.

        Parameters
        ----------
        encoded
            The piece as UTF-8, where the caller has it already.
        """
        if self.kind == "bytes" or piece.isascii():
            return self._narrow(
                self._number_bytes(piece.encode("utf-8", "surrogatepass") if encoded is None else encoded)
            )
        if self.kind == "graphemes":
            import regex

            return self._narrow(self._number_each(regex.findall(r"\X", piece)))
        return self._narrow(self._number_each(piece) if len(piece) < _SHORT else self._number_points(piece))

    def _number_bytes(self, data: bytes) -> Raw:
        """Number symbols of one byte each."""
        for byte in dict.fromkeys(data.translate(None, self._known)):
            self._bytes[byte] = self._numbers[chr(byte)]
            self._known += bytes([byte])
        if len(self._numbers) <= 256:
            return np.frombuffer(data.translate(self._bytes.astype(np.uint8).tobytes()), dtype=np.uint8)
        return self._bytes[np.frombuffer(data, dtype=np.uint8)]

    def _number_points(self, piece: str) -> Raw:
        if self._points is None:
            self._points = np.full(_CODE_POINTS, -1, dtype=np.int32)
            for symbol, number in self._numbers.items():
                self._points[ord(symbol)] = number
        codes = np.frombuffer(piece.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        numbers = self._points[codes]
        if numbers.min() < 0:
            fresh, first = np.unique(codes[numbers < 0], return_index=True)
            for code in fresh[np.argsort(first)].tolist():
                self._numbers[chr(code)]  # looking it up gives it a number
            numbers = self._points[codes]
        found: Raw = numbers.view(np.uint32)
        return found

    def _number_each(self, symbols: Sequence[str]) -> Raw:
        return np.fromiter(map(self._numbers.__getitem__, symbols), dtype=np.uint32, count=len(symbols))

    def _place(self, symbol: str, number: int) -> None:
        """Remember a new symbol in the table of code points too."""
        if self._points is not None and len(symbol) == 1:
            self._points[ord(symbol)] = number

    def _narrow(self, numbers: Raw) -> Raw:
        return numbers.astype(smallest_dtype(len(self._numbers)), copy=False)


class _Growing(dict[str, int]):
    """Numbers by symbol; one that is missing gets the next number."""

    def __init__(self, tell: Callable[[str, int], None]) -> None:
        super().__init__()
        self._tell = tell

    def __missing__(self, symbol: str) -> int:
        number = self[symbol] = len(self)
        self._tell(symbol, number)
        return number
