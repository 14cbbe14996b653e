"""The numbers of a study, read from its run folders: one row a combination of levels, one value a seed."""

from __future__ import annotations

import statistics as plain
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Any

from gatewise.metrics.names import is_higher_better, learn
from gatewise.studies.factors import show
from gatewise.studies.folder import StudyFolder

#: Under this name a run keeps the figures of real text beside those of its samplings.
HELD_OUT = "held_out"


@dataclass
class LevelResults:
    """One combination of levels with the result of each seed that finished.

    Attributes
    ----------
    settings : factor to level.
    results : seed to the content of ``result.json``.
    timing : the result of the run that had the machine to itself, if there is one.
    timing_log : its log, a row an epoch.
    """

    label: str
    settings: dict[str, Any]
    runs: dict[int, str] = field(default_factory=dict)
    results: dict[int, dict[str, Any]] = field(default_factory=dict)
    timing: dict[str, Any] | None = None
    timing_log: list[dict[str, Any]] = field(default_factory=list)

    def by_seed(self, metric: str, part: str = "test") -> dict[int, float]:
        """Return a metric of each seed that has it."""
        found = {seed: result["metrics"].get(part, {}).get(metric) for seed, result in self.results.items()}
        return {seed: float(value) for seed, value in found.items() if value is not None}

    def series_by_seed(self, metric: str, series: str) -> dict[int, float]:
        """Return a test metric of one series alone, of each seed that has it."""
        found = {
            seed: result["metrics"].get("series", {}).get(series, {}).get(metric)
            for seed, result in self.results.items()
        }
        return {seed: float(value) for seed, value in found.items() if value is not None}

    def class_by_seed(self, metric: str, name: str) -> dict[int, float]:
        """Return a figure of one class alone on the test part, of each seed that has it."""
        found = {
            seed: (result.get("per_class") or {}).get("test", {}).get(name, {}).get(metric)
            for seed, result in self.results.items()
        }
        return {seed: float(value) for seed, value in found.items() if value is not None}

    def mean(self, metric: str) -> float | None:
        """Return a test metric's mean over seeds."""
        values = list(self.by_seed(metric).values())
        return plain.fmean(values) if values else None

    def baseline(self, name: str, metric: str) -> float | None:
        """Return a baseline's test metric on the same windows."""
        for result in self.results.values():
            value = result.get("baselines", {}).get(name, {}).get("test", {}).get(metric)
            if value is not None:
                return float(value)
        return None

    def to_json(self) -> dict[str, Any]:
        """Return the row of this combination in ``comparison.json``."""
        results = list(self.results.values())
        names = _in_order(name for result in results for name in result["metrics"].get("test", {}))
        series = _in_order(name for result in results for name in result["metrics"].get("series", {}))
        return {
            "label": self.label,
            "settings": self.settings,
            "runs": [self.runs[seed] for seed in self.results],
            "parameters": results[0].get("parameters"),
            "metrics": {name: values for name in names if (values := spread(self.by_seed(name).values()))},
            "epochs": {which: [result.get("epochs", {}).get(which) for result in results] for which in ("run", "best")},
            "seconds": self._seconds(),
            "series": {
                one: {
                    name: {key: values[key] for key in ("mean", "std")}
                    for name in names
                    if (values := spread(self.series_by_seed(name, one).values()))
                }
                for one in series
            },
        }

    def _seconds(self) -> dict[str, Any]:
        """Return times of a run that was alone; none of runs that shared the machine."""
        if self.timing is None or not self.timing.get("exclusive"):
            return {"per_epoch": None, "per_step_ms": None, "exclusive": False}
        seconds = self.timing.get("seconds", {})
        step = seconds.get("per_step_median")
        return {
            "per_epoch": seconds.get("per_epoch"),
            "per_step_ms": None if step is None else 1000 * step,
            "exclusive": True,
        }


def best_baseline(levels: Iterable[LevelResults], metric: str) -> str | None:
    """Return the baseline with the best test metric; where levels have different ones, their mean counts."""
    known = list(levels)
    names = _in_order(name for level in known for one in level.results.values() for name in one.get("baselines", {}))
    found = {name: [value for level in known if (value := level.baseline(name, metric)) is not None] for name in names}
    means = {name: plain.fmean(values) for name, values in found.items() if values}
    if not means:
        return None
    return (max if is_higher_better(metric) else min)(means, key=lambda name: means[name])


def read_levels(place: StudyFolder, study: Mapping[str, Any]) -> list[LevelResults]:
    """Read every combination of levels of which at least one run has finished."""
    found: dict[str, LevelResults] = {}
    for run in study["runs"]:
        level = found.setdefault(run["label"], LevelResults(run["label"], run["levels"]))
        folder = place.run(run["fingerprint"])
        result = folder.read_finished()
        if result is not None:
            level.runs[run["seed"]] = run["fingerprint"]
            level.results[run["seed"]] = result
            learn(result.get("own_metrics", ()))
        alone = place.timing(run["timing"]) if run.get("timing") else None
        if alone is not None and level.timing is None and alone.is_finished:
            level.timing, level.timing_log = alone.read_result(), alone.read_log()
    levels = [level for level in found.values() if level.results]
    return inner_levels(levels, study) if study.get("within") else levels


