"""Texts as numbers of tokens, end to end, and the tokenizer that makes them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.encoders.quiet import first_line, quiet
from gatewise.encoders.source import EncoderSource
from gatewise.errors import InputError

#: Texts that are cut at once, so that a million of them never lie in memory as Python lists.
_AT_ONCE = 4096


@dataclass(frozen=True)
class Tokens:
    """Texts as numbers of tokens.

    Attributes
    ----------
    ids
        All numbers, one text after the other ``(N,)``.
    offsets
        Where each text begins, and the end ``(n + 1,)``.
    lost
        Tokens of each text beyond the most that is read ``(n,)``.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    lost: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.lost)

    def row(self, number: int) -> NDArray[np.int32]:
        """Return the numbers of one text."""
        return self.ids[self.offsets[number] : self.offsets[number + 1]]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each text ``(n,)``."""
        return np.diff(self.offsets)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all numbers and where texts begin."""
        total = hashlib.sha256(np.ascontiguousarray(self.offsets, "<i8").data)
        total.update(np.ascontiguousarray(self.ids, "<i4").data)
        return total.hexdigest()


class Tokenizer:
    """An encoder's own tokenizer, read from its folder and from nowhere else.

    Parameters
    ----------
    source
        The encoder.
    max_tokens
        Most tokens of a text that are kept, the marks of beginning and end among them.

    Raises
    ------
    InputError
        If the files do not make a tokenizer, or one that needs a package that is not installed.
    """

    def __init__(self, source: EncoderSource, max_tokens: int) -> None:
        with quiet():
            from transformers import AutoTokenizer

            try:
                self._tokenizer: Any = AutoTokenizer.from_pretrained(
                    source.folder, local_files_only=True, trust_remote_code=False
                )
            except Exception as error:
                raise InputError(
                    f"encoder {source.name}: its tokenizer in {source.folder} cannot be read ({first_line(error)})"
                ) from error
        self.max_tokens = max_tokens
        self.vocabulary_size = len(self._tokenizer)
        #: Padding is masked, so that any number will do for a tokenizer without one.
        self.pad = next((int(one) for one in self._marks("pad_token_id", "eos_token_id") if one is not None), 0)
        self._blank = next((int(one) for one in self._marks("unk_token_id") if one is not None), self.pad)

    def _marks(self, *names: str) -> list[int | None]:
        return [getattr(self._tokenizer, name, None) for name in names]

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """Return the texts as numbers; what is beyond ``max_tokens`` is cut off and counted.

        A text that gives no token at all, where the tokenizer puts no marks around it, gets the one for unknown words.
        """
        ids: list[NDArray[np.int32]] = []
        lengths: list[int] = []
        lost: list[int] = []
        for begin in range(0, len(texts), _AT_ONCE):
            for row, cut in self._rows(texts[begin : begin + _AT_ONCE]):
                ids.append(np.asarray(row, np.int32))
                lengths.append(len(row))
                lost.append(cut)
        return Tokens(
            np.concatenate([np.empty(0, np.int32), *ids]),
            np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)]),
            np.asarray(lost, np.int64),
        )

    def _rows(self, texts: Sequence[str]) -> list[tuple[list[int], int]]:
        whole = self._numbers(list(texts), truncation=False)
        too_long = [place for place, row in enumerate(whole) if len(row) > self.max_tokens]
        rows = [(row or [self._blank], 0) for row in whole]
        if too_long:
            cut = self._numbers([texts[place] for place in too_long], truncation=True, max_length=self.max_tokens)
            for place, row in zip(too_long, cut, strict=True):
                rows[place] = (row, len(whole[place]) - len(row))
        return rows

    def _numbers(self, texts: list[str], **how: Any) -> list[list[int]]:
        with quiet():
            rows: list[list[int]] = self._tokenizer(
                texts, padding=False, return_attention_mask=False, return_token_type_ids=False, verbose=False, **how
            )["input_ids"]
        return rows

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Return the pieces of text that numbers stand for."""
        pieces: list[str] = self._tokenizer.convert_ids_to_tokens([int(one) for one in ids])
        return pieces
