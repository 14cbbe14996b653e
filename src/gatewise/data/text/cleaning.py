"""Cleaning of text, a piece at a time with the result that the whole would have given."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from gatewise.settings import TextDataSettings

#: Verdicts on a letter: not yet looked at, unchanged by normalisation, or in need of a closer look.
_OPEN, _STAYS, _CONCERNED = 0, 1, 2

#: Letters and digits that neither join the letter before them nor change how it is written small. Left out: marks,
#: vowel signs and Hangul jamo (they join), modifier letters and the capital sigma (its small form depends on others).
_LETTERS = (
    "A-Za-z0-9\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u0388-\u03a1\u03a4-\u03ce\u0400-\u0481\u048a-\u052f\u0561-\u0586"
    "\u05d0-\u05ea\u0620-\u063f\u0641-\u064a\u0671-\u06d3\u0905-\u0939\u0e01-\u0e30\u1e00-\u1eff\u3041-\u3096"
    "\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
)
#: Greedy: ends at the last place where a text may be cut.
_BORDER = re.compile(rf"(?s:.*)(?:\n|[ \t{_LETTERS}](?=[{_LETTERS}]))")


def clean(text: str, settings: TextDataSettings) -> str:
    r"""Return `text` with ``\n`` at the ends of its lines, normalised, and in small letters when asked.

    Small letters come after the normalisation, which may bring capitals to light, and are normalised again.

    Examples
    --------
    >>> clean("CAFE\u0301\r\n", TextDataSettings(lower=True))
    'café\n'
    """
    if "\r" in text:
        text = re.sub("\r+\n", "\n", text)
    if text.isascii():
        return text.lower() if settings.lower else text
    text = normalised(text, settings.normalize)
    return normalised(text.lower(), settings.normalize) if settings.lower else text


def normalised(text: str, form: str) -> str:
    """Return what ``unicodedata.normalize`` would, much faster where few letters are concerned.

    Only letters that a mark follows, and those that are written in another way in this form, are looked at.
    """
    if form == "none" or text.isascii():
        return text
    verdicts, codes = _verdicts(form), np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    found = verdicts[codes]
    if found.min() == _OPEN:
        for code in np.flatnonzero(np.bincount(codes[found == _OPEN])):
            verdicts[code] = _CONCERNED if _is_concerned(chr(code), form) else _STAYS
        found = verdicts[codes]
    places = np.flatnonzero(found == _CONCERNED)
    if not len(places):
        return text
    gaps = np.flatnonzero(np.diff(places) > 1)
    begins, ends = places[np.append(0, gaps + 1)], places[np.append(gaps, len(places) - 1)] + 1
    parts, last = [], 0
    for begin, end in zip(np.maximum(begins - 1, 0).tolist(), ends.tolist(), strict=True):  # with the letter before
        parts += [text[last:begin], unicodedata.normalize(form, text[begin:end])]  # type: ignore[arg-type]
        last = end
    return "".join([*parts, text[last:]])


@cache
def _verdicts(form: str) -> NDArray[np.uint8]:  # noqa: ARG001 - one table for each form
    """Return the table of what is known of each code point; it fills as letters are met."""
    return np.zeros(sys.maxunicode + 1, dtype=np.uint8)


def _is_concerned(letter: str, form: str) -> bool:
    """Tell whether a letter may join the one before it, change places with it, or is written in another way."""
    return (
        unicodedata.category(letter).startswith("M")
        or unicodedata.combining(letter) != 0
        or "\u1160" <= letter <= "\u11ff"  # vowels and endings of Hangul syllables
        or unicodedata.normalize(form, letter) != letter  # type: ignore[arg-type]
    )


def whole_pieces(blocks: Iterable[str]) -> Iterator[str]:
    """Cut a text anew, at places where nothing that belongs together is parted.

    Blocks end anywhere; pieces end after a line, or between two plain letters. Cleaning the pieces, or dividing them
    into graphemes, gives what the whole text would give. A text without any such place stays one piece.
    """
    held: list[str] = []
    for block in blocks:
        found = _BORDER.match(block)
        end = found.end() if found else 0
        if end:
            yield "".join([*held, block[:end]])
            held = []
        if end < len(block):
            held.append(block[end:])
    if held:
        yield "".join(held)
