"""What a study will cost: a few of its runs are begun, timed for a moment each, and reckoned up.

Each probe trains one combination for a second or two in a worker of its own and then judges it as any run does, so
that what is not training (reading, baselines, judging) is in the figure too. Combinations that differ in nothing that
takes time share a probe; those for which there is no time left are reckoned from the probe that is most like them.
"""

from __future__ import annotations

import json
import math
import shutil
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gatewise.errors import InputError
from gatewise.runs.environment import cores
from gatewise.settings import RunSettings, flat_fields
from gatewise.studies.engines import Request
from gatewise.studies.engines.process import Worker
from gatewise.studies.folder import StudyFolder
from gatewise.studies.plan import Plan, PlannedRun
from gatewise.studies.search.space import space_of
from gatewise.studies.search.trials import rungs_of

#: Seconds in which no further probe is begun, and after which the one that runs is ended.
LONGEST = 20.0
#: Minutes that a probe trains.
_MINUTES = 1.5 / 60
_RUNNER = "gatewise.studies.probed:run"
#: Rooms and settings that a run's time depends on.
_ROOMS = ("data", "split", "encoder", "model")
_TRAIN = ("batch_size", "loss", "optimizer", "precision", "device", "regime", "averaging")
#: What is not left behind by a run that ended.
_PASSING = ("checkpoint", "lock")


@dataclass(frozen=True)
class Probe:
    """What a moment of one combination took.

    Attributes
    ----------
    epoch : seconds of an epoch, its validation too.
    steps : steps of an epoch.
    around : seconds of everything that is not training.
    size : bytes of the run's folder.
    whole : whether there was time for all that follows the training.
    """

    label: str
    levels: Mapping[str, Any]
    epoch: float
    steps: int
    around: float
    size: int
    whole: bool = True


@dataclass(frozen=True)
class Estimate:
    """What the runs that are missing will cost.

    Attributes
    ----------
    runs : runs that are missing, times alone among them.
    seconds : of each of their combinations, a run; None where nothing could be measured.
    total : seconds of all, so many at a time; at most, where runs may stop early.
    size : bytes that they will leave behind.
    free : bytes that are free where the study lives.
    how : how all this was reckoned, in words.
    """

    runs: int
    finished: int
    seconds: Mapping[str, float]
    total: float | None
    size: int | None
    free: int
    jobs: int
    how: str

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "missing": self.runs,
            "finished": self.finished,
            "seconds": self.total,
            "seconds_a_run": dict(self.seconds),
            "bytes": self.size,
            "bytes_free": self.free,
            "jobs": self.jobs,
            "how": self.how,
        }


def estimate(
    plan: Plan, place: StudyFolder, *, jobs: int | None = None, runner: str | None = None, longest: float = LONGEST
) -> Estimate:
    """Time a few of a plan's runs and reckon up those that are missing.

    Parameters
    ----------
    jobs
        Runs at a time; as many as there are cores when absent.
    runner
        What does a run, as :func:`gatewise.studies.run_study` takes it.
    longest
        Seconds that all probes may take together.

    Raises
    ------
    InputError
        If a run refuses its settings or its data, with one line for each combination that was probed; or if what the
        runs leave behind does not fit on the disk.
    """
    jobs = 1 if plan.alone else min(jobs or cores(), cores())
    runs = _once(run for run in plan.runs if not place.run(run.fingerprint).is_finished)
    timing = _once(run for run in plan.timing if not place.timing(run.fingerprint).is_finished)
    finished = len(_once(plan.runs)) + len(_once(plan.timing)) - len(runs) - len(timing)
    probes = _Probing(runner, longest).probe(runs or timing)
    seconds = {run.label: _reckon(run, probes) for run in reversed(runs)} if probes else {}
    total = None
    if probes:
        total = sum(seconds[run.label] for run in runs) / jobs + sum(_reckon(run, probes) for run in timing)
        total += _search_seconds(plan, place, probes, jobs)
    size = sum(_nearest(run, probes).size for run in [*runs, *timing]) if probes else None
    free = shutil.disk_usage(_existing(place.path)).free
    if size is not None and size > free:
        raise InputError(
            f"{place.path}: the {len(runs) + len(timing):,} runs that are missing need about {megabytes(size)} and "
            f"{megabytes(free)} are free there: choose another folder with --out, or leave out levels or seeds"
        )
    how = _how(probes, runs)
    return Estimate(len(runs) + len(timing), finished, seconds, total, size, free, jobs, how)


