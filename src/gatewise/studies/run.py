"""Running a study: what is missing is trained, then everything is compared."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from gatewise.errors import DiskFullError, DivergedError, GatewiseError, InputError, InterruptedRunError, SettingsError
from gatewise.studies.compare import compare_study
from gatewise.studies.edited import check_edits
from gatewise.studies.engines import Engine, Outcome, Request, create_engine
from gatewise.studies.folder import StudyFolder
from gatewise.studies.plan import Plan, PlannedRun, plan_study
from gatewise.studies.progress import Clock, RunEnded, Silent, StudyProgress
from gatewise.studies.search.phase import search_plan
from gatewise.studies.search.trials import need_optuna
from gatewise.studies.settings import StudySettings


def run_study(
    study: StudySettings,
    folder: str | os.PathLike[str],
    *,
    jobs: int | None = None,
    engine: Engine | None = None,
    fail_fast: bool = False,
    progress: StudyProgress | None = None,
    runner: str | None = None,
    digest: Callable[[Any], str] | None = None,
    yes: bool = False,
) -> dict[str, Any]:
    """Train what is missing of a study, compare, and return what ``gatewise study --json`` prints.

    Parameters
    ----------
    study
        From :func:`gatewise.studies.load_study`.
    folder
        Where the study lives; runs that are finished there are not trained again.
    jobs
        Runs at a time on this machine, each with one thread, so that its numbers do not depend on how many run beside
        it; as many as there are cores when absent, and never more.
    engine
        Where runs are done, from :func:`gatewise.studies.engines.create_engine`; `jobs` is then the engine's own
        matter. Workers on this machine when absent.
    fail_fast
        Stop at the first run that fails. A loss that is no longer finite is an answer, not a failure.
    progress
        Told where the study is; silent when absent.
    runner
        ``module:function`` that does one run; the task's own when absent (see :mod:`gatewise.studies.worker`).
    digest
        Gives the digest of the data that settings describe; by default the data is read.
    yes
        Go on where that is asked for first: more than 10,000 runs, or a folder whose study has other settings.

    Returns
    -------
    dict
        ``name``, ``folder``, ``page`` (None: the report makes it), ``runs``, ``comparisons``, ``findings``, ``claims``,
        ``failed``.

    Raises
    ------
    InputError
        Before anything is written, if the settings or the data cannot be used, or the folder's study is another one.
    RunLockedError
        If another process runs a study in this folder.
    InterruptedRunError
        After Ctrl-C or SIGTERM, when all has been saved; the same call goes on.
    DiskFullError
        If there was no space left in the middle; the same call goes on.
    GatewiseError
        If every run failed, or one did and `fail_fast` is asked for.

    Examples
    --------
    >>> study = load_study("stocks-cells")  # doctest: +SKIP
    >>> outcome = run_study(study, "studies/stocks-cells")  # doctest: +SKIP
    >>> outcome["findings"][0]["text"]  # doctest: +SKIP
    """
    engine = engine or create_engine("local", jobs=jobs)
    plan = plan_study(study, digest, yes=yes)
    need_optuna(study.search)
    place, progress = StudyFolder(folder), progress or Silent()
    plan = replace(plan, edits=check_edits(place, plan, yes=yes))
    if plan.alone and engine.never_alone:
        raise SettingsError(f"budget.minutes: every run would need a machine to itself: {engine.never_alone}")
    lost: list[Outcome] = []
    with engine, place.lock():
        place.write_study(plan.to_json())
        if study.search is not None:
            plan, lost = search_plan(plan, place, engine, progress, runner=runner, fail_fast=fail_fast)
            place.write_study(plan.to_json())
        _Work(plan, place, engine, progress, runner, fail_fast=fail_fast, lost=lost).do()
        comparison = compare_study(place.path)
    return {
        "name": study.name,
        "folder": str(place.path),
        "page": None,
        "runs": [one for name in _names(plan.runs) if (one := place.run(name).read_finished()) is not None],
        **{key: comparison[key] for key in ("comparisons", "findings", "claims", "failed")},
    }


class _Work:
    """One pass over the runs that are missing."""

    def __init__(
        self,
        plan: Plan,
        place: StudyFolder,
        engine: Engine,
        progress: StudyProgress,
        runner: str | None,
        *,
        fail_fast: bool,
        lost: Sequence[Outcome] = (),
    ) -> None:
        self._plan, self._place, self._engine, self._runner = plan, place, engine, runner
        self._progress, self._fail_fast = progress, fail_fast
        self._failures: dict[str, str] = {}
        self._diverged: set[str] = set()
        self._codes: list[int] = []
        self._lost = len(lost)
        for outcome in lost:  # no trial found values for them
            self._fail(outcome)

    def do(self) -> None:
        """Train side by side, then take times one by one."""
        runs = {
            run.fingerprint: run
            for run in self._plan.runs
            if not self._place.run(run.fingerprint).is_finished and run.fingerprint not in self._failures
        }
        asked = () if self._engine.never_alone else self._plan.timing
        timing = {run.fingerprint: run for run in asked if not self._place.timing(run.fingerprint).is_finished}
        self._place.write_failures(self._failures, self._diverged)  # those of an earlier pass are tried again
        self._total, self._done = len(runs) + len(timing), 0
        finished = len(_names(self._plan.runs)) + len(_names(asked)) - self._total
        warnings = () if self._plan.study.search else self._plan.notices  # a search has said them
        if self._plan.timing and not asked:
            warnings += (f"no times are taken: {self._engine.never_alone}",)
        self._progress.start(
            name=self._plan.study.name,
            waiting=self._total,
            finished=finished,
            jobs=max(1, min(self._engine.jobs, len(runs))),
            warnings=warnings,
        )
        try:
            self._run(runs, "runs")
            self._refuse_if_all_failed()
            self._run(timing, "timing")
        except InterruptedRunError:
            raise InterruptedRunError(f"{self._plan.study.name}: {self._where_it_stands()}") from None
        except DiskFullError as error:
            raise DiskFullError(f"{error}\n{self._plan.study.name}: {self._where_it_stands()}") from None
        finally:
            self._progress.stop()
            with suppress(DiskFullError):  # said once; who failed is tried again and told then
                self._place.write_failures(self._failures, self._diverged)

    def _run(self, runs: dict[str, PlannedRun], part: str) -> None:
        if not runs:
            return
        clock, before = Clock(len(runs)), self._done
        alone = part == "timing" or self._plan.alone

        def ended(outcome: Outcome) -> None:
            self._done += 1
            if outcome.error is not None:
                self._fail(outcome)
                self._place.write_failures(self._failures, self._diverged)  # at once, for whoever watches
            self._progress.run_ended(
                RunEnded(
                    name=runs[outcome.key].settings.name,
                    done=self._done,
                    total=self._total,
                    seconds_left=clock.seconds_left(self._done - before) if part == "runs" else None,
                    error=outcome.error,
                    text=self._describe(outcome),
                )
            )
            if self._fail_fast and outcome.key in self._failures and outcome.key not in self._diverged:
                name = runs[outcome.key].settings.name
                raise GatewiseError(f"{name}: {outcome.error}\n{self._plan.study.name}: {self._where_it_stands()}")

        requests = [
            Request(
                key=name,
                settings=run.settings.model_dump(mode="json"),
                folder=str((self._place.path / part / name).resolve()),
                exclusive=alone,
            )
            for name, run in runs.items()
        ]
        self._engine.do(requests, ended, alone=alone, runner=self._runner)

    def _fail(self, outcome: Outcome) -> None:
        self._failures[outcome.key] = outcome.error or ""
        self._codes.append(outcome.exit_code)
        if outcome.kind == DivergedError.__name__:
            self._diverged.add(outcome.key)

    def _where_it_stands(self) -> str:
        return (
            f"stopped with {self._done + self._lost - len(self._failures)} of {self._total} runs done, all saved in "
            f"{self._place.path}; the same command goes on from here"
        )

    def _describe(self, outcome: Outcome) -> str:
        """Say the validation metric and the epochs of a finished run; the test part is looked at when all is done."""
        if outcome.result is None:
            return ""
        metric = self._plan.study.metric
        value = outcome.result.get("metrics", {}).get("validation", {}).get(metric)
        epochs = outcome.result.get("epochs", {}).get("run")
        parts = [] if value is None else [f"validation {metric} {value:.5g}"]
        return ", ".join([*parts, *([] if epochs is None else [f"{epochs} epochs"])])

    def _refuse_if_all_failed(self) -> None:
        """Nothing can be compared when no run has ever finished."""
        names = _names(self._plan.runs)
        if not names or any(self._place.run(name).is_finished for name in names):
            return
        first = next(iter(self._failures.values()), "")
        kind = InputError if set(self._codes) == {InputError.exit_code} else GatewiseError
        raise kind(f"{self._plan.study.name}: all {len(names)} runs failed; the first one: {first}")


def _names(runs: Sequence[PlannedRun]) -> list[str]:
    """Return the fingerprints in order, each once (combinations may share a run)."""
    return list(dict.fromkeys(run.fingerprint for run in runs))
