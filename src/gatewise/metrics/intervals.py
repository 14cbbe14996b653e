"""Metrics of intervals, quantiles and distributions.

As in :mod:`gatewise.metrics.point`, rows whose truth is missing are left out and what is not defined is ``None``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatewise.errors import InputError
from gatewise.metrics.point import mean_or_none, only_known

Array = NDArray[np.float64]


def bound_names(level: int) -> tuple[str, str]:
    """Return the column names of the bounds of a central interval.

    Examples
    --------
    >>> bound_names(80), bound_names(95)
    (('q0.1', 'q0.9'), ('q0.025', 'q0.975'))
    """
    return f"q{(100 - level) / 200:g}", f"q{(100 + level) / 200:g}"


def coverage(y: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> float | None:
    """Share of the truths inside the interval, bounds included; an 80 % interval should give 0.8."""
    y, lower, upper = only_known(y, lower, upper)
    return mean_or_none((lower <= y) & (y <= upper))


def mean_width(y: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> float | None:
    """Mean of ``upper - lower`` over the rows whose truth is known, in the target's unit; lower is better."""
    y, lower, upper = only_known(y, lower, upper)
    return mean_or_none(upper - lower)


def interval_score(y: ArrayLike, lower: ArrayLike, upper: ArrayLike, level: float) -> float | None:
    """Width plus a fine for every miss, in the target's unit; lower is better (Winkler 1972).

    ``(upper - lower) + 2/alpha (lower - y)+ + 2/alpha (y - upper)+`` with ``alpha = 1 - level/100``
    (Gneiting & Raftery 2007, eq. 43).
    """
    y, lower, upper = only_known(y, lower, upper)
    fine = 2.0 / (1.0 - level / 100.0)
    return mean_or_none(upper - lower + fine * (np.maximum(lower - y, 0.0) + np.maximum(y - upper, 0.0)))


def pinball(y: ArrayLike, quantile: ArrayLike, p: float) -> float | None:
    """Pinball (quantile) loss, ``mean(max(p (y - q), (p - 1)(y - q)))``, in the target's unit (Koenker & Bassett 1978).

    At ``p = 0.5`` it is half the mean absolute error.
    """
    y, quantile = only_known(y, quantile)
    error = y - quantile
    return mean_or_none(np.maximum(p * error, (p - 1.0) * error))


def crps_quantiles(y: ArrayLike, quantiles: ArrayLike, probabilities: Sequence[float]) -> float | None:
    """Continuous ranked probability score from a few quantiles, in the target's unit; lower is better.

    The score is twice the integral of the pinball loss over all probabilities (Gneiting & Ranjan 2011). Here each given
    probability stands for the stretch up to the middle between it and its neighbours, the outer ones up to 0 and 1. One
    quantile, the median, gives the mean absolute error. It is an approximation, to be compared only between forecasts
    with the same probabilities: for a normal distribution it is 5 % too high with the nine deciles, 0.1 % with the 99
    percentiles, and 10 % too low with 0.05, 0.1, 0.5, 0.9, 0.95.

    Parameters
    ----------
    quantiles : the shape of y and (Q,) last
    probabilities : (Q,), rising

    Raises
    ------
    InputError
        If the probabilities do not rise or are not one for each quantile.
    """
    quantiles, levels = np.asarray(quantiles, np.float64), np.asarray(probabilities, np.float64)
    if len(levels) != quantiles.shape[-1] or len(levels) == 0 or (np.diff(levels) <= 0.0).any():
        raise InputError(
            f"{quantiles.shape[-1]} quantiles need as many rising probabilities, found {list(probabilities)}"
        )
    borders = np.concatenate([[0.0], (levels[1:] + levels[:-1]) / 2.0, [1.0]])
    losses = [pinball(y, quantiles[..., i], p) for i, p in enumerate(levels)]
    known = [loss for loss in losses if loss is not None]
    return 2.0 * float(np.diff(borders) @ np.asarray(known)) if len(known) == len(losses) else None


def crps_gaussian(y: ArrayLike, mean: ArrayLike, std: ArrayLike) -> float | None:
    """Continuous ranked probability score of a normal distribution, in the target's unit; lower is better.

    ``std (z (2 Phi(z) - 1) + 2 phi(z) - 1/sqrt(pi))`` with ``z = (y - mean) / std`` (Gneiting & Raftery 2007, eq. 21);
    a standard deviation of zero gives the absolute error, its limit.
    """
    from scipy.special import erf

    y, mean, std = only_known(y, mean, std)
    error = y - mean
    z = error / np.where(std > 0.0, std, 1.0)
    score = std * (z * erf(z / np.sqrt(2.0)) + np.sqrt(2.0 / np.pi) * np.exp(-0.5 * z**2) - 1.0 / np.sqrt(np.pi))
    return mean_or_none(np.where(std > 0.0, score, np.abs(error)))


def interval_metrics(
    y: ArrayLike, quantiles: Mapping[str, ArrayLike], levels: Sequence[int]
) -> dict[str, dict[str, float | None]]:
    """Judge the central intervals of some levels.

    Parameters
    ----------
    y : (n, H, C) or (n,)
    quantiles
        Bounds by the names of :func:`bound_names`, each of the shape of y.
    levels
        In percent. A level whose bounds are not there is left out.

    Returns
    -------
    dict
        ``{"80": {"coverage", "width", "score", "quantile_loss"}, ...}``; score: :func:`interval_score`;
        quantile_loss: the mean :func:`pinball` loss of the two bounds.
    """
    found = {}
    for level in levels:
        names = bound_names(level)
        if all(name in quantiles for name in names):
            lower, upper = (quantiles[name] for name in names)
            found[f"{level}"] = {
                "coverage": coverage(y, lower, upper),
                "width": mean_width(y, lower, upper),
                "score": interval_score(y, lower, upper, level),
                "quantile_loss": _mean_pinball(y, lower, upper, level),
            }
    return found


def _mean_pinball(y: ArrayLike, lower: ArrayLike, upper: ArrayLike, level: int) -> float | None:
    below = pinball(y, lower, (100 - level) / 200)
    above = pinball(y, upper, (100 + level) / 200)
    return None if below is None or above is None else (below + above) / 2
