"""What all compiled loops share: how autograd runs them, and the memory around a sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gatewise.cells.kernels import Call
from gatewise.cells.kernels.library import pool
from gatewise.cells.kernels.reference import gradients_by_loop


class Loops(NamedTuple):
    """A compiled loop over a sequence, forwards and backwards."""

    #: The cell's weights that it takes, in this order, between x and the state.
    weights: tuple[str, ...]
    #: (call, x, *weights, *state) -> what it made, time-major, by the names of ``library.Sequence``, h and c among it.
    forward: Callable[..., dict[str, Any]]
    #: (call, inputs, made, gradients of y and the last state, whether x wants one) -> gradients of the inputs.
    backward: Callable[..., tuple[Tensor | None, ...]]


class CompiledSequence(torch.autograd.Function):
    """A whole sequence with its gradients; where gradients of those are asked for, the reference loop records it."""

    @staticmethod
    def forward(ctx: Any, loops: Loops, call: Call, *inputs: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return y ``(B, T, H)``, h and, where the cell has one, c after the last step."""
        made = loops.forward(call, *inputs)
        ctx.set_materialize_grads(False)
        ctx.loops, ctx.call, ctx.count = loops, call, len(inputs)
        ctx.names, ctx.fresh = list(made), iter((True,))
        ctx.save_for_backward(*inputs, *made.values())
        hs, cs = made["h"], made["c"]
        return hs[1:].transpose(0, 1), hs[-1].clone(), None if cs is None else cs[-1].clone()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients of everything that `forward` took."""
        saved = ctx.saved_tensors  # asked for once: recomputing allows no more
        loops, inputs = ctx.loops, saved[: ctx.count]
        if torch.is_grad_enabled():  # a gradient of the gradient is wanted
            return None, None, *gradients_by_loop(ctx.call, loops.weights, inputs, grads)
        made = dict(zip(ctx.names, saved[ctx.count :], strict=True))
        # The gates' gradients take the gates' place when these are first asked for; of two threads, one is first.
        if not next(ctx.fresh, False):
            made = loops.forward(ctx.call, *inputs)
        return None, None, *loops.backward(ctx.call, inputs, made, grads, ctx.needs_input_grad[2])


def from_start(state: Tensor, steps: int) -> Tensor:
    """Return room for the state of all steps ``(T + 1, B, H)``, the first filled in."""
    room = pool.take(steps + 1, *state.shape)
    room[0] = state
    return room


def entering(hs: Tensor, drop: Tensor | None) -> Tensor:
    """Return room for the h that enters each step's products, ``(T, B, H)``: `hs` itself where nothing is dropped."""
    if drop is None:
        return hs[:-1]
    room = torch.empty_like(hs[:-1])
    torch.mul(hs[0], drop, out=room[0])
    return room


def end_gradients(grads: tuple[Tensor | None, ...], h: Tensor, c: Tensor | None) -> dict[str, Any]:
    """Return the gradients of y and of the last state as a loop takes them, in memory that it may change."""
    dy, dh, dc = (*grads, None)[:3]
    if dy is not None and dy.stride(2) != 1:
        dy = dy.contiguous()
    return {
        "dy": dy,
        "dy_step": 0 if dy is None else dy.stride(1),
        "dy_row": 0 if dy is None else dy.stride(0),
        "dh": _own_copy(dh, h),
        "dc": None if c is None else _own_copy(dc, c),
        "room": torch.empty_like(h, memory_format=torch.contiguous_format),
    }


def _own_copy(gradient: Tensor | None, state: Tensor) -> Tensor:
    if gradient is None:
        return torch.zeros_like(state, memory_format=torch.contiguous_format)
    return gradient.clone(memory_format=torch.contiguous_format)