def megabytes(size: int) -> str:
    """Write a number of bytes as a person says it.

    Examples
    --------
    >>> megabytes(900), megabytes(2_340_000), megabytes(7_400_000_000)
    ('1 kB', '2.3 MB', '7.4 GB')
    """
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{max(1, round(size / 1e3))} kB"


def note_of(folder: Path) -> Path:
    """Return where a probe writes down what its training took."""
    return folder.with_suffix(".json")


class _Probing:
    """Probes, one after another in one worker, until the time is over."""

    def __init__(self, runner: str | None, longest: float) -> None:
        self._runner, self._ends = runner or _RUNNER, time.monotonic() + longest
        self._refused: list[str] = []

    def probe(self, runs: list[PlannedRun]) -> list[Probe]:
        """Probe combinations, those first that show a level that no probe has shown.

        Raises
        ------
        InputError
            If runs refuse what they are given, as they would when the study is run.
        """
        waiting, found = _distinct(runs), list[Probe]()
        if not waiting or not _has_clock(waiting[0].settings):
            return []
        with tempfile.TemporaryDirectory(prefix="gatewise-plan-") as home:
            worker = Worker(1, self._runner)
            clock = threading.Timer(max(0.0, self._ends - time.monotonic()), worker.kill)
            clock.start()
            try:
                longest = 0.0
                while waiting and time.monotonic() + longest < self._ends:
                    run, started = waiting.pop(_newest(waiting, found)), time.monotonic()
                    made = self._one(worker, run, Path(home) / run.fingerprint)
                    if made is None:
                        found += _broken_off(run, Path(home) / run.fingerprint, time.monotonic() - started)
                        break
                    found += made
                    longest = max(longest, time.monotonic() - started) if len(found) > 1 else 0.0  # torch loads once
            finally:
                clock.cancel()
                worker.kill()
                worker.close()
        if self._refused:
            raise InputError("\n".join(self._refused))
        return _without_start(found)

    def _one(self, worker: Worker, run: PlannedRun, folder: Path) -> list[Probe] | None:
        """Return what one run took, nothing where it failed, None when the time was over."""
        short = run.settings.replace({"train.minutes": _MINUTES, "train.patience": None})
        answer = worker.ask(Request(run.fingerprint, short.model_dump(mode="json"), str(folder)))
        if answer is None:
            return None
        if answer["event"] != "finished":
            if answer.get("exit_code") == InputError.exit_code:
                self._refused += [f"the combination {run.label}: {line}" for line in answer["error"].splitlines()]
            return []
        result = answer["result"]
        seconds = result.get("seconds", {})
        trained = seconds.get("train") or 0.0
        probed = result.get("probe", {"epoch": seconds.get("per_epoch") or 0.0, "steps": 1})
        times = result.get("trained", 1)  # once a fold
        around = max(0.0, (seconds.get("total") or trained) - trained)
        return [Probe(run.label, run.levels, times * probed["epoch"], probed["steps"], around, _size(folder))]


