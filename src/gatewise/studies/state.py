"""Where a study stands, read from its folder alone: whoever looks disturbs nothing, from any terminal."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import Any

from gatewise.errors import InputError
from gatewise.runs import RunFolder
from gatewise.studies.folder import StudyFolder

#: The last epochs tell how long the next ones take.
_LAST_EPOCHS = 5


@dataclass(frozen=True)
class Running:
    """A run that a process works on.

    Attributes
    ----------
    epoch, epochs : whole ones so far, and the most there will be; None when the clock ends it.
    validation, best : loss of the last epoch and the least so far; the test part is out of sight until the end.
    seconds, seconds_left : since it began, and until its last epoch at the latest; None while nothing is known.
    """

    name: str
    folder: str
    epoch: int
    epochs: int | None
    validation: float | None
    best: float | None
    seconds: float
    seconds_left: float | None


@dataclass(frozen=True)
class State:
    """A study at one moment.

    Attributes
    ----------
    total, finished, waiting : runs, those timed alone included; what failed is neither.
    failed : run and what went wrong.
    ended : names of the runs that finished or failed since the last look.
    working : whether a process works on the study.
    seconds_left : of the whole; None while nothing is known.
    """

    name: str
    total: int
    finished: int
    waiting: int
    running: tuple[Running, ...]
    failed: tuple[tuple[str, str], ...]
    ended: tuple[str, ...]
    working: bool
    seconds_left: float | None

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        failed = [{"run": run, "error": error} for run, error in self.failed]
        return {**asdict(self), "failed": failed, "running": [asdict(one) for one in self.running]}


class StudyView:
    """Looks at one study folder again and again; what has finished is not read twice.

    Parameters
    ----------
    place
        The study's folder.

    Examples
    --------
    >>> StudyView(StudyFolder("studies/stocks-cells")).look().finished  # doctest: +SKIP
    12
    """

    def __init__(self, place: StudyFolder) -> None:
        self._place = place
        self._study: Mapping[str, Any] = {}
        self._written: float | None = None
        self._names: dict[tuple[str, str], str] = {}
        self._finished: dict[tuple[str, str], float] = {}  # and how long each took
        self._told: set[tuple[str, str]] = set()

    def look(self) -> State:
        """Return where the study stands now.

        Raises
        ------
        InputError
            If the folder holds no study.
        """
        self._read_study()
        fresh = [key for key in self._names if key not in self._finished and self._seconds_of(key) is not None]
        errors = self._place.read_failures()
        failed = {key: errors[key[1]] for key in self._names if key[1] in errors and key not in self._finished}
        running = tuple(running for run in self._place.working() if (running := self._running(run)) is not None)
        left_over = [key for key in self._names if key not in self._finished and key not in failed]
        at_work = {one.folder for one in running}
        waiting = [key for key in left_over if str(self._folder(key).path) not in at_work]
        ended = [key for key in (*fresh, *failed) if key not in self._told]
        self._told.update(ended)
        return State(
            name=str(self._study.get("name") or self._place.path.name),
            total=len(self._names),
            finished=len(self._finished),
            waiting=len(waiting),
            running=running,
            failed=tuple((self._names[key], error) for key, error in failed.items()),
            ended=tuple(self._names[key] for key in ended),
            working=self._place.is_in_use or bool(running),
            seconds_left=self._left(running, len(waiting)),
        )

    def _read_study(self) -> None:
        written = self._place.written_at
        if written == self._written and self._names:
            return
        self._study, self._written = self._place.read_study(), written
        self._names = {}
        for run in self._study["runs"]:
            self._names[("runs", run["fingerprint"])] = f"{run['label']}, seed {run['seed']}"
            if run.get("timing"):
                self._names[("timing", run["timing"])] = f"{run['label']}, timing"

    def _folder(self, key: tuple[str, str]) -> RunFolder:
        return (self._place.run if key[0] == "runs" else self._place.timing)(key[1])

    def _seconds_of(self, key: tuple[str, str]) -> float | None:
        """Return how long a run took, None while it has not finished."""
        folder = self._folder(key)
        if not folder.has_result():
            return None
        result = folder.read_finished()
        if result is None:
            return None
        seconds = float((result.get("seconds") or {}).get("total") or 0.0)
        self._finished[key] = seconds
        return seconds

    def _running(self, run: RunFolder) -> Running | None:
        try:
            settings, rows = run.read_settings(), run.read_log()
        except InputError:  # it has only begun, or has just ended
            return None
        train = settings.get("train") or {}
        epochs = None if train.get("minutes") else train.get("epochs")
        known = [row["validation_loss"] for row in rows if row.get("validation_loss") is not None]
        seconds = [float(row["seconds"]) for row in rows if row.get("seconds")]
        since = max(0.0, time.time() - (run.last_change or time.time()))
        left = None
        if epochs and seconds:
            left = max(0.0, (epochs - len(rows)) * fmean(seconds[-_LAST_EPOCHS:]) - since)
        return Running(
            name=str(settings.get("name") or run.path.name),
            folder=str(run.path),
            epoch=len(rows),
            epochs=epochs,
            validation=known[-1] if known else None,
            best=min(known, default=None),
            seconds=sum(seconds) + since,
            seconds_left=left,
        )

    def _left(self, running: tuple[Running, ...], waiting: int) -> float | None:
        """Estimate the rest: what runs now, and as many at a time again for those that wait."""
        whole = [one.seconds + one.seconds_left for one in running if one.seconds_left is not None]
        typical = median(self._finished.values()) if self._finished else fmean(whole) if whole else None
        if not running:
            return None if waiting else 0.0
        if typical is None:
            return None
        now = [max(typical - one.seconds, 0.0) if one.seconds_left is None else one.seconds_left for one in running]
        return max(max(now), (sum(now) + waiting * typical) / len(running))
