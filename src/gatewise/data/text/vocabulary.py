"""The symbols that a network knows, found in the training part alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gatewise.data.text.cleaning import clean
from gatewise.data.text.corpus import Corpus, Index, join_symbols
from gatewise.data.text.numbering import Numbering
from gatewise.errors import DataError, InputError, ModelFolderError
from gatewise.settings import TextDataSettings

if TYPE_CHECKING:
    from gatewise.data.text.splits import TextSplit

#: How the unknown symbol is shown.
UNKNOWN = "\ufffd"
_KINDS = ("characters", "graphemes", "bytes")
_NORMAL_FORMS = ("NFC", "NFD", "NFKC", "NFKD", "none")
#: Symbols that a note lists by name.
_SHOWN = 10


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Symbols and their numbers 0 to V - 1; the number V stands for nothing: a start, or a symbol never seen.

    Attributes
    ----------
    symbols
        In sorted order, the unknown symbol last, and behind it what :meth:`extended` added.
    counts
        How often each stands in the training part, int64 (V,).
    total
        Symbols in the training part.
    unknown
        Number of the symbol that stands for all rare ones; None when ``minimum_count`` dropped none.
    kind, lower, normalize
        How text is divided and cleaned.

    Examples
    --------
    >>> settings = TextDataSettings(lower=True)
    >>> corpus = corpus_of("Banana", settings)
    >>> vocabulary = Vocabulary.fit(corpus, np.array([[0, 6]]), settings)
    >>> vocabulary.symbols, vocabulary.encode("NAB").tolist(), vocabulary.decode([1, 0])
    (('a', 'b', 'n'), [2, 0, 1], 'ba')
    """

    symbols: tuple[str, ...]
    counts: Index
    total: int
    kind: str = "characters"
    unknown: int | None = None
    lower: bool = False
    normalize: str = "NFC"

    @classmethod
    def fit(cls, corpus: Corpus, spans: Index, settings: TextDataSettings) -> Vocabulary:
        """Find the symbols of the training part: `spans` (n, 2) of [begin, end).

        Raises
        ------
        DataError
            If no symbol stands there, or none as often as ``minimum_count`` asks.
        """
        counts = corpus.counts(spans)
        total = int(counts.sum())
        seen = {symbol: int(n) for symbol, n in zip(corpus.symbols, counts, strict=True) if n}
        kept = {symbol: n for symbol, n in seen.items() if n >= settings.minimum_count}
        if not kept:
            often = max(seen.values(), default=0)
            raise DataError(
                f"minimum_count {settings.minimum_count}: the most frequent symbol stands {often} times in the "
                f"training part; ask for less"
            )
        rare = total - sum(kept.values())
        if rare:
            rare += kept.pop(UNKNOWN, 0)  # the text's own replacement characters say "unknown" as well
        symbols = (*sorted(kept), *((UNKNOWN,) if rare else ()))
        numbers = [kept.get(symbol, rare) for symbol in symbols]
        unknown = len(symbols) - 1 if rare else None
        made = np.array(numbers, dtype=np.int64)
        return cls(symbols, made, total, settings.symbols, unknown, settings.lower, settings.normalize)

    def __len__(self) -> int:
        return len(self.symbols)

    @property
    def nothing(self) -> int:
        """The number V of nothing."""
        return len(self.symbols)

    @property
    def byte_lengths(self) -> Index:
        """UTF-8 bytes of each symbol: int64 (V,)."""
        if self.kind == "bytes":
            return np.ones(len(self), dtype=np.int64)
        return np.array([len(symbol.encode()) for symbol in self.symbols], dtype=np.int64)

    def ids(self, corpus: Corpus) -> Ids:
        """Return the numbers of a whole corpus, made where they are asked for.

        Raises
        ------
        InputError
            If the corpus is divided into symbols of another kind.
        """
        if corpus.kind != self.kind:
            raise InputError(
                f"the vocabulary has {self.kind} and the corpus {corpus.kind}: read it with the same settings"
            )
        return Ids(corpus.raw, self._table(corpus.symbols))

    def encode(self, text: str) -> Index:
        """Return the numbers of a text that is cleaned as in training; never fails."""
        numbering = Numbering(self.kind)
        raw = numbering.number(self.clean(text))
        return self._table(numbering.symbols)[raw]

    def clean(self, text: str) -> str:
        """Return a text cleaned as in training."""
        return clean(text, TextDataSettings(lower=self.lower, normalize=self.normalize))

    def unseen(self, text: str) -> list[tuple[int, str]]:
        """Return place, among the symbols of the cleaned text, and symbol of all that training never saw.

        With an unknown symbol there is none: it stands for them.
        """
        numbering = Numbering(self.kind)
        raw = numbering.number(self.clean(text))
        missing = self._table(numbering.symbols) == self.nothing
        return [(int(at), numbering.symbols[raw[at]]) for at in np.flatnonzero(missing[raw])]

    def decode(self, ids: Sequence[int] | NDArray[Any]) -> str:
        """Return the text of some numbers; nothing is left out, and bytes that are no letter become U+FFFD.

        Raises
        ------
        InputError
            If a number is none of this vocabulary.
        """
        numbers = np.asarray(ids, dtype=np.int64).reshape(-1)
        if len(numbers) and not 0 <= numbers.min() <= numbers.max() <= self.nothing:
            raise InputError(f"decode: numbers go from 0 to {self.nothing}, found {numbers.min()} to {numbers.max()}")
        return join_symbols([self.symbols[i] for i in numbers.tolist() if i < self.nothing], self.kind)

    def extended(self, symbols: Iterable[str]) -> Vocabulary:
        """Return a vocabulary with further symbols at its end: old numbers hold, new symbols count as never seen.

        Raises
        ------
        InputError
            If something is not one symbol of this kind.
        """
        new = [symbol for symbol in dict.fromkeys(symbols) if symbol not in set(self.symbols)]
        for symbol in new:
            if not _is_symbol(symbol, self.kind):
                raise InputError(f"{symbol!r} is not one of the {self.kind}: give single symbols")
        counts = np.concatenate([self.counts, np.zeros(len(new), dtype=np.int64)])
        return replace(self, symbols=(*self.symbols, *new), counts=counts)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "kind": self.kind,
            "lower": self.lower,
            "normalize": self.normalize,
            "symbols": list(self.symbols),
            "counts": self.counts.tolist(),
            "total": self.total,
            "unknown": self.unknown,
        }

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> Vocabulary:
        """Make a vocabulary from what :meth:`to_json` returned.

        Raises
        ------
        ModelFolderError
            If it is none.
        """
        try:
            symbols, counts = tuple(tree["symbols"]), np.array(tree["counts"], dtype=np.int64)
            total, unknown, kind = int(tree["total"]), tree["unknown"], tree["kind"]
            lower, normalize = tree["lower"], tree["normalize"]
            sound = (
                kind in _KINDS
                and normalize in _NORMAL_FORMS
                and isinstance(lower, bool)
                and len(symbols) == len(set(symbols)) == len(counts) > 0
                and (unknown is None or symbols[unknown] == UNKNOWN)
                and all(_is_symbol(symbol, kind) for i, symbol in enumerate(symbols) if i != unknown)
            )
        except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            raise ModelFolderError(f"the vocabulary cannot be read ({type(error).__name__}: {error})") from None
        if not sound:
            raise ModelFolderError("the vocabulary contradicts itself: its file was changed or is damaged")
        return cls(symbols, counts, total, kind, unknown, lower, normalize)

    def _table(self, symbols: Sequence[str]) -> Index:
        """Return the number here of each of some symbols."""
        numbers = {symbol: number for number, symbol in enumerate(self.symbols)}
        other = self.nothing if self.unknown is None else self.unknown
        return np.array([numbers.get(symbol, other) for symbol in symbols], dtype=np.int64)


