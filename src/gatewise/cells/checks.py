"""What a cell checks before it computes: one clear sentence instead of a shape error from inside a product."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor, nn

from gatewise.errors import InputError, SettingsError
from gatewise.registry import KERNELS

if TYPE_CHECKING:
    from gatewise.cells.base import Cell


class TakesInputs(Protocol):
    """A cell, or a stack of cells."""

    input_size: int

    def parameters(self) -> Iterator[nn.Parameter]:
        """Return its weights, whose number format and place the inputs must have."""


def count(name: str, value: object, *, least: int = 1) -> int:
    """Return a whole number of at least 1, or `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        raise SettingsError(f"{name} must be a whole number of at least {least} (found {value!r})")
    return int(value)


def flag(name: str, value: object) -> bool:
    """Return a yes or no."""
    if not isinstance(value, bool):
        raise SettingsError(f"{name} must be true or false (found {value!r})")
    return value


def number(name: str, value: object) -> float:
    """Return a finite number."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(float(value)):
        raise SettingsError(f"{name} must be a finite number (found {value!r})")
    return float(value)


def rate(name: str, value: object) -> float:
    """Return a share of what is dropped."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0.0 <= float(value) < 1.0:
        raise SettingsError(f"{name} must be a share from 0 to below 1 (found {value!r})")
    return float(value)


def number(name: str, value: object) -> float:
    """Return a finite number."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(float(value)):
        raise SettingsError(f"{name} must be a finite number (found {value!r})")
    return float(value)


def choice(name: str, value: object, known: Sequence[str]) -> str:
    """Return one of the `known` words."""
    if value not in known:
        raise SettingsError(f"{name} must be one of {', '.join(known)} (found {value!r})")
    return str(value)


def heads(value: object, units: int) -> int:
    """Return a number of heads that divides the units."""
    number = count("heads", value)
    if units % number:
        fit = ", ".join(str(one) for one in range(1, units + 1) if units % one == 0)
        raise SettingsError(f"heads must divide the {units} units (found {number}): take one of {fit}")
    return number


def kernel_name(value: str) -> str:
    """Return "auto" or the name of a kernel that exists."""
    if value != "auto":
        KERNELS.entry(value)
    return value


def inputs(x: object, *, rank: int, cell: TakesInputs) -> None:
    """Refuse inputs that are not ``(B, T, I)`` (rank 3) or ``(B, I)`` (rank 2) in the weights' format and place."""
    shape = "(B, T, I)" if rank == 3 else "(B, I)"
    if not isinstance(x, Tensor):
        raise InputError(f"x must be a tensor of shape {shape} (found {type(x).__name__})")
    if x.dim() != rank:
        raise InputError(f"x must have shape {shape} (found {tuple(x.shape)})")
    if x.shape[-1] != cell.input_size:
        raise InputError(
            f"x must have {cell.input_size} features in its last place (found {x.shape[-1]}, shape {tuple(x.shape)})"
        )
    if rank == 3 and x.shape[1] == 0:
        raise InputError(f"x must have at least one step (found shape {tuple(x.shape)})")
    _same_kind("x", x, next(cell.parameters()))


def state(given: object, x: Tensor, *, cell: Cell) -> tuple[Tensor, ...]:
    """Return the state as a tuple, or refuse what does not fit the cell and the batch."""
    names = ", ".join(cell.state_names)
    if isinstance(given, Tensor) or not isinstance(given, Sequence):
        raise InputError(f"state must be a tuple ({names},) of tensors (found {type(given).__name__})")
    if len(given) != len(cell.state_names):
        raise InputError(f"state must have {len(cell.state_names)} part(s) ({names}) (found {len(given)})")
    for name, part, size in zip(cell.state_names, given, cell.state_sizes, strict=True):
        if not isinstance(part, Tensor) or tuple(part.shape) != (x.shape[0], *size):
            found = tuple(part.shape) if isinstance(part, Tensor) else type(part).__name__
            raise InputError(f"state {name} must have shape {(x.shape[0], *size)} (found {found})")
        _same_kind(f"state {name}", part, next(cell.parameters()))
    return tuple(given)


def mask(given: object, x: Tensor) -> None:
    """Refuse a mask that is not ``(B, T)`` bool beside `x`."""
    if not isinstance(given, Tensor) or given.dtype is not torch.bool:
        found = given.dtype if isinstance(given, Tensor) else type(given).__name__
        raise InputError(f"mask must be a bool tensor, True where an element is real (found {found})")
    if given.shape != x.shape[:2]:
        raise InputError(f"mask must have shape (B, T) = {tuple(x.shape[:2])} (found {tuple(given.shape)})")
    if given.device != x.device:
        raise InputError(f"mask is on {given.device} and x on {x.device}: move one of them")


def _same_kind(name: str, tensor: Tensor, weight: Tensor) -> None:
    if tensor.device != weight.device:
        raise InputError(f"{name} is on {tensor.device} and the cell on {weight.device}: move one of them")
    # Under autocast torch mixes formats on purpose and converts them itself.
    if tensor.dtype != weight.dtype and not torch.is_autocast_enabled(weight.device.type):
        raise InputError(f"{name} is {tensor.dtype} and the cell {weight.dtype}: convert one, e.g. with .to()")
