"""One stream's text as it grows: where it stops, and how much of it can be shown already."""

from __future__ import annotations

import codecs
import copy
from collections.abc import Sequence

import numpy as np

from gatewise.data.text import Vocabulary
from gatewise.settings import SamplingSettings
from gatewise.tasks.generate.symbols import known_only

_UTF8 = codecs.getincrementaldecoder("utf-8")


class GrowingText:
    """Takes symbols, gives text; what may turn out to belong to a stop string or to half a letter is held back.

    Parameters
    ----------
    symbols
        Text of each symbol of the vocabulary.
    are_bytes
        Whether a symbol is a byte of UTF-8.
    stop
        Texts at which writing ends; they are left out.
    min_length
        A stop string that is complete before so many symbols does not count.

    Examples
    --------
    >>> text = GrowingText("abcd", are_bytes=False, stop=["cd"], min_length=0)
    >>> [text.add(number) for number in (0, 2, 1, 2, 3)]
    ['a', '', 'cb', '', '']
    >>> text.stopped, text.text, text.kept
    (True, 'acb', 3)
    """

    def __init__(self, symbols: Sequence[str], *, are_bytes: bool, stop: Sequence[str], min_length: int) -> None:
        self._symbols, self._stop, self._min_length = symbols, stop, min_length
        self._decoder = _UTF8(errors="replace") if are_bytes else None
        self._ends: list[int] = []  # length of the text with each symbol in it
        self._pieces: list[str] = []  # what was shown
        self._shown, self._held = 0, ""  # its length, and what comes after it
        self.stopped = False

    @classmethod
    def of(cls, settings: SamplingSettings, vocabulary: Vocabulary) -> GrowingText:
        """Return an empty text of a vocabulary's symbols."""
        # Cleaned as the network's text is; what has a symbol that it does not know cannot come.
        stop = [vocabulary.decode(np.array(ids)) for one in settings.stop if (ids := known_only(vocabulary, one))]
        are_bytes = vocabulary.kind == "bytes"
        return cls(vocabulary.symbols, are_bytes=are_bytes, stop=stop, min_length=settings.min_length)

    def copy(self) -> GrowingText:
        """Return a text that goes on from here on its own."""
        made = copy.copy(self)
        made._ends, made._pieces = self._ends.copy(), self._pieces.copy()
        if self._decoder is not None:
            made._decoder = _UTF8(errors="replace")
            made._decoder.setstate(self._decoder.getstate())
        return made

    def add(self, number: int) -> str:
        """Take a symbol and return the text that can be shown now and was not before."""
        symbol, before = self._symbols[number], len(self._held)
        self._held += symbol if self._decoder is None else self._decoder.decode(symbol.encode("latin-1"))
        half = self._decoder is not None and bool(self._decoder.getstate()[0])  # of a letter: one more to come
        self._ends.append(self._shown + len(self._held) + half)
        if not self._stop:
            return self._show(len(self._held))
        if len(self._ends) >= self._min_length:
            places = [self._held.find(stop, max(0, before - len(stop) + 1)) for stop in self._stop]
            if any(place >= 0 for place in places):
                self._held = self._held[: min(place for place in places if place >= 0)]
                self.stopped = True
                return self._show(len(self._held))
        return self._show(len(self._held) - self._possible_stop())

    def finish(self) -> str:
        """Return what was held back, because nothing comes after it."""
        if self._decoder is not None and not self.stopped:
            self._held += self._decoder.decode(b"", final=True)
        return self._show(len(self._held))

    @property
    def text(self) -> str:
        """All text so far."""
        return "".join(self._pieces) + self._held

    @property
    def kept(self) -> int:
        """Number of the symbols that stand in the text as a whole."""
        if not self.stopped:
            return len(self._ends)
        return sum(end <= self._shown for end in self._ends)

    def _possible_stop(self) -> int:
        """Return how many of the last letters may be the beginning of a stop string."""
        for size in range(min(max(map(len, self._stop)) - 1, len(self._held)), 0, -1):
            if any(len(stop) > size and self._held.endswith(stop[:size]) for stop in self._stop):
                return size
        return 0

    def _show(self, size: int) -> str:
        piece, self._held = self._held[:size], self._held[size:]
        self._shown += size
        if piece:
            self._pieces.append(piece)
        return piece
