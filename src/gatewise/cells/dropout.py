"""Dropout masks that come from a generator, so that a run that goes on draws the same ones."""

from __future__ import annotations

import torch
from torch import Tensor


def draw_mask(
    shape: tuple[int, ...] | torch.Size, rate: float, *, like: Tensor, generator: torch.Generator | None
) -> Tensor:
    """Return a mask of `shape` that is 0 with probability `rate` and 1 / (1 - rate) otherwise.

    It has the number format and place of `like`, but is drawn where the generator lives: a CPU generator gives the same
    masks whatever the device.
    """
    return draw_ones(shape, 1.0 - rate, like=like, generator=generator).div_(1.0 - rate)


def draw_ones(
    shape: tuple[int, ...] | torch.Size, chance: float, *, like: Tensor, generator: torch.Generator | None
) -> Tensor:
    """Return a tensor of `shape` that is 1 with probability `chance` and 0 otherwise, drawn as in `draw_mask`."""
    place = like.device if generator is None else generator.device
    return torch.empty(shape, dtype=like.dtype, device=place).bernoulli_(chance, generator=generator).to(like.device)