def _broken_off(run: PlannedRun, folder: Path, seconds: float) -> list[Probe]:
    """Return what is known of a run that there was no time for, if it was trained at all."""
    try:
        told = json.loads(note_of(folder).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    around = max(0.0, seconds - told["trained"])
    return [Probe(run.label, run.levels, told["epoch"], told["steps"], around, _size(folder), whole=False)]


def _without_start(found: list[Probe]) -> list[Probe]:
    """Take from the first probe what the others had not to do: libraries are loaded once a worker, not once a run."""
    if len(found) < 2:
        return found
    first, *others = found
    return [replace(first, around=min(first.around, max(probe.around for probe in others))), *others]


def _search_seconds(plan: Plan, place: StudyFolder, probes: list[Probe], jobs: int) -> float:
    """Return the seconds of the trials that are missing: levels side by side, each level's own one after the other."""
    search, firsts = plan.study.search, {run.label: run for run in reversed(plan.runs)}
    if search is None:
        return 0.0
    seconds, trials = 0.0, 0
    for run in firsts.values():
        for epochs, count in rungs_of(search, space_of(search, run.levels, run.settings), run.settings):
            seconds, trials = seconds + count * _reckon(run, probes, epochs), trials + count
    done = min(trials, place.count_trials())
    return seconds * (1 - done / max(1, trials)) / min(jobs, len(firsts))


def _reckon(run: PlannedRun, probes: list[Probe], epochs: int | None = None) -> float:
    """Return the seconds of a whole run, or of one that ends after some epochs."""
    near, train = _nearest(run, probes), run.settings.at("train")
    if train.minutes is not None:
        return near.around + 60 * float(train.minutes)
    if epochs is not None:
        return near.around + near.epoch * min(epochs, int(train.epochs))
    # Few texts get more epochs, up to ten times as many.
    least = math.ceil(getattr(train, "least_steps", 0) / max(1, near.steps))
    return near.around + near.epoch * min(max(int(train.epochs), least), 10 * int(train.epochs))


def _nearest(run: PlannedRun, probes: list[Probe]) -> Probe:
    """Return the probe of a combination, or of the one that shares most levels with it."""

    def likeness(probe: Probe) -> tuple[bool, int]:
        return probe.label == run.label, sum(run.levels.get(name) == value for name, value in probe.levels.items())

    return max(probes, key=likeness)


def _newest(waiting: list[PlannedRun], found: list[Probe]) -> int:
    """Return which run shows most levels that no probe has shown."""
    seen = {(name, str(value)) for probe in found for name, value in probe.levels.items()}
    fresh = [len({(name, str(value)) for name, value in run.levels.items()} - seen) for run in waiting]
    return fresh.index(max(fresh))


def _distinct(runs: list[PlannedRun]) -> list[PlannedRun]:
    """Return one run of all that take equally long for an epoch."""
    found: dict[str, PlannedRun] = {}
    for run in {run.label: run for run in reversed(runs)}.values():
        found[json.dumps(_cost(run.settings), sort_keys=True, default=str)] = run
    return list(reversed(found.values()))


def _has_clock(settings: RunSettings) -> bool:
    """Whether the runs of a task can end after some minutes."""
    return "train.minutes" in flat_fields(type(settings)).values()


def _cost(settings: RunSettings) -> list[Any]:
    rooms = [getattr(settings, room).model_dump(mode="json") for room in _ROOMS if hasattr(settings, room)]
    train = settings.at("train")
    return [*rooms, *(getattr(train, name, None) for name in _TRAIN)]


def _how(probes: list[Probe], runs: list[PlannedRun]) -> str:
    labels = {run.label for run in runs}
    if not probes:
        return "no estimate: no run came to its end within the time of a probe"
    early = any(run.settings.at("train").patience is not None for run in runs)
    most = "; runs that stop early take less" if early else ""
    if not all(probe.whole for probe in probes):
        most += "; judging takes longer than a probe may, so all takes more than this"
    return f"from {len(probes)} of {len(labels)} combinations, each trained for a moment{most}"


def _size(folder: Path) -> int:
    """Return the bytes that a run leaves behind."""
    files = (path for path in folder.rglob("*") if not set(path.relative_to(folder).parts) & set(_PASSING))
    return sum(path.stat().st_size for path in files if path.is_file())


def _once(runs: Any) -> list[PlannedRun]:
    return list({run.fingerprint: run for run in runs}.values())


def _existing(path: Path) -> Path:
    """Return the nearest folder above that is there."""
    path = path.resolve()
    return next((one for one in (path, *path.parents) if one.exists()), Path("/"))
