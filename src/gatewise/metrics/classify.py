"""How good predicted classes and their probabilities are, over all texts and class by class.

Probabilities are ``(n, C)``, a row for each text. What decided classes are worth is in ``confusion.py``, how sure it is
in ``decisions.py``; both can be had from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatewise.errors import InputError
from gatewise.metrics.confusion import (
    DECISIONS,
    accuracy,
    class_numbers,
    confusion,
    decision_metrics,
    f1_each,
    f1_macro,
    f1_weighted,
    matthews,
    precision_each,
    recall_each,
)
from gatewise.metrics.decisions import McNemar, MetricComparison, bootstrap_metric, compare_metric, mcnemar, wilson
from gatewise.metrics.table import Metric

__all__ = [
    "CLASS_METRICS",
    "DECISIONS",
    "TUNED_METRICS",
    "McNemar",
    "MetricComparison",
    "average_precision_each",
    "bootstrap_metric",
    "class_metrics",
    "compare_metric",
    "confusion",
    "decision_metrics",
    "mcnemar",
    "per_class",
    "reliability_bins",
    "wilson",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Bins of the calibration error.
BINS = 15
#: Least probability that the log loss reckons with; 36 nats.
LEAST = float(np.finfo(np.float64).eps)


def average_precision(target: ArrayLike, probs: ArrayLike) -> float:
    """Return the mean over the classes of :func:`average_precision_each`."""
    return float(average_precision_each(target, probs).mean())


def average_precision_each(target: ArrayLike, probs: ArrayLike) -> Floats:
    """Return for each class the area under its precision-recall curve, one class against the rest, ``(C,)``.

    ``sum_k (R_k - R_{k-1}) P_k`` over the thresholds that differ, from the highest: steps, no straight lines between
    them (Davis & Goadrich 2006 show why), and texts of equal probability come in together. As scikit-learn's
    ``average_precision_score``; 0 for a class that no text has.
    """
    y, p = np.asarray(target), np.asarray(probs, np.float64)
    return np.asarray([_average_precision(y == number, p[:, number]) for number in range(p.shape[1])])


def _average_precision(is_class: NDArray[np.bool_], score: Floats) -> float:
    order = np.argsort(-score, kind="stable")
    score, hits = score[order], np.cumsum(is_class[order])
    last = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)  # last text of each threshold
    found = hits[last]
    if not found[-1]:
        return 0.0
    return float((np.diff(found, prepend=0) / found[-1]) @ (found / (last + 1)))


def nats(target: ArrayLike, probs: ArrayLike) -> float:
    """Return the mean of ``-ln p`` of the right class; a probability under 2.2e-16 counts as that (36 nats)."""
    y, p = np.asarray(target), np.asarray(probs, np.float64)
    return float(-np.log(np.clip(p[np.arange(len(y)), y], LEAST, 1.0 - LEAST)).mean())


def brier(target: ArrayLike, probs: ArrayLike) -> float:
    """Return the mean over texts of the squared errors' sum over classes: 0 is best, 2 worst (Brier 1950)."""
    y, p = np.asarray(target), np.asarray(probs, np.float64)
    return float(((p - np.eye(p.shape[1])[y]) ** 2).sum(axis=1).mean())


def calibration_error(target: ArrayLike, probs: ArrayLike) -> float:
    """Return ``sum_b n_b / n |accuracy - confidence|`` over the bins of :func:`reliability_bins`.

    Naeini et al. 2015 (AAAI), section 2, on bins of equal counts; Guo et al. 2017 (arXiv:1706.04599), eq. 3, on the
    probability of the likeliest of several classes.
    """
    rows = reliability_bins(target, probs)
    return float(sum(row["n"] * abs(row["accuracy"] - row["confidence"]) for row in rows) / len(np.asarray(target)))


#: Every metric of predicted classes by name, in the order in which reports show them.
CLASS_METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "Accuracy", "share", "higher", "Share of texts whose class was predicted", accuracy,
               ("table",)),
        Metric("f1_macro", "Macro-F1", "", "higher", "Mean of the classes' F1, each class the same weight", f1_macro,
               ("table",)),
        Metric("f1_weighted", "Weighted F1", "", "higher", "Mean of the classes' F1, each by how many texts it has",
               f1_weighted, ("table",)),
        Metric("average_precision", "PR-AUC", "", "higher",
               "Area under the precision-recall curve of a class against the rest, by steps; mean over classes",
               average_precision, ("target", "probs")),
        Metric("matthews", "Matthews correlation", "", "higher", "Correlation of truth and prediction; 0 is chance",
               matthews, ("table",)),
        Metric("nats", "Log loss", "nats", "lower", "Mean of -ln p of the right class", nats, ("target", "probs")),
        Metric("brier", "Brier score", "", "lower", "Mean squared error of the probabilities, summed over classes",
               brier, ("target", "probs")),
        Metric("ece", "Calibration error", "share", "lower",
               "Mean distance of confidence from accuracy over 15 bins of equal counts (ECE)", calibration_error,
               ("target", "probs")),
    )
}  # fmt: skip

#: Those that depend on the decision, with thresholds that were chosen on validation: ``tuned_f1_macro`` ...
TUNED_METRICS: dict[str, Metric] = {
    f"tuned_{name}": replace(
        metric,
        name=f"tuned_{name}",
        label=f"{metric.label}, tuned",
        summary=f"{metric.summary}; decided with thresholds chosen on validation",
    )
    for name, metric in CLASS_METRICS.items()
    if name in DECISIONS
}


