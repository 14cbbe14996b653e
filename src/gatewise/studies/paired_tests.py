"""Tests of paired differences, one number a seed: are they as often above zero as below?

Each also has a one-sided form, from which equivalence is shown: a difference lies inside a margin when it is tested to
be above the lower and below the upper end (two one-sided tests, Schuirmann 1987).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatewise.errors import InputError

Array = NDArray[np.float64]
Side = Literal["both", "above", "below"]
Test = Literal["sign_flip", "wilcoxon", "t"]

#: Up to this many seeds all 2^n signs are tried; above, some at random.
MOST_EXACT = 16

#: Tables of random signings up to this many numbers are kept for the next test.
_MOST_KEPT = 4_000_000


def sign_flip_test(
    differences: ArrayLike, *, side: Side = "both", draws: int = 100_000, generator: np.random.Generator | None = None
) -> float:
    """Test whether paired differences are as often above zero as below: p of the sign-flip permutation test.

    If the two settings are equal, each difference could as well have had the other sign (Fisher 1935). p is the share
    of all 2^n ways to sign the differences whose mean lies at least as far from zero as the one found (on that side);
    it cannot go below :func:`gatewise.studies.power.least_p`. Above 16 seeds, `draws` random signings stand for all,
    the one found counted among them, so p is never 0 (Phipson & Smyth 2010).

    Parameters
    ----------
    differences : (n,)
    side
        Whether only a mean above zero, only one below, or both count as far.
    generator
        Of the random signings; seeded with 0 when absent.

    Examples
    --------
    >>> sign_flip_test([1.0, 2.0, 3.0, 4.0, 5.0]), sign_flip_test([1.0, 2.0, 3.0, 4.0, 5.0], side="above")
    (0.0625, 0.03125)
    """
    d = finite(differences)
    if side == "below":
        return sign_flip_test(-d, side="above", draws=draws, generator=generator)
    n = len(d)
    total = d.sum() if side == "above" else abs(d.sum())
    reached = total - 1e-12 * np.abs(d).sum()  # equal sums may differ in their last bit
    far = np.asarray if side == "above" else np.abs
    if n <= MOST_EXACT:
        # For both sides one half is enough: the other has all signs the other way round, and the same distances.
        signs = _signs(n) if side == "above" else _signs(n)[: 2 ** (n - 1)]
        return float(np.mean(far(signs @ d) >= reached))
    kept = generator is None and n * draws <= _MOST_KEPT
    chunks = (_seeded_signs(n, draws),) if kept else _drawn_signs(n, draws, generator)
    extreme = sum(int((far(signs @ d) >= reached).sum()) for signs in chunks)
    return (extreme + 1) / (draws + 1)


def _drawn_signs(n: int, draws: int, generator: np.random.Generator | None) -> Iterator[Array]:
    """Yield random signings in parts that fit into memory."""
    generator = generator or np.random.default_rng(0)
    for start in range(0, draws, 10_000):
        signs = generator.integers(0, 2, size=(min(10_000, draws - start), n)).astype(np.float64) * 2.0 - 1.0
        yield signs


@lru_cache(maxsize=1)
def _seeded_signs(n: int, draws: int) -> Array:
    """Keep the signings of the seeded generator: a study tests thousands of differences over equally many seeds."""
    return np.concatenate(list(_drawn_signs(n, draws, None)))


@lru_cache(maxsize=4)
def _signs(n: int) -> Array:
    """Return all ways to sign n differences, (2^n, n)."""
    minus = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    return 1.0 - 2.0 * minus.astype(np.float64)


def wilcoxon_test(differences: ArrayLike, *, side: Side = "both") -> float:
    """Test the same by the signed ranks of the differences (Wilcoxon 1945): one wild seed weighs less.

    It is the sign-flip test of the ranks, so it is exact with ties too; differences of zero are left out.

    Examples
    --------
    >>> wilcoxon_test([1.0, 2.0, 3.0, 4.0, -5.0])
    0.625
    """
    from scipy.stats import rankdata

    d = finite(differences)
    moved = d[d != 0.0]
    return sign_flip_test(np.sign(moved) * rankdata(np.abs(moved)), side=side) if len(moved) else 1.0


def t_test(differences: ArrayLike, *, side: Side = "both") -> float:
    """Test whether the mean of paired differences is zero, taking them to be normal (Student 1908).

    Differences that are all the same have no spread to measure by: p is 0, or 1 where they are zero. One alone gives 1.

    Examples
    --------
    >>> round(t_test([1.0, 2.0, 3.0, 4.0, 5.0]), 4)
    0.0132
    """
    from scipy.special import stdtr

    d = finite(differences)
    n, mean = len(d), float(d.mean())
    if n < 2:
        return 1.0
    spread = float(d.std(ddof=1))
    if spread <= 1e-12 * abs(mean) or spread == 0.0:
        t = 0.0 if mean == 0.0 else np.copysign(np.inf, mean)
    else:
        t = mean / (spread / np.sqrt(n))
    below = float(stdtr(n - 1, t))
    above = float(stdtr(n - 1, -t))
    return {"both": min(1.0, 2.0 * min(below, above)), "above": above, "below": below}[side]


#: The tests that a study may ask for.
TESTS: dict[Test, Callable[..., float]] = {"sign_flip": sign_flip_test, "wilcoxon": wilcoxon_test, "t": t_test}


def equivalence_test(differences: ArrayLike, margin: float, *, test: Test = "sign_flip") -> float:
    """Return p of the claim that the mean difference lies inside ``-margin`` to ``margin``.

    It is the larger p of two one-sided tests: that the difference is above the lower end, and below the upper one.
    At a level of 0.05 it asks the same as whether the 90 % interval of that test lies inside the margin.

    Examples
    --------
    >>> equivalence_test([0.1, -0.1, 0.2, 0.0, -0.2], margin=1.0)
    0.03125
    """
    d = finite(differences)
    run = TESTS[test]
    return max(run(d + margin, side="above"), run(d - margin, side="below"))


def finite(values: ArrayLike) -> Array:
    """Return one number a seed as an array.

    Raises
    ------
    InputError
        If there is none, or one is not finite.
    """
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or len(array) == 0 or not np.isfinite(array).all():
        raise InputError(f"a comparison needs one finite number a seed, found {array.tolist()}")
    return array
