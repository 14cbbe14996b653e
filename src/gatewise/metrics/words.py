"""Where in a word a symbol stands, and how well the symbols of each place are predicted.

A word is a run of letters, marks and digits, and of the joiners that Persian words have inside. Its first letter says
which word comes, the middle ones how it is spelt, the last one how it ends: a model that only spells is right in the
middle and lost at the start.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Where a symbol can stand, by the code that :func:`word_places` gives.
PLACES = ("first", "middle", "last", "single", "space", "punctuation", "unknown")
_FIRST, _MIDDLE, _LAST, _SINGLE, _SPACE, _PUNCTUATION, _UNKNOWN = range(len(PLACES))
#: Zero width non-joiner and joiner.
_JOINERS = "\u200c\u200d"


def word_places(
    ids: ArrayLike, symbols: Sequence[str], *, kind: str = "characters", starts: ArrayLike = ()
) -> NDArray[np.int8]:
    r"""Say of each symbol of a text where it stands.

    Parameters
    ----------
    ids : (n,)
        Numbers of the symbols, in the text's order; a number that `symbols` does not have is unknown and ends a word.
    symbols : (V,)
        Text of each symbol; one of several code points is judged by its first.
    kind
        What the symbols are, as in ``Vocabulary.kind``: with "bytes", a byte from 128 on is part of a letter.
    starts
        Where a document begins: no word goes on across it.

    Returns
    -------
    (n,)
        Codes, places in :data:`PLACES`. "single" is a word of one letter; "space" is anything of the categories
        separator and control (Z*, Cc), "punctuation" all the rest.

    Examples
    --------
    >>> symbols = ("\n", " ", "!", "a", "c", "t")
    >>> [PLACES[code] for code in word_places([3, 1, 4, 3, 5, 2], symbols)]
    ['single', 'space', 'first', 'middle', 'last', 'punctuation']
    """
    kinds = np.array([*(_kind(symbol, kind) for symbol in symbols), _UNKNOWN], np.int8)
    numbers = np.asarray(ids, np.int64)
    places = kinds[np.where((numbers < 0) | (numbers >= len(symbols)), len(symbols), numbers)]
    letter = places == _MIDDLE
    before = np.concatenate([[False], letter[:-1]])
    after = np.concatenate([letter[1:], [False]])
    borders = np.asarray(starts, np.int64)
    borders = borders[(borders > 0) & (borders < len(letter))]
    before[borders] = after[borders - 1] = False
    places[letter & ~before & after] = _FIRST
    places[letter & before & ~after] = _LAST
    places[letter & ~before & ~after] = _SINGLE
    return places


def metrics_by_place(log_probs: ArrayLike, right: ArrayLike, places: ArrayLike) -> dict[str, dict[str, Any]]:
    """Return accuracy and mean loss of the symbols of each place.

    Parameters
    ----------
    log_probs, right : (n,)
        As in :func:`gatewise.metrics.text_metrics`.
    places : (n,)
        Codes of :func:`word_places`.

    Returns
    -------
    dict
        Place to ``{"accuracy", "nats_per_char", "n"}``; places that no symbol has are left out.

    Examples
    --------
    >>> metrics_by_place([-1.0, -3.0], [True, False], [0, 0])
    {'first': {'accuracy': 0.5, 'nats_per_char': 2.0, 'n': 2}}
    """
    losses, hit = -np.asarray(log_probs, np.float64), np.asarray(right, np.float64)
    codes = np.asarray(places, np.int64)
    table = {}
    for code, name in enumerate(PLACES):
        mine = codes == code
        if mine.any():
            table[name] = {
                "accuracy": float(hit[mine].mean()),
                "nats_per_char": float(losses[mine].mean()),
                "n": int(mine.sum()),
            }
    return table


def _kind(symbol: str, kind: str) -> int:
    if kind == "bytes" and ord(symbol[0]) >= 128:
        return _MIDDLE
    category = unicodedata.category(symbol[0])
    if category[0] in "LMN" or symbol[0] in _JOINERS:
        return _MIDDLE
    return _SPACE if category[0] == "Z" or category == "Cc" else _PUNCTUATION
