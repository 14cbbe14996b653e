"""Cells that need no loop: their state enters its own update linearly, so all steps of a sequence go in parallel."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from gatewise.cells.base import Cell, State


class ParallelCell(Cell):
    """A cell that can compute all steps of a sequence at once.

    `update` stays the step; `parallel` must give what a loop over `update` gives, from any start state.
    """

    @abstractmethod
    def parallel(
        self, projected: Tensor, state: State, mask: Tensor | None, recurrent_mask: Tensor | None
    ) -> tuple[Tensor, State]:
        """Compute a whole sequence.

        Parameters
        ----------
        projected
            ``project(x)``, ``(B, T, ...)``; zeros stood in the padding of x.
        state
            Start state.
        mask
            ``(B, T)`` bool, True where an element is real; the state passes unchanged over the others.
        recurrent_mask
            Recurrent dropout, ``(B, H)``, or None.

        Returns
        -------
        y
            Output of every step, ``(B, T, H)``; a masked step repeats the output before it.
        state
            State after the last step.
        """


def repeat_over_padding(y: Tensor, h: Tensor, mask: Tensor) -> Tensor:
    """Return `y` in which a masked step repeats the output before it.

    Parameters
    ----------
    y
        Output of every step, ``(B, T, H)``; anything where the mask is False.
    h
        Output before the first step, ``(B, H)``.
    mask
        ``(B, T)`` bool, True where an element is real.
    """
    steps = torch.arange(1, y.shape[1] + 1, device=y.device)
    last_real = torch.where(mask, steps, 0).cummax(dim=1).values  # 0 where nothing real came before
    outputs = torch.cat([h[:, None], y], dim=1)
    return outputs.gather(1, last_real[:, :, None].expand_as(y))
