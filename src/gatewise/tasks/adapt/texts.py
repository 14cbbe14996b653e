"""The texts that an encoder is adapted on: read, cleaned, each one once, and cut into training and validation."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from gatewise.data.labelled import CLEANING_VERSION, Cleaner, read_texts
from gatewise.data.text.sources import SUFFIXES, Source, find_sources
from gatewise.errors import DataError
from gatewise.registry import cleaning_steps
from gatewise.settings import AdaptDataSettings, AdaptSplitSettings, ClassifyDataSettings

#: More texts than these say hardly more of how well an encoder knows a language.
MOST_JUDGED = 2_000
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")
_BLOCK = 1 << 20


@dataclass(frozen=True)
class AdaptTexts:
    """Cleaned texts, none of them empty, no two of them equal.

    Attributes
    ----------
    train, validation
        The two parts.
    notes
        What was left out or guessed, in sentences.
    """

    train: list[str]
    validation: list[str]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.train) + len(self.validation)

    @property
    def digest(self) -> str:
        """SHA-256 of the texts in their order, and of how they were cleaned."""
        total = hashlib.sha256(repr(("adapt", CLEANING_VERSION, len(self.train))).encode())
        for text in (*self.train, *self.validation):
            total.update(f"{len(text)}:{text}".encode(errors="surrogatepass"))
        return total.hexdigest()


def read_adapt_texts(settings: AdaptDataSettings, split: AdaptSplitSettings) -> AdaptTexts:
    """Read texts and cut them in two, all pieces of one text on the same side.

    Raises
    ------
    DataError
        If a file cannot be read, a table has no such column, or fewer than two texts are left.
    """
    if not settings.files:
        raise DataError("no texts: give text files, folders of them, or tables (CSV, TSV, JSON lines, Parquet)")
    tables = [name for name in settings.files if _is_table(name)]
    plain = [name for name in settings.files if name not in tables]
    raw, notes = _plain_texts(plain, settings) if plain else ([], ())
    clean = Cleaner(cleaning_steps(settings.cleaning))
    texts = [clean(text).strip() for text in raw]
    if tables:
        room = ClassifyDataSettings(separator=settings.separator, text=settings.text, cleaning=settings.cleaning)
        table = read_texts(tables, room)
        texts += [text.strip() for text in table.clean]
        notes += tuple(note for note in table.notes if "empty" not in note)  # what is empty is left out here
    return _split(texts, split, notes)


def _split(texts: Sequence[str], split: AdaptSplitSettings, notes: tuple[str, ...]) -> AdaptTexts:
    kept = list(dict.fromkeys(text for text in texts if text))
    empty = sum(not text for text in texts)
    if empty:
        notes += (f"{empty:,} texts are empty after cleaning and are left out",)
    if again := len(texts) - empty - len(kept):
        notes += (f"{again:,} texts are copies of others and are left out, so that none trains and judges",)
    if len(kept) < 2:
        raise DataError(f"{len(kept)} different texts are left, one to train on and one to judge by are the least")
    judged = min(max(1, round(split.validation * len(kept))), len(kept) - 1, MOST_JUDGED)
    order = np.random.default_rng(split.seed).permutation(len(kept))
    validation = set(order[:judged].tolist())
    return AdaptTexts(
        [text for number, text in enumerate(kept) if number not in validation],
        [kept[number] for number in sorted(validation)],
        notes,
    )


def _is_table(name: str) -> bool:
    plain = name.lower().removesuffix(".gz")
    return plain.endswith((".csv", ".tsv", ".tab", ".json", ".jsonl", ".ndjson", ".parquet", ".pq")) or (
        name.startswith("sample:python-docstrings")
    )


def _plain_texts(files: Sequence[str], settings: AdaptDataSettings) -> tuple[list[str], tuple[str, ...]]:
    """Return the texts of text files: their lines, or what stands between their blank lines."""
    sources, notes = find_sources(files, _refuse)
    texts: list[str] = []
    for source in sources:
        whole = _decoded(source)
        pieces = _BLANK_LINE.split(whole) if settings.documents == "blank_line" else whole.split("\n")
        texts += (" ".join(piece.split()) for piece in pieces if piece.strip())
    return texts, notes


def _refuse(problem: str) -> NoReturn:
    raise DataError(problem)


def _decoded(source: Source) -> str:
    content = b"".join(source.blocks(_BLOCK))
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{source.name}: byte {error.start} is not UTF-8: save it as UTF-8 text ({', '.join(SUFFIXES)}), or name a "
            "table by its ending (.csv, .tsv, .jsonl, .parquet)"
        ) from None
