"""Where to decide: an offset for each class that makes macro-F1 best, and a threshold for a wanted recall or precision.

The likeliest class makes accuracy best, not macro-F1, which asks for more of the rare classes. Both kinds of threshold
are chosen on validation and judged on the test part.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from gatewise.errors import InputError
from gatewise.metrics.classify import wilson
from gatewise.metrics.confusion import class_numbers
from gatewise.tasks.classify.calibration import at_temperature, fit_temperature

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: How soft the decisions are whose macro-F1 is made best, in nats, and how much of what is true is the text's label.
SOFTNESS, LABEL_SHARE = 0.3, 0.5
#: Greatest offset, in nats of calibrated log-probabilities.
MOST = 10.0


@dataclass(frozen=True)
class ThresholdScores:
    """How a threshold does on some texts; None for a share of nothing, intervals by Wilson."""

    precision: float | None
    recall: float | None
    called: float | None
    precision_interval: tuple[float, float] | None
    recall_interval: tuple[float, float] | None
    n: int

    def to_json(self) -> dict[str, Any]:
        """Return plain values for ``result.json``."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Point:
    """A threshold: a text is called so when the class's probability is at least this.

    ``precision``, ``recall`` and ``called`` (share of texts called so) are those of the texts that it was chosen on.
    ``reached`` is False when no threshold does what was wanted, which ``note`` says; the nearest to it is given then.
    """

    wanted: Literal["recall", "precision"]
    value: float
    threshold: float
    precision: float
    recall: float
    called: float
    reached: bool
    note: str = ""


def decide(log_probs: ArrayLike, offsets: ArrayLike | None = None) -> Ints:
    """Return the number of each text's likeliest class, after `offsets` are added.

    Parameters
    ----------
    log_probs : (n, C)
        Natural logarithm of each class's probability.
    offsets : (C,), optional
        What :func:`choose_offsets` found; nothing when absent.

    Examples
    --------
    >>> decide(np.log([[0.4, 0.6]])).tolist(), decide(np.log([[0.4, 0.6]]), [0.5, 0.0]).tolist()
    ([1], [0])
    """
    scores = np.asarray(log_probs, np.float64)
    return np.asarray(
        (scores if offsets is None else scores + np.asarray(offsets, np.float64)).argmax(axis=1), np.int64
    )


def choose_offsets(log_probs: ArrayLike, target: ArrayLike) -> Floats:
    """Find what to add to the log-probabilities so that the likeliest class gives a high macro-F1.

    Parameters
    ----------
    log_probs : (n, C)
        Natural logarithm of each class's probability, on validation.
    target : (n,)
        Number of each text's class.

    Returns
    -------
    (C,)
        The commonest class's is 0. All are 0 when there are no texts.

    Raises
    ------
    InputError
        If the arrays do not fit one another or a value is not finite.

    Notes
    -----
    Validation has about a hundred texts of a rare class, and the best offsets for just these are not the best for
    others. So two things are smoothed. A text counts as decided for class k with the share
    ``softmax((log p + offset) / 0.3)_k``, not all or nothing; and as being of class k by half its label, half the
    probability that the calibrated model gives. The macro-F1 of these counts is smooth, and is made best from three
    starts.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = (rng.random(2000) < 0.1).astype(int)
    >>> log_odds = rng.normal(2.0 * y - 1.0) + np.log(0.1 / 0.9)
    >>> offsets = choose_offsets(np.stack([-np.logaddexp(0, log_odds), -np.logaddexp(0, -log_odds)], axis=1), y)
    >>> float(offsets[0]), bool(0.5 < offsets[1] < 2.0)
    (0.0, True)
    """
    logits, y = _checked(log_probs, target)
    n, C = logits.shape
    if not n:
        return np.zeros(C)
    temperature = fit_temperature(logits, y)
    known = at_temperature(logits, temperature)
    true = LABEL_SHARE * np.eye(C)[y] + (1 - LABEL_SHARE) * np.exp(known)
    commonest = int(np.bincount(y, minlength=C).argmax())
    free = np.arange(C) != commonest
    shares = np.log(true.mean(axis=0))
    to_level = np.clip(shares[commonest] - shares, -MOST, MOST)  # offsets that make up for the classes' shares

    def loss(chosen: Floats) -> tuple[float, Floats]:
        offsets = np.zeros(C)
        offsets[free] = chosen
        value, slope = soft_macro_f1(known, true, offsets)
        return -value, -slope[free]

    bounds = [(-MOST, MOST)] * (C - 1)
    found = [minimize(loss, start * to_level[free], jac=True, bounds=bounds) for start in (0.0, 0.5, 1.0)]
    offsets = np.zeros(C)
    offsets[free] = min(found, key=lambda one: float(one.fun)).x
    return offsets * temperature  # argmax(x / T + o) = argmax(x + o T)


