"""The numbers of a study, read from its run folders: one row a combination of levels, one value a seed."""

from __future__ import annotations

import statistics as plain
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gatewise.studies.folder import StudyFolder


@dataclass
class LevelResults:
    """One combination of levels with the result of each seed that finished.

    Attributes
    ----------
    settings : factor to level.
    results : seed to the content of ``result.json``.
    timing : the result of the run that had the machine to itself, if there is one.
    """

    label: str
    settings: dict[str, Any]
    runs: dict[int, str] = field(default_factory=dict)
    results: dict[int, dict[str, Any]] = field(default_factory=dict)
    timing: dict[str, Any] | None = None

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


def read_levels(place: StudyFolder, study: Mapping[str, Any]) -> list[LevelResults]:
    """Read every combination of levels of which at least one run has finished."""
    found: dict[str, LevelResults] = {}
    for run in study["runs"]:
        level = found.setdefault(run["label"], LevelResults(run["label"], run["levels"]))
        folder = place.run(run["fingerprint"])
        if folder.is_finished:
            level.runs[run["seed"]] = run["fingerprint"]
            level.results[run["seed"]] = folder.read_result()
        alone = place.timing(run["timing"]) if run.get("timing") else None
        if alone is not None and level.timing is None and alone.is_finished:
            level.timing = alone.read_result()
    return [level for level in found.values() if level.results]


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