class Ids:
    """Numbers of a corpus in a vocabulary, int64, made for the places that are asked for."""

    def __init__(self, raw: NDArray[Any], table: Index) -> None:
        self._raw, self._table = raw, table

    def __len__(self) -> int:
        return len(self._raw)

    def __getitem__(self, places: Any) -> Any:
        return self._table[self._raw[places]]


def unseen_note(corpus: Corpus, split: TextSplit, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Say which symbols of the held-out parts have no number of their own in a vocabulary, and how many they are."""
    known = set(vocabulary.symbols)
    notes = []
    for part in ("validation", "test"):
        counts = corpus.counts(getattr(split, part))
        found = [i for i in np.argsort(-counts).tolist() if counts[i] and corpus.symbols[i] not in known]
        if found:
            shown = ", ".join(f"{corpus.symbols[i]!r}" for i in found[:_SHOWN]) + (
                ", ..." if len(found) > _SHOWN else ""
            )
            notes.append(
                f"{part} part: {int(counts[found].sum())} of {int(counts.sum())} symbols are of {len(found)} kinds "
                f"that the vocabulary of the training part does not have ({shown})"
            )
    return tuple(notes)


def _is_symbol(symbol: Any, kind: str) -> bool:
    if not isinstance(symbol, str) or not symbol:
        return False
    if kind == "bytes":
        return len(symbol) == 1 and symbol <= "\xff"
    return len(symbol) == 1 if kind == "characters" else len(Numbering(kind).number(symbol)) == 1
