"""Prompts and phrases as numbers of symbols."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gatewise.data.text import Vocabulary
from gatewise.errors import InputError


def read_prompt(vocabulary: Vocabulary, text: str, unknown: str) -> NDArray[np.int64]:
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


def known_only(vocabulary: Vocabulary, text: str) -> list[int] | None:
    """Return the numbers of a text's symbols, or None if the network cannot write it."""
    ids = vocabulary.encode(text).tolist()
    never = (len(vocabulary), vocabulary.unknown)
    return None if any(one in never for one in ids) else ids
