"""What a comparison says beyond its word: effect sizes, margins, and how many tests stand behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gatewise.metrics.names import direction
from gatewise.studies.bca import bca_interval
from gatewise.studies.datasets import compare_datasets
from gatewise.studies.effects import effect_of
from gatewise.studies.examples import over_examples
from gatewise.studies.folder import StudyFolder
from gatewise.studies.interactions import interactions
from gatewise.studies.levels import LevelResults, conditions
from gatewise.studies.pareto import pareto
from gatewise.studies.rules import Rules
from gatewise.studies.statistics import Array, Decision

#: Over fewer seeds a bootstrap has too few different samples to say anything.
LEAST_SHOWN = 5
#: It stands beside another interval, of every pair: fewer resamples are enough.
_DRAWS = 2_000


def pair_details(
    pairs: Sequence[tuple[LevelResults, LevelResults]],
    decisions: Sequence[Decision],
    metric: str,
    rules: Rules,
    judged: str,
) -> list[dict[str, Any]]:
    """Return what stands in ``comparison.json`` beside the decision of each pair."""
    return [
        {
            **_sizes(*_shared(a.by_seed(metric), b.by_seed(metric)), metric),
            "margin": rules.margin_for(a, b, metric, judged),
            "p_same": decision.p_same,
            "small": decision.small,
        }
        for (a, b), decision in zip(pairs, decisions, strict=True)
    ]


def _sizes(first: Array, second: Array, metric: str) -> dict[str, Any]:
    """Return how large a difference is; a bootstrap needs differences that differ."""
    effect = effect_of(first, second, better=direction(metric))
    shown = len(first) >= LEAST_SHOWN and effect.d_z is not None
    interval = list(bca_interval(first - second, draws=_DRAWS)) if shown else None
    return {"interval_bca": interval, "effect": effect.to_json()}


def _shared(first: Mapping[int, float], second: Mapping[int, float]) -> tuple[Array, Array]:
    """Return the values of the seeds that both have."""
    seeds = [seed for seed in first if seed in second]
    return np.array([first[seed] for seed in seeds]), np.array([second[seed] for seed in seeds])


def decide_tree(levels: Sequence[LevelResults], study: Mapping[str, Any]) -> dict[str, Any]:
    """Return how the study decides and how many comparisons that made."""
    rules, main = Rules.of(study), study["main"]
    tree = study.get("study") or {}
    groups = [group for _, group in conditions(levels, main)] if main is not None else []
    metrics = list(dict.fromkeys((study["metric"], *study.get("also", ()))))
    sizes = [size for group in groups if (size := len(rules.pairs(group, main)))]
    return {
        "test": rules.test,
        "alpha": rules.alpha,
        "margin": tree.get("margin"),
        "reference": tree.get("reference"),
        "families": len(sizes) * len(metrics),
        "comparisons": sum(sizes) * len(metrics),
    }


def beyond_pairs(
    place: StudyFolder,
    levels: Sequence[LevelResults],
    study: Mapping[str, Any],
    comparisons: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return what ``comparison.json`` says beyond pairs: data sets, interactions, costs, test examples."""
    return {
        "datasets": compare_datasets(levels, study),
        "interactions": interactions(levels, study),
        "pareto": pareto(place, levels, study),
        "examples": over_examples(place, levels, study, comparisons),
    }
