"""Kernels: ways to compute a whole sequence of a cell. All of them compute the same function.

The table is ``gatewise.registry.KERNELS``, slowest first. A kernel joins by one line there (or by
``KERNELS.register``): a subclass of :class:`Kernel` that says which calls it cannot compute.
``tests/contract/test_kernel_contract.py`` then holds it against the reference loop.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple, cast

from gatewise.errors import SettingsError
from gatewise.registry import KERNELS

if TYPE_CHECKING:
    from torch import Tensor

    from gatewise.cells.base import Cell, State


class Call(NamedTuple):
    """One whole sequence to compute, already checked."""

    cell: Cell
    x: Tensor  # (B, T, I)
    state: State
    mask: Tensor | None  # (B, T) bool, True where an element is real
    recurrent_mask: Tensor | None  # (B, H), scaled; None where nothing is dropped


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


def _load(name: str) -> type[Kernel]:
    return cast("type[Kernel]", KERNELS.load(name))
