"""Kneser-Ney n-grams against the same equations worked out one n-gram at a time."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewise.models import ngram
from gatewise.models.ngram import KneserNey


class Reference:
    """Equations 1 to 4 of `gatewise.models.ngram`, with dictionaries."""

    def __init__(self, train, V, order):
        self.V = V
        grams = {k: Counter(tuple(train[i : i + k]) for i in range(len(train) - k + 1)) for k in range(1, order + 1)}
        grams = {k: {g: c for g, c in table.items() if V not in g} for k, table in grams.items()}
        self.top = max((k for k, table in grams.items() if table), default=0)
        self.counts = {k: Counter(g[1:] for g in grams[k + 1]) for k in range(1, self.top)}  # equation 4
        if self.top:
            self.counts[self.top] = grams[self.top]

    def discount(self, k, c):
        n = [sum(1 for other in self.counts[k].values() if other == r) for r in range(5)]
        found = (0.5, 1.0, 1.5)
        if n[1] and n[2] and n[3]:
            Y = n[1] / (n[1] + 2 * n[2])
            D = tuple(r - (r + 1) * Y * n[r + 1] / n[r] for r in (1, 2, 3))  # equation 3
            found = D if all(0 < D[r - 1] < r for r in (1, 2, 3)) else found
        return 0 if c == 0 else found[min(c, 3) - 1]

    def p(self, w, h, k=None):
        k = self.top if k is None else k
        if k == 0:
            return 1 / self.V
        shorter = self.p(w, h, k - 1)
        if len(h) < k - 1:
            return shorter
        h = tuple(h[len(h) - k + 1 :])
        after = {g[-1]: c for g, c in self.counts[k].items() if g[:-1] == h}
        total = sum(after.values())
        if not total:
            return shorter
        c = after.get(w, 0)
        gamma = sum(self.discount(k, other) for other in after.values()) / total  # equation 2
        return max(c - self.discount(k, c), 0) / total + gamma * shorter  # equation 1


@st.composite
def cases(draw):
    """Return V, a training part with a known symbol, a text, and an order."""
    V = draw(st.integers(1, 4))
    train = st.lists(st.integers(0, V), min_size=1, max_size=40).filter(lambda ids: min(ids) < V)
    text = st.lists(st.integers(0, V), min_size=1, max_size=12)
    return V, draw(train), draw(text), draw(st.integers(1, 5))


@settings(max_examples=60, deadline=None)
@given(cases())
def test_probabilities_are_those_of_the_equations(case):
    V, train, ids, order = case
    model, reference = KneserNey(np.array(train), V, order), Reference(train, V, order)
    table = model.probabilities(np.array(ids), order)
    expected = [[reference.p(w, ids[: i + 1]) for w in range(V)] for i in range(len(ids))]
    np.testing.assert_allclose(table, expected, rtol=1e-10)
    np.testing.assert_allclose(table.sum(axis=1), 1, rtol=1e-12)


@settings(max_examples=60, deadline=None)
@given(cases(), st.integers(1, 5))
def test_scores_and_predictions_look_back_no_further_than_they_may(case, window):
    V, train, ids, order = case
    model, reference = KneserNey(np.array(train), V, order), Reference(train, V, order)
    reach = np.arange(len(ids)) % window
    known = [i for i, w in enumerate(ids) if w < V]
    scores = model.log_probs(np.array(ids), reach, order)
    expected = [reference.p(ids[i], ids[i - reach[i] : i]) for i in known]
    np.testing.assert_allclose(np.exp(scores[known]), expected, rtol=1e-10)
    assert np.isnan(np.delete(scores, known)).all()
    best = model.predictions(np.array(ids), reach, order)
    for i, guess in enumerate(best):
        p = [reference.p(w, ids[i - reach[i] : i]) for w in range(V)]
        assert p[guess] == pytest.approx(max(p), rel=1e-10)


@settings(max_examples=40, deadline=None)
@given(cases())
def test_one_count_scores_the_models_of_every_order(case):
    V, train, ids, highest = case
    ids, reach = np.array(ids), np.arange(len(ids))
    costs = KneserNey(np.array(train), V, highest).mean_nats(ids, reach)
    for order, cost in enumerate(costs, start=1):
        scores = KneserNey(np.array(train), V, order).log_probs(ids, reach, order)
        assert cost == pytest.approx(-scores[ids < V].sum() / max((ids < V).sum(), 1), rel=1e-10)


def test_chunks_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    train, ids = rng.integers(0, 5, 2000), rng.integers(0, 6, 300)
    reach = np.arange(300)

    def everything():
        model = KneserNey(train, 5, 4)
        return (model.log_probs(ids, reach, 4), model.predictions(ids, reach, 4), model.probabilities(ids, 4),
                model.mean_nats(ids, reach))  # fmt: skip

    whole = everything()
    monkeypatch.setattr(ngram, "CHUNK", 7)
    monkeypatch.setattr(ngram, "CELLS", 15)
    for a, b in zip(whole, everything(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)


def test_a_large_alphabet_keeps_long_contexts_apart():
    # 70,000 symbols to the 8th power would not fit into 64 bits.
    ids = np.random.default_rng(1).permutation(70_000)
    model = KneserNey(ids, 70_000, 8)
    again = np.exp(model.log_probs(ids, np.arange(len(ids)), 8))
    assert again[8:].min() > 0.4


def test_the_most_frequent_continuation_wins():
    text = np.array([0, 1, 2, 0, 1, 2, 0, 1, 3, 0, 1, 2])
    model = KneserNey(text, 4, 3)
    assert model.predictions(np.array([0, 1, 3]), np.arange(3), 3)[2] == 2
