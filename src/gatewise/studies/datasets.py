"""Several data sets: are levels ranked alike on all of them? Friedman's test, average ranks, critical difference.

Data sets differ in how hard they are, so scores are turned into ranks within each of them (Demšar 2006, JMLR 7:1-30).
The data set is the unit: its score is the mean over seeds, so seeds make each rank surer and are not counted as more
evidence.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatewise.errors import InputError
from gatewise.metrics.names import direction
from gatewise.studies.factors import show
from gatewise.studies.levels import LevelResults
from gatewise.studies.paired_tests import wilcoxon_test
from gatewise.studies.rules import Rules
from gatewise.studies.statistics import holm

Array = NDArray[np.float64]

#: Orders that are drawn to find how far ranks come apart by chance.
DRAWS = 9_999
#: What a factor about the data is called, or changes.
_NAMES, _FILES = ("data", "dataset", "datasets", "data.files"), "data.files"


@dataclass(frozen=True)
class Ranking:
    """How levels are ranked over data sets; the best has the least rank.

    Attributes
    ----------
    ranks : (N, k), ties share the mean of their ranks.
    average : (k,)
    statistic, p : Friedman's, corrected for ties; p by permuting the ranks within each data set, right for few of them.
    f_statistic, f_p : Iman and Davenport's form of it.
    critical_difference : how far two average ranks must lie apart by Nemenyi's test.
    """

    ranks: Array
    average: Array
    statistic: float
    p: float
    f_statistic: float
    f_p: float
    critical_difference: float

    def nemenyi(self, i: int, j: int) -> float:
        """Return p of Nemenyi's test that two levels have the same rank, all pairs being compared."""
        from scipy.stats import studentized_range

        k = len(self.average)
        return float(studentized_range.sf(self._distance(i, j) * np.sqrt(2.0), k, np.inf))

    def against(self, i: int, j: int) -> float:
        """Return p that two levels have the same rank, by the normal distribution, not corrected."""
        from scipy.special import ndtr

        return float(2.0 * ndtr(-self._distance(i, j)))

    def _distance(self, i: int, j: int) -> float:
        n, k = self.ranks.shape
        return float(abs(self.average[i] - self.average[j]) / np.sqrt(k * (k + 1) / (6.0 * n)))

    @property
    def groups(self) -> list[tuple[int, ...]]:
        """Levels that lie within one critical difference, from the best rank on; only groups of two or more."""
        order = [int(place) for place in np.argsort(self.average, kind="stable")]
        found: list[tuple[int, ...]] = []
        for start, first in enumerate(order):
            near = [one for one in order[start:] if self.average[one] - self.average[first] < self.critical_difference]
            if len(near) > 1 and not (found and set(near) <= set(found[-1])):
                found.append(tuple(near))
        return found


def rank(scores: ArrayLike, *, better: Literal["lower", "higher"] = "lower", alpha: float = 0.05) -> Ranking:
    """Rank levels within each data set, and test whether the ranks are more than chance.

    Parameters
    ----------
    scores : (N, k)
        A row a data set, a column a level.

    Raises
    ------
    InputError
        With fewer than two data sets or levels, or a score that is not finite.

    Examples
    --------
    >>> found = rank([[0.7, 0.9, 0.8], [0.5, 0.8, 0.6], [0.6, 0.7, 0.65]], better="higher")
    >>> found.average.tolist(), round(found.statistic, 2)
    ([3.0, 1.0, 2.0], 6.0)
    """
    from scipy.stats import f, rankdata, studentized_range

    values = np.asarray(scores, np.float64)
    if values.ndim != 2 or min(values.shape) < 2 or not np.isfinite(values).all():
        raise InputError(f"ranks need a finite score of two levels or more on two data sets or more: {values.shape}")
    n, k = values.shape
    ranks = rankdata(values if better == "lower" else -values, axis=1)
    statistic = float(_friedman(ranks[None])[0])
    generator, apart = np.random.default_rng(0), 0
    for start in range(0, DRAWS, 1_000):
        drawn = generator.permuted(np.broadcast_to(ranks, (min(1_000, DRAWS - start), n, k)), axis=2)
        apart += int((_friedman(drawn) >= statistic - 1e-9).sum())
    left = n * (k - 1) - statistic
    f_statistic = float("inf") if left <= 1e-12 else (n - 1) * statistic / left
    q = float(studentized_range.isf(alpha, k, np.inf)) / np.sqrt(2.0)
    return Ranking(
        ranks,
        ranks.mean(axis=0),
        statistic,
        (apart + 1) / (DRAWS + 1),
        f_statistic,
        float(f.sf(f_statistic, k - 1, (k - 1) * (n - 1))),
        float(q * np.sqrt(k * (k + 1) / (6.0 * n))),
    )


