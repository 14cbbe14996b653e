"""The search of a study: the trials of all levels side by side, each level's own one after the other.

What a trial was told is all that decides the next one of its level, so the values that are chosen do not depend on how
many runs go on at a time, nor on whether the study was killed in between.
"""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from gatewise.errors import DiskFullError, DivergedError, GatewiseError, InterruptedRunError, SettingsError
from gatewise.runs import atomic
from gatewise.settings import RunSettings
from gatewise.studies.engines import Engine, Outcome, Request
from gatewise.studies.folder import FORMAT_VERSION, StudyFolder
from gatewise.studies.plan import Plan, PlannedRun
from gatewise.studies.progress import Clock, RunEnded, StudyProgress
from gatewise.studies.search.record import ended_levels, judged, remembered, row, told_of
from gatewise.studies.search.settings import SearchSettings
from gatewise.studies.search.space import Parameter, space_of
from gatewise.studies.search.trials import Search, Told, Trial, own_values, quiet_optuna, rungs_of, trials_of


def search_plan(
    plan: Plan,
    place: StudyFolder,
    engine: Engine,
    progress: StudyProgress,
    *,
    runner: str | None = None,
    fail_fast: bool = False,
) -> tuple[Plan, list[Outcome]]:
    """Search every level of a plan; return the plan with the chosen values, and the runs that have none.

    Parameters
    ----------
    place
        The study's folder, locked by the caller; ``search.json`` and ``trials/`` are written in it.
    fail_fast
        Stop at the first trial that fails; one that diverges has not failed.

    Returns
    -------
    plan
        With the values of each level's best trial in its runs.
    unsearched
        An outcome for each run of a level none of whose trials finished: why not.

    Raises
    ------
    MissingExtraError
        If Optuna is not installed.
    InterruptedRunError
        After Ctrl-C or SIGTERM, when all has been saved.
    DiskFullError
        If a trial found the disk full.
    GatewiseError
        If a trial fails and `fail_fast` is asked for.
    """
    work = _Work(plan, place, progress)
    try:
        work.do(engine, runner, fail_fast=fail_fast)
    except InterruptedRunError:
        raise InterruptedRunError(work.where_it_stands()) from None
    except DiskFullError as error:
        raise DiskFullError(f"{error}\n{work.where_it_stands()}") from None
    return work.chosen()


#: Kinds of chance that final runs may have on their own; a trial's seed is for all of them.
_SEEDS = ("init_seed", "order_seed", "dropout_seed")
#: Between two writings of what was found so far.
_SECONDS = 2.0


@dataclass
class _Level:
    """The search of one combination of levels, and of those that amount to the same.

    Attributes
    ----------
    key : equal exactly when settings, data and what is asked of the search are.
    """

    runs: list[PlannedRun]
    settings: RunSettings
    key: str
    space: tuple[Parameter, ...]
    rungs: list[tuple[int | None, int]]
    search: Search
    trials: list[dict[str, Any]] = field(default_factory=list)
    asked: Trial | None = None
    best: Trial | None = None


