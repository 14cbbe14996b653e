"""Dropout masks that come from a generator, so that a run that goes on draws the same ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

#: Which rows of a batch are at hand, and how many it has in all, where several processes share it.
_ROWS: ContextVar[tuple[slice, int] | None] = ContextVar("rows", default=None)


@contextmanager
def rows_of_batch(rows: slice, total: int) -> Iterator[None]:
    """Draw masks for a batch of `total` rows while the block runs, and give of each only some `rows`.

    So a process that has a part of a batch drops what one with the whole batch would drop there.
    """
    token = _ROWS.set((rows, total))
    try:
        yield
    finally:
        _ROWS.reset(token)


def draw_mask(
    shape: tuple[int, ...] | torch.Size,
    rate: float,
    *,
    like: Tensor,
    generator: torch.Generator | None,
    batch_axis: int | None = 0,
) -> Tensor:
    """Return a mask of `shape` that is 0 with probability `rate` and 1 / (1 - rate) otherwise.

    It has the number format and place of `like`, but is drawn where the generator lives: a CPU generator gives the same
    masks whatever the device.
    """
    return draw_ones(shape, 1.0 - rate, like=like, generator=generator, batch_axis=batch_axis).div_(1.0 - rate)


def draw_ones(
    shape: tuple[int, ...] | torch.Size,
    chance: float,
    *,
    like: Tensor,
    generator: torch.Generator | None,
    batch_axis: int | None = 0,
) -> Tensor:
    """Return a tensor of `shape` that is 1 with probability `chance` and 0 otherwise, drawn as in `draw_mask`.

    Parameters
    ----------
    batch_axis
        Which axis counts the rows of the batch; None for a mask that all rows share.
    """
    place = like.device if generator is None else generator.device
    part = None if batch_axis is None else _ROWS.get()
    if part is None:
        drawn = torch.empty(shape, dtype=like.dtype, device=place).bernoulli_(chance, generator=generator)
        return drawn.to(like.device)
    (rows, total), axis = part, batch_axis or 0
    whole = [total if number == axis else size for number, size in enumerate(shape)]
    drawn = torch.empty(whole, dtype=like.dtype, device=place).bernoulli_(chance, generator=generator)
    return drawn.narrow(axis, rows.start, rows.stop - rows.start).clone().to(like.device)