def class_metrics(target: ArrayLike, probs: ArrayLike, predicted: ArrayLike | None = None) -> dict[str, float | None]:
    """Work out the metrics of :data:`CLASS_METRICS`.

    Parameters
    ----------
    target : (n,)
        Number of each text's class.
    probs : (n, C)
        Probability of each class; a row sums to one.
    predicted : (n,), optional
        Number of the class that was decided on; the likeliest when absent.

    Returns
    -------
    dict
        Name to value; all None when there are no texts. A class that no text has counts as 0 in the means over
        classes, as it does in scikit-learn with ``labels=range(C), zero_division=0``.

    Raises
    ------
    InputError
        If the arrays do not fit one another, or a row is not a distribution.

    Examples
    --------
    >>> found = class_metrics([0, 1, 1], [[0.8, 0.2], [0.4, 0.6], [0.7, 0.3]])
    >>> round(found["accuracy"], 4), round(found["f1_macro"], 4), round(found["brier"], 4)
    (0.6667, 0.6667, 0.46)
    """
    y, p = _checked(target, probs)
    if not len(y):
        return dict.fromkeys(CLASS_METRICS)
    table = confusion(y, p.argmax(axis=1) if predicted is None else predicted, p.shape[1])
    known = {"table": table, "target": y, "probs": p}
    found = {name: metric.function(*(known[need] for need in metric.needs)) for name, metric in CLASS_METRICS.items()}
    return {name: None if value is None else float(value) for name, value in found.items()}


def per_class(
    target: ArrayLike, predicted: ArrayLike, probs: ArrayLike, classes: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return for each class, by name, its precision, recall, F1, support (its texts) and average precision.

    Parameters
    ----------
    target, predicted : (n,)
        Number of each text's class, and of the one that was decided on.
    probs : (n, C)
        Probability of each class.
    classes
        Names of the C classes.

    Raises
    ------
    InputError
        If the arrays do not fit one another or the names.

    Examples
    --------
    >>> per_class([0, 1], [0, 1], [[0.9, 0.1], [0.2, 0.8]], ["hate", "neither"])["hate"]
    {'precision': 1.0, 'recall': 1.0, 'f1': 1.0, 'support': 1, 'average_precision': 1.0}
    """
    y, p = _checked(target, probs)
    if len(classes) != p.shape[1]:
        raise InputError(f"each class needs one name and one column (found {len(classes)} and {p.shape[1]})")
    table = confusion(y, predicted, len(classes))
    shares = precision_each(table), recall_each(table), f1_each(table)
    area = average_precision_each(y, p) if len(y) else np.zeros(len(classes))
    return {
        name: {
            **{what: float(each[number]) for what, each in zip(("precision", "recall", "f1"), shares, strict=True)},
            "support": int(table[number].sum()),
            "average_precision": float(area[number]),
        }
        for number, name in enumerate(classes)
    }


def reliability_bins(target: ArrayLike, probs: ArrayLike, *, bins: int = BINS) -> list[dict[str, Any]]:
    """Say how often the likeliest class was right, in bins of rising confidence with equal counts.

    Parameters
    ----------
    target : (n,)
        Number of each text's class.
    probs : (n, C)
        Probability of each class.
    bins
        Most bins. Texts of equal confidence stay in one bin, so that the bins do not depend on the texts' order;
        there are fewer bins then.

    Returns
    -------
    list
        Rows ``{"from", "to", "n", "confidence", "accuracy"}``: least, greatest and mean probability of the likeliest
        class, and the share of texts for which it was right.

    Examples
    --------
    >>> rows = reliability_bins([0, 0, 1, 0], [[0.9, 0.1], [0.6, 0.4], [0.6, 0.4], [0.6, 0.4]], bins=2)
    >>> [(row["n"], round(row["accuracy"], 3)) for row in rows]
    [(3, 0.667), (1, 1.0)]
    """
    y, p = _checked(target, probs)
    sure, right = p.max(axis=1, initial=0.0), p.argmax(axis=1) == y
    order = np.argsort(sure, kind="stable")
    sure, right = sure[order], right[order]
    # A bound that falls among equals moves to the nearer end of them.
    bounds = np.arange(1, bins) * len(sure) // bins if len(sure) else np.arange(0)
    first, last = (np.searchsorted(sure, sure[bounds], side) for side in ("left", "right"))
    bounds = np.where(bounds - first <= last - bounds, first, last)
    return [
        {
            "from": float(sure[rows[0]]),
            "to": float(sure[rows[-1]]),
            "n": len(rows),
            "confidence": float(sure[rows].mean()),
            "accuracy": float(right[rows].mean()),
        }
        for rows in np.split(np.arange(len(sure)), bounds)
        if len(rows)
    ]


def _checked(target: ArrayLike, probs: ArrayLike) -> tuple[Ints, Floats]:
    """Return the texts' classes and probabilities as arrays that fit one another."""
    p = np.asarray(probs, np.float64)
    if p.ndim != 2 or not p.shape[1]:
        raise InputError(f"probabilities are (texts, classes) (found shape {p.shape})")
    y = class_numbers(target, p.shape[1])
    if len(y) != len(p):
        raise InputError(f"each text needs one class and one row of probabilities (found {len(y)} and {len(p)})")
    if not (np.isfinite(p).all() and (p >= 0).all() and np.allclose(p.sum(axis=1), 1.0, atol=1e-4)):
        raise InputError("probabilities of a text must be finite, none below 0, and sum to one")
    return y, p
