"""Which words moved a prediction: leave each of them out and see what changes.

Occlusion, as Zeiler & Fergus 2014 (arXiv:1311.2901) did with patches of a picture and Li, Monroe & Jurafsky 2016
(arXiv:1612.08220, "erasure") with words. It asks the model and nothing else, so it holds for every encoder and baseline
alike. It says what this model does with this text without that word: not why, and not what two words do together.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatewise.errors import InputError

__all__ = ["MOST_VARIANTS", "WordEffect", "find_words", "occlusion", "worst_mistakes"]

Floats = NDArray[np.float64]
Spans = list[tuple[int, int]]

#: Most texts with something left out that one explanation asks the model about.
MOST_VARIANTS = 100
#: Log-probability that counts for a probability of zero, so that a fall can still be told.
LEAST = -100.0

# A word, the first that fits. An entity is one sign to the reader; an apostrophe joins even when it is written as one.
# Scripts without spaces give one sign at a time, since where their words end takes a dictionary.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_LETTERS = rf"(?:(?![{_UNSPACED}\p{{Katakana}}])[\p{{L}}\p{{M}}\p{{N}}_\u200c\u200d])+"
_APOSTROPHE = r"(?:['’ʼ׳״]|&(?:\#39|\#8217|apos|rsquo);)"
_WORD = rf"""
    (?:https?://|www\.)[^\s<>"]*[^\s<>"'.,;:!?()\]}}…]          # a link, without the sentence's own full stop
  | [@＠\#＃][\p{{L}}\p{{M}}\p{{N}}_\u200c\u200d]+               # a user, a hashtag
  | <\p{{L}}+> | <3+                                            # <user>, a heart
  | &(?:\#\d+|\#[xX][\da-fA-F]+|[A-Za-z][A-Za-z\d]*);           # an entity
  | [\d\#*]\ufe0f?\u20e3                                        # a keycap
  | (?=[\p{{Extended_Pictographic}}\p{{Regional_Indicator}}])\X # an emoji with its skin tone and what is joined to it
  | [\p{{Katakana}}ー]+
  | [{_UNSPACED}]\p{{M}}*
  | \d+(?:[.,:]\d+)+                                            # a number, a time
  | {_LETTERS}(?:{_APOSTROPHE}{_LETTERS})*
  | [^\s\p{{L}}\p{{M}}\p{{N}}<@\#&]{{2,}}                       # an emoticon, a row of signs
"""


class WordEffect(NamedTuple):
    """What leaving one word out does to a prediction.

    Attributes
    ----------
    word
        As it stands in the text: ``text[start:end]``; several neighbouring words in a long text.
    start, end
        Where it stands in the text, in characters.
    effect
        How much the log-odds of the class fall without it, in nats: above 0, the word speaks for the class; below 0,
        against it.
    """

    word: str
    start: int
    end: int
    effect: float


def find_words(text: str) -> Spans:
    """Return where the words of a text begin and end, in their order.

    A user name, hashtag, link, HTML entity, emoji or row of signs is one word each. A sign alone, such as a comma, is
    none.

    Examples
    --------
    >>> [text[a:b] for text in ["@anna don't read #this, ok? :("] for a, b in find_words(text)]
    ['@anna', "don't", 'read', '#this', 'ok', ':(']
    """
    return [found.span() for found in _pattern().finditer(text)]


@cache
def _pattern() -> Any:
    import regex

    return regex.compile(_WORD, regex.VERBOSE)


def occlusion(
    log_probs: Callable[[list[str]], ArrayLike], text: str, number: int, *, most: int = MOST_VARIANTS
) -> tuple[WordEffect, ...]:
    """Say for each word of a text how much the log-odds of a class fall when it is left out.

    Parameters
    ----------
    log_probs
        Gives the log-probabilities (m, C) of m texts. It is called once, with the text and then its variants; a variant
        may be empty.
    text
        As it was read, before cleaning.
    number
        Of the class.
    most
        Most variants. A text of more words is cut into so many groups of neighbours, of nearly equal size, and each
        group is left out as if it were one word.

    Returns
    -------
    tuple of WordEffect
        In the order of the text; empty for a text without words.

    Raises
    ------
    InputError
        If there is no class of that number, or `most` is below 1.

    Examples
    --------
    >>> def shout(texts):
    ...     p = np.asarray([0.9 if "FREE" in text else 0.1 for text in texts])
    ...     return np.log(np.stack([1 - p, p], axis=1))
    >>> [(one.word, round(one.effect, 2)) for one in occlusion(shout, "Get it FREE", 1)]
    [('Get', 0.0), ('it', 0.0), ('FREE', 4.39)]
    """
    if most < 1:
        raise InputError(f"one variant or more is needed to explain a text (found {most})")
    spans = _grouped(find_words(text), most)
    if not spans:
        return ()
    odds = _log_odds(log_probs([text, *(_without(text, start, end) for start, end in spans)]), number)
    falls = (odds[0] - odds[1:]).tolist()
    return tuple(WordEffect(text[start:end], start, end, fall) for (start, end), fall in zip(spans, falls, strict=True))


def worst_mistakes(log_probs: ArrayLike, target: ArrayLike, count: int) -> NDArray[np.int64]:
    """Return the rows of the mistakes that the model was surest of, the surest first.

    Parameters
    ----------
    log_probs : (n, C)
        The likeliest class is what was predicted.
    target : (n,)
        Number of the right class.
    count
        Most rows.

    Returns
    -------
    (m,)
        Fewer than `count` where there are fewer mistakes; equally sure ones in the order of the rows.

    Examples
    --------
    >>> worst_mistakes(np.log([[0.6, 0.4], [0.9, 0.1], [0.2, 0.8]]), [1, 1, 1], 5).tolist()
    [1, 0]
    """
    given, right = np.asarray(log_probs, np.float64), np.asarray(target)
    if given.ndim != 2 or right.shape != given.shape[:1]:
        raise InputError(f"each text needs one row and one class (found shapes {given.shape} and {right.shape})")
    wrong = np.flatnonzero(given.argmax(axis=1) != right)
    sure = given[wrong].max(axis=1, initial=-np.inf)
    return wrong[np.argsort(-sure, kind="stable")[: max(0, count)]].astype(np.int64)


def _grouped(spans: Spans, most: int) -> Spans:
    """Join neighbours until there are no more than `most`."""
    groups = min(most, len(spans))
    bounds = [number * len(spans) // groups for number in range(groups + 1)] if groups else []
    return [(spans[first][0], spans[after - 1][1]) for first, after in pairwise(bounds)]


def _without(text: str, start: int, end: int) -> str:
    """Leave a stretch out, and one of the two spaces that it stood between."""
    before, after = text[:start], text[end:]
    if before[-1:].isspace() and not after:
        return before[:-1]
    return before + after[after[:1].isspace() and (not before or before[-1].isspace()) :]


def _log_odds(log_probs: ArrayLike, number: int) -> Floats:
    """Return ``ln p - ln (1 - p)`` of a class; the rest is summed, since 1 - p is lost to rounding near 1."""
    given = np.maximum(np.asarray(log_probs, np.float64), LEAST)
    if not 0 <= number < given.shape[1]:
        raise InputError(f"classes have the numbers 0 to {given.shape[1] - 1} (found {number})")
    odds: Floats = given[:, number] - np.logaddexp.reduce(np.delete(given, number, axis=1), axis=1)
    return odds
