"""SimpleRNN, GRU and LSTM by the compiled part: masks, dropout, zoneout and given states on one fast path.

What needs no step before it is one large product over all steps: the inputs' part of the gates before the loop, the
gradients of all weights after it. The loop itself, products and gates, is ``csrc/recurrence.c``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import linear

from gatewise.cells.base import State
from gatewise.cells.gru import GRU
from gatewise.cells.kernels import Call, Kernel
from gatewise.cells.kernels.library import Library, library, pool
from gatewise.cells.kernels.reference import Reference
from gatewise.cells.lstm import LSTM
from gatewise.cells.rnn import SimpleRNN

#: Fewer steps than this use the weights as they stand: packing them would cost more than it saves.
_STEPS_TO_PACK_FOR = 4
#: Up to this many inputs are multiplied in the loop: a product with few columns is slow.
_FEW_INPUTS = 8


class Native(Kernel):
    """Our own loops in C, for AVX2 and AVX-512."""

    @staticmethod
    def refusal(call: Call) -> str | None:
        """Refuse other cells, devices and number formats, and what could not be recorded."""
        kind = type(call.cell)
        if kind not in (SimpleRNN, GRU, LSTM):  # a subclass may have changed the equations
            return f"there is no compiled loop for the cell {kind.__name__}"
        if call.x.device.type != "cpu":
            return f"it computes on the CPU and x is on {call.x.device}"
        if call.x.dtype is not torch.float32 or torch.is_autocast_enabled("cpu"):
            return "it computes in float32"
        if torch.compiler.is_compiling() or torch.jit.is_tracing():
            return "it cannot be traced"
        if library() is None:
            return "the compiled part is not there (see gatewise doctor)"
        return None

    @staticmethod
    def run(call: Call) -> tuple[Tensor, State]:
        """Return the outputs ``(B, T, H)`` and the state after the last step."""
        cell = call.cell
        assert isinstance(cell, SimpleRNN | GRU | LSTM)
        recurrent_bias = cell.recurrent_bias if isinstance(cell, GRU) else None
        c = call.state[1] if isinstance(cell, LSTM) else None
        weights = (cell.input_kernel, cell.recurrent_kernel, cell.bias, recurrent_bias)
        y, *state = Recurrence.apply(call, call.x, *weights, call.state[0], c)
        return y, tuple(part for part in state if part is not None)


class Recurrence(torch.autograd.Function):
    """A whole sequence with its gradients; where gradients of those are asked for, the reference loop records it."""

    @staticmethod
    def forward(
        ctx: Any,
        call: Call,
        x: Tensor,  # (B, T, I)
        W: Tensor,  # (G H, I)
        U: Tensor,  # (G H, H)
        b: Tensor,  # (G H,)
        d: Tensor | None,  # (G H,) recurrent bias of the GRU that resets after the product
        h: Tensor,  # (B, H)
        c: Tensor | None,  # (B, H)
    ) -> tuple[Tensor | None, ...]:
        """Return y ``(B, T, H)``, h and, of the LSTM, c after the last step."""
        made = _forward(call, x, W, U, b, d, h, c)
        ctx.set_materialize_grads(False)
        ctx.call, ctx.names, ctx.spent = call, list(made), False
        ctx.save_for_backward(x, W, U, b, d, h, c, *made.values())
        hs, cs = made["h"], made["c"]
        assert hs is not None
        return hs[1:].transpose(0, 1), hs[-1].clone(), None if cs is None else cs[-1].clone()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients of everything that `forward` took."""
        inputs = ctx.saved_tensors[:7]
        if torch.is_grad_enabled():  # a gradient of the gradient is wanted
            return (None, *_recorded(ctx.call, inputs, grads))
        made = dict(zip(ctx.names, ctx.saved_tensors[7:], strict=True))
        if ctx.spent:  # the gates' gradients took the gates' place when these were first asked for
            made = _forward(ctx.call, *inputs)
        ctx.spent = True
        return (None, *_backward(ctx.call, inputs, made, grads, input_too=ctx.needs_input_grad[1]))


def _forward(
    call: Call, x: Tensor, W: Tensor, U: Tensor, b: Tensor, d: Tensor | None, h: Tensor, c: Tensor | None
) -> dict[str, Tensor | None]:
    """Compute the sequence and return what its gradients need, time-major, by the names of ``library.Sequence``."""
    function, (B, T, _), H = _function(call), x.shape, h.shape[-1]
    mask = None if call.mask is None else call.mask.t().contiguous()  # (T, B)
    rows = x.transpose(0, 1).contiguous()  # (T, B, I)
    if mask is not None:
        # A NaN in the padding would reach the weights' gradient as 0 * NaN, though no output depends on it.
        rows = torch.where(mask[:, :, None], rows, 0.0)
    hs, cs = _from_start(h, T), None if c is None else _from_start(c, T)  # (T + 1, B, H)
    entering = hs[:T]
    if call.recurrent_mask is not None:
        entering = torch.empty_like(entering)
        torch.mul(h, call.recurrent_mask, out=entering[0])
    gates = hs[1:] if function == "rnn" else pool.take(T, B, U.shape[0])
    bias = b if d is None else torch.cat([b[: 2 * H] + d[: 2 * H], b[2 * H :]])
    if few := rows.shape[2] <= _FEW_INPUTS:
        inputs = {"x": rows, "inputs": rows.shape[2], "input_weights": W.t().contiguous(), "input_bias": bias}
    else:
        torch.addmm(bias, rows.flatten(0, 1), W.t(), out=gates.flatten(0, 1))
    side = pool.take(T, B, H) if function.startswith("gru") else None
    packed = _library().room_for_weights(U) if T >= _STEPS_TO_PACK_FOR else None
    made = {"gates": gates, "h": hs, "c": cs, "side": side, "entering": entering, "mask": mask}
    _library().sequence(
        f"{function}_forward",
        (T, B, H),
        weights=U.contiguous(),
        bias=None if d is None else d[2 * H :],
        packed=packed,
        drop=call.recurrent_mask,
        **(inputs if few else {}),
        **made,
    )
    pool.give(packed)
    return {**made, "rows": rows}


