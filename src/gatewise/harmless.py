"""Text from data or from a network, made harmless for a terminal."""

from __future__ import annotations

from unicodedata import category

__all__ = ["harmless"]

#: What decides how neighbouring letters of Persian, Arabic and Indian scripts and emoji look, and which way they run:
#: zero-width joiners and the two marks. They cannot turn around what follows, as the overrides can.
_MARKS = "\u200c\u200d\u200e\u200f"


def harmless(text: str) -> str:
    r"""Return text in which what could move a cursor, change colours or turn lines around is written as a code.

    Line ends and tabs stay.

    Examples
    --------
    >>> harmless("red: \x1b[31m, next\nline")
    'red: \\x1b[31m, next\nline'
    """
    if text.isprintable():
        return text
    return "".join(one if _may_pass(one) else one.encode("unicode_escape").decode() for one in text)


def _may_pass(one: str) -> bool:
    return one in "\n\t" or one in _MARKS or category(one) not in ("Cc", "Cf", "Zl", "Zp", "Cs")
