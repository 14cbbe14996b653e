"""What another report states, held against the study's own numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gatewise.metrics.names import direction
from gatewise.studies.factors import show
from gatewise.studies.levels import LevelResults, by_level, known_interval, paired, seed_means
from gatewise.studies.statistics import decide_all, prediction_interval


def judge_claims(
    claims: Sequence[Mapping[str, Any]], levels: Sequence[LevelResults], main: str | None
) -> list[dict[str, Any]]:
    """Judge each claim: ``{"claim", "report", "ours", "interval", "verdict"}``.

    A figure is one run of the report, so it is held against where one more run of ours would fall (95 % prediction
    interval over seeds): "agrees", "ours is lower", "ours is higher"; of several figures the range counts. A best
    level is held against ours by the paired test: "agrees", "differs", "undecided". "not run" when there is nothing to
    hold it against.
    """
    return [_judge(claim, [level for level in levels if _matches(level, claim["where"])], main) for claim in claims]


def _judge(claim: Mapping[str, Any], levels: list[LevelResults], main: str | None) -> dict[str, Any]:
    report = claim["report"]
    judged: tuple[str | float | None, list[float] | None, str] = (
        _judge_best(claim, levels, claim.get("factor") or main)
        if isinstance(report, str)
        else _judge_figure(claim, levels)
    )
    ours, interval, verdict = judged
    return {"claim": claim["claim"], "report": report, "ours": ours, "interval": interval, "verdict": verdict}


def _judge_figure(claim: Mapping[str, Any], levels: list[LevelResults]) -> tuple[float | None, list[float] | None, str]:
    values = [value for level in levels for value in _by_seed(level, claim).values()]
    if not values:
        return None, None, "not run"
    mean = sum(values) / len(values)
    interval = prediction_interval(values)
    if interval is None:
        return mean, None, "one seed cannot tell"
    figures = claim["report"] if isinstance(claim["report"], list | tuple) else [claim["report"]]
    low, high = interval
    if high < min(figures):
        return mean, [low, high], "ours is lower"
    return mean, [low, high], "ours is higher" if low > max(figures) else "agrees"


def _by_seed(level: LevelResults, claim: Mapping[str, Any]) -> dict[int, float]:
    """Return what a claim is about: one series, one class, or all together."""
    if claim.get("series"):
        return level.series_by_seed(claim["metric"], claim["series"])
    if claim.get("of_class"):
        return level.class_by_seed(claim["metric"], claim["of_class"])
    return level.by_seed(claim["metric"])


def _judge_best(
    claim: Mapping[str, Any], levels: list[LevelResults], factor: str | None
) -> tuple[str | None, list[float] | None, str]:
    """Say which level is best by mean, and whether that it is better than the report's is decided."""
    metric, better = claim["metric"], direction(claim["metric"])
    pooled = {name: seed_means(group, metric) for name, group in by_level(levels, factor).items()}
    means = {name: sum(values.values()) / len(values) for name, values in pooled.items() if values}
    theirs = show(claim["report"])
    if theirs not in means or len(means) < 2:
        return None, None, "not run"
    order = sorted(means, key=lambda name: means[name], reverse=better == "higher")
    best, others = order[0], [name for name in order if name != theirs]
    differences = [paired(pooled[theirs], pooled[other]) for other in others]
    decisions = decide_all(differences, better=better)
    rival = decisions[0]  # the best of the others
    interval = known_interval(rival.interval)
    if any(decision.says == "worse" for decision in decisions):
        return best, interval, "differs"
    return best, interval, "agrees" if all(decision.says == "better" for decision in decisions) else "undecided"


def _matches(level: LevelResults, where: Mapping[str, Any]) -> bool:
    return all(
        name in level.settings and (level.settings[name] == value or show(level.settings[name]) == show(value))
        for name, value in where.items()
    )
