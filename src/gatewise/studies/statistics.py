"""Is a difference over seeds more than chance? Paired, exact, corrected for how often one asked.

The same seed gives two settings the same start weights and data order, so their results are compared seed by seed. One
seed is never a result: everything here calls it undecided.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatewise.errors import InputError

Array = NDArray[np.float64]
Says = Literal["better", "worse", "undecided"]

#: Up to this many seeds all 2^n signs are tried; above, some at random.
MOST_EXACT = 16

#: A bootstrap interval over fewer seeds than this is too narrow; Student's t stands in.
LEAST_BOOTSTRAP = 20

#: More seeds than this nobody trains: a difference that needs them is not worth deciding.
MOST_SEEDS = 10_000


@dataclass(frozen=True)
class Decision:
    """What the seeds say about one difference.

    Attributes
    ----------
    difference
        Mean over seeds of the first setting minus the second.
    interval
        95 % interval of that mean (at the default level, not corrected for the number of comparisons); (None, None)
        with one seed.
    p, p_holm
        Of the sign-flip test, alone and after Holm's correction.
    says
        Whether the first setting is better.
    seeds
        How many pairs there were.
    seeds_needed
        If undecided, how many seeds would decide a difference of this size with probability 0.8; None when that is
        more than anybody trains, and when it is decided.
    """

    difference: float
    interval: tuple[float | None, float | None]
    p: float
    p_holm: float
    says: Says
    seeds: int
    seeds_needed: int | None


def decide_all(
    differences: Sequence[Sequence[float]], *, better: Literal["lower", "higher"] = "lower", alpha: float = 0.05
) -> list[Decision]:
    """Decide a family of comparisons together.

    Parameters
    ----------
    differences
        For each comparison, the first setting's result minus the second's, seed by seed.
    better
        Which direction of the metric is good.
    alpha
        Chance of calling any equal pair different.

    Raises
    ------
    InputError
        If a comparison has no seed, or a difference is not a finite number.

    Examples
    --------
    >>> steady, mixed = [-2.0, -1.5, -2.2, -1.9, -2.1, -1.8, -2.0], [1.0, -2.0, 0.5, 0.1, -0.3, 0.2, -1.0]
    >>> [decision.says for decision in decide_all([steady, mixed])]
    ['better', 'undecided']
    """
    samples = [_finite(sample) for sample in differences]
    p_values = [sign_flip_test(sample) for sample in samples]
    corrected = holm(p_values)
    found = []
    for sample, p, p_holm in zip(samples, p_values, corrected, strict=True):
        mean = float(sample.mean())
        says = decide(p_holm, mean, better=better, seeds=len(sample), alpha=alpha)
        needed = None
        if says == "undecided":
            needed = seeds_for_power(sample, comparisons=len(samples), alpha=alpha)
        found.append(Decision(mean, mean_interval(sample, 1.0 - alpha), p, p_holm, says, len(sample), needed))
    return found


def decide(
    p_holm: float, difference: float, *, better: Literal["lower", "higher"], seeds: int, alpha: float = 0.05
) -> Says:
    """Turn a corrected p value into a word; a single seed is undecided whatever it shows.

    Examples
    --------
    >>> decide(0.01, -3.0, better="lower", seeds=8), decide(0.01, -3.0, better="higher", seeds=8)
    ('better', 'worse')
    """
    if seeds < 2 or p_holm > alpha or difference == 0.0:
        return "undecided"
    return "better" if (difference < 0.0) == (better == "lower") else "worse"


def sign_flip_test(
    differences: ArrayLike, *, draws: int = 100_000, generator: np.random.Generator | None = None
) -> float:
    """Test whether paired differences are as often above zero as below: two-sided p of the sign-flip permutation test.

    If the two settings are equal, each difference could as well have had the other sign (Fisher 1935). p is the share
    of all 2^n ways to sign the differences whose mean lies at least as far from zero as the one found; it cannot go
    below :func:`least_p`. Above 16 seeds, `draws` random signings stand for all, the one found counted among them, so p
    is never 0 (Phipson & Smyth 2010).

    Parameters
    ----------
    differences : (n,)
    generator
        Of the random signings; seeded with 0 when absent.

    Examples
    --------
    >>> sign_flip_test([1.0, 2.0, 3.0, 4.0, 5.0])
    0.0625
    """
    d = _finite(differences)
    n = len(d)
    reached = abs(d.sum()) - 1e-12 * np.abs(d).sum()  # equal sums may differ in their last bit
    if n <= MOST_EXACT:
        # The other half has all signs the other way round, and the same distances from zero.
        bits = (np.arange(2 ** (n - 1))[:, None] >> np.arange(n)) & 1
        return float(np.mean(np.abs((1.0 - 2.0 * bits) @ d) >= reached))
    generator = generator or np.random.default_rng(0)
    extreme = 0
    for start in range(0, draws, 10_000):
        signs = generator.integers(0, 2, size=(min(10_000, draws - start), n)) * 2.0 - 1.0
        extreme += int((np.abs(signs @ d) >= reached).sum())
    return (extreme + 1) / (draws + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p values for their number by Holm's step-down rule (1979), in the order given.

    The least is multiplied by m, the next by m - 1, and so on; none is below the one before it, nor above 1.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, np.float64)
    if not ((p >= 0.0) & (p <= 1.0)).all():
        raise InputError(f"p values lie from 0 to 1, found {list(p_values)}")
    order = np.argsort(p, kind="stable")
    raised = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(raised, 1.0)
    return [float(value) for value in corrected]


def least_p(seeds: int) -> float:
    """Return the least p that the sign-flip test can reach: 2 of 2^n signings.

    Examples
    --------
    >>> [least_p(n) for n in (1, 3, 5, 6)]
    [1.0, 0.25, 0.0625, 0.03125]
    """
    return 2.0 / 2.0**seeds


def seeds_needed(comparisons: int, alpha: float = 0.05) -> int:
    """Return the fewest seeds with which the sign-flip test could decide, after Holm's correction.

    With fewer, even the clearest difference of `comparisons` stays undecided.

    Examples
    --------
    >>> [seeds_needed(m) for m in (1, 3, 6, 10, 15)]
    [6, 7, 8, 9, 10]
    """
    return next(seeds for seeds in itertools.count(2) if least_p(seeds) * comparisons <= alpha)


def seeds_for_power(
    differences: ArrayLike, *, comparisons: int = 1, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """Return how many seeds would decide a difference as large as the one measured, if it is real.

    Power of the paired t test at the level alpha / comparisons (Holm's first and strictest step), from the noncentral t
    distribution with the measured mean over the measured standard deviation; at least :func:`seeds_needed`. A rough
    figure: mean and spread come from few seeds themselves.

    None above 10,000 seeds, or with no difference at all. With one seed the spread is not known and
    :func:`seeds_needed` is returned.
    """
    d = _finite(differences)
    least = seeds_needed(comparisons, alpha)
    mean = abs(float(d.mean()))
    spread = float(d.std(ddof=1)) if len(d) > 1 else 0.0
    if mean == 0.0:
        return None
    if spread <= 1e-12 * mean:
        return least
    low, high = 1, MOST_SEEDS  # power rises with the seeds: halve the range until it is one seed wide
    if paired_t_power(mean / spread, high, alpha / comparisons) < power:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if paired_t_power(mean / spread, middle, alpha / comparisons) < power:
            low = middle
        else:
            high = middle
    return max(high, least)


def paired_t_power(effect: float, seeds: int, alpha: float = 0.05) -> float:
    """Return the chance that a two-sided paired t test at level `alpha` finds an effect (mean over spread)."""
    from scipy.special import nctdtr, stdtrit

    freedom, centre = seeds - 1, effect * math.sqrt(seeds)
    border = float(stdtrit(freedom, 1.0 - alpha / 2.0))
    if centre > border + 10.0:
        return 1.0
    return float(1.0 - nctdtr(freedom, centre, border) + nctdtr(freedom, centre, -border))


def mean_interval(values: ArrayLike, confidence: float = 0.95) -> tuple[float | None, float | None]:
    """Return an interval of the mean: Student's t, or BCa bootstrap from 20 values on; (None, None) for one value.

    A bootstrap over a handful of seeds is too narrow; over many it follows their skew.
    """
    d = _finite(values)
    if len(d) < 2:
        return None, None
    if len(d) >= LEAST_BOOTSTRAP and np.ptp(d) > 0.0:
        return bca_interval(d, confidence)
    return _around(d, confidence, 1.0 / len(d))


def prediction_interval(values: ArrayLike, confidence: float = 0.95) -> tuple[float, float] | None:
    """Return where one more run of the same setting would fall: ``mean +- t s sqrt(1 + 1/n)``; None for one value."""
    d = _finite(values)
    return None if len(d) < 2 else _around(d, confidence, 1.0 + 1.0 / len(d))


def bca_interval(
    values: ArrayLike, confidence: float = 0.95, *, draws: int = 9_999, generator: np.random.Generator | None = None
) -> tuple[float, float]:
    """Return the bias-corrected and accelerated bootstrap interval of the mean (Efron 1987).

    Parameters
    ----------
    values : (n,), not all equal
    generator
        Of the resamples; seeded with 0 when absent.
    """
    from scipy.stats import bootstrap

    found = bootstrap(
        (_finite(values),),
        np.mean,
        confidence_level=confidence,
        n_resamples=draws,
        method="BCa",
        rng=generator or np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), float(found.high)


def _around(values: Array, confidence: float, share: float) -> tuple[float, float]:
    from scipy.special import stdtrit

    reach = float(stdtrit(len(values) - 1, 0.5 + confidence / 2.0)) * float(values.std(ddof=1)) * math.sqrt(share)
    return float(values.mean()) - reach, float(values.mean()) + reach


def _finite(values: ArrayLike) -> Array:
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or len(array) == 0 or not np.isfinite(array).all():
        raise InputError(f"a comparison needs one finite number a seed, found {array.tolist()}")
    return array
