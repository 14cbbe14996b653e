"""Dropout (Srivastava et al. 2014) whose masks come from a generator of its own."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gatewise.cells import checks
from gatewise.cells.dropout import draw_mask


class Dropout(nn.Module):
    """Set a share of the values to zero while training and scale the rest, so that the mean stays.

    Parameters
    ----------
    rate
        Share that is dropped, 0 <= rate < 1.
    mask
        "step": every value on its own; "sequence": one mask ``(B, 1, F)`` for all steps of ``(B, T, F)``
        (Gal & Ghahramani 2016); "symbol": one value ``(B, T, 1)`` for all of a step.
    generator
        Draws the masks; torch's global generator when absent.

    Raises
    ------
    SettingsError
        If a value cannot be used.
    """

    def __init__(self, rate: float, *, mask: str = "step", generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.rate = checks.rate("dropout rate", rate)
        self.mask = checks.choice("dropout mask", mask, ("step", "sequence", "symbol"))
        self.generator = generator

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` with values dropped, or `x` itself in ``eval()``."""
        if not self.training or self.rate == 0.0:
            return x
        shape = tuple(x.shape)
        if self.mask == "sequence":
            shape = (x.shape[0], 1, x.shape[2])
        elif self.mask == "symbol":
            shape = (*x.shape[:-1], 1)
        return x * draw_mask(shape, self.rate, like=x, generator=self.generator)

    def extra_repr(self) -> str:
        """Say rate and mask when printed."""
        return f"{self.rate}, mask={self.mask!r}"
