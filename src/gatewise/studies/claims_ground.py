"""What a claim is judged by: the numbers of the runs that it speaks of, by seed."""

from __future__ import annotations

import statistics as plain
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gatewise.studies.claims_settings import BASELINE, TIMES, Claim, Side
from gatewise.studies.factors import show
from gatewise.studies.levels import LevelResults, by_level, mean_by_seed
from gatewise.studies.rules import Rules
from gatewise.studies.words import baseline_name, level_name, listed, setting


@dataclass(frozen=True)
class Ground:
    """The runs of one study.

    Attributes
    ----------
    main, metric : what claims are about that name no factor and no metric.
    diverged : combinations of levels whose loss was no longer finite: ``levels``, ``runs``, ``of``.
    rules : by which test, at which level.
    absent : levels that were left out, in words, and why.
    no_figures : why the report's figures cannot be compared with these runs; empty where they can.
    stand_in : what stands in for the report's own data and settings; empty where they are its own.
    whole : why there are no runs at all; empty where there are some.
    """

    levels: Sequence[LevelResults]
    main: str | None
    metric: str
    diverged: Sequence[Mapping[str, Any]] = ()
    rules: Rules = field(default_factory=Rules)
    absent: Mapping[str, str] = field(default_factory=dict)
    no_figures: str = ""
    stand_in: str = ""
    whole: str = ""


@dataclass(frozen=True)
class Numbers:
    """One side of a comparison.

    Attributes
    ----------
    by_seed : a value a seed; of a time, one a timed epoch.
    is_time : measured once, epoch by epoch, and not seed by seed.
    is_fixed : a baseline: the same whatever the seed.
    diverged : all its trainings diverged, so that there is no value and none is needed.
    """

    name: str
    by_seed: Mapping[int, float]
    is_time: bool = False
    is_fixed: bool = False
    diverged: bool = False

    @property
    def mean(self) -> float:
        """The mean over seeds."""
        return plain.fmean(self.by_seed.values())


def matching(levels: Sequence[LevelResults], where: Mapping[str, Any]) -> list[LevelResults]:
    """Return the combinations that have these levels."""
    return [level for level in levels if _has(level.settings, where)]


def numbers_of(claim: Claim, side: Side, ground: Ground) -> Numbers | None:
    """Return the numbers of one side of a claim; None when it was not run.

    Where several combinations match, each seed counts once, with their mean.
    """
    factors = {key: value for key, value in side.items() if key != BASELINE}
    where = {**claim.where, **factors}
    name = listed(level_name(key, value) for key, value in factors.items()) or listed(
        setting(key, value) for key, value in claim.where.items()
    )
    found = matching(ground.levels, where)
    metric = claim.metric or ground.metric
    broken = [row for row in ground.diverged if _has(row["levels"], where)]
    if BASELINE in side:
        # training that diverged says nothing of a baseline, which has no part in it: that of the other runs counts
        beside = ground.levels if broken else ()
        held = [value for level in found or beside if (value := level.baseline(side[BASELINE], metric)) is not None]
        fixed = dict(enumerate(held[:1] if found else dict.fromkeys(held)))
        return Numbers(baseline_name(side[BASELINE]), fixed, is_fixed=True) if len(fixed) == 1 else None
    if metric in TIMES:
        epochs = [seconds for level in found for seconds in _times(level, metric)]
        return Numbers(name, dict(enumerate(epochs)), is_time=True) if epochs else None
    values = mean_by_seed([_by_seed(level, claim, metric) for level in found])
    if values:
        return Numbers(name, values)
    return Numbers(name, {}, diverged=True) if broken and all(row["runs"] == row["of"] for row in broken) else None


def numbers_by_level(claim: Claim, factor: str, ground: Ground) -> dict[str, Numbers]:
    """Return the numbers of every level of a factor that has some."""
    groups = by_level(matching(ground.levels, claim.where), factor)
    values = {show(row["levels"][factor]): row["levels"][factor] for row in ground.diverged if factor in row["levels"]}
    values |= {name: group[0].settings.get(factor) for name, group in groups.items()}
    found = {name: numbers_of(claim, {factor: value}, ground) for name, value in values.items()}
    return {name: one for name, one in found.items() if one is not None}


def _by_seed(level: LevelResults, claim: Claim, metric: str) -> dict[int, float]:
    """Return what a claim is about: one series, one class, or all together."""
    if claim.series:
        return level.series_by_seed(metric, claim.series)
    if claim.of_class:
        return level.class_by_seed(metric, claim.of_class)
    return level.by_seed(metric)


def _times(level: LevelResults, metric: str) -> list[float]:
    """Return a time of each epoch of the run that had the machine to itself; the first epoch warms up."""
    if level.timing is None or not level.timing.get("exclusive"):
        return []
    key = {"seconds_per_epoch": "seconds", "ms_per_step": "step_ms_median"}[metric]
    rows = level.timing_log[1:] or level.timing_log
    return [float(row[key]) for row in rows if row.get(key)]


def _has(settings: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    return all(
        name in settings and (settings[name] == value or show(settings[name]) == show(value))
        for name, value in where.items()
    )


def welch_interval(a: Sequence[float], b: Sequence[float], confidence: float = 0.95) -> list[float] | None:
    """Return the interval of mean(a) - mean(b) for two samples of unequal spread (Welch 1947); None for single values.

    Examples
    --------
    >>> [round(bound, 2) for bound in welch_interval([4.0, 6.0, 5.0], [1.0, 2.0, 3.0])]
    [0.73, 5.27]
    """
    if min(len(a), len(b)) < 2:
        return None
    middle = plain.fmean(a) - plain.fmean(b)
    shares = [plain.variance(one) / len(one) for one in (a, b)]
    if not sum(shares):
        return [middle, middle]
    from scipy.special import stdtrit

    freedom = sum(shares) ** 2 / sum(share**2 / (len(one) - 1) for share, one in zip(shares, (a, b), strict=True))
    reach = float(stdtrit(freedom, 0.5 + confidence / 2.0)) * sum(shares) ** 0.5
    return [middle - reach, middle + reach]
