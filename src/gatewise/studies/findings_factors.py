"""What a study says of each factor but the main one: what its levels do to the error, over all other settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import exp, log
from typing import Any

from gatewise.metrics.names import direction, is_higher_better
from gatewise.studies.factors import show
from gatewise.studies.findings_gradient import gradient_why
from gatewise.studies.levels import LevelResults, by_level, known_interval, mean_by_seed
from gatewise.studies.statistics import decide_all
from gatewise.studies.words import (
    capital,
    difference_words,
    metric_label,
    p_words,
    ratio_words,
    setting,
    times,
)
from gatewise.studies.words import value as value_text
from gatewise.wording import say

Finding = dict[str, Any]
Tree = Mapping[str, Any]

#: Nobody looks through more runs behind one sentence.
_MOST_RUNS = 200


def factor_findings(tree: Tree, levels: Sequence[LevelResults]) -> list[Finding]:
    """Say for every other factor what each level does to the error, against the factor's first level.

    An error is multiplied; a score may be near zero, so to it something is added.
    """
    found = []
    metric, rules = tree["metric"], tree.get("decide") or {}
    data = (tree.get("datasets") or {}).get("factor")
    higher = is_higher_better(metric)
    for factor, values in tree["factors"].items():
        if factor in (tree["main"], data):  # errors on other data are not of the same kind
            continue
        groups = by_level(levels, factor)
        first, effects, pairs = show(values[0]), {}, {}
        for value in values:
            matched = _matched(groups.get(first, []), groups.get(show(value), []), factor)
            if show(value) != first and matched:
                pairs[show(value)] = [(b, a) for a, b in matched]
                effects[show(value)] = _differences(matched, metric) if higher else _log_ratios(matched, metric)
        effects = {name: seeds for name, seeds in effects.items() if seeds}
        decisions = decide_all(
            list(effects.values()),
            better=direction(metric),
            alpha=rules.get("alpha", 0.05),
            test=rules.get("test", "sign_flip"),
        )
        for (name, seeds), decision in zip(effects.items(), decisions, strict=True):
            bounds = known_interval(decision.interval)
            names = setting(factor, name), setting(factor, first)
            if higher:
                text = _say_gain(*names, metric, decision.difference, decision.says)
                size = say("findings.effect.difference", difference=difference_words(decision.difference, bounds))
            else:
                ratio = exp(decision.difference)
                bounds = None if bounds is None else [exp(bound) for bound in bounds]
                text = _say_effect(*names, metric, ratio, decision.says)
                size = say("findings.effect.ratio", ratio=ratio_words(ratio, bounds))
            tested = say("findings.effect.tested", p=p_words({"p_holm": decision.p_holm}), seeds=len(seeds))
            held = [level for one in (name, first) for level in groups.get(one, [])]
            finding = {"text": text, "evidence": [size, tested], "see": "results-table", **runs_of(held)}
            if decision.says != "undecided":
                finding |= gradient_why(tree, factor, [(*names, pairs[name])])
            found.append(finding)
    return found


def _say_effect(name: str, first: str, metric: str, ratio: float, says: str) -> str:
    told = {"first": first, "metric": metric_label(metric), "times": times(ratio)}
    if says == "undecided":
        return say("findings.effect.size_undecided", name=name, **told)
    return say("findings.effect.size", name=capital(name), **told)


def _say_gain(name: str, first: str, metric: str, gain: float, says: str) -> str:
    told = {"first": first, "metric": metric_label(metric), "by": value_text(abs(gain))}
    if says == "undecided":
        return say(f"findings.effect.{'higher' if gain > 0 else 'lower'}_undecided", name=name, **told)
    return say(f"findings.effect.{'raises' if gain > 0 else 'lowers'}", name=capital(name), **told)


def _matched(
    first: list[LevelResults], other: list[LevelResults], factor: str
) -> list[tuple[LevelResults, LevelResults]]:
    """Pair combinations that differ in one factor alone."""

    def rest(level: LevelResults) -> dict[str, Any]:
        return {name: value for name, value in level.settings.items() if name != factor}

    return [(a, b) for a in first for b in other if rest(a) == rest(b)]


def _log_ratios(pairs: list[tuple[LevelResults, LevelResults]], metric: str) -> list[float]:
    """Return one value a seed: the mean over pairs of the logarithm of other / first."""
    per_pair = []
    for first, other in pairs:
        a, b = first.by_seed(metric), other.by_seed(metric)
        per_pair.append({seed: log(b[seed] / a[seed]) for seed in a if seed in b and a[seed] > 0 and b[seed] > 0})
    return list(mean_by_seed(per_pair).values())


def _differences(pairs: list[tuple[LevelResults, LevelResults]], metric: str) -> list[float]:
    """Return one value a seed: the mean over pairs of other - first."""
    both = [(first.by_seed(metric), other.by_seed(metric)) for first, other in pairs]
    return list(mean_by_seed([{seed: b[seed] - a[seed] for seed in a if seed in b} for a, b in both]).values())


def runs_of(levels: Iterable[LevelResults]) -> dict[str, list[str]]:
    """Name the runs that a sentence rests on, where they are few enough to be named."""
    names = list(dict.fromkeys(name for level in levels for name in level.runs.values()))
    return {"runs": names} if 0 < len(names) <= _MOST_RUNS else {}
