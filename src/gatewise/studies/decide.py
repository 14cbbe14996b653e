"""What a comparison says beyond its word: effect sizes, margins, and how many tests stand behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gatewise.metrics.names import direction
from gatewise.studies.effects import effect_of
from gatewise.studies.levels import LevelResults, conditions
from gatewise.studies.rules import Rules
from gatewise.studies.statistics import Decision, bca_interval

#: Over fewer seeds a bootstrap has too few different samples to say anything.
LEAST_SHOWN = 5
#: The bootstrap of one pair draws so many samples.
DRAWS = 2_000


def pair_details(
    a: LevelResults, b: LevelResults, metric: str, rules: Rules, decision: Decision, judged: str
) -> dict[str, Any]:
    """Return what stands in ``comparison.json`` beside the decision of one pair."""
    ours, theirs = a.by_seed(metric), b.by_seed(metric)
    seeds = [seed for seed in ours if seed in theirs]
    first, second = [ours[seed] for seed in seeds], [theirs[seed] for seed in seeds]
    differences = [x - y for x, y in zip(first, second, strict=True)]
    bca = None
    middle, apart = abs(sum(differences)), max(differences) - min(differences)
    if len(seeds) >= LEAST_SHOWN and apart > 1e-9 * middle:
        bca = list(bca_interval(differences, 1.0 - rules.alpha, draws=DRAWS))
    return {
        "interval_bca": bca,
        "effect": effect_of(first, second, better=direction(metric), alpha=rules.alpha).to_json(),
        "margin": rules.margin_for(a, b, metric, judged),
        "p_same": decision.p_same,
        "small": decision.small,
    }


def decide_tree(levels: Sequence[LevelResults], study: Mapping[str, Any]) -> dict[str, Any]:
    """Return how the study decides and how many comparisons that made."""
    rules, main = Rules.of(study), study["main"]
    tree = study.get("study") or {}
    groups = [group for _, group in conditions(levels, main)] if main is not None else []
    metrics = list(dict.fromkeys((study["metric"], *study.get("also", ()))))
    sizes = [len(rules.pairs(group, main)) for group in groups if len(group) > 1] if main is not None else []
    return {
        "test": rules.test,
        "alpha": rules.alpha,
        "margin": tree.get("margin"),
        "reference": tree.get("reference"),
        "families": len(sizes) * len(metrics),
        "comparisons": sum(sizes) * len(metrics),
    }
