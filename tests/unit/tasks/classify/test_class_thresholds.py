"""Thresholds: offsets that serve macro-F1 on other texts, points of operation that keep what they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import check_grad
from sklearn.metrics import f1_score

from gatewise.errors import InputError
from gatewise.tasks.classify.calibration import at_temperature, fit_temperature
from gatewise.tasks.classify.thresholds import at_threshold, choose_offsets, decide, operating_point, soft_macro_f1


def scored(n, seed, classes=3, rare=0.06):
    """Return log-probabilities of an honest model, and targets: class 0 is rare, the last one common."""
    rng = np.random.default_rng(seed)
    shares = np.array([rare, *np.full(classes - 2, 0.15), 0.0])
    shares[-1] = 1 - shares.sum()
    y = np.concatenate([np.arange(classes), rng.choice(classes, n - classes, p=shares)])
    scores = rng.normal(size=(n, classes)) + 1.4 * np.eye(classes)[y]
    return at_temperature(1.4 * scores + np.log(shares), 1.0), y  # Bayes: ln N(x; d, 1) - ln N(x; 0, 1) = d x + ...


def macro(log_probs, y, offsets=None):
    return f1_score(y, decide(log_probs, offsets), average="macro")


def test_offsets_serve_texts_that_they_were_not_chosen_on():
    gains = []
    for seed in range(6):
        offsets = choose_offsets(*scored(1500, seed))
        assert offsets[2] == 0.0
        assert offsets[0] > 0.3
        test = scored(6000, 100 + seed)
        gains.append(macro(*test, offsets) - macro(*test))
    assert min(gains) > 0.005


def test_offsets_for_few_texts_lose_little_against_those_that_know_the_test():
    best = choose_offsets(*scored(50_000, 7))
    test = scored(20_000, 8)
    few = [macro(*test, choose_offsets(*scored(300, seed))) for seed in range(10)]
    assert np.mean(few) > macro(*test, best) - 0.01
    assert np.mean(few) > macro(*test) + 0.005


def test_an_overconfident_model_gets_the_same_decisions():
    log_probs, y = scored(1500, 0)
    offsets = choose_offsets(log_probs, y)
    assert choose_offsets(at_temperature(log_probs, 0.2), y) == pytest.approx(offsets * 5, rel=1e-3)


def test_what_says_nothing_of_the_classes_is_left_finite():
    y = np.repeat([0, 1, 2], [5, 80, 15])
    assert np.isfinite(choose_offsets(np.log(np.tile([0.05, 0.8, 0.15], (100, 1))), y)).all()
    right = np.log(np.full((100, 3), 1e-9) + np.eye(3)[y])
    assert macro(right, y, choose_offsets(right, y)) == 1.0
    absent = choose_offsets(right[y < 2], y[y < 2])
    assert np.abs(absent).max() <= 10.0 * fit_temperature(right[y < 2], y[y < 2])
    assert choose_offsets(np.zeros((0, 3)), []).tolist() == [0.0, 0.0, 0.0]


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 6), st.integers(0, 10_000))
def test_slope_of_the_soft_f1(classes, seed):
    log_probs, y = scored(40, seed, classes, rare=0.1)
    true = 0.5 * np.eye(classes)[y] + 0.5 * np.exp(log_probs)
    at = np.random.default_rng(seed).normal(size=classes)
    error = check_grad(
        lambda o: soft_macro_f1(log_probs, true, o)[0], lambda o: soft_macro_f1(log_probs, true, o)[1], at
    )
    assert error < 1e-6


def test_soft_f1_is_f1_where_all_is_certain():
    y, said = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 1, 1, 2, 0])
    certain = np.log(np.full((6, 3), 1e-12) + np.eye(3)[said])
    value, slope = soft_macro_f1(certain, np.eye(3)[y], np.zeros(3))
    assert value == pytest.approx(f1_score(y, said, average="macro"))
    assert np.abs(slope).max() < 1e-9


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.floats(0.05, 1.0), st.sampled_from(["recall", "precision"]), st.booleans())
def test_a_point_is_the_best_that_reaches_what_is_wanted(seed, value, wanted, coarse):
    log_probs, y = scored(30, seed)
    if coarse:  # ties
        p = np.round(np.exp(log_probs) * 4) + 0.1
        log_probs = np.log(p / p.sum(axis=1, keepdims=True))
    point = operating_point(log_probs, y, 0, **{wanted: value})
    p, truth = np.exp(at_temperature(log_probs, 1.0))[:, 0], y == 0
    each = []
    for threshold in np.unique(p):
        said = p >= threshold
        each.append(((said & truth).sum() / truth.sum(), (said & truth).sum() / said.sum()))
    mine = (point.recall, point.precision)
    assert mine in [pytest.approx(pair) for pair in each]
    at = 0 if wanted == "recall" else 1
    enough = [pair[1 - at] for pair in each if pair[at] >= value - 1e-12]
    assert point.reached == bool(enough)
    assert point.reached == (not point.note)
    if enough:
        assert mine[at] >= value - 1e-12
        assert mine[1 - at] == pytest.approx(max(enough))
    else:
        assert mine[at] == pytest.approx(max(pair[at] for pair in each))
    again = at_threshold(log_probs, y, 0, point.threshold)
    assert (again.recall, again.precision, again.called) == (point.recall, point.precision, point.called)


def test_what_cannot_be_reached_is_said():
    log_probs = np.log([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]])
    point = operating_point(log_probs, [1, 0, 0], 0, precision=0.9)
    assert not point.reached
    assert point.note == "no threshold reaches a precision of 0.9; the highest is 0.667"
    assert (point.threshold, point.recall, point.called) == (pytest.approx(0.35), 1.0, 1.0)


def test_shares_of_nothing_are_none():
    scores = at_threshold(np.log([[0.9, 0.1]]), [0], 1, 0.5)
    assert (scores.precision, scores.recall, scores.called, scores.recall_interval) == (None, None, 0.0, None)
    assert at_threshold(np.zeros((0, 2)), [], 1, 0.5).called is None
    assert at_threshold(np.log([[0.1, 0.9]]), [1], 1, 0.5).to_json()["recall_interval"][1] == 1.0


@pytest.mark.parametrize("wanted", [{}, {"recall": 0.5, "precision": 0.5}, {"recall": 0.0}, {"precision": 1.1}])
def test_what_is_wanted_must_be_one_share(wanted):
    with pytest.raises(InputError, match="a recall or a precision"):
        operating_point(np.log([[0.5, 0.5]]), [0], 0, **wanted)


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="of class 1"):
        operating_point(np.log([[0.5, 0.5]]), [0], 1, recall=0.5)
    with pytest.raises(InputError, match="found 2"):
        at_threshold(np.log([[0.5, 0.5]]), [0], 2, 0.5)
    with pytest.raises(InputError, match="finite"):
        choose_offsets([[0.0, -np.inf]], [0])
    with pytest.raises(InputError, match="one class and one row"):
        choose_offsets([[0.0, 0.0]], [0, 1])
