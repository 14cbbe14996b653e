"""Is one classifier better than another on the same texts? The paired bootstrap, McNemar's test, Wilson's interval."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatewise.errors import InputError
from gatewise.metrics.confusion import DECISIONS, class_numbers, confusion

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Samples that the bootstrap draws, and how many counts it holds at once.
DRAWS = 2000
_AT_ONCE = 2_000_000
#: Fewer texts than this decide nothing.
LEAST_TEXTS = 20
#: With fewer texts on which just one classifier is right, McNemar's test is the exact one.
FEW_DISCORDANT = 25


@dataclass(frozen=True)
class MetricComparison:
    """Whether one classifier is better than another by a metric, on the same texts.

    ``difference`` is ours minus theirs: positive favours ours. The intervals have confidence ``1 - alpha``; they and
    ``p`` (two-sided) are None when there are too few texts.
    """

    metric: str
    ours: float
    theirs: float
    difference: float
    ours_interval: tuple[float, float] | None
    theirs_interval: tuple[float, float] | None
    interval: tuple[float, float] | None
    p: float | None
    says: Literal["better", "worse", "undecided"]
    n: int
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain values for ``result.json``."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


@dataclass(frozen=True)
class McNemar:
    """How often just one of two classifiers is right, and how likely so unequal a number is by chance."""

    ours_alone: int
    theirs_alone: int
    statistic: float
    p: float
    exact: bool

    def to_json(self) -> dict[str, Any]:
        """Return plain values for ``result.json``."""
        return asdict(self)


def compare_metric(
    target: ArrayLike,
    ours: ArrayLike,
    theirs: ArrayLike,
    metric: str = "f1_macro",
    seed: int = 0,
    *,
    classes: int | None = None,
    draws: int = DRAWS,
    alpha: float = 0.05,
) -> MetricComparison:
    """Decide by the paired bootstrap over texts whether our predictions are better than theirs.

    Parameters
    ----------
    target, ours, theirs : (n,)
        Number of each text's class, and of the class that each classifier predicted.
    metric
        One that depends on the predicted classes alone: accuracy, f1_macro, f1_weighted or matthews.
    seed
        Of the drawing.
    classes
        C; the greatest number seen, plus one, when absent.
    draws
        Samples that are drawn; each holds n texts, drawn with replacement.
    alpha
        Level of the test. It says better or worse when the interval of the difference leaves out 0.

    Raises
    ------
    InputError
        If the arrays differ in length, a number is no class, or the metric needs more than predicted classes.

    Notes
    -----
    These metrics see of a text only its class and the two predictions. How often each such triple occurs in a drawn
    sample is multinomial, so the counts are drawn instead of the texts: the same distribution, much sooner.

    Examples
    --------
    >>> y = np.arange(600) % 3
    >>> compare_metric(y, y, np.where(np.arange(600) % 4, y, 0)).says
    'better'
    """
    if metric not in DECISIONS:
        raise InputError(f"{metric} is not worked out from predicted classes; compare by {', '.join(DECISIONS)}")
    C = classes or 1 + max(int(np.max(each, initial=0)) for each in (target, ours, theirs))
    tables = confusion(target, ours, C), confusion(target, theirs, C)
    measure, n = DECISIONS[metric], int(tables[0].sum())
    first, second = (float(measure(table)) for table in tables)
    if n < LEAST_TEXTS:
        note = f"{n} texts are too few for a test, which needs {LEAST_TEXTS}"
        return MetricComparison(metric, first, second, first - second, None, None, None, None, "undecided", n, note)
    samples = _samples([class_numbers(each, C) for each in (target, ours, theirs)], C, draws, seed)
    drawn = np.concatenate([np.stack([measure(table) for table in pair]) for pair in samples], axis=1)
    difference = drawn[0] - drawn[1]
    low, high = _interval(difference, alpha)
    tail = min(int((difference <= 0).sum()), int((difference >= 0).sum()))
    says: Literal["better", "worse", "undecided"] = "undecided"
    if low > 0 or high < 0:
        says = "better" if low > 0 else "worse"
    p = min(1.0, 2 * (1 + tail) / (draws + 1))
    each = _interval(drawn[0], alpha), _interval(drawn[1], alpha)
    return MetricComparison(metric, first, second, first - second, *each, (low, high), p, says, n)


def bootstrap_metric(
    target: ArrayLike,
    predicted: ArrayLike,
    metric: str = "f1_macro",
    seed: int = 0,
    *,
    classes: int | None = None,
    draws: int = DRAWS,
    alpha: float = 0.05,
) -> tuple[float, float] | None:
    """Return the interval of a metric of predicted classes by the bootstrap over texts; None when they are too few.

    The arguments are those of :func:`compare_metric`.

    Examples
    --------
    >>> y = np.arange(600) % 3
    >>> bootstrap_metric(y, y)
    (1.0, 1.0)
    """
    return compare_metric(target, predicted, predicted, metric, seed, classes=classes, draws=draws,
                          alpha=alpha).ours_interval  # fmt: skip


def mcnemar(ours_right: ArrayLike, theirs_right: ArrayLike) -> McNemar:
    """Test whether two classifiers are right equally often, from the texts on which just one of them is.

    Parameters
    ----------
    ours_right, theirs_right : (n,) bool
        Whether each classifier was right, text by text.

    Raises
    ------
    InputError
        If the arrays differ in length.

    Notes
    -----
    McNemar 1947 (doi:10.1007/BF02295996). With b and c such texts: the exact binomial test where b + c < 25 (its
    statistic is the smaller of both), else ``(|b - c| - 1)^2 / (b + c)`` against chi-squared with one degree of freedom
    (Edwards 1948). Both are as statsmodels works them out.

    Examples
    --------
    >>> mcnemar([True] * 9 + [False], [False] * 9 + [True]).p
    0.021484375
    """
    ours, theirs = np.asarray(ours_right, bool), np.asarray(theirs_right, bool)
    if ours.shape != theirs.shape or ours.ndim != 1:
        raise InputError(f"compare classifiers on the same texts (found shapes {ours.shape} and {theirs.shape})")
    b, c = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    if b + c < FEW_DISCORDANT:
        tail = sum(math.comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c)
        return McNemar(b, c, float(min(b, c)), min(1.0, 2 * tail), True)
    statistic = (abs(b - c) - 1) ** 2 / (b + c)
    return McNemar(b, c, statistic, math.erfc(math.sqrt(statistic / 2)), False)


def wilson(k: float, n: int, alpha: float = 0.05) -> tuple[float, float] | None:
    """Return the interval of a share, ``k`` of ``n``, that holds for few texts and for shares near 0 and 1.

    Wilson 1927 (doi:10.1080/01621459.1927.10502953). None when there is nothing to count.

    Raises
    ------
    InputError
        Unless ``0 <= k <= n``.

    Examples
    --------
    >>> [round(end, 4) for end in wilson(81, 263)]
    [0.2553, 0.3662]
    """
    if not 0 <= k <= n:
        raise InputError(f"a share is a part of a whole: found {k} of {n}")
    if not n:
        return None
    from statistics import NormalDist

    z = NormalDist().inv_cdf(1 - alpha / 2)
    middle = (k + z**2 / 2) / (n + z**2)
    reach = z / (n + z**2) * math.sqrt(k * (n - k) / n + z**2 / 4)
    return (0.0 if k == 0 else middle - reach), (1.0 if k == n else middle + reach)


def _samples(triple: list[Ints], C: int, draws: int, seed: int) -> Iterator[tuple[Ints, Ints]]:
    """Draw samples of texts; yield the tables (drawn, C, C) of both classifiers, some samples at a time."""
    target, ours, theirs = triple
    cells, counts = np.unique((target * C + ours) * C + theirs, return_counts=True)
    truth, first, second = cells // C**2, cells // C % C, cells % C
    generator, n = np.random.default_rng(seed), len(target)
    step = max(1, _AT_ONCE // max(C**2, len(cells)))
    for start in range(0, draws, step):
        drawn = generator.multinomial(n, counts / n, size=min(step, draws - start))
        yield _tables(drawn, truth * C + first, C), _tables(drawn, truth * C + second, C)


def _tables(drawn: Ints, place: Ints, C: int) -> Ints:
    table = np.zeros((C * C, len(drawn)), np.int64)
    np.add.at(table, place, drawn.T)
    return table.T.reshape(-1, C, C)


def _interval(values: Floats, alpha: float) -> tuple[float, float]:
    low, high = np.quantile(values, [alpha / 2, 1 - alpha / 2])
    return float(low), float(high)