def inner_levels(levels: Iterable[LevelResults], study: Mapping[str, Any]) -> list[LevelResults]:
    """Split each combination into what its runs measured inside themselves: one a context, or one a sampling.

    What is split so has no time of its own.
    """
    key = study["within"]
    factor = {"memory": "context", "sampling": "sampling"}[key]
    found = []
    for level in levels:
        for value in study["factors"][factor]:
            name = f"context {value}" if key == "memory" else str(value)
            label = f"{level.label}, {name}" if level.settings else name
            inner = LevelResults(label, {**level.settings, factor: value})
            for seed, result in level.results.items():
                measured = (result.get(key) or {}).get(str(value))
                if measured is not None:
                    inner.runs[seed] = level.runs[seed]
                    inner.results[seed] = {**result, **_measured(measured, result, key)}
            found.append(inner)
    return [level for level in found if level.results]


def _measured(measured: Any, result: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return metrics and baselines of what was measured inside a run: a number a context, or figures a sampling."""
    if key == "memory":
        return {"metrics": {"test": {"cold_nats_per_char": measured, "cold_bits_per_char": measured / log(2)}}}
    real = result[key].get(HELD_OUT)
    return {"metrics": {"test": _numbers(measured)}, "baselines": {HELD_OUT: {"test": _numbers(real)}} if real else {}}


def _numbers(figures: Mapping[str, Any]) -> dict[str, float]:
    return {name: value for name, value in figures.items() if isinstance(value, int | float)}


def by_level(levels: Iterable[LevelResults], factor: str | None) -> dict[str, list[LevelResults]]:
    """Group combinations by their level of one factor, written as text; those without the factor are left out."""
    found: dict[str, list[LevelResults]] = {}
    for level in levels:
        if factor is None or factor in level.settings:
            found.setdefault(show(level.settings.get(factor or "")), []).append(level)
    return found


def conditions(levels: Iterable[LevelResults], main: str | None) -> list[tuple[dict[str, Any], list[LevelResults]]]:
    """Group combinations that differ in the main factor alone.

    A factor that is there only at some levels of the main one cannot be equal at the others: a combination without it
    stands in the group of each of its levels.
    """
    known = [level for level in levels if main is None or main in level.settings]
    groups = partition(known, main)
    if len({frozenset(others) for others, _ in groups}) == 1:  # every combination has every factor
        return groups
    found = []
    for others, _ in groups:
        if any(_is_part(others, more) and len(others) < len(more) for more, _ in groups):
            continue
        found.append((others, [one for one in known if _is_part(_without(one.settings, main), others)]))
    return found


def _is_part(some: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    return all(name in others and others[name] == value for name, value in some.items())


def partition(levels: Iterable[LevelResults], main: str | None) -> list[tuple[dict[str, Any], list[LevelResults]]]:
    """Group combinations by all factors but the main one, each combination in one group."""
    found: list[tuple[dict[str, Any], list[LevelResults]]] = []
    for level in levels:
        others = _without(level.settings, main)
        group = next((group for condition, group in found if condition == others), None)
        if group is None:
            found.append((others, [level]))
        else:
            group.append(level)
    return found


def _without(settings: Mapping[str, Any], main: str | None) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name != main}


def mean_by_seed(several: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """Return the mean of several combinations' values for each seed that all of them have.

    Averaging within a seed first keeps one value a seed: only seeds are independent of each other.

    Examples
    --------
    >>> mean_by_seed([{0: 1.0, 1: 2.0}, {1: 4.0}])
    {1: 3.0}
    """
    shared = set.intersection(*(set(one) for one in several)) if several else set()
    return {seed: plain.fmean(one[seed] for one in several) for seed in sorted(shared)}


def paired(a: Mapping[int, float], b: Mapping[int, float]) -> list[float]:
    """Return the differences a - b of the seeds that both have."""
    return [a[seed] - b[seed] for seed in a if seed in b]


def known_interval(bounds: tuple[float | None, float | None]) -> list[float] | None:
    """Return an interval as a list, None when one seed cannot give one."""
    low, high = bounds
    return None if low is None or high is None else [low, high]


def spread(values: Iterable[float]) -> dict[str, Any] | None:
    """Return mean, standard deviation, least, most and the values; None without any.

    The standard deviation is that of a sample (n - 1), and None for one value: one seed has no spread to show.
    """
    known = list(values)
    if not known:
        return None
    return {
        "mean": plain.fmean(known),
        "std": plain.stdev(known) if len(known) > 1 else None,
        "min": min(known),
        "max": max(known),
        "values": known,
    }


def _in_order(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
