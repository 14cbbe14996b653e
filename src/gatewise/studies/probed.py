"""One probe of a run's cost: what does a run, watched while it trains for a moment. Started by a worker."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gatewise.registry import task_of
from gatewise.settings import RunSettings
from gatewise.studies.probe import note_of
from gatewise.training import Silent


class Watch(Silent):
    """Remembers how many steps an epoch has, and what they took."""

    def __init__(self, note: Path) -> None:
        self._note = note
        self.steps = 0
        self.rows: list[Mapping[str, Any]] = []

    def start(self, *, epochs: int | None, steps_per_epoch: int, steps_done: int) -> None:  # noqa: ARG002 - one signature
        """Remember the steps of an epoch."""
        self.steps = steps_per_epoch

    def end_epoch(self, row: Mapping[str, Any]) -> None:
        """Remember what an epoch, or the part of one that there was time for, took."""
        self.rows.append(row)

    def stop(self) -> None:
        """Write down what is known, in case there is no time for what follows the training."""
        if self.rows:
            self._note.write_text(json.dumps(self.told()), encoding="utf-8")

    def told(self) -> dict[str, float]:
        """Return the seconds of an epoch, its steps, and the seconds of training so far."""
        trained = sum(float(row["seconds"]) for row in self.rows)
        return {"epoch": self.seconds(), "steps": self.steps, "trained": trained}

    def seconds(self) -> float:
        """Return the seconds of a whole epoch; the first is slow, so it counts only where there is no other."""
        whole = [float(row["seconds"]) for row in self.rows if row["steps"] >= self.steps]
        if whole:
            return statistics.median(whole[1:] or whole)
        row = self.rows[-1]
        step = row["step_ms_median"] / 1000
        judging = max(0.0, row["seconds"] - row["steps"] * step)
        return float(self.steps * step + judging)


def run(
    settings: RunSettings,
    folder: Path,
    *,
    threads: int | None = None,
    exclusive: bool = False,
    progress: Any = None,  # noqa: ARG001 - a worker's way of calling
) -> dict[str, Any]:
    """Do a run as its task does it, and add the seconds of an epoch and its steps to the result."""
    watch = Watch(note_of(folder))
    runner = task_of({"task": settings.task}).load("runner")
    result: dict[str, Any] = runner(settings, folder, threads=threads, exclusive=exclusive, progress=watch)
    return {**result, "probe": watch.told()}
