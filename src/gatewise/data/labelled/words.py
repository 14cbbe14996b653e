"""Words and pairs of words that are typical of a class, and words that give a class away."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gatewise.data.labelled.labelled import Floats, Ints

_WORD = re.compile(r"<\w+>|[^\W_]+(?:['’_-][^\W_]+)*")
#: Words and pairs seen in fewer texts say nothing of a class.
_FEWEST = 5


@dataclass(frozen=True)
class Giveaway:
    """A word whose texts nearly all belong to one class."""

    word: str
    class_: str
    texts: int
    share: float


@dataclass(frozen=True, eq=False)
class Counts:
    """In how many texts of each class each word or pair of words stands: int64 (W, C)."""

    words: list[str]
    counts: NDArray[np.int64]
    texts: Ints


def words_of(text: str) -> list[str]:
    """Return the words of a text in small letters; what cleaning puts in is one word.

    Examples
    --------
    >>> words_of("<user> Don't, well-known 2nd!")
    ['<user>', "don't", 'well-known', '2nd']
    """
    return _WORD.findall(text.lower())


def count_words(texts: Sequence[str], labels: Ints, classes: int) -> Counts:
    """Count the texts of each class in which a word, or a pair of neighbouring words, stands."""
    found: dict[str, NDArray[np.int64]] = {}
    for text, label in zip(texts, labels.tolist(), strict=True):
        words = words_of(text)
        for word in {*words, *(f"{a} {b}" for a, b in pairwise(words))}:
            if word not in found:
                found[word] = np.zeros(classes, dtype=np.int64)
            found[word][label] += 1
    kept = sorted(word for word, counts in found.items() if counts.sum() >= _FEWEST)
    table = np.array([found[word] for word in kept], dtype=np.int64).reshape(-1, classes)
    return Counts(kept, table, np.bincount(labels, minlength=classes).astype(np.int64))


def log_odds(counts: NDArray[np.int64], prior: float = 500.0) -> Floats:
    """Return how typical each word is of each class, in standard errors (z): float64 (W, C).

    The log-odds of a word in a class against all other classes, drawn to its share in the whole by a Dirichlet prior
    of `prior` words, so that rare words do not come first.

    References
    ----------
    Monroe, Colaresi and Quinn 2008, "Fightin' Words", equations 16, 20 and 22.

    Examples
    --------
    >>> log_odds(np.array([[9, 1], [5, 5], [1, 9]])).round(1).tolist()
    [[0.6, -0.6], [0.0, 0.0], [-0.6, 0.6]]
    """
    whole = counts.sum()
    alpha = (
        prior * counts.sum(axis=1, keepdims=True) / max(whole, 1)
    )  # informative prior: the word's share in all texts
    mine, others = counts, counts.sum(axis=1, keepdims=True) - counts
    n, m = mine.sum(axis=0), others.sum(axis=0)
    first = np.log((mine + alpha) / (n + prior - mine - alpha))
    second = np.log((others + alpha) / (m + prior - others - alpha))
    delta = first - second  # equation 16
    variance = 1 / (mine + alpha) + 1 / (others + alpha)  # equation 20
    return np.asarray(delta / np.sqrt(variance), dtype=np.float64)  # equation 22


def typical(found: Counts, classes: Sequence[str], most: int = 10) -> dict[str, list[str]]:
    """Return the most typical words and pairs of each class, best first."""
    if not found.words:
        return {name: [] for name in classes}
    scores = log_odds(found.counts)
    made = {}
    for number, name in enumerate(classes):
        order = np.argsort(-scores[:, number], kind="stable")[:most]
        made[name] = [found.words[i] for i in order if scores[i, number] > 1.96]
    return made


def giveaways(found: Counts, classes: Sequence[str], most: int = 10) -> list[Giveaway]:
    """Return single words that give a class away: of many texts with the word nearly all are of that class.

    A word counts from 20 texts and a twentieth of the class on, where 98 % of its texts are of the class, and the class
    has at most 70 % of all texts.
    """
    made = []
    shares = found.texts / max(found.texts.sum(), 1)
    for word, counts in zip(found.words, found.counts, strict=True):
        total, best = int(counts.sum()), int(np.argmax(counts))
        enough = total >= 20 and counts[best] >= found.texts[best] / 20 and shares[best] <= 0.7
        if enough and counts[best] >= 0.98 * total and " " not in word:
            made.append(Giveaway(word, classes[best], total, float(counts[best] / total)))
    return sorted(made, key=lambda one: -one.texts)[:most]
