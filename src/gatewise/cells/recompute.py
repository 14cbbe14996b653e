"""Long sequences in little memory: pieces of a sequence are computed again when their gradient is due.

Only the states between pieces are kept (Chen et al. 2016, arXiv:1604.06174). ``torch.utils.checkpoint`` does this too,
but lets go of a piece's memory in a way that the C library does not use again: measured, it saved nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from gatewise.cells.kernels import Call, Kernel
from gatewise.cells.kernels.reference import gradients_by_loop
from gatewise.errors import SettingsError

if TYPE_CHECKING:
    from gatewise.cells.base import State


def run_in_pieces(kernel: type[Kernel], call: Call, steps: int) -> tuple[Tensor, State]:
    """Compute a call in pieces of some steps, keeping for the gradient what one piece needs.

    Returns
    -------
    y
        Outputs, ``(B, T, H)``.
    state
        State after the last step.

    Raises
    ------
    SettingsError
        If a weight of the cell is itself computed before every call.
    """
    made = [name for name, value in vars(call.cell).items() if isinstance(value, Tensor) and value.requires_grad]
    if made:  # torch.nn.utils.prune: what it was made from would get no gradient, and nobody would be told
        raise SettingsError(
            f"recompute_steps cannot follow {', '.join(made)} back to what it is computed from before every call: "
            "make the pruning permanent (torch.nn.utils.prune.remove), or leave recompute_steps out"
        )
    weights = list(call.cell.parameters())
    y, *state = _Pieces.apply(kernel, call, steps, call.x, call.dropped_kernel, *weights, *call.state)  # type: ignore[no-untyped-call]
    return y, tuple(state)


class _Pieces(torch.autograd.Function):
    """A whole sequence, piece by piece; autograd sees x, dropped weights or None, the cell's weights, the state."""

    @staticmethod
    def forward(ctx: Any, kernel: type[Kernel], call: Call, steps: int, *inputs: Tensor | None) -> tuple[Tensor, ...]:
        y = call.x.new_empty(*call.x.shape[:2], call.cell.output_size)
        state, starts = call.state, []
        for piece, part in zip(call.pieces(steps), torch.split(y, steps, dim=1), strict=True):
            starts.append(state)
            outputs, ends = kernel.run(piece._replace(state=state))
            part.copy_(outputs)
            state = tuple(end.clone() for end in ends)  # it may be a view that would keep the whole piece
        ctx.set_materialize_grads(False)
        ctx.kernel, ctx.call, ctx.steps, ctx.count = kernel, call, steps, len(inputs)
        ctx.save_for_backward(*inputs, *(part for start in starts[1:] for part in start))
        return y, *state

    @staticmethod
    def backward(ctx: Any, dy: Tensor | None, *d_state: Tensor | None) -> tuple[Tensor | None, ...]:
        saved, parts = ctx.saved_tensors, len(d_state)
        inputs, between = saved[: ctx.count], saved[ctx.count :]
        if torch.is_grad_enabled():  # a gradient of the gradient is wanted
            return (None, None, None, *_recorded(ctx.call, inputs, (dy, *d_state)))
        starts = [inputs[-parts:], *(between[first : first + parts] for first in range(0, len(between), parts))]
        pieces = list(ctx.call.pieces(ctx.steps))
        dys = [None] * len(pieces) if dy is None else torch.split(dy, ctx.steps, dim=1)
        dx: list[Tensor] = []
        sums: list[Tensor | None] = [None] * (len(inputs) - 1 - parts)
        for piece, start, d_piece in zip(reversed(pieces), reversed(starts), reversed(dys), strict=True):
            given = [piece.x, *inputs[1:-parts], *start]
            found = _gradients(ctx.kernel, piece, given, (d_piece, *d_state))
            dx.insert(0, torch.zeros_like(piece.x) if found[0] is None else found[0])
            sums = [_sum(total, one) for total, one in zip(sums, found[1:-parts], strict=True)]
            d_state = found[-parts:]
        return None, None, None, torch.cat(dx, dim=1), *sums, *d_state


def _sum(total: Tensor | None, one: Tensor | None) -> Tensor | None:
    if total is None or one is None:
        # A copy, because two weights that are added to each other have one tensor as their gradient.
        return total if one is None else one.clone()
    return total.add_(one)


class _Piece(nn.Module):
    """A call as a function of the cell's weights."""

    def __init__(self, kernel: type[Kernel], call: Call) -> None:
        super().__init__()
        self.cell, self.kernel, self.call = call.cell, kernel, call

    def forward(self, x: Tensor, dropped: Tensor | None, *state: Tensor) -> tuple[Tensor, ...]:
        y, end = self.kernel.run(self.call._replace(x=x, dropped_kernel=dropped, state=state))
        return y, *end


def _gradients(
    kernel: type[Kernel], call: Call, inputs: list[Tensor | None], grads: tuple[Tensor | None, ...]
) -> tuple[Tensor | None, ...]:
    """Compute a piece again, and return the gradients of what goes into it."""
    with torch.enable_grad():
        given = [None if one is None else one.detach().requires_grad_() for one in inputs]
        x, dropped, *rest = given
        names = [f"cell.{name}" for name, _ in call.cell.named_parameters()]
        weights = {name: weight for name, weight in zip(names, rest, strict=False) if weight is not None}
        outputs = functional_call(_Piece(kernel, call), weights, (x, dropped, *rest[len(names) :]))
    pairs = [(out, grad) for out, grad in zip(outputs, grads, strict=True) if grad is not None]
    wanted = [one for one in given if one is not None]
    outs, out_grads = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    found = iter(torch.autograd.grad(outs, wanted, out_grads, allow_unused=True))
    return tuple(None if one is None else next(found) for one in given)


def _recorded(
    call: Call, inputs: tuple[Tensor | None, ...], grads: tuple[Tensor | None, ...]
) -> tuple[Tensor | None, ...]:
    """Return gradients that are themselves differentiable, by the reference loop over the whole sequence."""
    x, dropped, *rest = inputs
    names = [name for name, _ in call.cell.named_parameters()]
    if dropped is None:
        dx, *others = gradients_by_loop(call, names, (x, *rest), grads)
        return dx, None, *others
    place = names.index("recurrent_kernel")
    dx, *others = gradients_by_loop(call, names, (x, *rest[:place], dropped, *rest[place + 1 :]), grads)
    return dx, others[place], *others[:place], None, *others[place + 1 :]
