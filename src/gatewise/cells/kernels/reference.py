"""The readable loop over time: every cell, mask and option. Every other kernel is held against it."""

from __future__ import annotations

import torch
from torch import Tensor

from gatewise.cells.base import State
from gatewise.cells.kernels import Call, Kernel


class Reference(Kernel):
    """A loop over time, in Python."""

    @staticmethod
    def refusal(call: Call) -> str | None:  # noqa: ARG004 - it refuses none
        """Compute everything."""
        return None

    @staticmethod
    def run(call: Call) -> tuple[Tensor, State]:
        """Return the outputs ``(B, T, H)`` and the state after the last step."""
        cell, x, state, mask, recurrent_mask = call
        if mask is not None:
            # A NaN in the padding would reach the weights' gradient as 0 * NaN, though no output depends on it.
            x = torch.where(mask[:, :, None], x, 0.0)
        projected = cell.project(x)  # (B, T, gates * H): one product for all steps
        outputs = []
        # Cut once: the gradient of projected[:, t] would be a tensor of all steps, made anew at every step.
        for t, step in enumerate(projected.unbind(1)):
            new = cell.advance(step, state, recurrent_mask)
            state = new if mask is None else _where(mask[:, t], new, state)
            outputs.append(state[0])
        return torch.stack(outputs, dim=1), state


def _where(real: Tensor, new: State, old: State) -> State:
    """Take the new state where the element is real ``(B,)``, else leave the old one."""
    return tuple(
        torch.where(real.view(-1, *[1] * (after.dim() - 1)), after, before)
        for after, before in zip(new, old, strict=True)
    )