class _Work:
    """All levels, and who waits for which run."""

    def __init__(self, plan: Plan, place: StudyFolder, progress: StudyProgress) -> None:
        assert plan.study.search is not None
        self._plan, self._place, self._progress = plan, place, progress
        self._settings: SearchSettings = plan.study.search
        self._metric = self._settings.metric or plan.study.metric
        self._levels = [self._level(runs) for runs in _alike(plan)]
        before = (place.read_search() or {}).get("levels", [])
        self._ended, self._failures = ended_levels(before), remembered(before)
        self._waiting: dict[str, list[_Level]] = {}
        self._told: dict[str, Told] = {}
        self.total = sum(count for level in self._levels for _, count in level.rungs)
        self.done = 0
        self._written = 0.0

    def do(self, engine: Engine, runner: str | None, *, fail_fast: bool) -> None:
        """Search all levels to their end."""
        first = [request for level in self._levels for request in self._begin(level)]
        before = self.done
        self._write()
        if not first:
            return
        clock = Clock(self.total - before)
        self._progress.start(
            name=f"{self._plan.study.name}, search",
            waiting=self.total - before,
            finished=before,
            jobs=max(1, min(engine.jobs, len(first))),
            warnings=self._plan.notices,
        )

        def ended(outcome: Outcome) -> None:
            self._told[outcome.key] = told = told_of(outcome, self._metric, self._place.trial(outcome.key))
            level = self._waiting[outcome.key][0]
            assert level.asked is not None
            atomic.remove(self._place.trial(outcome.key).model_path)  # a trial is its numbers; nobody loads its network
            self._progress.run_ended(
                RunEnded(
                    name=_name(level, level.asked),
                    done=self.done + 1,
                    total=self.total,
                    seconds_left=clock.seconds_left(self.done + 1 - before),
                    error=told.error,
                    text="" if told.value is None else f"validation {self._metric} {told.value:.5g}",
                )
            )
            if fail_fast and told.state == "failed":
                raise GatewiseError(f"{_name(level, level.asked)}: {told.error}")

        def then(outcome: Outcome) -> list[Request]:
            told, levels = self._told[outcome.key], self._waiting.pop(outcome.key)
            more = [request for level in levels for request in self._next(level, told)]
            if told.state != "finished" or time.monotonic() - self._written > _SECONDS:
                self._write()  # what finished is in its run folder anyway
            return more

        try:
            engine.do(first, ended, then=then, alone=self._plan.alone, runner=runner)
        finally:
            self._progress.stop()
            with suppress(DiskFullError):  # said once
                self._write()

    def where_it_stands(self) -> str:
        """Say how much is done, and how to go on."""
        return (
            f"{self._plan.study.name}: stopped in its search with {self.done} of {self.total} trials done, "
            f"all saved in {self._place.path}; the same command goes on from here"
        )

    def chosen(self) -> tuple[Plan, list[Outcome]]:
        """Return the plan with the values found, and why runs without any cannot be done."""
        changes, unsearched, lost = {}, [], {}
        for level in self._levels:
            for planned in level.runs:
                if level.best is not None:
                    changes[planned.label] = level.best.values
                elif level.space:
                    lost[planned.label] = level.trials[0]
        runs = []
        for planned in self._plan.runs:
            made = _with(planned, changes.get(planned.label, {}), self._plan)
            if planned.label in lost:  # under a name of its own: a run with the file's values is another run
                made = replace(made, fingerprint=f"unsearched-{made.fingerprint}")
                unsearched.append(_lost(made.fingerprint, lost[planned.label]))
            runs.append(made)
        timing = [
            _with(planned, changes.get(planned.label, {}), self._plan)
            for planned in self._plan.timing
            if planned.label not in lost
        ]
        return replace(self._plan, runs=tuple(runs), timing=tuple(timing)), unsearched

    def _level(self, runs: list[PlannedRun]) -> _Level:
        settings = runs[0].settings.replace({**dict.fromkeys(_SEEDS), "seed": self._settings.seed})
        space = space_of(self._settings, runs[0].levels, settings)
        rungs = rungs_of(self._settings, space, settings)
        asked = self._settings.model_dump(mode="json", include={"sampler", "seed", "halving"})
        spaces = [(parameter.path, parameter.to_json()) for parameter in space]
        text = json.dumps([settings.fingerprint(self._plan.digests(settings)), self._metric, asked, spaces, rungs])
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        return _Level(runs, settings, key, space, rungs, trials_of(self._settings, space, settings, self._metric))

    def _begin(self, level: _Level) -> list[Request]:
        """Begin a level's search, or take its end from the last time."""
        ended = self._ended.get(level.key)
        if ended is None:
            return self._next(level, None)
        level.trials, best = ended["trials"], ended["best"]
        level.best = None if best is None else Trial(best["number"], best["values"], None, best["rung"])
        self.done += len(level.trials)
        return []

    def _next(self, level: _Level, told: Told | None) -> list[Request]:
        """Tell a level what its trial came to, and go on until it asks for a run that nobody has done."""
        while True:
            try:
                if told is None:
                    trial = next(level.search)
                else:
                    assert level.asked is not None
                    level.trials.append(row(level.asked, told, self._fingerprint(level)))
                    self.done += 1
                    trial = level.search.send(told)
            except StopIteration as end:
                level.best, level.asked = end.value, None
                return []
            level.asked = trial
            try:
                settings = self._trial_settings(level)
            except SettingsError as error:  # values that do not go together; alone each of them does
                told = Told("failed", error=str(error), exit_code=error.exit_code)
                continue
            key = settings.fingerprint(self._plan.digests(settings))
            told = self._known(key)
            if told is not None:
                continue
            waits = self._waiting.setdefault(key, [])
            waits.append(level)
            if len(waits) > 1:  # another level has asked for the same run
                return []
            folder = str(self._place.trial(key).path.resolve())
            return [Request(key, settings.model_dump(mode="json"), folder, exclusive=self._plan.alone)]

    def _trial_settings(self, level: _Level) -> RunSettings:
        assert level.asked is not None
        changes = {**level.asked.changes(), "name": _name(level, level.asked)}
        if level.asked.epochs is not None and hasattr(level.settings.at("train"), "least_steps"):
            changes["train.least_steps"] = 0  # few texts would get more epochs than the rung has
        return level.settings.replace(changes)

    def _fingerprint(self, level: _Level) -> str | None:
        try:
            settings = self._trial_settings(level)
        except SettingsError:
            return None
        return settings.fingerprint(self._plan.digests(settings))

    def _known(self, key: str) -> Told | None:
        """Return what a run came to that has ended before."""
        if key in self._told:
            return self._told[key]
        folder = self._place.trial(key)
        if folder.is_finished:
            return judged(folder.read_result(), self._metric)
        return self._failures.get(key)

    def _write(self) -> None:
        self._written = time.monotonic()
        version = None if self._settings.sampler == "grid" else quiet_optuna().__version__
        self._place.write_search(
            {
                "format_version": FORMAT_VERSION,
                "metric": self._metric,
                "sampler": self._settings.sampler,
                "seed": self._settings.seed,
                "optuna": version,
                "halving": self._settings.halving.model_dump() if self._settings.halving else None,
                "levels": [_to_json(level) for level in self._levels],
            }
        )


