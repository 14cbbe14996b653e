"""How the learning rate moves: a factor on the base rate, by how far the run is or by what the validation loss does.

A new schedule is a function ``name(settings) -> Schedule`` and a line in ``gatewise.registry``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

from gatewise import registry
from gatewise.settings import TrainSettings


class Schedule(Protocol):
    """A factor on the learning rate."""

    def factor(self, share: float) -> float:
        """Return the factor when `share` of the run is done: 0 at the first step, never above 1."""

    def end_epoch(self, loss: float) -> None:
        """Take note of the loss that decides."""

    def state(self) -> dict[str, Any]:
        """Return what has to be kept to go on later, as plain JSON."""

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a kept state."""


def create_schedule(settings: TrainSettings) -> Schedule:
    """Make the schedule that ``settings.schedule`` names."""
    schedule: Schedule = registry.SCHEDULES.load(settings.schedule)(settings)
    return schedule


class Curve:
    """A schedule that depends on how far the run is, and on nothing else.

    Parameters
    ----------
    factor
        Factor at a share of the longest possible run, 0 to 1.
    """

    def __init__(self, factor: Callable[[float], float]) -> None:
        self.factor = factor

    def end_epoch(self, loss: float) -> None:
        """Nothing: the losses do not matter here."""

    def state(self) -> dict[str, Any]:
        """Return nothing: how far the run is says all."""
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

    def factor(self, share: float) -> float:  # noqa: ARG002 - the losses alone decide
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


def constant(settings: TrainSettings) -> Schedule:  # noqa: ARG001 - one signature for all
    """Keep the learning rate as it is."""
    return Curve(lambda _: 1.0)


def cosine(settings: TrainSettings) -> Schedule:  # noqa: ARG001 - one signature for all
    """Fall from 1 to 0 along half a cosine over the whole run (Loshchilov & Hutter 2017, eq. 5, without restarts)."""
    return Curve(lambda share: _between(1.0, 0.0, share))


def warmup_cosine(settings: TrainSettings) -> Schedule:  # noqa: ARG001 - one signature for all
    """Rise from 0 to 1 in a straight line over the first 10 % of the run, then fall to 0 along half a cosine.

    The rise of Goyal et al. 2017 (section 2.2) with the fall of Loshchilov & Hutter 2017.
    """
    rise = 0.1

    def factor(share: float) -> float:
        return share / rise if share < rise else _between(1.0, 0.0, (share - rise) / (1 - rise))

    return Curve(factor)


def one_cycle(settings: TrainSettings) -> Schedule:  # noqa: ARG001 - one signature for all
    """Rise from 1/25 to 1 over the first 30 % of the run, then fall to 0, each along half a cosine.

    Smith & Topin 2018, with the shares that fastai and torch made usual; ``learning_rate`` is the peak.
    """
    rise = 0.3

    def factor(share: float) -> float:
        if share < rise:
            return _between(1 / 25, 1.0, share / rise)
        return _between(1.0, 0.0, (share - rise) / (1 - rise))

    return Curve(factor)


def plateau(settings: TrainSettings) -> Schedule:
    """Halve the rate after half of early stopping's patience without improvement (5 epochs when there is none)."""
    patience = 10 if settings.patience is None else settings.patience
    return Plateau(max(1, patience // 2))


def _between(start: float, end: float, share: float) -> float:
    """Go from `start` to `end` along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
