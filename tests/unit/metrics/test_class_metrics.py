"""Metrics of predicted classes: against scikit-learn to 1e-12, by hand, and by what must hold for any prediction."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from gatewise.errors import InputError
from gatewise.metrics import (
    CLASS_METRICS,
    TUNED_METRICS,
    class_metrics,
    confusion,
    decision_metrics,
    per_class,
    reliability,
    reliability_bins,
)
from gatewise.metrics.names import CLASS_NAMES, direction, metric_label, metric_phrase

EXACT = {"rel": 1e-12, "abs": 1e-12}


@st.composite
def judged(draw):
    """Return targets, probabilities and decisions: 2-7 classes, often with ties, zeros and absent classes."""
    C, n = draw(st.integers(2, 7)), draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    y = rng.integers(0, draw(st.integers(1, C)), n)
    coarse = draw(st.sampled_from([0, 1, 3]))
    raw = (
        rng.integers(0, coarse + 1, (n, C)) + (0.0 if coarse == 3 else 1.0) if coarse else rng.dirichlet(np.ones(C), n)
    )
    raw[raw.sum(axis=1) == 0] = 1.0
    return y, raw / raw.sum(axis=1, keepdims=True), rng.integers(0, draw(st.integers(1, C)), n)


def by_scikit_learn(y, p, predicted):
    labels = range(p.shape[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of classes that are absent
        f1 = {
            how: sk.f1_score(y, predicted, labels=labels, average=how, zero_division=0) for how in ("macro", "weighted")
        }
        return {
            "accuracy": sk.accuracy_score(y, predicted),
            "f1_macro": f1["macro"],
            "f1_weighted": f1["weighted"],
            "average_precision": sk.average_precision_score(np.eye(len(labels))[y], p, average="macro"),
            "matthews": sk.matthews_corrcoef(y, predicted),
            "nats": sk.log_loss(y, p, labels=labels),
            "brier": sk.brier_score_loss(y, p, labels=labels, scale_by_half=False),
        }


@settings(deadline=None, max_examples=150)
@given(judged())
def test_against_scikit_learn(sample):
    y, p, predicted = sample
    found = class_metrics(y, p, predicted)
    assert list(found) == list(CLASS_METRICS)
    for name, value in by_scikit_learn(y, p, predicted).items():
        assert found[name] == pytest.approx(value, **EXACT), name
    assert decision_metrics(y, predicted, p.shape[1]) == {
        name: found[name] for name in ("accuracy", "f1_macro", "f1_weighted", "matthews")
    }


@settings(deadline=None, max_examples=60)
@given(judged())
def test_each_class_against_scikit_learn(sample):
    y, p, predicted = sample
    labels = range(p.shape[1])
    found = per_class(y, predicted, p, [f"class {number}" for number in labels])
    each = sk.precision_recall_fscore_support(y, predicted, labels=labels, zero_division=0)
    for number, row in enumerate(found.values()):
        values = [row[name] for name in ("precision", "recall", "f1", "support")]
        assert values == pytest.approx([float(column[number]) for column in each], **EXACT)
    assert confusion(y, predicted, p.shape[1]).tolist() == sk.confusion_matrix(y, predicted, labels=labels).tolist()
    mean = np.mean([row["average_precision"] for row in found.values()])
    assert mean == pytest.approx(class_metrics(y, p)["average_precision"], **EXACT)


@settings(deadline=None, max_examples=60)
@given(judged(), st.integers(0, 2**32 - 1))
def test_the_order_of_texts_changes_nothing(sample, seed):
    y, p, predicted = sample
    order = np.random.default_rng(seed).permutation(len(y))
    assert class_metrics(y[order], p[order], predicted[order]) == pytest.approx(class_metrics(y, p, predicted), **EXACT)


@settings(deadline=None, max_examples=60)
@given(judged())
def test_bounds(sample):
    y, p, predicted = sample
    found = class_metrics(y, p, predicted)
    assert -1 - 1e-12 <= found.pop("matthews") <= 1 + 1e-12
    assert 0 <= found.pop("nats") <= 36.05
    assert 0 <= found.pop("brier") <= 2 + 1e-12
    assert all(0 <= value <= 1 + 1e-12 for value in found.values())
    assert class_metrics(y, np.eye(p.shape[1])[y])["accuracy"] == 1.0


def test_by_hand():
    # Of four texts of class 0 three are found, of two of class 1 one; class 2 is not there and never said.
    y, predicted = [0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 0]
    p = np.eye(3)[predicted] * 0.7 + 0.1
    found = class_metrics(y, p)
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["f1_macro"] == pytest.approx((2 * 3 / 8 + 2 * 1 / 4 + 0) / 3)
    assert found["f1_weighted"] == pytest.approx((4 * 0.75 + 2 * 0.5) / 6)
    assert found["nats"] == pytest.approx(-(4 * np.log(0.8) + 2 * np.log(0.1)) / 6)
    assert found["brier"] == pytest.approx((4 * (0.04 + 0.01 + 0.01) + 2 * (0.64 + 0.81 + 0.01)) / 6)
    assert found["ece"] == pytest.approx(0.8 - 4 / 6)  # all are equally sure: one bin


def test_bins_are_of_equal_counts_and_as_those_of_text_where_nothing_ties():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), 600)
    y = np.array([rng.choice(3, p=row) for row in p])
    rows = reliability_bins(y, p)
    assert [row["n"] for row in rows] == [40] * 15
    for row, other in zip(rows, reliability(p.max(axis=1), p.argmax(axis=1) == y), strict=True):
        assert row == pytest.approx(other)
    assert class_metrics(y, p)["ece"] < 0.1 < class_metrics((y + 1) % 3, p)["ece"]


def test_equal_confidence_is_one_bin_so_that_the_majority_is_calibrated():
    y = np.repeat([0, 1], [80, 20])
    p = np.tile([0.8, 0.2], (100, 1))
    assert reliability_bins(y, p) == [
        {"from": 0.8, "to": 0.8, "n": 100, "confidence": pytest.approx(0.8), "accuracy": 0.8}
    ]
    assert class_metrics(y, p)["ece"] == pytest.approx(0.0, abs=1e-12)
    assert reliability_bins([], np.zeros((0, 2))) == []


def test_no_texts_have_no_metrics():
    assert set(class_metrics([], np.zeros((0, 3))).values()) == {None}
    assert set(decision_metrics([], [], 3).values()) == {None}
    assert per_class([], [], np.zeros((0, 2)), ["a", "b"])["a"]["support"] == 0


@pytest.mark.parametrize(
    ("target", "probs", "says"),
    [
        ([0, 2], [[0.5, 0.5], [0.5, 0.5]], "from 0 to 1"),
        ([0, -1], [[0.5, 0.5], [0.5, 0.5]], "from 0 to 1"),
        ([0.0, 1.0], [[0.5, 0.5], [0.5, 0.5]], "whole numbers"),
        ([0], [[0.5, 0.5], [0.5, 0.5]], "one class and one row"),
        ([0, 1], [[0.5, 0.9], [0.5, 0.5]], "sum to one"),
        ([0, 1], [[np.nan, 0.5], [0.5, 0.5]], "finite"),
        ([0, 1], [0.5, 0.5], "shape"),
    ],
)
def test_what_does_not_fit_is_refused(target, probs, says):
    with pytest.raises(InputError, match=says):
        class_metrics(target, probs)


def test_names_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="one name"):
        per_class([0], [0], [[0.5, 0.5]], ["a"])
    with pytest.raises(InputError, match="one prediction"):
        confusion([0, 1], [0], 2)


def test_names_and_directions():
    assert list(CLASS_METRICS) == [
        "accuracy", "f1_macro", "f1_weighted", "average_precision", "matthews", "nats", "brier", "ece",
    ]  # fmt: skip
    assert list(TUNED_METRICS) == ["tuned_accuracy", "tuned_f1_macro", "tuned_f1_weighted", "tuned_matthews"]
    assert list(CLASS_NAMES) == ["loss", *CLASS_METRICS, *TUNED_METRICS]
    assert [name for name in CLASS_NAMES if direction(name) == "lower"] == ["loss", "nats", "brier", "ece"]
    assert metric_label("tuned_f1_macro") == "Macro-F1, tuned"
    names = ("f1_weighted", "average_precision", "tuned_matthews", "nats", "brier", "ece")
    assert [metric_phrase(name) for name in names] == [
        "weighted F1", "PR-AUC", "tuned Matthews correlation", "log loss", "Brier score", "calibration error",
    ]  # fmt: skip
