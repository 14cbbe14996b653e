"""One training over several processes: each works on its rows of every batch, and all of them make the same step.

All processes take the same batches in the same order as one process would. A step's gradient is the sum over the
processes, each part weighted by what its mean loss divides by: that of the whole batch, but for the order of sums.
Dropout masks are drawn for the whole batch, by every process, and each takes its rows of them. What a process may
decide for itself (stop, save, the clock) comes from process 0 or is added up, so that all decide alike.

On CPUs the sums go through gloo, on GPUs through NCCL; what a task knows of it is :func:`own_rows` and :func:`summed`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch import distributed as dist

from gatewise.cells.dropout import rows_of_batch
from gatewise.errors import GatewiseError
from gatewise.training.checkpoint import Checkpoint, pack, unpack
from gatewise.training.task import SharedTask

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store

Array = TypeVar("Array", bound=NDArray[Any])

#: Longest silence of a process that lives; one that has died is noticed at once, by its connections.
SILENCE = timedelta(minutes=10)
#: Longest wait for process 0 to have read, encoded, prepared or judged everything.
PREPARING = timedelta(days=7)


def part_of(size: int, rank: int, processes: int) -> slice:
    """Return the rows of one process: as many for each as can be, one after the other.

    Examples
    --------
    >>> [part_of(5, rank, 2) for rank in range(2)]
    [slice(0, 2, None), slice(2, 5, None)]
    """
    return slice(size * rank // processes, size * (rank + 1) // processes)


@dataclass(frozen=True)
class Share:
    """What one process has of a batch.

    Attributes
    ----------
    key
        Key of its rows.
    rows
        Which they are.
    total
        Rows of the whole batch.
    idle
        There are fewer rows than processes, and this one has none: it goes along with the first, which then counts
        for nothing, so that every process draws the same random numbers.
    """

    key: Any
    rows: slice
    total: int
    idle: bool

    @contextmanager
    def masks(self) -> Iterator[None]:
        """Let dropout masks be this share's rows of the whole batch's while the block runs."""
        with rows_of_batch(self.rows, self.total):
            yield


@dataclass
class Group:
    """The processes of a training, seen from one of them.

    Attributes
    ----------
    rank, processes
        Which one this is, counted from 0, and how many there are.
    store
        Where they leave each other words.
    lost
        Says who is gone, when the others cannot be reached.
    helps
        Whether this one does nothing but train.
    asked, due, seconds
        What came of the last step: whether one was asked to stop, and whether process 0 wants a checkpoint, and its
        clock.
    """

    rank: int
    processes: int
    store: Store
    lost: Callable[[], str]
    helps: bool = False
    asked: bool = False
    due: bool = False
    seconds: float = 0.0
    _said: int = field(default=0, init=False)
    _met: int = field(default=0, init=False)

    def meet(self) -> None:
        """Wait until process 0 comes to train, which may have had a model to judge since the last time."""
        self._met += 1
        key = f"met/{self._met}"
        with self._reaching():
            if self.rank == 0:
                self.store.set(key, "")
            else:
                self.store.wait([key], PREPARING)

    def begin(self, network: nn.Module, seconds: float) -> None:
        """Begin where process 0 does: its weights (other machines may draw others) and its clock."""
        self.asked, self.due, self.seconds = False, False, seconds
        for weight in network.parameters():
            if weight.requires_grad:
                self._broadcast(weight.detach())

    def share(self, task: SharedTask, key: Any) -> Share:
        """Return what this process has of the batch of a key."""
        total = task.rows_of(key)
        rows = part_of(total, self.rank, self.processes)
        idle = rows.start == rows.stop
        rows = slice(0, 1) if idle else rows
        return Share(task.share(key, rows), rows, total, idle)

    def combine(
        self, network: nn.Module, loss: float, weight: float, *, asked: bool, due: bool, seconds: float
    ) -> float:
        """Turn the gradients of the processes into that of the whole batch, and return its loss.

        When the loss is not finite, the gradients are left as they are.

        Parameters
        ----------
        loss, weight
            Mean loss of this process's rows, and what that mean divides by.
        asked, due, seconds
            This process's wish to stop, to save, and its clock; the last two count in process 0.
        """
        first = self.rank == 0
        wishes = [float(asked), float(due and first), seconds if first else 0.0]
        # before the gradients: a process that is gone is noticed here, where gloo says so and NCCL would wait
        told = self.sum(np.array([loss * weight if weight else 0.0, weight, *wishes]))
        self.asked, self.due, self.seconds = told[2] > 0, told[3] > 0, float(told[4])
        total = float(told[1])
        value = float(told[0]) / total if total else 0.0
        if math.isfinite(value):
            self._sum_gradients(network, weight / total if total else 0.0)
        return value

    def _sum_gradients(self, network: nn.Module, scale: float) -> None:
        grads = [weight.grad for weight in network.parameters() if weight.grad is not None]
        flat = torch.cat([grad.reshape(-1) for grad in grads]).mul_(scale)
        self._all_reduce(flat)
        for grad, whole in zip(grads, torch.split(flat, [grad.numel() for grad in grads]), strict=True):
            grad.copy_(whole.view_as(grad))

    def sum(self, values: Array) -> Array:
        """Return the sum of the processes' arrays, the same in each to the last bit."""
        tensor = torch.from_numpy(values.copy())
        self._all_reduce(tensor)
        summed: Array = tensor.numpy()  # type: ignore[assignment]
        return summed

    def gather_rows(self, network: nn.Module) -> None:
        """Give every process the carried state of all rows, of which each had its own (``network.carried``)."""
        carried = getattr(network, "carried", None)
        for buffer in [] if carried is None else carried.buffers():
            own = part_of(len(buffer), self.rank, self.processes)
            buffer[: own.start], buffer[own.stop :] = 0, 0
            self._all_reduce(buffer)

    def agree(self, value: float | None) -> float | None:
        """Return what process 0 has."""
        tensor = torch.tensor([math.nan if value is None else value, float(value is None)], dtype=torch.float64)
        self._broadcast(tensor)
        return None if tensor[1] else float(tensor[0])

    def checkpoint_of_first(self, checkpoint: Checkpoint | None) -> Checkpoint | None:
        """Return the checkpoint that process 0 has read."""
        content = pack(checkpoint.tensors, checkpoint.facts) if checkpoint and self.rank == 0 else b""
        size = torch.tensor([len(content)])
        self._broadcast(size)
        if not int(size):
            return None
        tensor = torch.frombuffer(bytearray(content or int(size)), dtype=torch.uint8)
        self._broadcast(tensor)
        return checkpoint if self.rank == 0 else Checkpoint(*unpack(tensor.numpy().tobytes()))

    def say(self, text: str) -> list[str]:
        """Return what every process says."""
        self._said += 1
        keys = [f"said/{self._said}/{rank}" for rank in range(self.processes)]
        with self._reaching():
            self.store.set(keys[self.rank], text)
            return [self.store.get(key).decode() for key in keys]

    def _all_reduce(self, tensor: Tensor) -> None:
        with self._reaching():
            dist.all_reduce(tensor)

    def _broadcast(self, tensor: Tensor) -> None:
        with self._reaching():
            dist.broadcast(tensor, src=0)

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:  # gloo, NCCL and the store have no narrower one in common
            if os.environ.get("GATEWISE_DEBUG"):
                raise
            raise GatewiseError(
                f"{self.lost()}; what was learned up to the last checkpoint is kept: the same command goes on with it"
            ) from error


_ACTIVE: ContextVar[Group | None] = ContextVar("group", default=None)


@contextmanager
def active(group: Group) -> Iterator[None]:
    """Let :func:`own_rows` and :func:`summed` share between the processes while the block runs."""
    token = _ACTIVE.set(group)
    try:
        yield
    finally:
        _ACTIVE.reset(token)


def own_rows(size: int, *, together: int = 1) -> slice:
    """Return which of `size` rows this process validates; all of them where it trains alone.

    Parameters
    ----------
    together
        Rows that must not be taken apart, counted from the first.

    Examples
    --------
    >>> own_rows(10)
    slice(0, 10, None)
    """
    group = _ACTIVE.get()
    if group is None:
        return slice(0, size)
    part = part_of(-(-size // together), group.rank, group.processes)
    return slice(min(size, part.start * together), min(size, part.stop * together))


def summed(values: Array) -> Array:
    """Return the sum over the processes; the values themselves where this one trains alone."""
    group = _ACTIVE.get()
    return values if group is None else group.sum(values)
