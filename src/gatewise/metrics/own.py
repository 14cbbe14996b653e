"""Metrics of a user's own, worked out beside the task's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gatewise.errors import SettingsError
from gatewise.metrics.names import NAMES, learn
from gatewise.metrics.table import Metric
from gatewise.registry import METRICS

#: What each task can give the function of a metric.
GIVEN: Mapping[str, tuple[str, ...]] = {
    "forecast": ("y", "yhat", "last", "scale", "groups"),
    "generate": ("log_probs", "right", "confidence", "byte_lengths"),
    "classify": ("target", "probs", "predicted"),
}


def own_metrics(names: Sequence[str], task: str = "") -> tuple[Metric, ...]:
    """Import metrics by their import paths; reports know their names and directions from then on.

    Raises
    ------
    SettingsError
        If one is not there, is called as another is, or asks for what the task has not.
    """
    found: list[Metric] = []
    for path in names:
        metric: Metric = METRICS.load(path)
        if metric.name in NAMES or metric.name in [one.name for one in found]:
            raise SettingsError(f"metric {path}: there is another metric called {metric.name!r}")
        given = GIVEN.get(task, metric.needs)
        if missing := [need for need in metric.needs if need not in given]:
            raise SettingsError(f"metric {path}: needs {missing[0]!r}; this task has {', '.join(given)}")
        found.append(metric)
    learn([describe(metric) for metric in found])
    return tuple(found)


def describe(metric: Metric) -> dict[str, str]:
    """Return what ``result.json`` keeps of a metric, so that whoever reads it need not import it."""
    return {key: getattr(metric, key) for key in ("name", "label", "unit", "direction", "summary")}


def measure(metrics: Sequence[Metric], given: Mapping[str, Any]) -> dict[str, float | None]:
    """Work out metrics from what a task gives; None where one is not a finite number.

    Raises
    ------
    SettingsError
        If a metric raises, or gives something else than a number.
    """
    found: dict[str, float | None] = {}
    for metric in metrics:
        try:
            value = float(metric.function(*(given[need] for need in metric.needs)))
        except Exception as error:  # whatever a user's own function raises is told as its own
            raise SettingsError(f"metric {metric.name}: fails: {type(error).__name__}: {error}") from error
        found[metric.name] = value if math.isfinite(value) else None
    return found
