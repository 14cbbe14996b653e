"""The bias-corrected and accelerated bootstrap interval of a mean, quick enough to be asked thousands of times.

A study of many levels asks it of every comparison. The resamples of equally many values are the same ones every time,
so what they hold is kept, and their means are one product. SciPy's ``bootstrap`` gives the same, to rounding, for ten
times the seconds; a test holds both together.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_DRAWS = 9_999
#: Tables of resamples up to this many numbers are kept.
_MOST_KEPT = 4_000_000


def bca_interval(
    values: ArrayLike, confidence: float = 0.95, *, draws: int = _DRAWS, generator: np.random.Generator | None = None
) -> tuple[float, float]:
    """Return the bias-corrected and accelerated bootstrap interval of the mean (Efron 1987).

    Parameters
    ----------
    values : (n,), not all equal
    generator
        Of the resamples; seeded with 0 when absent.

    Examples
    --------
    >>> low, high = bca_interval([1.0, 2.0, 3.0, 4.0, 10.0])
    >>> low < 4.0 < high
    True
    """
    from scipy.special import ndtr, ndtri

    d = np.asarray(values, np.float64)
    n, mean = len(d), float(d.mean())
    counts = _seeded(n, draws) if generator is None and n * draws <= _MOST_KEPT else _counts(n, draws, generator)
    means = np.sort(counts @ d / n)
    below = np.searchsorted(means, mean, "left") + np.searchsorted(means, mean, "right")
    bias = ndtri(below / (2 * draws))  # Efron & Tibshirani 1993, 14.14
    pulls = d - mean  # minus n - 1 times how far the mean moves when one value is left out
    # 14.15; values whose pulls have no skew have no acceleration
    acceleration = float((pulls**3).sum() / (6.0 * (pulls**2).sum() ** 1.5))
    tail = ndtri((1.0 - confidence) / 2.0)
    shares = [ndtr(bias + (bias + z) / (1.0 - acceleration * (bias + z))) for z in (tail, -tail)]  # 14.10
    low, high = np.quantile(means, shares)
    return float(low), float(high)


def _counts(n: int, draws: int, generator: np.random.Generator | None) -> Array:
    """Return how often each resample holds each value, (draws, n)."""
    drawn = (generator or np.random.default_rng(0)).integers(0, n, (draws, n))
    rows = np.arange(draws)[:, None] * n
    return np.bincount((rows + drawn).ravel(), minlength=draws * n).reshape(draws, n).astype(np.float64)


@lru_cache(maxsize=2)
def _seeded(n: int, draws: int) -> Array:
    return _counts(n, draws, None)