def _friedman(ranks: Array) -> Array:
    """Return Friedman's statistic of tables of ranks (..., N, k), corrected for ties; 0 where all ranks are tied."""
    n, k = ranks.shape[-2:]
    middle = (k + 1) / 2.0
    between = n * ((ranks.mean(axis=-2) - middle) ** 2).sum(axis=-1)
    within = ((ranks - middle) ** 2).sum(axis=(-2, -1)) / (n * (k - 1))
    found: Array = np.divide(between, within, out=np.zeros_like(between), where=within > 0.0)
    return found


def data_factor(study: Mapping[str, Any]) -> str | None:
    """Return the factor whose levels are data sets: the one that is named so, or that changes the files."""
    tree = study.get("study") or {}
    if tree.get("datasets"):
        return str(tree["datasets"])
    vary = tree.get("vary")
    for name in study["factors"]:
        levels = vary.get(name) if isinstance(vary, Mapping) else None
        parts = levels.values() if isinstance(levels, Mapping) else ()
        if name in _NAMES or any(isinstance(part, Mapping) and _FILES in part for part in parts):
            return None if name == study["main"] else str(name)
    return None


def compare_datasets(levels: Sequence[LevelResults], study: Mapping[str, Any]) -> dict[str, Any] | None:
    """Rank the levels of the main factor over the data sets of a study; None where it has not several of both."""
    factor, main, rules = data_factor(study), study["main"], Rules.of(study)
    if factor is None or main is None:
        return None
    metric = study["metric"]
    mains = [value for value in study["factors"][main] if any(level.settings.get(main) == value for level in levels)]
    rows = {
        show(name): scores
        for name in study["factors"][factor]
        if (scores := _scores([one for one in levels if one.settings.get(factor) == name], main, mains, metric))
    }
    if len(rows) < 2 or len(mains) < 2:
        return None
    found = rank(list(rows.values()), better=direction(metric), alpha=rules.alpha)
    return {
        "factor": factor,
        "main": main,
        "metric": metric,
        "datasets": list(rows),
        "levels": mains,
        "scores": list(rows.values()),
        "ranks": found.ranks.tolist(),
        "average": found.average.tolist(),
        "statistic": found.statistic,
        "p": found.p,
        "iman_davenport": {"statistic": found.f_statistic, "p": found.f_p} if np.isfinite(found.f_statistic) else None,
        "critical_difference": found.critical_difference,
        "groups": [[mains[place] for place in group] for group in found.groups],
        "pairs": _pairs(found, np.asarray(list(rows.values())), mains, rules),
        "post_hoc": "Nemenyi" if rules.reference is None else "normal, Holm",
    }


def _scores(levels: Sequence[LevelResults], main: str, mains: Sequence[Any], metric: str) -> list[float] | None:
    """Return the mean of each level on one data set, over the other factors' combinations that all of them have."""
    by_condition: dict[str, dict[str, float]] = {}
    for level in levels:
        others = str({name: value for name, value in level.settings.items() if name != main})
        mean = level.mean(metric)
        if mean is not None:
            by_condition.setdefault(others, {})[show(level.settings[main])] = mean
    whole = [found for found in by_condition.values() if all(show(value) in found for value in mains)]
    return [fmean(found[show(value)] for found in whole) for value in mains] if whole else None


def _pairs(found: Ranking, scores: Array, mains: Sequence[Any], rules: Rules) -> list[dict[str, Any]]:
    """Decide which levels are ranked apart; none is where Friedman's test finds nothing."""
    fixed = [place for place, value in enumerate(mains) if rules.is_reference(value)]
    chosen = (
        list(itertools.combinations(range(len(mains)), 2))
        if rules.reference is None
        else [(place, fixed[0]) for place in range(len(mains)) if fixed and place != fixed[0]]
    )
    if rules.reference is None:
        p_values = [found.nemenyi(i, j) for i, j in chosen]
    else:
        p_values = holm([found.against(i, j) for i, j in chosen])
    signed = holm([wilcoxon_test(scores[:, i] - scores[:, j]) for i, j in chosen])
    rows = []
    for (i, j), p, p_wilcoxon in zip(chosen, p_values, signed, strict=True):
        apart = float(found.average[i] - found.average[j])
        decided = p <= rules.alpha and found.p <= rules.alpha
        rows.append(
            {
                "a": mains[i],
                "b": mains[j],
                "difference": apart,
                "p": p,
                "p_wilcoxon": p_wilcoxon,
                "says": ("better" if apart < 0.0 else "worse") if decided else "undecided",
            }
        )
    return rows
