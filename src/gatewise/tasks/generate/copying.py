"""Does it write or remember? What of a generated text stands word for word in the training part, and how varied it is.

Runs of symbols are compared by a polynomial hash (Karp & Rabin 1987) modulo 2^64, over one random number for each
symbol; what matches is then compared symbol by symbol, so that no collision is told as a copy. The training part is
read once, in chunks, whatever its size. With ``S_i = sum over j < i of v(x_j) B^j``, the hash of the `n` symbols from
`i` on is ``(S_(i+n) - S_i) B^(-i)``: one subtraction and one product for any `n`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gatewise.errors import InputError

__all__ = ["Copying", "copying_report", "distinct", "longest_copies", "loop_of"]

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]

#: Lengths whose share in the training part is told; a run shorter than the first of them says nothing.
LENGTHS = (5, 10, 20, 40)
#: Symbols of the training part that are read at once, and symbols that are compared one by one at once.
CHUNK, COMPARED = 1 << 20, 1 << 22
#: A loop repeats at least so often, and covers at least so many symbols.
REPEATS, COVERED = 3, 30
#: An odd number, so that it has an inverse modulo 2^64; its bits are those of the golden ratio.
BASE = 0x9E3779B97F4A7C15
FILTER_BITS = 20


class Symbols(Protocol):
    """Symbols as numbers, read a stretch at a time: an array, or a view of a corpus on disk."""

    def __len__(self) -> int:
        """Return how many there are."""

    def __getitem__(self, part: slice, /) -> Ints:
        """Return a stretch of them."""


@dataclass
class Copying:
    """What one text has in common with the training part.

    Attributes
    ----------
    longest
        Symbols in the longest run that stands in the training part as well; 0 if none of 5 symbols does.
    begins, source
        Where this run begins in the text, and (in one of the places) in the corpus; None where there is none.
    shares
        Length n to the share of the text's n-grams that stand in the training part; without lengths beyond the text's.
    """

    longest: int = 0
    begins: int | None = None
    source: int | None = None
    shares: dict[int, float] = field(default_factory=dict)


def longest_copies(texts: Sequence[Ints], training: Symbols, spans: Ints | None = None) -> list[Copying]:
    """Compare texts with the training part.

    Parameters
    ----------
    texts
        Symbols of each text: numbers from 0 on.
    training
        Symbols of the corpus.
    spans : (m, 2), optional
        Stretches ``[begin, end)`` of the corpus that were trained on; all of it when absent. A run goes on from one
        into the next only where they touch.

    Returns
    -------
    list
        One for each text.

    Raises
    ------
    InputError
        If a text is not one row of whole numbers from 0 on.

    Examples
    --------
    >>> training = np.array([3, 1, 4, 1, 5, 9, 2, 6])
    >>> longest_copies([np.array([0, 0, 1, 4, 1, 5, 9, 9])], training)[0]
    Copying(longest=5, begins=2, source=1, shares={5: 0.25})
    """
    for text in map(np.asarray, texts):
        if text.ndim != 1 or (text.size and (not np.issubdtype(text.dtype, np.integer) or text.min() < 0)):
            raise InputError("a text to compare with the training part must be one row of whole numbers from 0 on")
    longest = max(map(len, texts), default=0)
    if longest < LENGTHS[0]:
        return [Copying() for _ in texts]
    trained = np.array([[0, len(training)]]) if spans is None else np.asarray(spans, np.int64).reshape(-1, 2)
    trained = trained[np.argsort(trained[:, 0])]
    search = _Search([np.asarray(text, np.int64) for text in texts], longest, len(training))
    first, last = (int(trained[:, 0].min()), int(trained[:, 1].max())) if len(trained) else (0, 0)
    for start in range(first, last, CHUNK):
        # A run that begins in this chunk may end in the next.
        stretch = _trained(training, start, min(start + CHUNK + longest - 1, last), trained, search.other)
        search.read(stretch, start, min(CHUNK, last - start))
    return search.result()


class _Level:
    """All n-grams of the texts, for one n, as sorted hashes."""

    def __init__(self, n: int, places: Ints, hashes: Hashes) -> None:
        self.n, self.places = n, places
        self.hashes, first, self.rank = np.unique(hashes, return_index=True, return_inverse=True)
        self.example = places[first]
        self.seen = np.zeros(len(self.hashes), bool)
        # Most of the training part is sorted out by a look at the first bits.
        self._maybe = np.zeros(1 << FILTER_BITS, bool)
        self._maybe[self.hashes >> np.uint64(64 - FILTER_BITS)] = True

    def find(self, hashes: Hashes) -> tuple[Ints, Ints]:
        """Return which of the hashes are those of an n-gram here, and of which."""
        which = np.flatnonzero(self._maybe[hashes >> np.uint64(64 - FILTER_BITS)])
        gram = np.minimum(np.searchsorted(self.hashes, hashes[which]), len(self.hashes) - 1)
        same = self.hashes[gram] == hashes[which]
        return which[same], gram[same]


class _Search:
    """The n-grams of all texts for n = 5, 10, 20, ..., and what was found of them so far."""

    def __init__(self, texts: list[Ints], longest: int, training: int) -> None:
        self.found = [Copying() for _ in texts]
        self.joined = np.concatenate(texts)
        self.ends = np.cumsum([len(text) for text in texts])
        self.begins = self.ends - [len(text) for text in texts]
        self.other = int(self.joined.max()) + 1  # stands for every symbol that no text has
        values = np.random.default_rng(0).integers(0, 1 << 64, self.other + 1, dtype=np.uint64)
        size = max(min(CHUNK, training) + longest, len(self.joined))
        self._values = values | np.uint64(1)
        self._powers: Hashes = np.cumprod(np.full(size, BASE, np.uint64), dtype=np.uint64)
        self._inverses: Hashes = np.cumprod(np.full(size, pow(BASE, -1, 1 << 64), np.uint64), dtype=np.uint64)
        self.sums = self._sums(self.joined)
        room = np.repeat(self.ends, self.ends - self.begins) - np.arange(len(self.joined))  # symbols up to a text's end
        self.levels = []
        n = LENGTHS[0]
        while n <= longest:
            places = np.flatnonzero(room >= n)
            self.levels.append(_Level(n, places, self._hashes(self.sums, places, n)))
            n *= 2

    def _sums(self, ids: Ints) -> Hashes:
        terms = self._values[np.minimum(ids, self.other)] * self._powers[: len(ids)]
        return np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms)])

    def _hashes(self, sums: Hashes, places: Ints, n: int) -> Hashes:
        return (sums[places + n] - sums[places]) * self._inverses[places]

    def read(self, chunk: Ints, offset: int, starts: int) -> None:
        """Look for runs that begin at one of the first `starts` places of a stretch of the training part."""
        sums = self._sums(chunk)
        places, top = np.arange(starts), {}
        for level in self.levels:
            places = places[: np.searchsorted(places, len(chunk) - level.n, side="right")]
            which, grams = level.find(self._hashes(sums, places, level.n))
            places = places[which]
            if not len(places):
                break
            if level.n in LENGTHS:
                self._note(level, chunk, places, grams)
            hit = np.zeros(len(level.hashes), bool)
            hit[grams] = True
            for number in np.unique(np.searchsorted(self.ends, level.places[hit[level.rank]], side="right")):
                top[int(number)] = (level, places, grams)
        for number, (level, where, grams) in top.items():
            # The next level would have found a run of twice the length.
            if 2 * level.n - 1 > self.found[number].longest:
                mine = np.zeros(len(level.hashes), bool)
                within = slice(*np.searchsorted(level.places, [self.begins[number], self.ends[number]]))
                mine[level.rank[within]] = True
                self._lengthen(number, level.n, where[mine[grams]], chunk, sums, offset)

    def _note(self, level: _Level, chunk: Ints, places: Ints, grams: Ints) -> None:
        """Mark the n-grams that this chunk has, after comparing each with one place."""
        new, first = np.unique(grams, return_index=True)
        new, first = new[~level.seen[new]], first[~level.seen[new]]
        steps, size = np.arange(level.n), COMPARED // level.n
        for i in range(0, len(new), size):
            here = chunk[places[first[i : i + size], None] + steps]
            there = self.joined[level.example[new[i : i + size], None] + steps]
            level.seen[new[i : i + size]] = (here == there).all(axis=1)

    def _lengthen(self, number: int, n: int, places: Ints, chunk: Ints, sums: Hashes, offset: int) -> None:
        """Find the longest run of a text that begins at one of the places, from each of which `n` symbols match."""
        best, begin, end = self.found[number], int(self.begins[number]), int(self.ends[number])
        low, high = max(n, best.longest + 1), min(2 * n - 1, end - begin)
        length = low  # is there anything longer than before at all? Then by bisection
        while low <= high:
            fit = places[places + length <= len(chunk)]
            mine = self._hashes(self.sums, np.arange(begin, end - length + 1), length)
            theirs = self._hashes(sums, fit, length)
            hits = np.flatnonzero(np.isin(theirs, mine))
            high, before = length - 1, high
            if len(hits):
                source, place = int(fit[hits[0]]), int(np.flatnonzero(mine == theirs[hits[0]])[0])
                here, there = chunk[source : source + length], self.joined[begin + place : begin + place + length]
                if np.array_equal(here, there):
                    best.longest, best.begins, best.source = length, place, offset + source
                    places, low, high = fit[hits], length + 1, before
            length = (low + high + 1) // 2

    def result(self) -> list[Copying]:
        """Return what was found, with the shares of each text."""
        for level in self.levels[: len(LENGTHS)]:
            seen = level.seen[level.rank]
            for found, begin, end in zip(self.found, self.begins, self.ends, strict=True):
                mine = seen[slice(*np.searchsorted(level.places, [begin, end]))]
                if len(mine):
                    found.shares[level.n] = float(mine.mean())
        return self.found


def _trained(training: Symbols, start: int, end: int, spans: Ints, other: int) -> Ints:
    """Return a stretch of the corpus in which `other` stands for all that was not trained on."""
    ids = np.array(training[start:end], np.int64)
    near = spans[(spans[:, 1] > start) & (spans[:, 0] < end)]
    change = np.zeros(len(ids) + 1, np.int64)
    np.add.at(change, np.maximum(near[:, 0] - start, 0), 1)
    np.add.at(change, np.minimum(near[:, 1] - start, len(ids)), -1)
    ids[np.cumsum(change[:-1]) == 0] = other
    return ids


def distinct(items: Sequence[Hashable], n: int) -> float | None:
    """Return the share of different ones among the n-grams of a text: 1 if none comes twice; None without any.

    Li et al. 2016 (arXiv:1510.03055), distinct-1 and distinct-2; they divide by the number of words,
    which is n - 1 more.

    Examples
    --------
    >>> distinct("the cat and the dog".split(), 1), distinct("abab", 2)
    (0.8, 0.6666666666666666)
    """
    grams = list(zip(*(items[i:] for i in range(n)), strict=False))
    return len(set(grams)) / len(grams) if grams else None


def loop_of(text: Ints) -> tuple[int, int] | None:
    """Return the period of the loop in which a text ends, and where the loop begins; None where it ends in none.

    A loop repeats itself at least 3 times and covers at least 30 symbols.

    Examples
    --------
    >>> loop_of(np.array([7, 8, 9] + [1, 2] * 20))
    (2, 3)
    """
    n = len(text)
    for period in range(1, n // REPEATS + 1):
        covered = max(REPEATS * period, COVERED)
        if covered <= n and np.array_equal(text[n - covered + period :], text[n - covered : n - period]):
            breaks = np.flatnonzero(text[period:] != text[: n - period])
            return period, int(breaks[-1]) + 1 if len(breaks) else 0
    return None


def copying_report(
    samples: Sequence[Ints],
    training: Symbols,
    held_out: Ints,
    decode: Callable[[Ints], str],
    spans: Ints | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """Say of each sample what it copies and how varied it is, and the same of held-out texts of the same lengths.

    Parameters
    ----------
    samples
        Symbols of each sample.
    training, spans
        As in `longest_copies`.
    held_out
        Symbols that training never saw: what is normal for a text that nobody copied.
    decode
        Symbols to text.

    Returns
    -------
    dict
        ``samples`` and ``normal``: rows with ``symbols``; ``longest``, ``begins``, ``source`` and ``copy`` (the run as
        text); ``shares`` by n; ``distinct`` with ``characters`` and ``words``, each by n = 1 ... 4; ``loop`` with
        ``period`` and ``begins``, or None.
    """
    room = [max(len(held_out) - len(sample), 0) for sample in samples]
    starts = [i * space // max(len(samples) - 1, 1) for i, space in enumerate(room)]
    normal = [held_out[start : start + len(sample)] for start, sample in zip(starts, samples, strict=True)]
    found = longest_copies([*samples, *normal], training, spans)
    rows = [_row(text, copied, decode) for text, copied in zip([*samples, *normal], found, strict=True)]
    return {"samples": rows[: len(samples)], "normal": rows[len(samples) :]}


def _row(ids: Ints, copied: Copying, decode: Callable[[Ints], str]) -> dict[str, Any]:
    begins, words, loop = copied.begins, decode(ids).split(), loop_of(ids)
    return {
        "symbols": len(ids),
        "longest": copied.longest,
        "begins": begins,
        "source": copied.source,
        "copy": "" if begins is None else decode(ids[begins : begins + copied.longest]),
        "shares": {str(n): share for n, share in copied.shares.items()},
        "distinct": {
            "characters": {str(n): distinct(ids.tolist(), n) for n in (1, 2, 3, 4)},
            "words": {str(n): distinct(words, n) for n in (1, 2, 3, 4)},
        },
        "loop": None if loop is None else {"period": loop[0], "begins": loop[1]},
    }
