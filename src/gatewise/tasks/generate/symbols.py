"""What writing asks of a vocabulary."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gatewise.errors import InputError


class Symbols(Protocol):
    """The part of :class:`gatewise.data.text.Vocabulary` that writing needs."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Text of each symbol."""

    @property
    def kind(self) -> str:
        """What one symbol is: "characters", "graphemes" or "bytes"."""

    @property
    def unknown(self) -> int | None:
        """Number of the symbol that stands for rare ones, if there is one."""

    @property
    def total(self) -> int:
        """Number of symbols in the training part."""

    def __len__(self) -> int:
        """Return the number V of symbols."""

    def encode(self, text: str) -> NDArray[np.int64]:
        """Return the number of each symbol, V where training never saw one."""

    def decode(self, ids: NDArray[np.int64]) -> str:
        """Return the text of some symbols."""

    def unseen(self, text: str) -> list[tuple[int, str]]:
        """Return place and text of each symbol that training never saw."""


def read_prompt(vocabulary: Symbols, text: str, unknown: str) -> NDArray[np.int64]:
    """Return the numbers of a prompt's symbols.

    Raises
    ------
    InputError
        If a character was never seen in training and `unknown` is "error".
    """
    ids = vocabulary.encode(text)
    seen: NDArray[np.int64] = ids[ids != len(vocabulary)]
    if len(seen) < len(ids) and unknown == "error":
        position, symbol = vocabulary.unseen(text)[0]
        raise InputError(
            f"the prompt's character {symbol!r} (number {position + 1}) was never seen in training: leave it out, or "
            "set unknown to skip"
        )
    return seen


def known_only(vocabulary: Symbols, text: str) -> list[int] | None:
    """Return the numbers of a text's symbols, or None if the network cannot write it."""
    ids = vocabulary.encode(text).tolist()
    never = (len(vocabulary), vocabulary.unknown)
    return None if any(one in never for one in ids) else ids
