"""Quality against cost: which settings are beaten by none that is both cheaper and better?

Three costs. ``seconds`` of a training: those of an epoch, measured by a run that had the machine to itself, times the
epochs that the runs needed; settings without such a run have none. ``parameters``. ``operations``: about the energy of
a training, counted and not measured: 6 floating point operations (2 forward, 4 backward) for each parameter, time step
and epoch. That leaves out what is no matrix product and counts weights that are not used at every step (a forecast's
head) too often, so it says which setting asks for more work, not how many joules it takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from gatewise.errors import InputError
from gatewise.metrics.names import is_higher_better
from gatewise.runs import RunFolder
from gatewise.studies.datasets import data_factor
from gatewise.studies.folder import StudyFolder
from gatewise.studies.levels import LevelResults

COSTS = ("seconds", "parameters", "operations")
#: Of more training windows than this a run keeps only the latest, so they cannot be counted.
MOST_KEPT = 20_000
#: Of more settings than this operations are not counted: each needs its predictions read.
MOST_COUNTED = 60


def pareto(place: StudyFolder, levels: Sequence[LevelResults], study: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return every setting with its quality and costs, and for each cost the labels on its front, cheapest first.

    A cost that all settings have alike has no front. None where there is none at all.
    """
    metric = study["metric"]
    points: list[dict[str, Any]] = []
    counted = len(levels) <= MOST_COUNTED
    # what runs measured inside themselves has no cost of its own, and errors on several data sets no common unit
    apart = study.get("within") or data_factor(study) is not None
    for level in [] if apart else levels:
        quality = level.mean(metric)
        if quality is not None:
            costs = {
                "seconds": _seconds(level),
                "parameters": _parameters(level),
                "operations": _operations(place, level) if counted else None,
            }
            points.append({"label": level.label, "quality": quality, **costs})
    fronts = {}
    for cost in COSTS:
        known = [point for point in points if point[cost]]
        if len(known) > 1 and max(point[cost] for point in known) > 1.01 * min(point[cost] for point in known):
            fronts[cost] = front(
                [(point["label"], point[cost], point["quality"]) for point in known], higher=is_higher_better(metric)
            )
    return {"metric": metric, "points": points, "fronts": fronts} if fronts else None


def front(points: Sequence[tuple[str, float, float]], *, higher: bool = False) -> list[str]:
    """Return the names of the points (name, cost, quality) that no other beats in one and reaches in the other.

    Examples
    --------
    >>> front([("small", 1.0, 9.0), ("middle", 2.0, 5.0), ("odd", 3.0, 6.0), ("large", 4.0, 4.0)])
    ['small', 'middle', 'large']
    """
    sign = -1.0 if higher else 1.0
    ordered = sorted(points, key=lambda point: (point[1], sign * point[2]))
    found: list[tuple[str, float, float]] = []
    for point in ordered:
        best = min((sign * one[2] for one in found), default=float("inf"))
        alike = any(one[1:] == point[1:] for one in found)
        if sign * point[2] < best or alike:
            found.append(point)
    return [name for name, _, _ in found]


def _epochs(level: LevelResults) -> float | None:
    runs = [count for result in level.results.values() if (count := (result.get("epochs") or {}).get("run"))]
    return fmean(runs) if runs else None


def _seconds(level: LevelResults) -> float | None:
    """Return the seconds of a training; only a run that was alone has a time."""
    timing = level.timing if level.timing is not None and level.timing.get("exclusive") else {}
    epochs, per_epoch = _epochs(level), (timing.get("seconds") or {}).get("per_epoch")
    return None if epochs is None or per_epoch is None else float(epochs * per_epoch)


def _parameters(level: LevelResults) -> int | None:
    return next((result.get("parameters") for result in level.results.values()), None)


def _operations(place: StudyFolder, level: LevelResults) -> float | None:
    """Count the operations of a training; none of a classifier, whose frozen encoder costs more than its weights."""
    run, result = place.run(next(iter(level.runs.values()))), next(iter(level.results.values()))
    epochs, parameters, steps = _epochs(level), result.get("parameters"), None
    if result.get("task") == "generate":
        steps = (result.get("sizes") or {}).get("train")
    elif result.get("task") == "forecast":
        steps = _forecast_steps(run)
    return 6.0 * parameters * steps * epochs if steps and epochs and parameters else None


def _forecast_steps(run: RunFolder) -> int | None:
    """Return the time steps of a pass over the training windows; None where not all of them were kept."""
    import polars as pl

    try:
        length = int((run.read_settings().get("data") or {}).get("window") or 0)
        frame = run.read_predictions()
        count = frame.filter(pl.col("part") == "train").select(pl.col("window")).n_unique()
    except InputError:
        return None
    return count * length if count < MOST_KEPT else None
