"""Is a difference over seeds more than chance? Paired, exact, corrected for how often one asked.

The same seed gives two settings the same start weights and data order, so their results are compared seed by seed. One
seed is never a result: everything here calls it undecided.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatewise.errors import InputError
from gatewise.studies.bca import bca_interval
from gatewise.studies.paired_tests import TESTS, Test, equivalence_test, finite
from gatewise.studies.power import seeds_for_power

Array = NDArray[np.float64]
Says = Literal["better", "worse", "undecided", "practically the same"]
SAME: Says = "practically the same"

#: A bootstrap interval over fewer seeds than this is too narrow; Student's t stands in.
LEAST_BOOTSTRAP = 20


@dataclass(frozen=True)
class Decision:
    """What the seeds say about one difference.

    Attributes
    ----------
    difference
        Mean over seeds of the first setting minus the second.
    interval
        95 % interval of that mean, whatever the level of the test, not corrected for the number of comparisons;
        (None, None) with one seed.
    p, p_holm
        Of the sign-flip test, alone and after Holm's correction.
    says
        Whether the first setting is better.
    seeds
        How many pairs there were.
    seeds_needed
        If undecided, how many seeds would decide a difference of this size with probability 0.8; None when that is
        more than anybody trains, and when it is decided.
    p_same
        After Holm's correction, of the claim that the difference lies inside the margin; None without one.
    small
        Whether a difference that is decided is smaller than the margin all the same.
    """

    difference: float
    interval: tuple[float | None, float | None]
    p: float
    p_holm: float
    says: Says
    seeds: int
    seeds_needed: int | None
    p_same: float | None = None
    small: bool = False


def decide_all(
    differences: Sequence[Sequence[float]],
    *,
    better: Literal["lower", "higher"] = "lower",
    alpha: float = 0.05,
    test: Test = "sign_flip",
    margins: Sequence[float | None] = (),
) -> list[Decision]:
    """Decide a family of comparisons together.

    Parameters
    ----------
    differences
        For each comparison, the first setting's result minus the second's, seed by seed.
    better
        Which direction of the metric is good.
    alpha
        Chance of calling any equal pair different; and, apart from that, of calling any pair the same whose difference
        is as large as the margin.
    test
        Of :data:`gatewise.studies.paired_tests.TESTS`.
    margins
        For each comparison, up to which difference two settings are practically the same; none when absent. A pair
        that is shown to lie inside is called so, also where its tiny difference is sure.

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
    samples = [finite(sample) for sample in differences]
    p_values = [TESTS[test](sample) for sample in samples]
    known = list(margins) or [None] * len(samples)
    equal = {
        number: equivalence_test(sample, margin, test=test)
        for number, (sample, margin) in enumerate(zip(samples, known, strict=True))
        if margin is not None and len(sample) > 1
    }
    same = dict(zip(equal, holm(list(equal.values())), strict=True))
    found = []
    for number, (sample, p, p_holm) in enumerate(zip(samples, p_values, holm(p_values), strict=True)):
        mean, p_same = float(sample.mean()), same.get(number)
        says = decide(p_holm, mean, better=better, seeds=len(sample), alpha=alpha)
        if p_same is not None and p_same <= alpha:
            says = SAME
        needed = None
        if says == "undecided":
            needed = seeds_for_power(sample, comparisons=len(samples), alpha=alpha, test=test)
        margin = known[number]
        small = says in ("better", "worse") and margin is not None and abs(mean) < margin
        found.append(Decision(mean, mean_interval(sample), p, p_holm, says, len(sample), needed, p_same, small))
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


def mean_interval(values: ArrayLike, confidence: float = 0.95) -> tuple[float | None, float | None]:
    """Return an interval of the mean: Student's t, or BCa bootstrap from 20 values on; (None, None) for one value.

    A bootstrap over a handful of seeds is too narrow; over many it follows their skew.
    """
    d = finite(values)
    if len(d) < 2:
        return None, None
    if len(d) >= LEAST_BOOTSTRAP and np.ptp(d) > 0.0:
        return bca_interval(d, confidence)
    return _around(d, confidence, 1.0 / len(d))


def prediction_interval(values: ArrayLike, confidence: float = 0.95) -> tuple[float, float] | None:
    """Return where one more run of the same setting would fall: ``mean +- t s sqrt(1 + 1/n)``; None for one value."""
    d = finite(values)
    return None if len(d) < 2 else _around(d, confidence, 1.0 + 1.0 / len(d))


def _around(values: Array, confidence: float, share: float) -> tuple[float, float]:
    from scipy.special import stdtrit

    reach = float(stdtrit(len(values) - 1, 0.5 + confidence / 2.0)) * float(values.std(ddof=1)) * math.sqrt(share)
    return float(values.mean()) - reach, float(values.mean()) + reach
