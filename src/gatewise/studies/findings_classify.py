"""What a study of classification says of single classes: which is found worst, and which is never found at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from gatewise.metrics.names import is_higher_better
from gatewise.studies.levels import LevelResults
from gatewise.studies.words import capital, label_of, level_name, listed, value
from gatewise.wording import say

Finding = dict[str, Any]


def class_findings(tree: Mapping[str, Any], levels: Sequence[LevelResults]) -> list[Finding]:
    """Say which class the best level finds worst, and which levels never find a class; nothing of other tasks."""
    if tree["task"] != "classify":
        return []
    return [*_found_worst(tree, levels), *_never_found(tree, levels)]


def _found_worst(tree: Mapping[str, Any], levels: Sequence[LevelResults]) -> list[Finding]:
    metric = tree["metric"]
    known = [(level, mean) for level in levels if (mean := level.mean(metric)) is not None]
    if not known:
        return []
    level, _ = (max if is_higher_better(metric) else min)(known, key=lambda pair: pair[1])
    f1 = {name: fmean(found) for name in _classes(level) if (found := level.class_by_seed("f1", name).values())}
    if len(f1) < 2:
        return []
    worst = min(f1, key=lambda name: f1[name])
    figures = {key: level.class_by_seed(key, worst).values() for key in ("recall", "precision", "support")}
    told = [
        say(f"findings.classes.{key}", value=value(fmean(found)))
        for key, found in figures.items()
        if found and key != "support"
    ]
    few = say("findings.classes.few", texts=value(fmean(figures["support"]))) if figures["support"] else ""
    return [
        {
            "text": say(
                "findings.classes.worst",
                worst=worst,
                label=label_of(level.label, level.settings),
                f1=value(f1[worst]),
                told=say("words.comma").join(told),
                few=few,
            ),
            "evidence": [say("findings.classes.f1", name=name, score=value(score)) for name, score in f1.items()],
            "see": "classes-table",
            "runs": list(level.runs.values()),
        }
    ]


def _never_found(tree: Mapping[str, Any], levels: Sequence[LevelResults]) -> list[Finding]:
    """Say at which levels every seed has an F1 of 0 on a class."""
    never: dict[str, list[LevelResults]] = {}
    for level in levels:
        for name in _classes(level):
            found = level.class_by_seed("f1", name)
            if found and not any(found.values()):
                never.setdefault(name, []).append(level)
    together: dict[tuple[str, ...], list[str]] = {}
    for name, group in never.items():
        together.setdefault(tuple(_name(tree["main"], level) for level in group), []).append(name)
    return [
        {
            "text": say("findings.classes.never", n=len(group), group=capital(listed(group)), names=listed(names)),
            "evidence": [
                say(
                    "words.colon",
                    name=label_of(level.label, level.settings),
                    value=say("words.seeds", n=len(level.results)),
                )
                for level in never[names[0]]
            ],
            "see": "classes-table",
        }
        for group, names in together.items()
    ]


def _name(main: str | None, level: LevelResults) -> str:
    return (
        level_name(main, level.settings[main])
        if main and len(level.settings) == 1
        else label_of(level.label, level.settings)
    )


def _classes(level: LevelResults) -> list[str]:
    return list(dict.fromkeys(name for one in level.results.values() for name in one.get("classes") or ()))
