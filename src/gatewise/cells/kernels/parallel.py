"""All steps at once, for cells whose state enters its own update linearly."""

from __future__ import annotations

import torch
from torch import Tensor

from gatewise.cells.base import State
from gatewise.cells.kernels import Call, Kernel
from gatewise.cells.parallel import ParallelCell


class Parallel(Kernel):
    """The cell's own ``parallel``: products over all steps, and a scan or chunks in place of the loop."""

    @staticmethod
    def refusal(call: Call) -> str | None:
        """Refuse cells that have no parallel form."""
        if not isinstance(call.cell, ParallelCell):
            return f"the cell {type(call.cell).__name__} has no parallel form"
        if call.dropped_kernel is not None or call.holds is not None:
            return "the parallel form has no weight drop and no zoneout"
        return None

    @staticmethod
    def run(call: Call) -> tuple[Tensor, State]:
        """Return the outputs ``(B, T, H)`` and the state after the last step."""
        cell, x, state, mask, recurrent_mask = call[:5]
        assert isinstance(cell, ParallelCell)
        if mask is not None:
            # A NaN in the padding would reach the weights' gradient as 0 * NaN, though no output depends on it.
            x = torch.where(mask[:, :, None], x, 0.0)
        return cell.parallel(cell.project(x), state, mask, recurrent_mask)