def _backward(
    call: Call,
    inputs: tuple[Tensor | None, ...],
    made: dict[str, Tensor | None],
    grads: tuple[Tensor | None, ...],
    *,
    input_too: bool,
) -> tuple[Tensor | None, ...]:
    """Return the gradients of x, W, U, b, d, h and c; those of the gates overwrite the gates."""
    _, W, U, _, d, h, c = inputs
    rows = made.pop("rows")
    gates, entering, side = made["gates"], made["entering"], made["side"]
    assert W is not None and U is not None and h is not None
    assert rows is not None and gates is not None and entering is not None
    function, (T, B, H) = _function(call), entering.shape
    dy, dh, dc = (*grads, None)[:3]
    if dy is not None and dy.stride(2) != 1:
        dy = dy.contiguous()
    dh = torch.zeros_like(h) if dh is None else dh.contiguous().clone()
    dc = None if c is None else torch.zeros_like(c) if dc is None else dc.contiguous().clone()
    dgates = pool.take(T, B, H) if function == "rnn" else gates  # SimpleRNN's gate is its output
    packed = _library().room_for_weights(U)
    _library().sequence(
        f"{function}_backward",
        (T, B, H),
        weights=U.contiguous(),
        packed=packed,
        drop=call.recurrent_mask,
        dy=dy,
        dy_step=0 if dy is None else dy.stride(1),
        dy_row=0 if dy is None else dy.stride(0),
        dh=dh,
        dc=dc,
        dgates=dgates,
        room=torch.empty_like(dh),
        **made,
    )
    flat, entering, rows = dgates.flatten(0, 1), entering.flatten(0, 1), rows.flatten(0, 1)  # (T * B, ...)
    dd = None
    if side is None:
        dU = flat.t() @ entering
    else:  # of the candidate, U_n multiplied r * h (reset before) or made `side` (after)
        side, dU = side.flatten(0, 1), torch.empty_like(U)
        torch.mm(flat[:, : 2 * H].t(), entering, out=dU[: 2 * H])
        candidate = (flat[:, 2 * H :], side) if d is None else (side, entering)
        torch.mm(candidate[0].t(), candidate[1], out=dU[2 * H :])
    db = flat.sum(0)
    if d is not None:
        assert side is not None
        dd = torch.cat([db[: 2 * H], side.sum(0)])
    few = rows.shape[1] <= _FEW_INPUTS  # a product with few columns is quicker the other way round
    dW = (rows.t() @ flat).t().contiguous() if few else flat.t() @ rows
    dx = (linear(flat, W.t().contiguous()) if few else flat @ W).view(T, B, -1).transpose(0, 1) if input_too else None
    pool.give(packed, dgates, made["side"])  # a second call for the gradients computes them again
    return dx, dW, dU, db, dd, dh, dc


def _function(call: Call) -> str:
    """Return the name of the compiled loop."""
    if isinstance(call.cell, GRU):
        return f"gru_{call.cell.reset}"
    return "lstm" if isinstance(call.cell, LSTM) else "rnn"


def _library() -> Library:
    found = library()
    assert found is not None  # `refusal` has asked
    return found


def _from_start(state: Tensor, steps: int) -> Tensor:
    """Return room for the state of all steps ``(T + 1, B, H)``, the first filled in."""
    room = state.new_empty(steps + 1, *state.shape)
    room[0] = state
    return room


class _Loop(nn.Module):
    """The reference loop as a function of a cell's weights."""

    def __init__(self, call: Call) -> None:
        super().__init__()
        self.cell = call.cell
        self.call = call

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return Reference.run(self.call._replace(x=x, state=state))


def _recorded(
    call: Call, inputs: tuple[Tensor | None, ...], grads: tuple[Tensor | None, ...]
) -> tuple[Tensor | None, ...]:
    """Return the gradients of `inputs` as the reference loop gives them, themselves differentiable."""
    x, *weights, h, c = inputs
    names = [f"cell.{name}" for name in ("input_kernel", "recurrent_kernel", "bias", "recurrent_bias")]
    given = {name: weight for name, weight in zip(names, weights, strict=True) if weight is not None}
    y, state = functional_call(_Loop(call), given, (x, (h,) if c is None else (h, c)))
    pairs = [(out, grad) for out, grad in zip((y, *state), grads, strict=False) if grad is not None]
    wanted = [one for one in inputs if one is not None and one.requires_grad]
    outs, out_grads = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    found = iter(torch.autograd.grad(outs, wanted, out_grads, create_graph=True, allow_unused=True))
    return tuple(next(found) if one is not None and one.requires_grad else None for one in inputs)
