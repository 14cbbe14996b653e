"""Texts that are nearly the same: found by MinHash, confirmed by the exact share of what they have in common."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from gatewise.data.labelled.cleaning import entities, links, normalize, retweets, users, whole
from gatewise.recent import Recent, digest

#: Letters in a row that are compared.
SHINGLE = 5
#: Values of a MinHash; the bands find nearly every pair at the threshold, and what they find too much is sorted out.
_VALUES = 64
_RECENT = Recent[NDArray[np.int64]](most=4)


def near_duplicates(texts: Sequence[str], threshold: float = 0.8) -> NDArray[np.int64]:
    """Return the number of each text's group: texts that are nearly the same have equal numbers.

    Texts are compared without names, links, the sign RT, capitals and punctuation. Two belong together where the share
    of common runs of five letters (Jaccard) reaches the threshold, or a chain of such pairs joins them. Nothing is
    drawn: the same texts give the same groups, which are numbered by their first text. The runs of a study read the
    same texts, so the groups of the last few are remembered.

    Parameters
    ----------
    threshold
        Share of common runs from which two texts count as nearly the same.

    Examples
    --------
    >>> near_duplicates(["RT @a: what a lovely day it is", "What a lovely day it is! http://x.org/1", "rain"]).tolist()
    [0, 0, 1]
    """
    groups = _RECENT.get(digest(texts, str(threshold)), lambda: _groups(texts, threshold))
    return groups.copy()


def _groups(texts: Sequence[str], threshold: float) -> NDArray[np.int64]:
    bare = [_bare(text) for text in texts]
    different = list(dict.fromkeys(bare))
    place = {text: number for number, text in enumerate(different)}
    shingles = [_shingles(text) for text in different]
    parent = list(range(len(different)))
    for first, second in _candidates(shingles, threshold):
        a, b = _root(parent, first), _root(parent, second)
        if a != b and _alike(shingles[first], shingles[second], threshold):
            parent[max(a, b)] = min(a, b)
    roots = np.array([_root(parent, place[text]) for text in bare], dtype=np.int64)
    _, first_seen, groups = np.unique(roots, return_index=True, return_inverse=True)
    number = np.empty(len(first_seen), dtype=np.int64)
    number[np.argsort(first_seen)] = np.arange(len(first_seen))
    return number[groups] if len(groups) else groups.astype(np.int64)


def _bare(text: str) -> str:
    """Return what is compared of a text; all of it where nothing else would be left."""
    text = retweets(normalize(entities(whole(text))))
    left = links(text).replace("<url>", " ")
    left = users(left).replace("<user>", " ").lower()
    words = re.findall(r"\w+", left)
    return " ".join(words) or " ".join(text.split())


def _shingles(text: str) -> frozenset[int]:
    encoded = text.encode("utf-32-le")
    width = 4 * SHINGLE
    return frozenset(
        zlib.crc32(encoded[begin : begin + width]) for begin in range(0, max(len(encoded) - width, 0) + 1, 4)
    )


def _alike(first: frozenset[int], second: frozenset[int], threshold: float) -> bool:
    common = len(first & second)
    return common >= threshold * (len(first) + len(second) - common)


def _root(parent: list[int], number: int) -> int:
    """Return the first member of a group, and shorten the way to it."""
    while parent[number] != number:
        parent[number] = parent[parent[number]]
        number = parent[number]
    return number


def _candidates(shingles: Sequence[frozenset[int]], threshold: float) -> Iterator[tuple[int, int]]:
    """Yield pairs that share a band of their MinHashes, in order."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=threshold, num_perm=_VALUES, weights=(0.1, 0.9))
    empty = MinHash(num_perm=_VALUES, seed=1, hashfunc=int, scheme="affine32")
    for number, hashes in enumerate(shingles):
        made = empty.copy()
        made.update_batch(sorted(hashes))
        yield from ((other, number) for other in sorted(index.query(made)))
        index.insert(number, made, check_duplication=False)
