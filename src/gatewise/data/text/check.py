"""What a text is made of and what would be refused, all of it at once instead of the first problem only."""

from __future__ import annotations

import unicodedata
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from gatewise.data.text.corpus import Corpus
from gatewise.data.text.reading import read_corpus
from gatewise.data.text.splits import TextSplit, split_text
from gatewise.data.text.vocabulary import Vocabulary, unseen_note
from gatewise.errors import InputError
from gatewise.settings import TextDataSettings, TextSplitSettings

#: Most frequent symbols that are shown.
SHOWN = 20


@dataclass(frozen=True)
class TextReport:
    """What `check_text` found.

    Attributes
    ----------
    length, bytes
        Symbols of the cleaned text, and its bytes as UTF-8.
    kind, distinct
        What a symbol is, and how many there are.
    parts
        Symbols of each part; empty where the text would be refused.
    frequent
        The most frequent symbols and how often they stand in the text.
    control
        Control characters (other than line feed and tab) and invisible format characters, and how often.
    notes
        What reading does and found, look-alike letters among it.
    problems
        What would be refused.
    """

    length: int = 0
    bytes: int = 0
    kind: str = "characters"
    distinct: int = 0
    documents: int = 0
    parts: dict[str, int] = field(default_factory=dict)
    vocabulary: int | None = None
    frequent: dict[str, int] = field(default_factory=dict)
    control: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether training on this text would be refused."""
        return bool(self.problems)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "refused": self.refused}

    def to_text(self) -> str:
        """Return the report as lines for a person."""
        lines = []
        if self.length:
            lines.append(
                f"{self.length:,} {self.kind}, documents {self.documents:,}, {self.bytes:,} bytes as UTF-8, "
                f"{self.distinct:,} distinct"
            )
            shown = "  ".join(f"{symbol} {count / self.length:.1%}" for symbol, count in self.frequent.items())
            lines.append(f"most frequent: {shown}")
        if self.control:
            named = ", ".join(f"{name} {count:,} times" for name, count in self.control.items())
            lines.append(f"control and invisible characters: {named}")
        if self.parts:
            divided = ", ".join(f"{name} {length:,}" for name, length in self.parts.items())
            lines.append(f"parts: {divided}; the training part has a vocabulary of {self.vocabulary:,}")
        lines += [f"note: {note}" for note in self.notes]
        lines += [f"refused: {problem}" for problem in self.problems]
        return "\n".join(lines)


def check_text(settings: TextDataSettings, split: TextSplitSettings | None = None) -> TextReport:
    """Read a text as training would, and report what it is made of and everything that would be refused.

    Parameters
    ----------
    split
        How the text would be divided; as the settings' defaults do when absent.
    """
    problems: dict[str, None] = {}  # a set that keeps its order
    try:
        corpus = read_corpus(settings, refuse=lambda message: problems.setdefault(message))
    except InputError as error:
        problems.setdefault(str(error))
        return TextReport(kind=settings.symbols, problems=tuple(problems))
    notes, parts, vocabulary = corpus.notes, {}, None
    try:
        divided = split_text(corpus, split or TextSplitSettings(), settings)
        fitted = Vocabulary.fit(corpus, divided.train, settings)
        parts, vocabulary = divided.lengths(), len(fitted)
        notes += _split_notes(corpus, divided, fitted)
    except InputError as error:
        problems.setdefault(str(error))
    return _describe(corpus, parts, vocabulary, notes, tuple(problems))


def _split_notes(corpus: Corpus, split: TextSplit, vocabulary: Vocabulary) -> tuple[str, ...]:
    notes = split.notes + unseen_note(corpus, split, vocabulary)
    if vocabulary.unknown is not None:
        rare = int(vocabulary.counts[vocabulary.unknown])
        notes += (f"{rare} symbols of the training part are rarer than minimum_count and become one unknown symbol",)
    return notes


def _describe(
    corpus: Corpus, parts: dict[str, int], vocabulary: int | None, notes: tuple[str, ...], problems: tuple[str, ...]
) -> TextReport:
    counts = corpus.counts()
    widths = np.array([1 if corpus.kind == "bytes" else len(symbol.encode()) for symbol in corpus.symbols])
    order = np.argsort(-counts, kind="stable")[:SHOWN]
    return TextReport(
        length=len(corpus),
        bytes=int(counts @ widths),
        kind=corpus.kind,
        distinct=len(corpus.symbols),
        documents=len(corpus.documents) - 1,
        parts=parts,
        vocabulary=vocabulary,
        frequent={_shown(corpus.symbols[i]): int(counts[i]) for i in order},
        control=_control(corpus, counts.tolist()),
        notes=notes,
        problems=problems,
    )


def _control(corpus: Corpus, counts: list[int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for symbol, count in zip(corpus.symbols, counts, strict=True):
        for letter in symbol if corpus.kind != "bytes" or symbol < "\x80" else "":
            if unicodedata.category(letter) in {"Cc", "Cf"} and letter not in "\n\t":
                name = _name(letter)
                found[name] = found.get(name, 0) + count
    return dict(sorted(found.items()))


def _name(letter: str) -> str:
    name = unicodedata.name(letter, "")
    return f"U+{ord(letter):04X}" + (f" {name}" if name else "")


def _shown(symbol: str) -> str:
    r"""Return a symbol as a report can show it: 'a', ' ', '\n'."""
    return repr(symbol)
