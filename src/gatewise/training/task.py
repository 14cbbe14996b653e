"""What the training loop knows of a job, and of whoever looks on: these protocols and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn


class TrainingTask(Protocol):
    """A job, as the loop sees it.

    The order of the batches is a pure function of a generator that the loop seeds anew for every epoch, so that a run
    that was stopped in the middle of an epoch finds its place again. A task keeps no state of its own between
    batches; what has to last from batch to batch (a carried recurrent state) is a buffer of the network, which the
    checkpoint saves with the weights.

    Dropout masks are drawn from ``network.dropout_generator`` (a ``torch.Generator``, or None), whose state the loop
    saves; a network without that attribute must not draw random numbers.

    A state that is carried has a row for each row of a batch and lies in ``network.carried`` (a module of buffers), so
    that processes which share the rows can bring it together.

    A task may have an attribute ``figures``: what it measured in its last ``validation_loss`` besides, by name; the log
    has them in the epoch's row.
    """

    def plan(self, generator: torch.Generator) -> Sequence[Any]:
        """Return the keys of one epoch's batches in order, e.g. a list of index arrays; every epoch has as many."""

    def batch(self, key: Any) -> Any:
        """Return the batch of a key: a tensor, or tuples, lists and dicts of tensors.

        The loop moves them to the device and turns floating tensors into the precision of the weights.
        """

    def batch_size_of(self, key: Any) -> int:
        """Return how many examples the batch of a key has: its weight in the epoch's mean loss."""

    def loss(self, network: nn.Module, batch: Any) -> Tensor:
        """Return the mean loss of a batch, a scalar; the network is in training mode."""

    def validation_loss(self, network: nn.Module) -> float | None:
        """Return the mean loss of the validation part, or None when there is none.

        The network is in evaluation mode and no gradients are kept. The task brings its own tensors to the device,
        e.g. by :func:`gatewise.training.place`.
        """


@runtime_checkable
class SharedTask(TrainingTask, Protocol):
    """A job whose batches several processes can share (:mod:`gatewise.training.distributed`).

    Its ``validation_loss`` may share its work too, by :func:`own_rows` and :func:`summed` of that module.
    """

    def rows_of(self, key: Any) -> int:
        """Return how many rows the batch of a key can be cut into."""

    def share(self, key: Any, rows: slice) -> Any:
        """Return the key of some rows of a batch, which are what they are in the whole, padding too."""

    def weight(self, batch: Any) -> float:
        """Return what the mean loss of a batch divides by, e.g. its rows."""


class Watcher(Protocol):
    """Looks at a network while it learns, and leaves it and every random number as they were."""

    def due(self, before: float, now: float) -> bool:
        """Return whether to look, when a step took the training from `before` to `now` seconds."""

    def look(self, network: nn.Module, *, epoch: int, step: int, seconds: float) -> None:
        """Look at the network, which is as it would be used if training ended now; no gradients are kept."""
