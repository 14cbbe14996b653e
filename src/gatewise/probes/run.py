"""The grid of cells by tasks by seeds: does what is missing, side by side, and sums up.

The folder::

    results/32-units-1000-steps/gru/parity/0.json    one job
    probe.json                                       what `gatewise probe --json` prints
    gradient-flow.svg, table.svg                     the same as pictures
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatewise.errors import GatewiseError, InputError, InterruptedRunError
from gatewise.probes.figure import draw
from gatewise.probes.settings import RESULTS_VERSION, ProbeJob, ProbeSettings, jobs_of
from gatewise.probes.table import summarise
from gatewise.registry import CELLS, PROBES
from gatewise.runs import atomic
from gatewise.runs.environment import cores
from gatewise.runs.lock import held_lock
from gatewise.studies.engines import Outcome, Request
from gatewise.studies.engines.local import run_pool
from gatewise.studies.progress import Clock, RunEnded, Silent, StudyProgress

_RUNNER = "gatewise.probes.train:run_job"


def run_probe(
    settings: ProbeSettings,
    folder: str | os.PathLike[str],
    *,
    jobs: int | None = None,
    progress: StudyProgress | None = None,
) -> dict[str, Any]:
    """Train what is missing of a probe, sum up, draw, and return what ``gatewise probe --json`` prints.

    Parameters
    ----------
    settings
        Cells, tasks, seeds and budget.
    folder
        Where the results live; those that are there are not made again.
    jobs
        Jobs at a time, each a process of one thread; as many as there are cores when absent, and never more. With 1,
        and for cells and tasks registered from the caller's own code, the work is done in the caller's process.
    progress
        Told where the probe is; silent when absent.

    Raises
    ------
    InputError
        If `jobs` is below 1, or the folder holds results that cannot be read.
    RunLockedError
        If another process probes into this folder.
    InterruptedRunError
        After Ctrl-C or SIGTERM; the same call goes on.
    GatewiseError
        If every job failed.

    Examples
    --------
    >>> found = run_probe(ProbeSettings(cells=("rnn", "lstm"), tasks=("parity",)), "probe")  # doctest: +SKIP
    >>> found["rows"][0]["tasks"]["parity"]["accuracy"]["256"]["mean"]  # doctest: +SKIP
    """
    if jobs is not None and jobs < 1:
        raise InputError(f"jobs: at least 1 is needed (found {jobs})")
    place = Path(folder).resolve()
    atomic.make_folder(place)
    with held_lock(place / ".lock"):
        work = _Work(settings, place, min(jobs or cores(), cores()), progress or Silent())
        work.do()
        found = summarise(settings, work.results(), work.failures)
        found["folder"] = str(place)
        found["figures"] = draw(found, place)
        atomic.write_json(place / "probe.json", found)
    return found


@dataclass(frozen=True)
class _Planned:
    """A job, the file of its result, and whether a worker process can know its cell and task."""

    job: ProbeJob
    path: Path
    elsewhere: bool

    @property
    def name(self) -> str:
        return f"{self.job.cell}, {self.job.task}, seed {self.job.seed}"

    def result(self) -> dict[str, Any] | None:
        """Return the result, or None where there is none of this very job."""
        if not self.path.is_file():
            return None
        found = atomic.read_json(self.path)
        asked = (self.job.model_dump(mode="json"), RESULTS_VERSION)
        return found if (found.get("job"), found.get("version")) == asked else None


class _Work:
    """One pass over the jobs that are missing, cell by cell."""

    def __init__(self, settings: ProbeSettings, place: Path, jobs: int, progress: StudyProgress) -> None:
        self._jobs, self._progress = jobs, progress
        base = place / "results" / f"{settings.units}-units-{settings.steps}-steps"
        self._plan = [
            _Planned(job, base / cell / job.task.replace(" ", "-") / f"{job.seed}.json", _known_elsewhere(job))
            for cell in settings.cells
            for job in jobs_of(settings, cell)
        ]
        self._missing = {one.name: one for one in self._plan if one.result() is None}
        self._waiting = [one.job.cell for one in self._missing.values()]
        self.failures: dict[str, str] = {}

    def results(self) -> list[dict[str, Any]]:
        """Return every result that is there."""
        return [result for one in self._plan if (result := one.result()) is not None]

    def do(self) -> None:
        """Do the missing jobs: in workers what they can know, the rest here."""
        total = len(self._missing)
        jobs = max(1, min(self._jobs, total))
        finished = len(self._plan) - total
        self._progress.start(name="probe", waiting=total, finished=finished, jobs=jobs, warnings=())
        if not total:
            self._progress.stop()
            return
        self._clock, self._total = Clock(total), total
        try:
            inside = [one for one in self._missing.values() if jobs == 1 or not one.elsewhere]
            outside = [one for one in self._missing.values() if one not in inside]
            if outside:
                requests = [Request(one.name, one.job.model_dump(mode="json"), str(one.path)) for one in outside]
                run_pool(requests, self._ended, workers=jobs, runner=_RUNNER)
            _run_here(inside, self._ended)
        except (InterruptedRunError, KeyboardInterrupt):
            done = total - len(self._waiting)
            raise InterruptedRunError(
                f"probe: stopped with {done} of {total} jobs done, all saved; the same command goes on from here"
            ) from None
        finally:
            self._progress.stop()
        if len(self.failures) == len(self._plan):
            raise GatewiseError(f"probe: all {total} jobs failed; the first one: {next(iter(self.failures.values()))}")

    def _ended(self, outcome: Outcome) -> None:
        one = self._missing[outcome.key]
        if outcome.error is not None:
            self.failures[outcome.key] = outcome.error
        self._waiting.remove(one.job.cell)
        done = self._total - len(self._waiting)
        row = "" if one.job.cell in self._waiting else "finished"
        left = self._clock.seconds_left(done) if self._waiting else None
        name = one.name if outcome.error else one.job.cell
        self._progress.run_ended(RunEnded(name, done, self._total, left, outcome.error, row))


def _run_here(plan: Sequence[_Planned], ended: Callable[[Outcome], None]) -> None:
    """Do jobs in this process, one after another."""
    if not plan:
        return
    from gatewise.probes.train import run_job

    for one in plan:
        try:
            ended(Outcome(one.name, result=run_job(one.job, one.path)))
        except InterruptedRunError:
            raise
        except Exception as error:  # noqa: BLE001 - as in a worker: one cell's defect does not end the others
            ended(Outcome(one.name, error=f"{type(error).__name__}: {error}", exit_code=1))


def _known_elsewhere(job: ProbeJob) -> bool:
    """Whether a fresh process knows the cell and the task: those of the user's own code it does not."""
    homes = [CELLS.entry(job.cell).home, *([PROBES.entry(job.task).home] if job.task in PROBES else [])]
    return all(home.startswith("gatewise.") or home == job.cell for home in homes)
