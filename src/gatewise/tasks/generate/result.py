"""What was written, and what is worth saying about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gatewise.data.text import Vocabulary
from gatewise.settings import SamplingSettings
from gatewise.tasks.generate.stopping import GrowingText

#: Repetitions at the end of a text, and characters they cover at least, that make a loop; where it is looked for.
_TIMES, _COVERED, _LOOKED_AT = 4, 40, 600


class Generated(NamedTuple):
    """What was written after one prompt."""

    text: str
    symbols: tuple[str, ...]
    """The text's symbols; without those that a stop string cut into."""
    log_probs: tuple[float, ...]
    """Natural-log probability of each symbol by the network as it is, before temperature and rules."""
    finish_reason: str
    """stop: at a stop string, or because no symbol was allowed to follow; length: all symbols asked for."""


def finished(
    vocabulary: Vocabulary,
    settings: SamplingSettings,
    text: GrowingText,
    ids: Sequence[int],
    log_probs: Sequence[float],
) -> Generated:
    """Return a stream's result."""
    kept = text.kept
    symbols = tuple(vocabulary.symbols[one] for one in ids[:kept])
    reason = "length" if not text.stopped and len(ids) == settings.length else "stop"
    return Generated(text.text, symbols, tuple(log_probs[:kept]), reason)


def find_loop(text: str) -> str | None:
    """Return the phrase that a text repeats at its end, or None.

    Examples
    --------
    >>> find_loop("and so " + "on and on " * 8)
    'on and on '
    """
    end = text[-_LOOKED_AT:]
    for size in range(1, len(end) // _TIMES + 1):
        times = max(_TIMES, -(-_COVERED // size))
        phrase = end[-size:]
        if end.endswith(phrase * times):
            return _in_order(phrase)
    return None


def _in_order(phrase: str) -> str:
    """Turn a repeated phrase so that it begins where a word does."""
    for start in range(len(phrase)):
        if phrase[start - 1].isspace() and not phrase[start].isspace():
            return phrase[start:] + phrase[:start]
    return phrase
