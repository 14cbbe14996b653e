"""From a study to its runs: every combination of levels with every seed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gatewise.errors import SettingsError
from gatewise.registry import task_of
from gatewise.settings import RunSettings
from gatewise.studies.design import describe_design, design_warnings
from gatewise.studies.factors import Factor, changes_of, combinations
from gatewise.studies.search.checks import refuse_combinations, search_warnings
from gatewise.studies.search.trials import search_size
from gatewise.studies.settings import StudySettings

#: Nobody waits for more; a factor too many is the likelier reason.
MOST_RUNS = 20_000


@dataclass(frozen=True)
class PlannedRun:
    """One run before it is done.

    Attributes
    ----------
    label : the combination of levels in words, the same for every seed.
    levels : factor to the level's value.
    fingerprint : name of the run's folder; equal settings and data give equal names.
    """

    label: str
    levels: dict[str, Any]
    seed: int
    settings: RunSettings
    fingerprint: str


@dataclass(frozen=True)
class Plan:
    """All runs of a study.

    Attributes
    ----------
    timing : short runs, one a combination of levels, that are done alone afterwards.
    warnings : what the design cannot decide, in words.
    digests : gives the digest of the data that a run's settings describe.
    """

    study: StudySettings
    factors: tuple[Factor, ...]
    runs: tuple[PlannedRun, ...]
    timing: tuple[PlannedRun, ...]
    warnings: tuple[str, ...]
    digests: Callable[[RunSettings], str] = field(repr=False, compare=False)

    @property
    def search_size(self) -> dict[str, Any] | None:
        """Trials, runs and epochs of the search; None without one."""
        firsts = {run.label: run for run in reversed(self.runs)}.values()
        return search_size(self.study.search, [(run.levels, run.settings) for run in firsts])

    @property
    def design(self) -> tuple[str, ...]:
        """How the study decides, and what it would find, in words."""
        return describe_design(self.study, self.study.all_factors)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as it stands in ``study.json``: enough to compare without the study file."""
        timing = {run.label: run.fingerprint for run in self.timing}
        return {
            "format_version": 1,
            "name": self.study.name,
            "question": self.study.question,
            "language": self.study.language,
            "task": self.study.task,
            "metric": self.study.metric,
            "also": list(self.study.also),
            "main": self.study.main,
            "factors": {factor.name: [level.value for level in factor.levels] for factor in self.study.all_factors},
            "within": self.study.within,
            "seeds": list(self.study.seeds),
            "claims": [
                {**claim.model_dump(mode="json"), "metric": claim.metric or self.study.metric}
                for claim in self.study.claims
            ],
            "search": self.search_size,
            "warnings": list(self.warnings),
            "study": self.study.model_dump(mode="json"),
            "runs": [
                {
                    "label": run.label,
                    "levels": run.levels,
                    "seed": run.seed,
                    "fingerprint": run.fingerprint,
                    "timing": timing.get(run.label),
                }
                for run in self.runs
            ],
        }


def plan_study(study: StudySettings, digest: Callable[[Any], str] | None = None) -> Plan:
    """Plan every run of a study; its data is read to know what the runs depend on, and whether they can train on it.

    Parameters
    ----------
    digest
        Gives the digest of the data that settings describe; by default the data is read and checked.

    Raises
    ------
    SettingsError
        If a combination of levels contradicts itself, or there are more runs than anybody could want.
    DataError
        If the data cannot be used.
    """
    factors = study.factors
    count = math.prod(len(factor.levels) for factor in factors) * len(study.seeds)
    if count > MOST_RUNS:
        sizes = " x ".join(str(len(factor.levels)) for factor in factors)
        raise SettingsError(
            f"{study.name}: {sizes} levels x {len(study.seeds)} seeds are {count:,} runs (most: {MOST_RUNS:,}); "
            "leave out levels, or make several studies of it"
        )
    checked = task_of({"task": study.task}).load("digest")
    digests = _Digests(checked if digest is None else lambda settings: digest(settings.data))
    runs: list[PlannedRun] = []
    timing: list[PlannedRun] = []
    for combination in combinations(factors):
        changes = changes_of({factor.name: level for factor, level in zip(factors, combination, strict=True)})
        levels = {factor.name: level.value for factor, level in zip(factors, combination, strict=True)}
        label = ", ".join(level.label for level in combination) or study.name
        settings = _settings(study.base, label, changes)
        seeded = (settings.replace({"name": f"{label}, seed {seed}", "seed": seed}) for seed in study.seeds)
        runs += [_planned(label, levels, one, digests) for one in seeded]
        if study.timing is not None:
            short: dict[str, Any] = {
                "name": f"{label}, timing",
                "seed": study.seeds[0],
                "train.epochs": study.timing.epochs,
                "train.patience": None,
                "train.minutes": None,
            }
            if hasattr(
                getattr(settings, "train", None), "least_steps"
            ):  # few texts would get more epochs than are timed
                short["train.least_steps"] = 0
            timing.append(_planned(label, levels, settings.replace(short), digests))
    _names_differ(runs)
    refuse_combinations(study.search, runs)
    warnings = (*design_warnings(study, study.all_factors), *search_warnings(study.search, study.seeds))
    return Plan(study, factors, tuple(runs), tuple(timing), warnings, digests)


class _Digests:
    """Reads the data once for each way of using it."""

    def __init__(self, digest: Callable[[Any], str]) -> None:
        self._digest = digest
        self._known: dict[str, str] = {}

    def __call__(self, settings: Any) -> str:
        parts = [getattr(settings, room, None) for room in ("data", "split", "encoder")]
        use = [part.model_dump(mode="json") for part in parts if part is not None]
        key = json.dumps([*use, settings.train.loss], sort_keys=True)
        if key not in self._known:
            self._known[key] = self._digest(settings)
        return self._known[key]


def _settings(base: RunSettings, label: str, changes: dict[str, Any]) -> RunSettings:
    try:
        return base.replace(changes)
    except SettingsError as error:
        raise SettingsError(f"the combination {label}: {error}") from None


def _planned(label: str, levels: dict[str, Any], settings: RunSettings, digests: _Digests) -> PlannedRun:
    return PlannedRun(label, levels, settings.seed, settings, settings.fingerprint(digests(settings)))


def _names_differ(runs: list[PlannedRun]) -> None:
    """Refuse labels that would make two combinations look like one in every table."""
    seen: dict[str, dict[str, Any]] = {}
    for run in runs:
        if seen.setdefault(run.label, run.levels) != run.levels:
            raise SettingsError(f"two combinations of levels would both be called {run.label!r}; rename a level")
