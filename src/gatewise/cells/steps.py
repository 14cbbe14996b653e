"""Many single steps after training: what does not change from one step to the next is made once.

``Cell.step`` checks and prepares anew at every call, because anything may have changed since the last one. A text that
is written symbol by symbol takes thousands of steps with the same weights, the same batch and no gradient.
"""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from gatewise.cells.base import Cell, State
from gatewise.cells.kernels import Call, choose_kernel


class CellSteps(Protocol):
    """Steps of one cell; it carries the state."""

    def project(self, x: Tensor) -> Tensor:
        """Return what `advance` takes for inputs ``(N, I)``: the part of a step that depends on the input alone."""

    def advance(self, projected: Tensor) -> Tensor:
        """Take one step and return its output ``(B, H)``; `projected` may be overwritten, the output by the next."""

    def select(self, rows: Tensor) -> None:
        """Go on with some rows of the batch only."""

    @property
    def state(self) -> State:
        """The state after the last step, as ``Cell.step`` returns it; a copy."""


class EquationSteps:
    """Steps of any cell by its own equations."""

    def __init__(self, cell: Cell, state: State) -> None:
        self._cell, self._state = cell, state

    def project(self, x: Tensor) -> Tensor:
        """Return the cell's own part that depends on the input alone."""
        return self._cell.project(x)

    def advance(self, projected: Tensor) -> Tensor:
        """Take one step and return its output."""
        self._state = self._cell.advance(projected, self._state, None, None, self._cell.hold_rates)
        return self._state[0]

    def select(self, rows: Tensor) -> None:
        """Go on with some rows of the batch only."""
        self._state = tuple(part[rows] for part in self._state)

    @property
    def state(self) -> State:
        """The state after the last step."""
        return tuple(part.clone() for part in self._state)


def prepare_steps(cell: Cell, state: State) -> CellSteps:
    """Prepare steps from a state ``(B, ...)`` on, by the fastest way that the cell's `kernel` allows.

    The weights must not change, and no gradient passes: call it and the steps in ``torch.inference_mode()`` or
    ``torch.no_grad()``.

    Raises
    ------
    SettingsError
        If the cell names a kernel that cannot compute it.

    Examples
    --------
    >>> from gatewise.cells import create_cell
    >>> cell = create_cell("gru", input_size=2, units=3)
    >>> with torch.inference_mode():
    ...     steps = prepare_steps(cell, cell.initial_state(5))
    ...     y = steps.advance(steps.project(torch.ones(5, 2)))
    >>> tuple(y.shape)
    (5, 3)
    """
    x = state[0].new_zeros(state[0].shape[0], 1, cell.input_size)
    prepared = choose_kernel(Call(cell, x, state, None, None, None, cell.hold_rates)).steps(cell, state)
    return EquationSteps(cell, state) if prepared is None else prepared
