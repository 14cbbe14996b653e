"""Kernels: ways to compute a whole sequence of a cell. All of them compute the same function.

The table is ``gatewise.registry.KERNELS``, slowest first. A kernel joins by one line there (or by
``KERNELS.register``): a subclass of :class:`Kernel` that says which calls it cannot compute.
``tests/contract/test_kernel_contract.py`` then holds it against the reference loop.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast

from gatewise.errors import SettingsError
from gatewise.registry import KERNELS

if TYPE_CHECKING:
    from torch import Tensor

    from gatewise.cells.base import Cell, State
    from gatewise.cells.steps import CellSteps

#: For each part of the state what keeps its old value: 1 or 0 for each unit, the mean over all draws, or nothing.
Holds: TypeAlias = "tuple[Tensor | float | None, ...]"


class Call(NamedTuple):
    """One whole sequence to compute, already checked."""

    cell: Cell
    x: Tensor  # (B, T, I)
    state: State
    mask: Tensor | None  # (B, T) bool, True where an element is real
    recurrent_mask: Tensor | None  # (B, H), scaled; None where nothing is dropped
    dropped_kernel: Tensor | None = None  # recurrent weights of which some are dropped (weight drop), or None
    holds: Holds | None = None  # zoneout: (T, B, H) of ones and zeros while training, a mean in eval(), or None

    @property
    def recurrent_kernel(self) -> Tensor:
        """The recurrent weights of this call: what multiplies h."""
        return cast("Tensor", self.cell.recurrent_kernel) if self.dropped_kernel is None else self.dropped_kernel

    def pieces(self, steps: int) -> Iterator[Call]:
        """Yield the call in pieces of some steps, all with this call's start state."""
        for first in range(0, self.x.shape[1], steps):
            part = slice(first, first + steps)
            mask = None if self.mask is None else self.mask[:, part]
            yield self._replace(x=self.x[:, part], mask=mask, holds=self.holds_at(part))

    def holds_at(self, t: int | slice) -> Holds | None:
        """Return what is held in step `t`, ``(B, H)`` for each part of the state, or in some steps."""
        if self.holds is None:
            return None
        return tuple(share if share is None or isinstance(share, float) else share[t] for share in self.holds)


class Kernel(ABC):
    """A way to compute a whole sequence. It keeps nothing between calls."""

    @staticmethod
    @abstractmethod
    def refusal(call: Call) -> str | None:
        """Return why this kernel cannot compute the call, or None if it can."""

    @staticmethod
    @abstractmethod
    def run(call: Call) -> tuple[Tensor, State]:
        """Return the outputs ``(B, T, H)`` and the state after the last step."""

    @staticmethod
    def step(call: Call) -> State | None:  # noqa: ARG004 - for kernels that have such a form
        """Return the state after the call's only step, or None to leave it to the cell's ``update``."""
        return None

    @staticmethod
    def steps(cell: Cell, state: State) -> CellSteps | None:  # noqa: ARG004 - for kernels that have such a form
        """Return many single steps, prepared (:mod:`gatewise.cells.steps`), or None to leave them to the equations."""
        return None


def choose_kernel(call: Call) -> type[Kernel]:
    """Return the kernel that the cell names, or for "auto" the fastest that can compute the call.

    Raises
    ------
    SettingsError
        If the cell names a kernel that cannot compute this call; the message says why.
    """
    name = call.cell.kernel
    if name == "auto":
        # The table's first row is the reference loop, which computes everything.
        return next(kernel for kernel in map(_load, reversed(KERNELS.names())) if kernel.refusal(call) is None)
    kernel = _load(name)
    reason = kernel.refusal(call)
    if reason is not None:
        raise SettingsError(f"the kernel {name!r} cannot compute this call: {reason}. Use kernel='auto' or 'reference'")
    return kernel


def kernel_name(call: Call) -> str:
    """Return the name of the kernel that computes a call.

    Raises
    ------
    SettingsError
        If the cell names a kernel that cannot compute it.
    """
    chosen = choose_kernel(call)
    return next(name for name in KERNELS.names() if _load(name) is chosen)


def step_by_kernel(call: Call) -> State | None:
    """Return the state after a single step by the kernel that sequences take; None if it has no form for steps."""
    name = call.cell.kernel
    names = reversed(KERNELS.names()) if name == "auto" else [name]
    kernel = next((kernel for kernel in map(_load, names) if kernel.refusal(call) is None), None)
    return None if kernel is None else kernel.step(call)


def _load(name: str) -> type[Kernel]:
    return cast("type[Kernel]", KERNELS.load(name))
