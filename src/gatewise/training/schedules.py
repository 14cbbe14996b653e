"""How the learning rate moves: a factor on the base rate, by step or by what the validation loss does.

A new schedule is a function ``name(settings, steps_per_epoch) -> Schedule`` and a line in ``gatewise.registry``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

from gatewise import registry
from gatewise.settings import TrainSettings


class Schedule(Protocol):
    """A factor on the learning rate."""

    def factor(self, step: int) -> float:
        """Return the factor for a step; the run's first step is 0."""

    def end_epoch(self, loss: float) -> None:
        """Take note of the loss that decides."""

    def state(self) -> dict[str, Any]:
        """Return what has to be kept to go on later, as plain JSON."""

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a kept state."""


def create_schedule(settings: TrainSettings, steps_per_epoch: int) -> Schedule:
    """Make the schedule that ``settings.schedule`` names, over ``settings.epochs`` epochs."""
    schedule: Schedule = registry.SCHEDULES.load(settings.schedule)(settings, steps_per_epoch)
    return schedule


class Curve:
    """A schedule that depends on the step alone.

    Parameters
    ----------
    shape
        Factor at a share of all steps, 0 to 1.
    steps
        All steps of the longest possible run.
    """

    def __init__(self, shape: Callable[[float], float], steps: int) -> None:
        self.shape = shape
        self.steps = steps

    def factor(self, step: int) -> float:
        """Return the factor for a step."""
        return self.shape(min(step / self.steps, 1.0))

    def end_epoch(self, loss: float) -> None:
        """Nothing: the losses do not matter here."""

    def state(self) -> dict[str, Any]:
        """Return nothing: the step says all."""
        return {}

    def load_state(self, state: dict[str, Any]) -> None:
        """Nothing to do."""


class Plateau:
    """Halve the rate when the loss has not improved for some epochs in a row, then wait as long again."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.best = math.inf
        self.waited = 0
        self.halvings = 0

    def factor(self, step: int) -> float:  # noqa: ARG002 - the losses alone decide
        """Return the factor: a half to the power of the halvings so far."""
        return 0.5**self.halvings

    def end_epoch(self, loss: float) -> None:
        """Count an epoch without improvement."""
        self.waited = 0 if loss < self.best else self.waited + 1
        self.best = min(self.best, loss)
        if self.waited >= self.patience:
            self.halvings += 1
            self.waited = 0

    def state(self) -> dict[str, Any]:
        """Return best loss (None before the first), epochs waited and halvings."""
        best = None if math.isinf(self.best) else self.best
        return {"best": best, "waited": self.waited, "halvings": self.halvings}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a kept state."""
        self.best = math.inf if state["best"] is None else float(state["best"])
        self.waited = int(state["waited"])
        self.halvings = int(state["halvings"])


def constant(settings: TrainSettings, steps_per_epoch: int) -> Schedule:
    """Keep the learning rate as it is."""
    return Curve(lambda _: 1.0, settings.epochs * steps_per_epoch)


def cosine(settings: TrainSettings, steps_per_epoch: int) -> Schedule:
    """Fall from 1 to 0 along half a cosine over all epochs (Loshchilov & Hutter 2017, eq. 5, without restarts)."""
    return Curve(lambda share: _between(1.0, 0.0, share), settings.epochs * steps_per_epoch)


def one_cycle(settings: TrainSettings, steps_per_epoch: int) -> Schedule:
    """Rise from 1/25 to 1 over the first 30 % of the steps, then fall to 0, each along half a cosine.

    Smith & Topin 2018, with the shares that fastai and torch made usual; ``learning_rate`` is the peak.
    """
    rise = 0.3

    def shape(share: float) -> float:
        if share < rise:
            return _between(1 / 25, 1.0, share / rise)
        return _between(1.0, 0.0, (share - rise) / (1 - rise))

    return Curve(shape, settings.epochs * steps_per_epoch)


def plateau(settings: TrainSettings, steps_per_epoch: int) -> Schedule:  # noqa: ARG001 - one signature for all
    """Halve the rate after half of early stopping's patience without improvement (5 epochs when there is none)."""
    patience = 10 if settings.patience is None else settings.patience
    return Plateau(max(1, patience // 2))


def _between(start: float, end: float, share: float) -> float:
    """Go from `start` to `end` along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
