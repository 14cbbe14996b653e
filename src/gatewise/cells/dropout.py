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
    place = like.device if generator is None else generator.device
    mask = torch.empty(shape, dtype=like.dtype, device=place).bernoulli_(1.0 - rate, generator=generator)
    return mask.div_(1.0 - rate).to(like.device)
