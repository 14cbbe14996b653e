"""How likely each symbol is after the few symbols before it: n-grams with interpolated modified Kneser-Ney smoothing.

Source: Chen & Goodman 1998, "An Empirical Study of Smoothing Techniques for Language Modeling", TR-10-98, Harvard,
the part on modified Kneser-Ney; continuation counts are those of Kneser & Ney 1995. With `h` the ``k - 1`` symbols
before `w`, and `h'` the same without the first of them:

1. ``p_k(w | h) = max(c(hw) - D(c(hw)), 0) / c(h.) + gamma(h) p_(k-1)(w | h')``, and ``p_0(w) = 1 / V``. After an `h`
   that training never saw, ``p_k = p_(k-1)``.
2. ``gamma(h) = (D1 N1(h.) + D2 N2(h.) + D3 N3(h.)) / c(h.)``, where ``N1, N2, N3(h.)`` symbols follow `h` once, twice,
   or more often. What the discounts take away is what the shorter context gets: ``sum over w of p_k(w | h) = 1``.
3. ``D1 = 1 - 2 Y n2 / n1``, ``D2 = 2 - 3 Y n3 / n2``, ``D3 = 3 - 4 Y n4 / n3``, ``Y = n1 / (n1 + 2 n2)``, where `nr`
   n-grams of this order have the count `r`.
4. ``c(hw)`` is how often `hw` was seen at the highest order; at every lower one how many symbols stood before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["KneserNey"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Symbols that are scored at once, and numbers in a table of probabilities: what bounds the memory.
CHUNK, CELLS = 1 << 20, 1 << 22
#: Discounts where the counts of counts are too few to give any (as in KenLM's fallback).
FALLBACK = (0.5, 1.0, 1.5)


class _Weights(NamedTuple):
    """Equation 1 at one order: what an n-gram gets of its own, and what its context leaves to the shorter one."""

    share: Floats  # for each n-gram, then 0 for one that was never seen
    backoff: Floats  # for each context, then 1 for one that was never seen


class _Order:
    """The n-grams of one order, as sorted numbers: that of the n-gram before the last symbol, times V, plus the symbol.

    Numbering n-grams by their rank keeps these numbers within 64 bits for any order and any alphabet.
    """

    def __init__(self, keys: Ints, counts: Ints, contexts: int, symbols: int) -> None:
        self.keys, self.contexts, self.symbols = keys, contexts, symbols
        self.counts = counts.astype(np.int32)  # all orders are kept, so every byte counts
        self.before: NDArray[np.int32] | None = None  # from the next order: how many symbols stood before each n-gram

    def set_before(self, counts: NDArray[np.integer]) -> None:
        """Take the counts that this order has below a higher one (equation 4)."""
        self.before = counts.astype(np.int32)

    @cached_property
    def continued(self) -> _Weights | None:
        """Equations 1 and 2 for those counts; None at the highest order."""
        return None if self.before is None else self.weights(self.before)

    @cached_property
    def raw(self) -> _Weights:
        """Equations 1 and 2 for the counts in the text, as the highest order has them."""
        return self.weights(self.counts)

    def find(self, context: Ints, ids: Ints) -> Ints:
        """Return the number of each n-gram, -1 where its context or itself was never seen."""
        keys = context * self.symbols + ids
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        known = (context >= 0) & (ids < self.symbols)
        known[known] = self.keys[place[known]] == keys[known]
        return np.where(known, place, -1)

    def weights(self, counts: NDArray[np.integer]) -> _Weights:
        """Return equations 1 and 2 for these counts of the n-grams (0: not one of this order)."""
        discounts = np.array([0.0, *_discounts(counts)])
        taken = discounts[np.minimum(counts, 3)]
        context = self.keys // self.symbols
        total = np.bincount(context, counts, self.contexts)
        left = np.bincount(context, taken, self.contexts)
        seen = total > 0
        # A context that nothing follows leaves everything to the shorter one.
        backoff = np.ones(self.contexts + 1)
        np.divide(left, total, out=backoff[:-1], where=seen)  # equation 2
        share = np.zeros(len(counts) + 1)
        np.divide(counts - taken, total[context], out=share[:-1], where=seen[context])  # equation 1, first part
        return _Weights(share, backoff)


class KneserNey:
    """Interpolated modified Kneser-Ney n-grams of every order up to the highest.

    Parameters
    ----------
    ids : (N,)
        The training part, 0 ... V - 1; one of them at least known. An n-gram with the number V (nothing)
        in it is not counted.
    symbols
        V.
    highest
        Order that is counted up to: ``highest - 1`` symbols of context.

    Examples
    --------
    >>> model = KneserNey(np.array([0, 1, 0, 1, 0, 1]), symbols=2, highest=2)
    >>> model.probabilities(np.array([0]), order=2).argmax(axis=1)
    array([1])
    """

    def __init__(self, ids: Ints, symbols: int, highest: int) -> None:
        self.symbols = symbols
        self._orders: list[_Order] = []
        grams = np.zeros(len(ids), np.int64)  # order 0: the empty n-gram, number 0, ends everywhere
        for _ in range(highest):
            context = np.concatenate([grams[:1] if not self._orders else [-1], grams[:-1]])
            counted = np.flatnonzero((context >= 0) & (ids < symbols))
            if not len(counted):
                break
            keys, first, longer, counts = _unique(context[counted] * symbols + ids[counted])
            contexts = len(self._orders[-1].keys) if self._orders else 1
            if self._orders:
                # Equation 4: each longer n-gram is one more symbol before its own end.
                shorter = self._orders[-1]
                before = np.bincount(grams[counted[first]], minlength=len(shorter.keys))
                shorter.set_before(before)
            self._orders.append(_Order(keys, counts, contexts, symbols))
            grams = np.full(len(ids), -1, np.int64)
            grams[counted] = longer

    @property
    def order(self) -> int:
        """The highest order that the training part has an n-gram of."""
        return len(self._orders)

    def start(self) -> Ints:
        """Return which n-gram of 0, 1, ... symbols ends before a text, ``(order,)``: the empty one, and no other."""
        return np.array([0, *[-1] * (self.order - 1)], np.int64)

    def read(self, ids: Ints, state: Ints) -> Ints:
        """Return which n-grams of 0, 1, ... symbols end with each symbol.

        Parameters
        ----------
        ids : (B, T)
        state : (B, order)
            Those that ended before the first symbol: from :meth:`start`, or the last ones of the text before.

        Returns
        -------
        (order, B, T)
            They are the contexts of what follows.
        """
        found = np.zeros((self.order, *ids.shape), np.int64)
        for k, table in enumerate(self._orders[:-1]):
            context = np.concatenate([state[:, k : k + 1], found[k, :, :-1]], axis=1)
            found[k + 1] = table.find(context.ravel(), ids.ravel()).reshape(ids.shape)
        return found

    def following(self, contexts: Ints) -> Floats:
        """Return the distribution (n, V) of what follows contexts ``(order, n)``, as :meth:`read` gives them."""
        return self._distributions(list(contexts))

    def extended(self, symbols: int) -> KneserNey:
        """Return the same counts for more symbols, which training never saw."""
        arrays = self.arrays()
        for k in range(1, self.order + 1):
            context, last = np.divmod(arrays[f"keys.{k}"], self.symbols)
            arrays[f"keys.{k}"] = context * symbols + last
        return KneserNey.of_arrays(arrays, symbols)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what the model is made of: for each order its n-grams, and the counts that weigh them."""
        found: dict[str, NDArray[Any]] = {}
        for k, table in enumerate(self._orders, start=1):
            found[f"keys.{k}"], found[f"counts.{k}"] = table.keys, table.counts
            if table.before is not None:
                found[f"before.{k}"] = table.before
        return found

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]], symbols: int) -> KneserNey:
        """Make a model of what :meth:`arrays` gave.

        Raises
        ------
        KeyError, ValueError
            If something is missing or does not fit.
        """
        model = cls.__new__(cls)
        model.symbols, model._orders = symbols, []
        contexts = 1
        for k in range(1, sum(name.startswith("keys.") for name in arrays) + 1):
            keys, counts = arrays[f"keys.{k}"].astype(np.int64), arrays[f"counts.{k}"]
            if len(keys) != len(counts) or not len(keys) or keys[0] < 0 or keys[-1] >= contexts * symbols:
                raise ValueError(f"the n-grams of order {k} do not fit those of the order before")
            table = _Order(keys, counts, contexts, symbols)
            if f"before.{k}" in arrays:
                table.set_before(arrays[f"before.{k}"])
            model._orders.append(table)
            contexts = len(keys)
        return model

    def log_probs(self, ids: Ints, reach: Ints, order: int) -> Floats:
        """Natural log of the probability of each of the `ids` (n,) after at most `reach` (n,) symbols before it.

        The number V (nothing) gets NaN: it is nothing that could be predicted.
        """
        out = np.empty(len(ids))
        for begin in range(0, len(ids), CHUNK):
            end = min(begin + CHUNK, len(ids))
            lead = min(begin, order - 1)
            chunk, within = ids[begin - lead : end], reach[begin - lead : end]
            for scores in self._ladder(chunk, within, order):
                out[begin:end] = np.log(scores[lead:])
        out[ids >= self.symbols] = np.nan
        return out

    def mean_nats(self, ids: Ints, reach: Ints) -> Floats:
        """Mean cost of the `ids` (n,) under the model of each order 1, 2, ..., those of nothing left out.

        Orders end with the highest one, or with the longest n-gram that the training part has.
        """
        costs = np.zeros(len(self._orders))
        for begin in range(0, len(ids), CHUNK):
            lead = min(begin, len(costs) - 1)
            chunk, within = ids[begin - lead : begin + CHUNK], reach[begin - lead : begin + CHUNK]
            mine = chunk[lead:] < self.symbols
            for k, scores in enumerate(self._ladder(chunk, within, len(costs), every=True)):
                costs[k] -= np.log(scores[lead:][mine]).sum()
        known = int(np.count_nonzero(ids < self.symbols))
        return costs / max(known, 1)

    def _ladder(self, ids: Ints, reach: Ints, order: int, *, every: bool = False) -> Iterator[Floats]:
        """Yield ``p_order`` of each symbol; with `every`, those of the models of order 1, 2, ... before it too."""
        scores = np.full(len(ids), 1 / self.symbols)
        grams = np.zeros(len(ids), np.int64)
        last = min(order, len(self._orders))
        for k, table in enumerate(self._orders[:last], start=1):
            context = self._contexts(grams, reach, k)
            grams = table.find(context, ids)
            if every or k == last:
                yield _equation_1(table.raw, context, grams, scores)
            if table.continued is not None:
                scores = _equation_1(table.continued, context, grams, scores)

    def _contexts(self, grams: Ints, reach: Ints, order: int) -> Ints:
        """Return the number of the ``order - 1`` symbols before each place: the n-gram that ended just before it."""
        if order == 1:
            return np.zeros(len(grams), np.int64)
        context = np.concatenate([[-1], grams[:-1]])
        return np.where(reach >= order - 1, context, -1)

    def probabilities(self, ids: Ints, order: int) -> Floats:
        """Return the distribution (n, V) of what follows each of the `ids` (n,), all before it being known."""
        shifted, reach = np.append(ids, self.symbols), np.arange(len(ids) + 1)
        return self._distributions([context[1:] for context in self._all_contexts(shifted, reach, order)])

    def predictions(self, ids: Ints, reach: Ints, order: int) -> Ints:
        """Return the most likely symbol (n,) in place of each of the `ids`, after at most `reach` before it."""
        out = np.empty(len(ids), np.int64)
        for begin in range(0, len(ids), CHUNK):
            end = min(begin + CHUNK, len(ids))
            lead = min(begin, order - 1)
            contexts = self._all_contexts(ids[begin - lead : end], reach[begin - lead : end], order)
            out[begin:end] = self._best([context[lead:] for context in contexts])
        return out

    def _all_contexts(self, ids: Ints, reach: Ints, order: int) -> list[Ints]:
        """Return the numbers of the contexts of 0, 1, ... symbols before each place."""
        contexts, grams = [], np.zeros(len(ids), np.int64)
        for k, table in enumerate(self._orders[:order], start=1):
            contexts.append(self._contexts(grams, reach, k))
            grams = table.find(contexts[-1], ids)
        return contexts

    def _best(self, contexts: list[Ints]) -> Ints:
        """Return the most likely symbol after each context, worked out once for each that differs."""
        state = np.zeros(len(contexts[0]), np.int64)
        offset = 0
        for table, context in zip(self._orders, contexts, strict=False):
            # The longest context that training saw decides; it is the last that is written here.
            state = np.where(context >= 0, offset + context, state)
            offset += table.contexts
        _, first, rank, _ = _unique(state)
        size = max(CELLS // self.symbols, 1)
        best = [
            self._distributions([context[first[i : i + size]] for context in contexts]).argmax(axis=1)
            for i in range(0, len(first), size)
        ]
        return np.concatenate(best)[rank]

    def _distributions(self, contexts: list[Ints]) -> Floats:
        """Work equation 1 out for all symbols (n, V) after each of the contexts, given as numbers at every order."""
        table = np.full((len(contexts[0]), self.symbols), 1 / self.symbols)
        for k, (level, context) in enumerate(zip(self._orders, contexts, strict=False), start=1):
            weights = level.continued if k < len(contexts) else level.raw
            if weights is not None:
                _spread(level, weights, context, table)
        return table


def _equation_1(weights: _Weights, context: Ints, grams: Ints, shorter: Floats) -> Floats:
    # Index -1, what was never seen, is the last entry of both.
    return weights.share[grams] + weights.backoff[context] * shorter


def _spread(level: _Order, weights: _Weights, context: Ints, table: Floats) -> None:
    """Work equation 1 out for all symbols after each context, in place; `table` holds the shorter context's."""
    table *= weights.backoff[context][:, None]
    rows = np.flatnonzero(context >= 0)
    begins = np.searchsorted(level.keys, context[rows] * level.symbols)
    counts = np.searchsorted(level.keys, (context[rows] + 1) * level.symbols) - begins
    starts = np.cumsum(counts) - counts
    grams = np.arange(counts.sum()) + np.repeat(begins - starts, counts)
    table[np.repeat(rows, counts), level.keys[grams] % level.symbols] += weights.share[grams]


def _discounts(counts: NDArray[np.integer]) -> tuple[float, float, float]:
    """Return D1, D2 and D3 of equation 3, or the fallback where one is no discount of its count."""
    n1, n2, n3, n4 = (int(np.count_nonzero(counts == r)) for r in (1, 2, 3, 4))
    if not (n1 and n2 and n3):
        return FALLBACK
    Y = n1 / (n1 + 2 * n2)
    discounts = (1 - 2 * Y * n2 / n1, 2 - 3 * Y * n3 / n2, 3 - 4 * Y * n4 / n3)
    return discounts if all(0 < D < r for r, D in enumerate(discounts, start=1)) else FALLBACK


def _unique(keys: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Return the sorted keys, where one of each stands, the rank of every key, and their counts."""
    order = np.argsort(keys, kind="stable")  # twice as fast here: text gives many equal keys
    ordered = keys[order]
    new = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    begins = np.flatnonzero(new)
    rank = np.empty(len(keys), np.int64)
    rank[order] = np.cumsum(new) - 1
    return ordered[begins], order[begins], rank, np.diff(np.append(begins, len(keys)))
