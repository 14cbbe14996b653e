"""Words or characters as numbers, where there is no pretrained encoder: learned from the training part alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gatewise.errors import DataError

Ints = NDArray[np.int64]

#: A mark that cleaning left (<user>), a word with its inner signs, or any other sign alone.
_WORD = re.compile(r"<\w+>|\w+(?:['’\-]\w+)*|[^\w\s]")


def split_words(text: str) -> list[str]:
    """Cut a text into words and signs.

    Examples
    --------
    >>> split_words("<user> don't go!")
    ['<user>', "don't", 'go', '!']
    """
    return _WORD.findall(text)


@dataclass(frozen=True)
class TokenVocabulary:
    """The words or characters that have a number; 0 stands for all others.

    Attributes
    ----------
    kind : "words" or "characters".
    tokens : those with the numbers 1, 2, ..., the commonest first.
    """

    kind: Literal["words", "characters"]
    tokens: tuple[str, ...]

    @classmethod
    def fit(
        cls, texts: Iterable[str], kind: Literal["words", "characters"], *, most: int, least: int
    ) -> TokenVocabulary:
        """Count the tokens of the training texts.

        Parameters
        ----------
        most
            How many get a number at most.
        least
            How often a token must be seen.
        """
        counts = Counter(token for text in texts for token in _cut(text, kind))
        kept = sorted((token for token, count in counts.items() if count >= least), key=lambda t: (-counts[t], t))
        return cls(kind, tuple(kept[:most]))

    def __len__(self) -> int:
        return len(self.tokens) + 1

    def encode(self, texts: Sequence[str], max_tokens: int) -> tuple[list[Ints], Ints]:
        """Return the numbers of each text's tokens, and how many tokens of each were cut off."""
        numbers = {token: number for number, token in enumerate(self.tokens, 1)}
        rows, lost = [], np.zeros(len(texts), np.int64)
        for row, text in enumerate(texts):
            found = _cut(text, self.kind)
            lost[row] = max(0, len(found) - max_tokens)
            rows.append(np.array([numbers.get(token, 0) for token in found[:max_tokens]], np.int64))
        return rows, lost

    def to_json(self) -> dict[str, Any]:
        """Return plain values for ``vocabulary.json``."""
        return {"kind": self.kind, "tokens": list(self.tokens)}

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> TokenVocabulary:
        """Read what :meth:`to_json` gave."""
        if tree["kind"] not in ("words", "characters") or not all(isinstance(one, str) for one in tree["tokens"]):
            raise ValueError("the vocabulary is not one of words or characters")
        if len(set(tree["tokens"])) < len(tree["tokens"]):
            raise ValueError("the vocabulary has a token twice")
        return cls(tree["kind"], tuple(tree["tokens"]))


def read_vectors(path: str, vocabulary: TokenVocabulary) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Read the vectors of a vocabulary's words from a file as GloVe, word2vec (text) and fastText write them.

    Returns
    -------
    vectors : (V, E)
        Zeros where the file has none.
    found : (V,)
        Which words the file has.

    Raises
    ------
    DataError
        If there is no such file, or a line is not a word and as many numbers as the others have.
    """
    numbers = {token: number for number, token in enumerate(vocabulary.tokens, 1)}
    rows: dict[int, NDArray[np.float32]] = {}
    width: int | None = None
    try:
        with Path(path).open(encoding="utf-8", errors="replace") as file:
            for line, text in enumerate(file, 1):
                word, *values = text.rstrip("\n").split(" ")
                values = [value for value in values if value]
                if line == 1 and len(values) == 1:  # word2vec's first line: how many words, how wide
                    continue
                width = len(values) if width is None else width
                if word not in numbers and len(values) == width:
                    continue
                if len(values) != width:
                    raise DataError(
                        f"{path}, line {line}: {width} numbers after the word are expected, not {len(values)}"
                    )
                rows[numbers[word]] = np.array(values, np.float32)
    except OSError as error:
        raise DataError(f"{path}: the word vectors cannot be read ({error.strerror or error})") from None
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}, line {line}: a number is expected ({error})") from None
    if not rows:
        raise DataError(f"{path}: it has no vector for any word of the training part")
    vectors = np.zeros((len(vocabulary), width or 0), np.float32)
    found = np.zeros(len(vocabulary), np.bool_)
    for number, row in rows.items():
        vectors[number], found[number] = row, True
    return vectors, found


def _cut(text: str, kind: str) -> list[str]:
    return split_words(text) if kind == "words" else list(text)
