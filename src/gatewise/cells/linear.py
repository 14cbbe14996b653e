"""Cells whose memory goes on elementwise and linearly: s_t = a_t * s_{t-1} + b_t, with a and b from the input."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor

from gatewise.cells.base import State, hold
from gatewise.cells.kernels import Holds
from gatewise.cells.parallel import ParallelCell, repeat_over_padding
from gatewise.cells.scan import linear_scan


class LinearCell(ParallelCell):
    """A cell whose equations are written once, for one step and for all steps at once.

    A subclass writes `coefficients`; and `read`, if its output is not the memory itself. The state is ``(h,)`` where
    the output is the memory, ``(h, s)`` where it is read from it. Nothing multiplies h, so recurrent dropout drops
    parts of what a step writes to the memory: a subclass multiplies its candidate with the mask.
    """

    recurrent_weights = ()

    @abstractmethod
    def coefficients(self, projected: Tensor, recurrent_mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return a and b of s_t = a_t * s_{t-1} + b_t.

        Parameters
        ----------
        projected
            ``project(x)``, ``(B, ...)`` for one step or ``(B, T, ...)`` for all of them.
        recurrent_mask
            Recurrent dropout that broadcasts to b, or None.
        """

    def read(self, projected: Tensor, s: Tensor) -> Tensor:  # noqa: ARG002 - the memory is all of it
        """Return the output of one step or of all of them, from the same step's memory."""
        return s

    def unpack(self, state: State) -> Tensor:
        """Return the memory s from a state."""
        return state[0] if self.state_names == ("h",) else state[1]

    def pack(self, y: Tensor, s: Tensor) -> State:
        """Return the state from one step's output and memory."""
        return (y,) if self.state_names == ("h",) else (y, s)

    def update(self, projected: Tensor, h: Tensor, state: State) -> State:  # noqa: ARG002 - nothing multiplies h
        """Compute one step in which nothing is dropped."""
        return self.compute_step(projected, state, None)

    def advance(
        self,
        projected: Tensor,
        state: State,
        recurrent_mask: Tensor | None,
        recurrent_kernel: Tensor | None = None,  # noqa: ARG002 - there is none
        holds: Holds | None = None,
    ) -> State:
        """Return the state after one step whose input is already projected and checked."""
        new = self.compute_step(projected, state, recurrent_mask)
        return new if holds is None else hold(holds, new, state)

    def compute_step(self, projected: Tensor, state: State, recurrent_mask: Tensor | None) -> State:
        """Compute one step, less what recurrent dropout drops."""
        a, b = self.coefficients(projected, recurrent_mask)
        s = a * self.unpack(state) + b
        return self.pack(self.read(projected, s), s)

    def parallel(
        self, projected: Tensor, state: State, mask: Tensor | None, recurrent_mask: Tensor | None
    ) -> tuple[Tensor, State]:
        """Compute a whole sequence."""
        a, b = self.coefficients(projected, None if recurrent_mask is None else recurrent_mask[:, None])
        s = linear_scan(a, b, self.unpack(state), mask)
        y = self.read(projected, s)
        if mask is not None and y is not s:
            y = repeat_over_padding(y, state[0], mask)
        return y, self.pack(y[:, -1], s[:, -1])


def dropped(candidate: Tensor, recurrent_mask: Tensor | None) -> Tensor:
    """Return what a step writes to its memory, less what recurrent dropout drops of it."""
    return candidate if recurrent_mask is None else candidate * recurrent_mask
