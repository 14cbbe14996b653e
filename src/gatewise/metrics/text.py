"""How good predicted symbols are, from what was said of each: losses, accuracy, calibration, and where it was wrong.

Everything is worked out from arrays with one value a symbol of the text: the natural logarithm of the probability that
the right symbol was given, whether the most likely symbol was right, and the probability of the most likely one.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatewise.errors import InputError
from gatewise.metrics.table import Metric

Floats = NDArray[np.float64]

#: Bins of the calibration error.
BINS = 15

#: Ways to let a network predict a text; each gives every metric of :data:`TEXT_METRICS` under its own name.
PROTOCOLS = {
    "carried": "one pass over the whole text, the state carried",
    "cold": "windows, each read from a fresh state",
    "dynamic": "one pass in which a copy goes on learning from what it has predicted",
    "prequential": "one pass over the training part from fresh weights, each symbol predicted before it is learned",
}


def nats_per_char(log_probs: ArrayLike) -> float | None:
    """Return the mean of ``-ln p`` of the right symbols; None when there are none."""
    losses = -np.asarray(log_probs, np.float64)
    return float(losses.mean()) if losses.size else None


def bits_per_char(log_probs: ArrayLike) -> float | None:
    """Return the mean of ``-log2 p`` of the right symbols."""
    nats = nats_per_char(log_probs)
    return None if nats is None else nats / math.log(2)


def bits_per_byte(log_probs: ArrayLike, byte_lengths: ArrayLike) -> float | None:
    """Return the sum of ``-log2 p`` over the sum of the symbols' bytes in UTF-8."""
    size = float(np.asarray(byte_lengths, np.float64).sum())
    return float(-np.asarray(log_probs, np.float64).sum()) / math.log(2) / size if size else None


def perplexity(log_probs: ArrayLike) -> float | None:
    """Return ``exp`` of the mean loss: among how many equally likely symbols the model is left to choose."""
    nats = nats_per_char(log_probs)
    return None if nats is None else float(np.exp(min(nats, 700.0)))


def accuracy(right: ArrayLike) -> float | None:
    """Return the share of symbols that were the most likely ones."""
    found = np.asarray(right, bool)
    return float(found.mean()) if found.size else None


def calibration_error(confidence: ArrayLike, right: ArrayLike) -> float | None:
    """Return the expected calibration error of :func:`reliability`'s bins: ``sum_b n_b / n |accuracy - confidence|``.

    Naeini et al. 2015, section 2 (equal-count bins); Guo et al. 2017 (arXiv:1706.04599), eq. 3.
    """
    rows = reliability(confidence, right)
    n = sum(row["n"] for row in rows)
    return sum(row["n"] * abs(row["accuracy"] - row["confidence"]) for row in rows) / n if n else None


def mean_loss(losses: ArrayLike) -> float | None:
    """Return the mean of what training minimises, one value a symbol."""
    each = np.asarray(losses, np.float64)
    return float(each.mean()) if each.size else None


#: What training minimises; only with cross_entropy is it ``cold_nats_per_char``.
TRAINED_LOSS = Metric("loss", "Loss", "", "lower", "Loss that was trained, over cold windows", mean_loss, ("losses",))

#: Every metric of predicted symbols by name, in the order in which reports show them.
TEXT_METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("nats_per_char", "Nats/char", "nats", "lower", "Mean of -ln p of the right symbol", nats_per_char,
               ("log_probs",)),
        Metric("bits_per_char", "Bits/char", "bits", "lower", "Mean of -log2 p of the right symbol", bits_per_char,
               ("log_probs",)),
        Metric("bits_per_byte", "Bits/byte", "bits", "lower", "Sum of -log2 p over the bytes of the text in UTF-8",
               bits_per_byte, ("log_probs", "byte_lengths")),
        Metric("perplexity", "Perplexity", "", "lower", "exp of the mean of -ln p", perplexity, ("log_probs",)),
        Metric("accuracy", "Accuracy", "share", "higher", "Share of symbols that were the most likely ones", accuracy,
               ("right",)),
        Metric("calibration_error", "Calibration error", "share", "lower",
               "Mean distance of confidence from accuracy over 15 bins", calibration_error, ("confidence", "right")),
    )
}  # fmt: skip

#: The same under the names that results carry: ``carried_nats_per_char``, ``cold_accuracy`` ...
PROTOCOL_METRICS: dict[str, Metric] = {
    f"{protocol}_{name}": replace(
        metric,
        name=f"{protocol}_{name}",
        label=f"{metric.label}, {protocol}",
        summary=f"{metric.summary}; {how}",
    )
    for protocol, how in PROTOCOLS.items()
    for name, metric in TEXT_METRICS.items()
}