def soft_macro_f1(log_probs: Floats, true: Floats, offsets: Floats) -> tuple[float, Floats]:
    """Return macro-F1 of soft counts and its slope by the offsets.

    Parameters
    ----------
    log_probs : (n, C)
        Natural logarithm of each class's probability.
    true : (n, C)
        How much each text is of each class; a row sums to one.
    offsets : (C,)
        What is added before deciding.

    Returns
    -------
    float
    (C,)
    """
    decided = softmax((log_probs + offsets) / SOFTNESS, axis=1)
    hits, both = (decided * true).sum(axis=0), decided.sum(axis=0) + true.sum(axis=0)
    f1 = 2 * hits / both
    by_decision = (2 * true - f1) / both
    by_offset = decided * (by_decision - (decided * by_decision).sum(axis=1, keepdims=True)) / SOFTNESS
    return float(f1.mean()), by_offset.sum(axis=0) / len(f1)


def operating_point(
    log_probs: ArrayLike, target: ArrayLike, number: int, *, recall: float | None = None, precision: float | None = None
) -> Point:
    """Find the threshold on a class's probability that reaches a wanted recall with the best precision, or vice versa.

    Parameters
    ----------
    log_probs : (n, C)
        Natural logarithm of each class's probability, on validation.
    target : (n,)
        Number of each text's class.
    number
        Number of the class, against all the rest.
    recall, precision
        What is wanted, above 0 and at most 1; one of the two.

    Raises
    ------
    InputError
        If not one of the two is wanted, no text has the class, or the arrays do not fit one another.

    Notes
    -----
    A threshold lies half way between the least probability that is called and the next one. What holds on validation
    holds on other texts by chance: of a hundred texts, a recall of 0.8 is good to about 0.08 either way.

    Examples
    --------
    >>> log_probs = np.log([[0.9, 0.1], [0.7, 0.3], [0.4, 0.6], [0.2, 0.8]])
    >>> point = operating_point(log_probs, [0, 1, 0, 1], 1, recall=1.0)
    >>> round(point.threshold, 2), round(point.precision, 2), point.called
    (0.2, 0.67, 0.75)
    """
    wanted: Literal["recall", "precision"] = "precision" if recall is None else "recall"
    value = precision if recall is None else recall
    if value is None or not (recall is None or precision is None) or not 0 < value <= 1:
        raise InputError("an operating point needs a recall or a precision, one of the two, above 0 and at most 1")
    p, is_class = _against_the_rest(log_probs, target, number)
    if not is_class.any():
        raise InputError(f"no text that the threshold is chosen on is of class {number}")
    order = np.argsort(-p, kind="stable")
    last = np.append(np.flatnonzero(np.diff(p[order])), len(p) - 1)  # last text that each threshold calls
    hits = np.cumsum(is_class[order])[last]
    found = {"recall": hits / hits[-1], "precision": hits / (last + 1)}
    other = found["precision" if wanted == "recall" else "recall"]
    there = found[wanted] >= value - 1e-12
    reached = bool(there.any())
    at = np.flatnonzero(there if reached else found[wanted] == found[wanted].max())
    best = int(at[np.lexsort([found[wanted][at], other[at]])[-1]])
    highest = float(found[wanted].max())
    note = "" if reached else f"no threshold reaches a {wanted} of {value:g}; the highest is {highest:.3f}"
    levels = np.append(p[order][last], 0.0)
    threshold = float((levels[best] + levels[best + 1]) / 2)
    precise, complete = float(found["precision"][best]), float(found["recall"][best])
    return Point(wanted, value, threshold, precise, complete, float(last[best] + 1) / len(p), reached, note)


def at_threshold(log_probs: ArrayLike, target: ArrayLike, number: int, threshold: float) -> ThresholdScores:
    """Judge a threshold on texts: of those called so, how many are; of those that are, how many are called so.

    Parameters
    ----------
    log_probs, target, number
        As :func:`operating_point` takes them, of the test part.
    threshold
        Least probability that is called.

    Examples
    --------
    >>> scores = at_threshold(np.log([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]]), [1, 0, 1], 1, 0.5)
    >>> scores.precision, scores.recall, round(scores.called, 3)
    (0.5, 0.5, 0.667)
    """
    p, is_class = _against_the_rest(log_probs, target, number)
    called = p >= threshold
    hits, said, there, n = int((called & is_class).sum()), int(called.sum()), int(is_class.sum()), len(p)
    return ThresholdScores(
        hits / said if said else None,
        hits / there if there else None,
        said / n if n else None,
        wilson(hits, said),
        wilson(hits, there),
        n,
    )


def _against_the_rest(log_probs: ArrayLike, target: ArrayLike, number: int) -> tuple[Floats, NDArray[np.bool_]]:
    logits, y = _checked(log_probs, target)
    if not 0 <= number < logits.shape[1]:
        raise InputError(f"classes are numbers from 0 to {logits.shape[1] - 1} (found {number})")
    return np.exp(log_softmax(logits, axis=1))[:, number], y == number


def _checked(log_probs: ArrayLike, target: ArrayLike) -> tuple[Floats, Ints]:
    logits = np.asarray(log_probs, np.float64)
    if logits.ndim != 2 or not np.isfinite(logits).all():
        raise InputError(f"log-probabilities are finite, (texts, classes) (found shape {logits.shape})")
    y = class_numbers(target, logits.shape[1])
    if len(y) != len(logits):
        raise InputError(f"each text needs one class and one row (found {len(y)} and {len(logits)})")
    return logits, y