def _alike(plan: Plan) -> list[list[PlannedRun]]:
    """Return the first run of every combination of levels, those together that amount to the same run."""
    firsts: dict[str, PlannedRun] = {}
    for run in plan.runs:
        firsts.setdefault(run.label, run)
    groups: dict[str, list[PlannedRun]] = {}
    for run in firsts.values():
        groups.setdefault(run.fingerprint, []).append(run)
    return list(groups.values())


def _with(planned: PlannedRun, changes: dict[str, Any], plan: Plan) -> PlannedRun:
    """Return a planned run with other values."""
    if not changes:
        return planned
    settings = planned.settings.replace(changes)
    return replace(planned, settings=settings, fingerprint=settings.fingerprint(plan.digests(settings)))


def _lost(fingerprint: str, first: dict[str, Any]) -> Outcome:
    error = f"no trial of its search finished; the first one: {first['error']}"
    kind = DivergedError.__name__ if first["state"] == "diverged" else GatewiseError.__name__
    return Outcome(fingerprint, error=error, kind=kind, exit_code=first["exit_code"])


def _name(level: _Level, trial: Trial) -> str:
    epochs = "" if trial.epochs is None else f", {trial.epochs} epochs"
    return f"{level.runs[0].label}, trial {trial.number + 1}{epochs}"


def _to_json(level: _Level) -> dict[str, Any]:
    best = level.best
    return {
        "key": level.key,
        "labels": [run.label for run in level.runs],
        "levels": level.runs[0].levels,
        "space": {parameter.path: parameter.to_json() for parameter in level.space},
        "own": own_values(level.space, level.settings) is not None,
        "rungs": [{"epochs": epochs, "trials": count} for epochs, count in level.rungs],
        "trials": level.trials,
        "best": None if best is None else {"number": best.number, "rung": best.rung, "values": best.values},
        "edges": {
            parameter.path: end
            for parameter in level.space
            if best is not None and (end := parameter.edge(best.values[parameter.path], level.settings))
        },
    }
