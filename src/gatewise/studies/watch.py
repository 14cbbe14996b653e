"""A running study, watched from anywhere by reading its folder; closing the view stops nothing."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatewise.errors import GatewiseError
from gatewise.harmless import harmless
from gatewise.studies.folder import StudyFolder
from gatewise.studies.progress import duration
from gatewise.studies.state import Running, State, StudyView
from gatewise.wording import say

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

#: Seconds between two looks, and between two lines where nobody sees a table.
LOOK_SECONDS, LINE_SECONDS = 1.0, 15.0
_MOST_RUNNING, _MOST_FAILED = 30, 5


def watch_study(folder: Path, *, look_seconds: float = LOOK_SECONDS, line_seconds: float = LINE_SECONDS) -> State:
    """Show a study until no process works on it any more: a table on a terminal, lines elsewhere.

    Raises
    ------
    InputError
        If the folder holds no study.
    """
    view = StudyView(StudyFolder(folder))
    state = view.look()
    if sys.stderr.isatty():
        return _watch_table(view, state, look_seconds)
    return _watch_lines(view, state, look_seconds, line_seconds)


def _watch_table(view: StudyView, state: State, look_seconds: float) -> State:
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    with Live(board(state), console=console, auto_refresh=False) as live:
        while state.working:
            time.sleep(look_seconds)
            state = view.look()
            print_ended(state, console)
            live.update(board(state), refresh=True)
    return state


def _watch_lines(view: StudyView, state: State, look_seconds: float, line_seconds: float) -> State:
    _write(summary(state))
    said = time.monotonic()
    while state.working:
        time.sleep(look_seconds)
        state = view.look()
        failed = dict(state.failed)
        for name in state.ended:
            _write(_ended(name, failed.get(name)))
        if state.working and time.monotonic() - said >= line_seconds:
            said = time.monotonic()
            _write(summary(state))
            for one in state.running[:_MOST_RUNNING]:
                _write(f"  {one.name}: {_epochs(one)}{_left(one)}")
    _write(summary(state))
    return state


def _write(line: str) -> None:
    sys.stderr.write(f"{harmless(line)}\n")
    sys.stderr.flush()


def summary(state: State) -> str:
    """Say where the whole study stands."""
    parts = [say("watch.finished", finished=state.finished, total=state.total)]
    parts += [say("watch.running", n=len(state.running))] if state.running else []
    parts += [say("watch.waiting", n=state.waiting)] if state.waiting else []
    parts += [say("watch.failed", n=len(state.failed))] if state.failed else []
    if state.working and state.seconds_left is not None:
        parts.append(say("watch.left", time=duration(state.seconds_left)))
    if not state.working:
        open_runs = state.finished + len(state.failed) < state.total
        parts.append(say("watch.stopped" if open_runs else "watch.ended"))
    return f"{state.name}: {say('words.comma').join(parts)}"


def print_ended(state: State, console: Console) -> None:
    """Print a line for each run that ended since the last look, above the table."""
    failed = dict(state.failed)
    for name in state.ended:
        console.print(harmless(_ended(name, failed.get(name))), markup=False, highlight=False)


def board(state: State) -> RenderableType:
    """Return the live table: what runs, how far it is, what went wrong, and the whole."""
    from rich import box
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for key, right in (("run", False), ("epoch", True), ("loss", True), ("best", True), ("time_left", True)):
        table.add_column(say(f"watch.heads.{key}"), justify="right" if right else "left", overflow="ellipsis")
    for one in state.running[:_MOST_RUNNING]:
        left = "" if one.seconds_left is None else duration(one.seconds_left)
        cells = (one.name, _count(one), _loss(one.validation), _loss(one.best), left)
        table.add_row(*(Text(harmless(cell)) for cell in cells))
    parts: list[Any] = [table] if state.running else []
    for name, error in state.failed[-_MOST_FAILED:]:
        parts.append(Text(harmless(_ended(name, error))))
    done = state.finished + len(state.failed)
    parts += [ProgressBar(total=max(1, state.total), completed=done, width=40), Text(harmless(summary(state)))]
    return Group(*parts)


def _ended(name: str, error: str | None) -> str:
    return say("watch.run_finished", name=name) if error is None else say("watch.run_failed", name=name, error=error)


def _epochs(one: Running) -> str:
    parts = [say("watch.epoch", count=_count(one))]
    parts += [] if one.validation is None else [say("watch.validation", loss=_loss(one.validation))]
    return say("words.comma").join(parts)


def _left(one: Running) -> str:
    return "" if one.seconds_left is None else say("words.comma") + say("watch.left", time=duration(one.seconds_left))


def _count(one: Running) -> str:
    return str(one.epoch) if one.epochs is None else f"{one.epoch}/{one.epochs}"


def _loss(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"


class Board:
    """The live table beside the study that it shows, in the study's own process."""

    def __init__(self, folder: Path, console: Console) -> None:
        from rich.live import Live

        self._view = StudyView(StudyFolder(folder))
        self._drawn: RenderableType = ""
        self._live = Live(
            console=console, get_renderable=self._draw, refresh_per_second=1 / LOOK_SECONDS, transient=True
        )

    def start(self) -> None:
        """Show the table."""
        self._live.start()

    def stop(self) -> None:
        """Remove it."""
        self._live.stop()

    def _draw(self) -> RenderableType:
        with suppress(GatewiseError, OSError):  # a file that is just being replaced: the next look sees it
            self._drawn = board(self._view.look())
        return self._drawn
