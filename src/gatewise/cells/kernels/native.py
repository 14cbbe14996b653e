"""SimpleRNN, GRU and LSTM by the compiled part: masks, dropout, zoneout and given states on one fast path.

What needs no step before it is one large product over all steps: the inputs' part of the gates before the loop, the
gradients of all weights after it. The loop itself, products and gates, is ``csrc/recurrence.c``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn.functional import linear

from gatewise.cells.base import Cell, State
from gatewise.cells.gru import GRU
from gatewise.cells.kernels import Call, Kernel
from gatewise.cells.kernels.compiled import CompiledSequence, Loops, end_gradients, entering, from_start
from gatewise.cells.kernels.library import library, loaded, pool
from gatewise.cells.kernels.native_norm import NORMED
from gatewise.cells.kernels.native_steps import NativeSteps
from gatewise.cells.lstm import LSTM
from gatewise.cells.lstm_norm import LayerNormLSTM
from gatewise.cells.rnn import SimpleRNN

#: Fewer steps than this use the weights as they stand: packing them would cost more than it saves.
_STEPS_TO_PACK_FOR = 4
#: Share of real elements from which padding is computed along.
_REAL_ENOUGH = 0.9
#: Up to this many inputs are multiplied in the loop: a product with few columns is slow.
_FEW_INPUTS = 8


class Native(Kernel):
    """Our own loops in C, for AVX2 and AVX-512."""

    @staticmethod
    def refusal(call: Call) -> str | None:
        """Refuse other cells, devices and number formats, and what could not be recorded."""
        kind = type(call.cell)
        if kind not in (SimpleRNN, GRU, LSTM, LayerNormLSTM):  # a subclass may have changed the equations
            return f"there is no compiled loop for the cell {kind.__name__}"
        if call.cell.changed_by:
            return f"there is no compiled loop with {' and '.join(call.cell.changed_by)}"
        if call.x.device.type != "cpu":
            return f"it computes on the CPU and x is on {call.x.device}"
        if call.x.dtype is not torch.float32 or torch.is_autocast_enabled("cpu"):
            return "it computes in float32"
        if torch.compiler.is_compiling() or torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
            return "it cannot be traced"
        if torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0:
            return "it has neither the transforms of torch.func nor forward derivatives"
        if library() is None:
            return "the compiled part is not there (see gatewise doctor)"
        return None

    @staticmethod
    def run(call: Call) -> tuple[Tensor, State]:
        """Return the outputs ``(B, T, H)`` and the state after the last step."""
        cell = call.cell
        if isinstance(cell, LayerNormLSTM):
            gains = (getattr(cell, name) for name in NORMED.weights)
            y, *state = CompiledSequence.apply(NORMED, call, call.x, *gains, *call.state)  # type: ignore[no-untyped-call]
            return y, tuple(state)
        assert isinstance(cell, SimpleRNN | GRU | LSTM)
        recurrent_bias = cell.recurrent_bias if isinstance(cell, GRU) else None
        c = call.state[1] if isinstance(cell, LSTM) else None
        weights = (cell.input_kernel, call.recurrent_kernel, cell.bias, recurrent_bias)
        if (order := _by_length(call)) is not None:
            return _in_order(call, order)
        if not torch.is_grad_enabled():
            made = _forward(call, call.x, *weights, call.state[0], c)
            y = made["h"][1:].transpose(0, 1).clone(memory_format=torch.contiguous_format)
            ends = [made[part][-1].clone() for part in ("h", "c") if made[part] is not None]
            pool.give(made["h"], made["c"], made["side"], None if _function(call.cell) == "rnn" else made["gates"])
            return y, tuple(ends)
        y, *state = CompiledSequence.apply(_PLAIN, call, call.x, *weights, call.state[0], c)  # type: ignore[no-untyped-call]
        return y, tuple(part for part in state if part is not None)

    @staticmethod
    def step(call: Call) -> State | None:
        """Return the state after one step that no gradient will pass."""
        cell = call.cell
        if isinstance(cell, LayerNormLSTM) or not _as_drawn(call):
            return None
        if torch.is_grad_enabled() and _wants_gradient(call):
            return None
        assert isinstance(cell, SimpleRNN | GRU | LSTM)
        function, (B, H) = _function(call.cell), call.state[0].shape
        hs = from_start(call.state[0], 1)  # (2, B, H)
        cs = from_start(call.state[1], 1) if isinstance(cell, LSTM) else None
        d = cell.recurrent_bias if isinstance(cell, GRU) else None
        loaded().sequence(
            f"{function}_forward",
            (1, B, H),
            inputs=cell.input_size,
            x=call.x.contiguous(),
            input_rows=cell.input_kernel.contiguous(),
            input_bias=cell.bias.contiguous(),
            second_bias=None if d is None else d.contiguous(),
            bias=None if d is None else d[2 * H :].contiguous(),
            weights=call.recurrent_kernel.contiguous(),
            gates=hs[1] if function == "rnn" else pool.take(B, cell.input_kernel.shape[0]),
            side=torch.empty_like(hs[0]) if d is not None or function == "gru_before" else None,
            h=hs,
            c=cs,
            entering=hs[0] if call.recurrent_mask is None else hs[0] * call.recurrent_mask,
            drop=call.recurrent_mask,
            **_holds(call),
        )
        return (hs[1],) if cs is None else (hs[1], cs[1])

    @staticmethod
    def steps(cell: Cell, state: State) -> NativeSteps | None:
        """Return many single steps, prepared."""
        return None if isinstance(cell, LayerNormLSTM) else NativeSteps(_function(cell), cell, state)  # type: ignore[arg-type]


def _forward(
    call: Call, x: Tensor, W: Tensor, U: Tensor, b: Tensor, d: Tensor | None, h: Tensor, c: Tensor | None
) -> dict[str, Any]:
    """Compute the sequence and return what its gradients need, time-major, by the names of ``library.Sequence``."""
    function, (B, T, _), H = _function(call.cell), x.shape, h.shape[-1]
    mask = None if call.mask is None else call.mask.t().contiguous()  # (T, B)
    counts, real = (None, None) if mask is None else _real(mask)
    few = x.shape[2] <= _FEW_INPUTS
    rows = x.transpose(0, 1).contiguous()  # (T, B, I)
    if mask is not None and (few or real is None):
        # A NaN in the padding would reach the weights' gradient as 0 * NaN, though no output depends on it.
        rows = torch.where(mask[:, :, None], rows, 0.0)
    rows = _rows(rows, None if few else real)
    hs, cs = from_start(h, T), None if c is None else from_start(c, T)  # (T + 1, B, H)
    gates = hs[1:] if function == "rnn" else pool.take(T, B, U.shape[0])
    bias = b if d is None else torch.cat([b[: 2 * H] + d[: 2 * H], b[2 * H :]])
    if few:
        inputs = {"x": rows, "inputs": x.shape[2], "input_weights": W.t().contiguous(), "input_bias": bias.contiguous()}
    elif real is None:
        torch.addmm(bias, rows, W.t(), out=gates.flatten(0, 1))
    else:
        gates.flatten(0, 1)[real] = torch.addmm(bias, rows, W.t())
    side = pool.take(T, B, H) if function.startswith("gru") else None
    packed = loaded().room_for_weights(U) if T >= _STEPS_TO_PACK_FOR else None
    made = {"gates": gates, "h": hs, "c": cs, "side": side, "mask": mask, "counts": counts}
    made["entering"] = entering(hs, call.recurrent_mask)
    loaded().sequence(
        f"{function}_forward",
        (T, B, H),
        weights=U.contiguous(),
        bias=None if d is None else d[2 * H :].contiguous(),
        packed=packed,
        drop=call.recurrent_mask,
        **_holds(call),
        **(inputs if few else {}),
        **made,
    )
    pool.give(packed)
    return {**made, "rows": rows[real] if few and real is not None else rows, "real": real}


def _backward(
    call: Call,
    inputs: tuple[Any, ...],
    made: dict[str, Any],
    grads: tuple[Tensor | None, ...],
    input_too: bool,
) -> tuple[Tensor | None, ...]:
    """Return the gradients of x, W, U, b, d, h and c; those of the gates overwrite the gates."""
    _, W, U, _, d, h, c = inputs
    rows, real = made.pop("rows"), made.pop("real")
    entered, side = made["entering"], made["side"]
    function, (T, B, H) = _function(call.cell), entered.shape
    ends = end_gradients(grads, h, c)
    dgates = pool.take(T, B, H) if function == "rnn" else made["gates"]  # SimpleRNN's gate is its output
    packed = loaded().room_for_weights(U)
    loaded().sequence(
        f"{function}_backward",
        (T, B, H),
        weights=U.contiguous(),
        packed=packed,
        drop=call.recurrent_mask,
        **_holds(call),
        dgates=dgates,
        **ends,
        **made,
    )
    # Products over all steps leave the padding out.
    flat, entered = _rows(dgates, real), _rows(entered, real)
    dd = None
    if side is None:
        dU = flat.t() @ entered
    else:  # of the candidate, U_n multiplied r * h (reset before) or made `side` (after)
        side, dU = _rows(side, real), torch.empty_like(U)
        torch.mm(flat[:, : 2 * H].t(), entered, out=dU[: 2 * H])
        candidate = (flat[:, 2 * H :], side) if d is None else (side, entered)
        torch.mm(candidate[0].t(), candidate[1], out=dU[2 * H :])
    db = flat.sum(0)
    if d is not None:
        dd = torch.cat([db[: 2 * H], side.sum(0)])
    few = rows.shape[1] <= _FEW_INPUTS  # a product with few columns is quicker the other way round
    dW = (rows.t() @ flat).t().contiguous() if few else flat.t() @ rows
    dx = None
    if input_too:
        dx = linear(flat, W.t().contiguous()) if few else flat @ W
        if real is not None:
            dx = dx.new_zeros(T * B, W.shape[1]).index_copy_(0, real, dx)
        dx = dx.view(T, B, W.shape[1]).transpose(0, 1)
    pool.give(packed, dgates, made["side"], made["c"])  # a second call for the gradients computes them again
    return dx, dW, dU, db, dd, ends["dh"], ends["dc"]


_PLAIN = Loops(("input_kernel", "recurrent_kernel", "bias", "recurrent_bias"), _forward, _backward)


def _rows(steps: Tensor, real: Tensor | None) -> Tensor:
    """Return ``(T, B, F)`` as rows ``(T * B, F)``, or those of them that are real."""
    rows = steps.flatten(0, 1)
    return rows if real is None else rows[real]


def _real(mask: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Return how many rows of each step are real, where those come first, and the places of all real rows.

    Neither where there is little padding: picking rows has its price.
    """
    if mask.numel() == 0 or mask.float().mean() > _REAL_ENOUGH:
        return None, None
    real_first = not bool((mask[:, 1:] & ~mask[:, :-1]).any())
    return (mask.sum(1) if real_first else None), mask.flatten().nonzero().squeeze(1)