def text_metrics(
    log_probs: ArrayLike,
    right: ArrayLike | None = None,
    confidence: ArrayLike | None = None,
    byte_lengths: ArrayLike | None = None,
) -> dict[str, float | None]:
    """Work out the metrics of :data:`TEXT_METRICS` for which there is what they need.

    Parameters
    ----------
    log_probs : (n,)
        Natural logarithm of the probability of each right symbol.
    right : (n,) bool, optional
        Whether the most likely symbol was the right one.
    confidence : (n,), optional
        Probability of the most likely symbol.
    byte_lengths : (n,), optional
        Bytes of each right symbol in UTF-8.

    Returns
    -------
    dict
        Name to value; a metric that needs an absent array is left out, and all are None when there are no symbols.

    Raises
    ------
    InputError
        If the arrays differ in length or a log-probability is NaN or infinite.

    Examples
    --------
    >>> found = text_metrics(np.log([0.5, 0.25]), right=[True, False], byte_lengths=[1, 2])
    >>> round(found["bits_per_char"], 6), round(found["bits_per_byte"], 6), found["accuracy"]
    (1.5, 1.0, 0.5)
    """
    given = {"log_probs": log_probs, "right": right, "confidence": confidence, "byte_lengths": byte_lengths}
    known = {name: np.asarray(values) for name, values in given.items() if values is not None}
    sizes = {name: len(values) for name, values in known.items()}
    if len(set(sizes.values())) > 1:
        raise InputError(f"each symbol needs one value of everything (found {sizes})")
    if not np.isfinite(known["log_probs"]).all():
        raise InputError("a log-probability is NaN or infinite: a symbol that appears must have a probability above 0")
    return {
        name: metric.function(*(known[need] for need in metric.needs))
        for name, metric in TEXT_METRICS.items()
        if all(need in known for need in metric.needs)
    }


def reliability(confidence: ArrayLike, right: ArrayLike, *, bins: int = BINS) -> list[dict[str, Any]]:
    """Say how often the most likely symbol was right, in bins of rising confidence with equal counts.

    Parameters
    ----------
    confidence : (n,)
        Probability of the most likely symbol.
    right : (n,) bool
        Whether it was the right one.
    bins
        Number of bins; as many as there are symbols when these are fewer.

    Returns
    -------
    list
        Rows ``{"from", "to", "n", "confidence", "accuracy"}``: least, greatest and mean confidence of the bin.

    Examples
    --------
    >>> [(row["confidence"], row["accuracy"]) for row in reliability([0.9, 0.5, 0.9, 0.5], [1, 0, 1, 1], bins=2)]
    [(0.5, 0.5), (0.9, 1.0)]
    """
    sure, hit = np.asarray(confidence, np.float64), np.asarray(right, np.float64)
    order = np.argsort(sure, kind="stable")
    return [
        {
            "from": float(sure[rows[0]]),
            "to": float(sure[rows[-1]]),
            "n": len(rows),
            "confidence": float(sure[rows].mean()),
            "accuracy": float(hit[rows].mean()),
        }
        for rows in np.array_split(order, bins)
        if len(rows)
    ]


def loss_by_position(log_probs: ArrayLike, position: ArrayLike) -> dict[str, dict[str, Any]]:
    """Return the mean loss by place in the window, in buckets 1, 2, 3-4, 5-8 ...: how memory helps.

    Parameters
    ----------
    log_probs : (n,)
        Natural logarithm of the probability of each right symbol, window after window.
    position : (n,)
        Place of each prediction in its window; a window begins where this is 1.

    Returns
    -------
    dict
        Bucket to ``{"nats_per_char", "standard_error", "n"}``. Losses within a window depend on one another, so the
        standard error is that of the windows' means; None with one window.

    Examples
    --------
    >>> found = loss_by_position([-3.0, -2.0, -1.0, -1.0, -2.0, -1.0], [1, 2, 3, 1, 2, 3])
    >>> found["1"], found["3-4"]["nats_per_char"]
    ({'nats_per_char': 2.0, 'standard_error': 1.0, 'n': 2}, 1.0)
    """
    losses, place = -np.asarray(log_probs, np.float64), np.asarray(position, np.int64)
    window = np.cumsum(place == 1)
    bucket = np.ceil(np.log2(np.maximum(place, 1))).astype(np.int64)  # 1 -> 0, 2 -> 1, 3-4 -> 2, 5-8 -> 3
    table = {}
    for number in np.unique(bucket):
        mine = bucket == number
        counts = np.bincount(window[mine])
        sums = np.bincount(window[mine], weights=losses[mine])[counts > 0]
        means = sums / counts[counts > 0]
        low, high = 2**number // 2 + 1, 2**number
        table[str(high) if low >= high else f"{low}-{high}"] = {
            "nats_per_char": float(losses[mine].mean()),
            "standard_error": float(means.std(ddof=1) / math.sqrt(len(means))) if len(means) > 1 else None,
            "n": int(mine.sum()),
        }
    return table
