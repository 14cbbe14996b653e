"""The readable loop over time: every cell, mask and option. Every other kernel is held against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

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
        cell, x, state, mask = call[:4]
        if mask is not None:
            # A NaN in the padding would reach the weights' gradient as 0 * NaN, though no output depends on it.
            x = torch.where(mask[:, :, None], x, 0.0)
        projected = cell.project(x)  # (B, T, gates * H): one product for all steps
        outputs = []
        # Cut once: the gradient of projected[:, t] would be a tensor of all steps, made anew at every step.
        for t, step in enumerate(projected.unbind(1)):
            new = cell.advance(step, state, call.recurrent_mask, call.dropped_kernel, call.holds_at(t))
            state = new if mask is None else _where(mask[:, t], new, state)
            outputs.append(state[0])
        return torch.stack(outputs, dim=1), state


def _where(real: Tensor, new: State, old: State) -> State:
    """Take the new state where the element is real ``(B,)``, else leave the old one."""
    return tuple(
        torch.where(real.view(-1, *[1] * (after.dim() - 1)), after, before)
        for after, before in zip(new, old, strict=True)
    )


class _Loop(nn.Module):
    """The loop as a function of a cell's weights."""

    def __init__(self, call: Call) -> None:
        super().__init__()
        self.cell = call.cell
        self.call = call

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        # Dropped weights stand in the place of the cell's own here, so that they get their gradient.
        return Reference.run(self.call._replace(x=x, state=state, dropped_kernel=None))


def gradients_by_loop(
    call: Call, names: Sequence[str], inputs: tuple[Any, ...], grads: tuple[Tensor | None, ...]
) -> tuple[Tensor | None, ...]:
    """Return the gradients of a fast kernel's inputs as this loop gives them, themselves differentiable.

    Parameters
    ----------
    names
        The cell's weights that the kernel takes.
    inputs
        x, these weights (None for one that the cell has not), the state.
    grads
        Gradients of the outputs and of each part of the last state; None for zeros.
    """
    # Views, each with its own gradient: one tensor may have come as two inputs, h and c for example.
    inputs = tuple(None if one is None else one.view_as(one) for one in inputs)
    weights = {f"cell.{name}": one for name, one in zip(names, inputs[1:], strict=False) if one is not None}
    start = tuple(one for one in inputs[1 + len(names) :] if one is not None)
    y, state = functional_call(_Loop(call), weights, (inputs[0], start))
    pairs = [(out, grad) for out, grad in zip((y, *state), grads, strict=False) if grad is not None]
    wanted = [one for one in inputs if one is not None and one.requires_grad]
    outs, out_grads = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    found = iter(torch.autograd.grad(outs, wanted, out_grads, create_graph=True, allow_unused=True))
    return tuple(next(found) if one is not None and one.requires_grad else None for one in inputs)