def _by_length(call: Call) -> Tensor | None:
    """Return the order of the batch, longest first, that puts each step's real rows first; None if none helps."""
    if call.mask is None:
        return None
    order = call.mask.sum(1).argsort(descending=True, stable=True)
    mask = call.mask[order]
    sorted_already = bool((order[1:] > order[:-1]).all())
    return None if sorted_already or bool((mask[1:] & ~mask[:-1]).any()) else order


def _in_order(call: Call, order: Tensor) -> tuple[Tensor, State]:
    """Compute a call with its batch in another order."""
    holds = None
    if call.holds is not None:
        holds = tuple(share[:, order] if isinstance(share, Tensor) else share for share in call.holds)
    y, state = Native.run(
        call._replace(
            x=call.x[order],
            state=tuple(part[order] for part in call.state),
            mask=None if call.mask is None else call.mask[order],
            recurrent_mask=None if call.recurrent_mask is None else call.recurrent_mask[order],
            holds=holds,
        )
    )
    back = order.argsort()
    return y[back], tuple(part[back] for part in state)


def _function(cell: Cell) -> str:
    """Return the name of the compiled loop."""
    if isinstance(cell, GRU):
        return f"gru_{cell.reset}"
    return "lstm" if isinstance(cell, LSTM) else "rnn"


def _wants_gradient(call: Call) -> bool:
    given = (
        call.x,
        *call.state,
        *call.cell.parameters(),
        call.recurrent_mask,
        call.dropped_kernel,
        *(call.holds or ()),
    )
    return any(isinstance(one, Tensor) and one.requires_grad for one in given)


def _as_drawn(call: Call) -> bool:
    """Whether what a step was given has the form in which a cell draws it; the equations broadcast other forms."""
    given = [
        (one, call.state[0].shape) for one in (call.recurrent_mask, *(call.holds or ())) if isinstance(one, Tensor)
    ]
    given.append((call.recurrent_kernel, call.cell.recurrent_kernel.shape))  # type: ignore[arg-type]
    return all(one.dtype is torch.float32 and one.shape == shape for one, shape in given)


def _holds(call: Call) -> dict[str, Tensor | float]:
    """Return what zoneout keeps, by the names of ``library.Sequence``: what is kept of each unit, or the mean of it."""
    parts = zip(("h", "c"), call.holds or (), strict=False)
    return {
        f"hold_{part}" if isinstance(share, Tensor) else f"hold_{part}_rate": (
            share.contiguous() if isinstance(share, Tensor) else share
        )
        for part, share in parts
        if share is not None
    }
