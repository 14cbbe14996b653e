"""Drawing of rows with the classes' shares, groups kept whole, in an order that a hash gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class Drawing(NamedTuple):
    """What decides how rows are drawn.

    Attributes
    ----------
    labels
        Class of each row: int64 (n,).
    groups
        Rows of equal number stay together: int64 (n,).
    keys
        Rows are taken in the order of these: uint64 (n,).
    """

    labels: Ints
    groups: Ints
    keys: NDArray[np.uint64]


def divide(drawing: Drawing, rows: Ints, shares: Sequence[float], sizes: Sequence[int] | None = None) -> Ints:
    """Return the number of the part of each row; parts have the asked shares of each class, groups stay whole.

    Groups of several rows come first, the largest ahead, each where it fits best; then single rows fill every class of
    every part up to its number. Where a part cannot have its number, a group was too large.

    Parameters
    ----------
    shares
        Share of the rows for each part; together 1.
    sizes
        Rows of each part, where they are not the rounded shares.
    """
    labels, keys = drawing.labels[rows], drawing.keys[rows]
    _, groups = np.unique(drawing.groups[rows], return_inverse=True)
    wanted = _wanted(np.bincount(labels), np.asarray(shares), sizes)
    filled = np.zeros_like(wanted)
    part = np.full(len(rows), -1, dtype=np.int64)
    counts = np.bincount(groups)
    members = np.split(np.argsort(groups, kind="stable"), np.cumsum(counts)[:-1])
    several = [members[group] for group in np.flatnonzero(counts > 1)]
    for group in sorted(several, key=lambda group: (-len(group), int(keys[group].min()))):
        size = np.bincount(labels[group], minlength=wanted.shape[1])
        best = int(np.argmin(_misfit(filled, wanted, size)))
        part[group] = best
        filled[best] += size
    single = np.flatnonzero(part < 0)
    for label in np.unique(labels[single]):
        mine = single[labels[single] == label]
        mine = mine[np.argsort(keys[mine], kind="stable")]
        room = np.maximum(wanted[:, label] - filled[:, label], 0)
        begin = 0
        for number in [*range(1, len(room)), 0]:  # the first part, which trains, takes what is left
            take = len(mine) - begin if number == 0 else min(int(room[number]), len(mine) - begin)
            part[mine[begin : begin + take]] = number
            begin += take
    return part


def _wanted(counts: Ints, shares: NDArray[np.float64], sizes: Sequence[int] | None) -> NDArray[np.int64]:
    """Return how many rows of each class each part is to have: int64 (parts, classes), at least one of each.

    Shares are rounded by largest remainder, so that all parts but the first have their size.
    """
    made = np.zeros((len(shares), len(counts)), dtype=np.int64)
    left = counts.copy()
    for number in range(len(shares) - 1, 0, -1):
        exact = counts * shares[number]
        size = round(counts.sum() * shares[number]) if sizes is None else sizes[number]
        floor = np.floor(exact).astype(np.int64)
        for label in np.argsort(floor - exact, kind="stable")[: max(size - floor.sum(), 0)]:
            floor[label] += 1
        made[number] = np.minimum(np.maximum(floor, (counts >= len(shares)).astype(np.int64)), left)
        left = left - made[number]
    made[0] = left
    return made


def _misfit(filled: Ints, wanted: Ints, size: Ints) -> NDArray[np.float64]:
    """Return how badly a group of `size` (classes,) fits each part: growth of sum (filled - wanted)^2 / wanted."""
    return np.asarray((size * (2 * filled + size) / np.maximum(wanted, 0.5)).sum(axis=1), dtype=np.float64)


def in_shares(labels: Ints, keys: NDArray[np.uint64]) -> Ints:
    """Return an order of rows of which every beginning has the classes' shares, each class first of all once.

    Examples
    --------
    >>> in_shares(np.array([0, 0, 0, 0, 1, 1]), np.arange(6, dtype=np.uint64)).tolist()
    [4, 0, 1, 2, 5, 3]
    """
    place = np.empty(len(labels))
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        mine = mine[np.argsort(keys[mine], kind="stable")]
        place[mine] = (np.arange(len(mine)) + 0.5) / len(mine)
        place[mine[0]] = -1 / len(mine)  # before all others, the rarest class first
    return np.lexsort((keys, labels, place)).astype(np.int64)
