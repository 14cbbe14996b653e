"""Cells that need no loop: their state enters its own update linearly, so all steps of a sequence go in parallel."""

from __future__ import annotations

from abc import abstractmethod

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
