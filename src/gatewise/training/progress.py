"""What a person sees while a run trains; on standard error, and silent unless asked."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Protocol, TextIO

from gatewise.harmless import harmless


class Progress(Protocol):
    """Told by the loop where it is."""

    def work(self, what: str, done: int, total: int) -> None:
        """`done` of `total` pieces of some work before training are done."""

    def start(self, *, epochs: int | None, steps_per_epoch: int, steps_done: int) -> None:
        """Training begins or goes on; `epochs` is None when the clock ends it."""

    def step(self, *, epoch: int, loss: float) -> None:
        """One step was made; `loss` is the epoch's mean so far."""

    def end_epoch(self, row: Mapping[str, Any]) -> None:
        """An epoch ended; `row` is its row in the log."""

    def show(self, text: str) -> None:
        """Something to read has come of the training so far."""

    def tell(self, text: str) -> None:
        """What will take long, and how long, is known before it begins."""

    def stop(self) -> None:
        """Training ended, in whatever way."""


class Silent:
    """Say nothing: the library's default."""

    def work(self, what: str, done: int, total: int) -> None:
        """Say nothing."""

    def start(self, *, epochs: int | None, steps_per_epoch: int, steps_done: int) -> None:
        """Say nothing."""

    def step(self, *, epoch: int, loss: float) -> None:
        """Say nothing."""

    def end_epoch(self, row: Mapping[str, Any]) -> None:
        """Say nothing."""

    def show(self, text: str) -> None:
        """Say nothing."""

    def tell(self, text: str) -> None:
        """Say nothing."""

    def stop(self) -> None:
        """Say nothing."""


class Brief(Silent):
    """Only what will take long is said, before it begins: where nobody may be watching."""

    def tell(self, text: str) -> None:
        """Write the text."""
        sys.stderr.write(f"{harmless(text)}\n")
        sys.stderr.flush()


class Lines(Silent):
    """One line an epoch, for logs and continuous integration."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.epochs: int | None = 0
        self._tenths = 0

    def work(self, what: str, done: int, total: int) -> None:
        """Write a line at every tenth."""
        tenths = 10 * done // max(1, total)
        if tenths != self._tenths:
            self._tenths = tenths
            self.show(f"{what}  {done:,} of {total:,}")

    def start(self, *, epochs: int | None, steps_per_epoch: int, steps_done: int) -> None:  # noqa: ARG002 - one signature
        """Keep how many epochs there are at most."""
        self.epochs = epochs

    def end_epoch(self, row: Mapping[str, Any]) -> None:
        """Write the line."""
        validation = row["validation_loss"]
        parts = [f"epoch {row['epoch']}{_of(self.epochs)}", f"loss {row['train_loss']:.6g}"]
        parts += [] if validation is None else [f"validation {validation:.6g}"]
        parts += ["best" if row["best"] else "", f"{row['seconds']:.1f} s"]
        self.show("  ".join(part for part in parts if part))

    def show(self, text: str) -> None:
        """Write the text."""
        print(harmless(text), file=self.stream, flush=True)

    def tell(self, text: str) -> None:
        """Write the text."""
        self.show(text)


class Bar(Silent):
    """A bar with loss, best epoch and the most time that is left, for a terminal."""

    def __init__(self, name: str = "training") -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self.steps_per_epoch = 1
        self.epochs: int | None = 0
        self.best = ""
        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[text]}"),
            TextColumn("at most"),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task(name, text="", total=None)

    def work(self, what: str, done: int, total: int) -> None:
        """Show the bar of that work."""
        self._bar.update(self._task, total=total, completed=done, text=f"{what}  {done:,} of {total:,}")
        self._bar.start()

    def start(self, *, epochs: int | None, steps_per_epoch: int, steps_done: int) -> None:
        """Show the bar."""
        self.epochs, self.steps_per_epoch = epochs, steps_per_epoch
        self._bar.update(self._task, total=epochs and epochs * steps_per_epoch, completed=steps_done)
        self._bar.start()

    def step(self, *, epoch: int, loss: float) -> None:
        """Move the bar."""
        text = f"epoch {epoch}{_of(self.epochs)}  loss {loss:.5g}{self.best}"
        self._bar.update(self._task, advance=1, text=text)

    def end_epoch(self, row: Mapping[str, Any]) -> None:
        """Keep the best epoch."""
        if row["best"]:
            loss = row["train_loss"] if row["validation_loss"] is None else row["validation_loss"]
            self.best = f"  best {loss:.5g} (epoch {row['epoch']})"

    def show(self, text: str) -> None:
        """Write the text above the bar."""
        from rich.text import Text

        self._bar.console.print(Text(harmless(text)))

    def tell(self, text: str) -> None:
        """Write the text above the bar."""
        self.show(text)

    def stop(self) -> None:
        """Remove the bar."""
        self._bar.stop()


def _of(epochs: int | None) -> str:
    return "" if epochs is None else f"/{epochs}"


def choose_progress(name: str = "training", *, lines: bool = False) -> Progress:
    """Return a bar when standard error is a terminal, else lines when asked for, else only what will take long."""
    if sys.stderr.isatty():
        return Bar(name)
    return Lines() if lines else Brief()
