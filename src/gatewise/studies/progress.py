"""What a person sees while a study runs; on standard error."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

from gatewise.harmless import harmless

if TYPE_CHECKING:
    from gatewise.studies.watch import Board


@dataclass(frozen=True)
class RunEnded:
    """One run of a study ended.

    Attributes
    ----------
    done, total : runs that have ended, and all that had to be done.
    seconds_left : estimate from the runs so far; None for timing runs.
    error : why it failed; None when it has finished.
    """

    name: str
    done: int
    total: int
    seconds_left: float | None
    error: str | None = None
    text: str = ""


class StudyProgress(Protocol):
    """Told by a study where it is."""

    def start(self, *, name: str, waiting: int, finished: int, jobs: int, warnings: tuple[str, ...]) -> None:
        """The study begins: `waiting` runs are to be done, `finished` ones are there already."""

    def run_ended(self, event: RunEnded) -> None:
        """A run finished or failed."""

    def stop(self) -> None:
        """The study ended, in whatever way."""


class Silent:
    """Say nothing: the library's default."""

    def start(self, *, name: str, waiting: int, finished: int, jobs: int, warnings: tuple[str, ...]) -> None:
        """Say nothing."""

    def run_ended(self, event: RunEnded) -> None:
        """Say nothing."""

    def stop(self) -> None:
        """Say nothing."""


class Lines(Silent):
    """One plain line a run."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr

    def start(self, *, name: str, waiting: int, finished: int, jobs: int, warnings: tuple[str, ...]) -> None:
        """Write what will be done, and what it cannot decide."""
        for warning in warnings:
            self.write(f"warning: {warning}")
        self.write(opening(name, waiting, finished, jobs))

    def run_ended(self, event: RunEnded) -> None:
        """Write the line."""
        state = f"failed: {event.error}" if event.error else event.text or "finished"
        left = "" if event.seconds_left is None else f"  {duration(event.seconds_left)} left"
        self.write(f"[{event.done}/{event.total}] {event.name}: {state}{left}")

    def write(self, line: str) -> None:
        """Write one line."""
        print(harmless(line), file=self.stream, flush=True)


class Bar(Lines):
    """The same lines above a bar with the time left, for a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as RichProgress

        super().__init__()
        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("runs", total=None, left="")

    def start(self, *, name: str, waiting: int, finished: int, jobs: int, warnings: tuple[str, ...]) -> None:
        """Show the bar."""
        super().start(name=name, waiting=waiting, finished=finished, jobs=jobs, warnings=warnings)
        self._bar.update(self._task, description=name, total=waiting)
        self._bar.start()

    def run_ended(self, event: RunEnded) -> None:
        """Write the line and move the bar."""
        super().run_ended(event)
        self.move(event)

    def move(self, event: RunEnded) -> None:
        """Move the bar alone."""
        left = "" if event.seconds_left is None else f"{duration(event.seconds_left)} left"
        self._bar.update(self._task, total=event.total, completed=event.done, left=left)

    def stop(self) -> None:
        """Remove the bar."""
        self._bar.stop()

    def write(self, line: str) -> None:
        """Write one line above the bar."""
        self._bar.console.print(line, markup=False, highlight=False)


class Live(Lines):
    """The same lines above a table of what runs right now, for a terminal; it reads the study's folder.

    Parameters
    ----------
    folder
        Where the study lives.
    """

    def __init__(self, folder: Path) -> None:
        from rich.console import Console

        super().__init__()
        self._folder, self._console = folder, Console(stderr=True)
        self._board: Board | None = None

    def start(self, *, name: str, waiting: int, finished: int, jobs: int, warnings: tuple[str, ...]) -> None:
        """Show the table."""
        super().start(name=name, waiting=waiting, finished=finished, jobs=jobs, warnings=warnings)
        if self._board is None:
            from gatewise.studies.watch import Board

            self._board = Board(self._folder, self._console)
            self._board.start()

    def stop(self) -> None:
        """Remove the table."""
        if self._board is not None:
            self._board.stop()
            self._board = None

    def write(self, line: str) -> None:
        """Write one line above the table."""
        self._console.print(harmless(line), markup=False, highlight=False)


class Clock:
    """Estimates the time left from the runs that have ended."""

    def __init__(self, total: int) -> None:
        self._total, self._begin = total, time.monotonic()

    def seconds_left(self, done: int) -> float:
        """Return how long the rest takes when it goes on like this."""
        return (time.monotonic() - self._begin) / done * (self._total - done)


def choose_progress(folder: Path) -> StudyProgress:
    """Return a live table when standard error is a terminal, plain lines otherwise."""
    return Live(folder) if sys.stderr.isatty() else Lines()


def opening(name: str, waiting: int, finished: int, jobs: int) -> str:
    """Say what a study is about to do.

    Examples
    --------
    >>> opening("stocks-cells", 3, 81, 2)
    'stocks-cells: 3 runs to do, 81 finished before; 2 at a time, one thread each'
    """
    runs = f"{waiting} run{'' if waiting == 1 else 's'} to do"
    before = f", {finished} finished before" if finished else ""
    return f"{name}: {runs}{before}; {jobs} at a time, one thread each"


def duration(seconds: float) -> str:
    """Write seconds as a person says them.

    Examples
    --------
    >>> duration(7.2), duration(134), duration(4000)
    ('8 s', '3 min', '1 h 7 min')
    """
    if seconds < 60:
        return f"{int(seconds) + 1} s"
    minutes = int(seconds // 60) + 1
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
