"""Does what one factor does depend on another? The difference of differences, seed by seed.

For two factors the four corners of each pair of their levels are taken: how much more level ``u`` changes the metric
when the other factor has level ``v`` than when it has its first. An error is multiplied and a score is added to, as in
the main effects: so of errors it is a ratio of ratios. Factors are combined only where all four corners were run.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from math import exp, log
from statistics import fmean
from typing import Any

from gatewise.metrics.names import direction, is_higher_better
from gatewise.studies.factors import show
from gatewise.studies.levels import LevelResults, known_interval
from gatewise.studies.rules import Rules
from gatewise.studies.statistics import decide_all

#: More pairs of factors than this nobody reads.
MOST_PAIRS = 10

_Key = tuple[tuple[str, str], ...]


def interactions(levels: Sequence[LevelResults], study: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each pair of factors and each pair of their levels against the first ones.

    Holm's correction goes over the rows of one pair of factors.
    """
    rules, metric = Rules.of(study), study["metric"]
    values = {_key(level.settings): level.by_seed(metric) for level in levels}
    scale = "difference"
    if not is_higher_better(metric) and all(value > 0.0 for seeds in values.values() for value in seeds.values()):
        scale = "ratio"
        values = {key: {seed: log(value) for seed, value in seeds.items()} for key, seeds in values.items()}
    several = [name for name, known in study["factors"].items() if len(known) > 1]
    rows: list[dict[str, Any]] = []
    for one, other in list(itertools.combinations(several, 2))[:MOST_PAIRS]:
        rows += _of_pair(values, study, (one, other), rules, scale)
    return rows


def _of_pair(
    values: Mapping[_Key, Mapping[int, float]],
    study: Mapping[str, Any],
    names: tuple[str, str],
    rules: Rules,
    scale: str,
) -> list[dict[str, Any]]:
    first, second = (_levels(study, name, rules) for name in names)
    found = []
    places: dict[tuple[str | None, str | None], list[dict[str, str]]] = {}
    for here in map(dict, values):
        places.setdefault((here.get(names[0]), here.get(names[1])), []).append(here)
    for u, v in itertools.product(first[1:], second[1:]):
        effects, conditions = _contrast(
            values, places.get((show(u), show(v)), []), names, (u, first[0]), (v, second[0])
        )
        if effects:
            found.append((u, v, effects, conditions))
    decisions = decide_all(
        [[there - here for there, here in effects] for _, _, effects, _ in found],
        better=direction(study["metric"]),
        alpha=rules.alpha,
        test=rules.test,
    )
    rows = []
    for (u, v, effects, conditions), decision in zip(found, decisions, strict=True):
        bounds = known_interval(decision.interval)
        turn = exp if scale == "ratio" else float
        rows.append(
            {
                "factors": list(names),
                "levels": [u, v],
                "against": [first[0], second[0]],
                "metric": study["metric"],
                "scale": scale,
                "effects": [turn(fmean(side)) for side in zip(*effects, strict=True)],
                "size": turn(decision.difference),
                "interval": None if bounds is None else [turn(bound) for bound in bounds],
                "p": decision.p,
                "p_holm": decision.p_holm,
                "decided": decision.says != "undecided",
                "seeds": len(effects),
                "conditions": conditions,
            }
        )
    return rows


def _levels(study: Mapping[str, Any], name: str, rules: Rules) -> list[Any]:
    """Return the levels of a factor, that which others are held against first."""
    known = list(study["factors"][name])
    fixed = [value for value in known if name == study["main"] and rules.is_reference(value)]
    return fixed + [value for value in known if value not in fixed]


def _contrast(
    values: Mapping[_Key, Mapping[int, float]],
    places: Sequence[Mapping[str, str]],
    names: tuple[str, str],
    us: tuple[Any, Any],
    vs: tuple[Any, Any],
) -> tuple[list[tuple[float, float]], int]:
    """Return for each seed what u does with v and with the first level, averaged over conditions with all corners."""
    by_seed: dict[int, list[tuple[float, float]]] = {}
    conditions = 0
    for here in places:
        corners = [_key({**here, names[0]: u, names[1]: v}) for u, v in itertools.product(us, vs)]
        if not all(corner in values for corner in corners):
            continue
        conditions += 1
        both, alone, other, neither = (values[corner] for corner in corners)
        for seed in both:
            if seed in alone and seed in other and seed in neither:
                by_seed.setdefault(seed, []).append((both[seed] - other[seed], alone[seed] - neither[seed]))
    whole = [found for found in by_seed.values() if len(found) == conditions]
    return [(fmean(a for a, _ in found), fmean(b for _, b in found)) for found in whole], conditions


def _key(settings: Mapping[str, Any]) -> _Key:
    return tuple(sorted((name, show(value)) for name, value in settings.items()))
