"""From a study to its runs: every combination of levels with every seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gatewise.errors import DataError, SettingsError
from gatewise.registry import task_of
from gatewise.settings import RunSettings, fingerprint_of, laid
from gatewise.studies.design import describe_design, design_warnings
from gatewise.studies.expand import Combination, expand
from gatewise.studies.factors import Factor
from gatewise.studies.grid import count_combinations
from gatewise.studies.search.checks import combination_problems, search_warnings
from gatewise.studies.search.trials import search_size, search_words
from gatewise.studies.seeds import RunSeed, each_seed, held, seed_problems
from gatewise.studies.settings import StudySettings
from gatewise.studies.sizes import Size, solve_units
from gatewise.wording import say

#: More are planned only when asked twice; a factor too many is the likelier reason.
MOST_RUNS = 10_000


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
    warnings : what the design cannot decide, and which noise its spread holds, in words.
    digests : gives the digest of the data that a run's settings describe.
    edits : what changed since the folder's study was last run, in words.
    sizes : where parameters are the budget, the units that were solved for.
    """

    study: StudySettings
    factors: tuple[Factor, ...]
    runs: tuple[PlannedRun, ...]
    timing: tuple[PlannedRun, ...]
    warnings: tuple[str, ...]
    digests: Digests
    edits: tuple[str, ...] = ()
    sizes: tuple[Size, ...] = ()

    @property
    def notices(self) -> tuple[str, ...]:
        """What is to be known before anything runs."""
        return (*self.edits, *self.warnings)

    @cached_property
    def search_size(self) -> dict[str, Any] | None:
        """Trials, runs and epochs of the search; None without one."""
        firsts: dict[str, PlannedRun] = {}
        for run in self.runs:
            firsts.setdefault(run.label, run)
        return search_size(self.study.search, [(run.levels, run.settings) for run in firsts.values()])

    @property
    def design(self) -> tuple[str, ...]:
        """How the study decides, and what it would find, in words."""
        return (*describe_design(self.study, self.every_factor), *search_words(self.search_size))

    @property
    def every_factor(self) -> tuple[Factor, ...]:
        """The factors of the file, and the one that runs measure inside themselves."""
        return self.study.with_inner(self.factors)

    @property
    def alone(self) -> bool:
        """Whether every run needs the machine to itself, because minutes are its budget."""
        return self.study.budget is not None and self.study.budget.minutes is not None

    def to_json(self) -> dict[str, Any]:
        """Return the plan as it stands in ``study.json``: enough to compare without the study file."""
        timing = {run.label: run.fingerprint for run in self.timing}
        factors = self.every_factor
        return {
            "format_version": 1,
            "name": self.study.name,
            "question": self.study.question,
            "language": self.study.language,
            "task": self.study.task,
            "metric": self.study.metric,
            "also": list(self.study.also),
            "main": self.study.main_of(factors),
            "factors": {factor.name: [level.value for level in factor.levels] for factor in factors},
            "within": self.study.within,
            "seeds": list(self.study.seed_numbers),
            "claims": [
                {**claim.model_dump(mode="json"), "metric": claim.metric or self.study.metric}
                for claim in self.study.claims
            ],
            "search": self.search_size,
            "warnings": list(self.warnings),
            "digests": self.digests.to_json(),
            "sizes": [size.to_json() for size in self.sizes],
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


def plan_study(study: StudySettings, digest: Callable[[Any], str] | None = None, *, yes: bool = False) -> Plan:
    """Plan every run of a study; its data is read to know what the runs depend on, and whether they can train on it.

    Parameters
    ----------
    digest
        Gives the digest of the data that settings describe; by default the data is read and checked.
    yes
        Plan more than 10,000 runs too.

    Raises
    ------
    SettingsError
        With one line for everything that is wrong with the combinations, or if there are more runs than anybody would
        want unasked.
    DataError
        With one line for every part of the data that cannot be used.
    """
    factors, base, budget = study.factors, study.base, study.budget
    seeds = tuple(each_seed(study.seeds))
    count = count_combinations(factors) * len(seeds)
    if count > MOST_RUNS and not yes:
        grid = " x ".join(str(len(factor.levels)) for factor in factors)
        raise SettingsError(
            f"{study.name}: {grid} levels x {len(seeds)} seeds are {count:,} runs (unasked at most {MOST_RUNS:,}): "
            "leave out levels, make several studies of it, or say --yes"
        )
    combinations, problems = expand(study.name, factors, base, budget.changes(base) if budget else None)
    problems += [line for one in combinations for line in seed_problems(study.seeds, one.settings)]
    problems += combination_problems(study.search, combinations)
    if problems:
        raise SettingsError("\n".join(dict.fromkeys(problems)))
    checked = task_of({"task": study.task}).load("digest")
    digests = Digests(checked if digest is None else lambda settings: digest(settings.data))
    found = digests.read(combinations)
    sizes: list[Size] = []
    if budget is not None and budget.parameters is not None:
        combinations, sizes = solve_units(combinations, budget.parameters)
    runs = [run for one, data in zip(combinations, found, strict=True) for run in _seeded(one, seeds, data)]
    timing = [] if study.timing is None else [_timed(one, study, seeds[0], digests) for one in combinations]
    warnings = (*design_warnings(study, study.with_inner(factors)), *search_warnings(study), *_noise(study))
    return Plan(study, factors, tuple(runs), tuple(timing), warnings, digests, sizes=tuple(sizes))


class Digests:
    """Reads the data once for each way of using it."""

    def __init__(self, digest: Callable[[Any], str]) -> None:
        self._digest = digest
        self.known: dict[str, str] = {}

    def read(self, combinations: list[Combination]) -> list[str]:
        """Read the data of all combinations, and tell everything that is wrong with them at once."""
        found, problems = list[str](), dict[str, type[Exception]]()
        for one in combinations:
            try:
                found.append(self(one.settings))
            except (DataError, SettingsError) as error:
                problems.setdefault(str(error), type(error))
        if problems:
            kinds = set(problems.values())
            raise (kinds.pop() if len(kinds) == 1 else DataError)("\n".join(problems))
        return found

    def __call__(self, settings: Any) -> str:
        """Return the digest of the data that a run's settings describe."""
        parts = [getattr(settings, room, None) for room in ("data", "split", "encoder")]
        use = [part.model_dump(mode="json") for part in parts if part is not None]
        key = json.dumps([*use, getattr(getattr(settings, "train", None), "loss", None)], sort_keys=True)
        if key not in self.known:
            self.known[key] = self._digest(settings)
        return self.known[key]

    def to_json(self) -> dict[str, str]:
        """Return what the data are, by a name of each way of reading them."""
        return {hashlib.sha256(key.encode()).hexdigest()[:16]: digest for key, digest in self.known.items()}


def _seeded(one: Combination, seeds: tuple[RunSeed, ...], digest: str) -> Iterator[PlannedRun]:
    """Yield the run of each seed; what a seed changes is known to be right, so nothing is checked again."""
    for seed in seeds:
        changes = {"name": f"{one.label}, seed {seed.number}", **seed.changes}
        fingerprint = fingerprint_of(laid(one.tree, seed.changes), digest)
        yield PlannedRun(one.label, one.levels, seed.number, _with(one.settings, changes), fingerprint)


def _with(settings: RunSettings, changes: Mapping[str, Any]) -> RunSettings:
    """Return settings with other values that need no check, at the top or one room deep."""
    top = {path: value for path, value in changes.items() if "." not in path}
    for path, value in changes.items():
        room, dot, leaf = path.partition(".")
        if dot:
            top[room] = getattr(settings, room).model_copy(update={leaf: value})
    return settings.model_copy(update=top)


def _timed(one: Combination, study: StudySettings, seed: RunSeed, digests: Digests) -> PlannedRun:
    assert study.timing is not None
    short: dict[str, Any] = {
        **seed.changes,
        "name": f"{one.label}, timing",
        "train.epochs": study.timing.epochs,
        "train.patience": None,
        "train.minutes": None,
    }
    if hasattr(getattr(one.settings, "train", None), "least_steps"):  # few texts would get more epochs than are timed
        short["train.least_steps"] = 0
    settings = one.settings.replace(short)
    return PlannedRun(one.label, one.levels, seed.number, settings, settings.fingerprint(digests(settings)))


def _noise(study: StudySettings) -> Iterator[str]:
    """Say which noise the spread between seeds will hold, where it is not all of training's."""
    kinds = held(study.seeds)
    if kinds is not None:
        varied, kept = ([say(f"plan.kinds.{kind}") for kind in some] for some in kinds)
        if varied:
            yield say("plan.noise", varied=_joined(varied), held=_joined(kept)) if kept else say("plan.all_noise")


def _joined(names: list[str]) -> str:
    return say("plan.and", first=", ".join(names[:-1]), last=names[-1]) if len(names) > 1 else names[0]
