"""How many seeds does it take? What a test over few seeds can decide at all, and with which chance."""

from __future__ import annotations

import itertools
import math
from functools import lru_cache

from numpy.typing import ArrayLike

from gatewise.studies.paired_tests import MOST_EXACT, Test, finite

#: More seeds than this nobody trains: a difference that needs them is not worth deciding.
MOST_SEEDS = 10_000


def least_p(seeds: int, test: Test = "sign_flip") -> float:
    """Return the least p that a test can reach: 2 of 2^n signings; the t test, of two seeds or more, knows no least.

    Examples
    --------
    >>> [least_p(n) for n in (1, 3, 5, 6)], least_p(3, "t")
    ([1.0, 0.25, 0.0625, 0.03125], 0.0)
    """
    if test == "t":
        return 1.0 if seeds < 2 else 0.0
    return 2.0 / 2.0**seeds


def seeds_needed(comparisons: int, alpha: float = 0.05, test: Test = "sign_flip") -> int:
    """Return the fewest seeds with which a test could decide, after Holm's correction.

    With fewer, even the clearest difference of `comparisons` stays undecided.

    Examples
    --------
    >>> [seeds_needed(m) for m in (1, 3, 6, 10, 15)]
    [6, 7, 8, 9, 10]
    """
    return next(seeds for seeds in itertools.count(2) if least_p(seeds, test) * comparisons <= alpha)


def seeds_for_power(
    differences: ArrayLike,
    *,
    comparisons: int = 1,
    alpha: float = 0.05,
    power: float = 0.8,
    test: Test = "sign_flip",
) -> int | None:
    """Return how many seeds would decide a difference as large as the one measured, if it is real.

    Power at the level alpha / comparisons (Holm's first and strictest step), with the measured mean over the measured
    standard deviation; at least :func:`seeds_needed`. A rough figure: mean and spread come from few seeds themselves.

    None above 10,000 seeds, or with no difference at all. With one seed the spread is not known and
    :func:`seeds_needed` is returned.
    """
    d = finite(differences)
    least = seeds_needed(comparisons, alpha, test)
    mean = abs(float(d.mean()))
    spread = float(d.std(ddof=1)) if len(d) > 1 else 0.0
    if mean == 0.0:
        return None
    if spread <= 1e-12 * mean:
        return least
    effect = float(f"{mean / spread:.3g}")  # it is no more exact than that, and the answer may be known already
    return seeds_for_effect(effect, comparisons=comparisons, alpha=alpha, power=power, test=test)


@lru_cache(maxsize=4096)
def seeds_for_effect(
    effect: float, *, comparisons: int = 1, alpha: float = 0.05, power: float = 0.8, test: Test = "sign_flip"
) -> int | None:
    """Return how many seeds decide an effect (mean difference over its standard deviation); None above 10,000.

    Examples
    --------
    >>> seeds_for_effect(1.0, comparisons=3), seeds_for_effect(0.001)
    (14, None)
    """
    least, level = seeds_needed(comparisons, alpha, test), alpha / comparisons
    for seeds in range(least, MOST_EXACT + 1):  # few seeds: an exact test's power climbs in steps
        if paired_power(effect, seeds, level, test) >= power:
            return seeds
    low, high = max(MOST_EXACT, least - 1), MOST_SEEDS  # power rises with the seeds: halve the range
    if paired_power(effect, high, level, test) < power:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if paired_power(effect, middle, level, test) < power:
            low = middle
        else:
            high = middle
    return high


def effect_for_seeds(
    seeds: int, *, comparisons: int = 1, alpha: float = 0.05, power: float = 0.8, test: Test = "sign_flip"
) -> float | None:
    """Return the least effect that so many seeds decide with probability `power`; None where they decide nothing.

    Examples
    --------
    >>> round(effect_for_seeds(7, comparisons=3), 1), effect_for_seeds(5)
    (1.9, None)
    """
    level = alpha / comparisons
    if least_p(seeds, test) > level:
        return None
    low, high = 0.0, 64.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        if paired_power(middle, seeds, level, test) < power:
            low = middle
        else:
            high = middle
    return high


def paired_power(effect: float, seeds: int, level: float, test: Test = "sign_flip") -> float:
    """Return the chance that a two-sided test finds an effect, the differences being normal.

    An exact test over n seeds rejects for the k = floor(level 2^(n-1)) most extreme of the 2^(n-1) pairs of signings.
    For k = 1 all differences must have the same sign, which is known exactly: ``Phi(effect)^n + Phi(-effect)^n``. With
    more, its power nears that of the t test at the level that it really has, 2k / 2^n. Between both lies
    ``t(k) - (t(1) - same sign) k^-0.8``; the exponent was fitted to simulations, which it meets to about 0.02
    (`benchmarks/wrong_calls.py` holds it to that). Of normal differences Wilcoxon's test sees as much as the others see
    of an effect sqrt(3 / pi) times as large, 0.98, its asymptotic efficiency.
    """
    if test == "wilcoxon":
        effect *= math.sqrt(3.0 / math.pi)
    if test == "t" or seeds > MOST_EXACT:
        return paired_t_power(effect, seeds, level)
    ways = math.floor(level * 2 ** (seeds - 1) * (1 + 1e-9))
    if ways < 1:
        return 0.0
    from scipy.special import ndtr

    step = 2.0 ** (1 - seeds)
    same_sign = float(ndtr(effect) ** seeds + ndtr(-effect) ** seeds)
    lost = max(0.0, paired_t_power(effect, seeds, step) - same_sign)
    return max(same_sign, paired_t_power(effect, seeds, ways * step) - lost * math.pow(ways, -0.8))


def paired_t_power(effect: float, seeds: int, alpha: float = 0.05) -> float:
    """Return the chance that a two-sided paired t test at level `alpha` finds an effect (mean over spread)."""
    from scipy.special import nctdtr, stdtrit

    freedom, centre = seeds - 1, abs(effect) * math.sqrt(seeds)
    if freedom < 1:
        return 0.0
    border = float(stdtrit(freedom, 1.0 - alpha / 2.0))
    if centre > border + 10.0 and freedom > 3:
        return 1.0
    upper, lower = float(nctdtr(freedom, centre, border)), float(nctdtr(freedom, centre, -border))
    # far from zero SciPy returns nan for what is nothing
    return 1.0 - (0.0 if math.isnan(upper) else upper) + (0.0 if math.isnan(lower) else lower)
