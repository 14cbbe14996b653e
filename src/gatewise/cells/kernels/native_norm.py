"""LayerNorm-LSTM by the compiled part (``csrc/norm_lstm.c``)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gatewise.cells.kernels import Call
from gatewise.cells.kernels.library import from_start, loaded, own_copy, pool
from gatewise.cells.kernels.reference import gradients_by_loop
from gatewise.cells.lstm_norm import EPSILON

#: What it takes, in this order.
NORMED_WEIGHTS = (
    "input_kernel", "recurrent_kernel", "input_gain", "recurrent_gain", "bias", "cell_gain", "cell_bias",
)  # fmt: skip
#: What the loop writes, beside the states: names of ``library.NormedSequence``.
_KEPT = ("gates", "h", "c", "entering", "mask", "normed", "spread", "center")


class NormedRecurrence(torch.autograd.Function):
    """A whole sequence with its gradients; where gradients of those are asked for, the reference loop records it."""

    @staticmethod
    def forward(
        ctx: Any,
        call: Call,
        x: Tensor,  # (B, T, I)
        W: Tensor,  # (4 H, I)
        U: Tensor,  # (4 H, H)
        input_gain: Tensor,  # (4 H,)
        recurrent_gain: Tensor,  # (4 H,)
        b: Tensor,  # (4 H,)
        cell_gain: Tensor,  # (H,)
        cell_bias: Tensor,  # (H,)
        h: Tensor,  # (B, H)
        c: Tensor,  # (B, H)
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return y ``(B, T, H)``, h and c after the last step."""
        inputs = (x, W, U, input_gain, recurrent_gain, b, cell_gain, cell_bias, h, c)
        made = _forward(call, *inputs)
        ctx.set_materialize_grads(False)
        ctx.call, ctx.names, ctx.fresh = call, list(made), iter((True,))
        ctx.save_for_backward(*inputs, *made.values())
        return made["h"][1:].transpose(0, 1), made["h"][-1].clone(), made["c"][-1].clone()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients of everything that `forward` took."""
        saved = ctx.saved_tensors  # asked for once: recomputing allows no more
        inputs = saved[:10]
        if torch.is_grad_enabled():  # a gradient of the gradient is wanted
            return (None, *gradients_by_loop(ctx.call, NORMED_WEIGHTS, inputs, grads))
        made = dict(zip(ctx.names, saved[10:], strict=True))
        # The gates' gradients take the gates' place when these are first asked for; of two threads, one is first.
        if not next(ctx.fresh, False):
            made = _forward(ctx.call, *inputs)
        return (None, *_backward(ctx.call, inputs, made, grads))


def _forward(
    call: Call,
    x: Tensor,
    W: Tensor,
    U: Tensor,
    input_gain: Tensor,
    recurrent_gain: Tensor,
    b: Tensor,
    cell_gain: Tensor,
    cell_bias: Tensor,
    h: Tensor,
    c: Tensor,
) -> dict[str, Any]:
    """Compute the sequence and return what its gradients need, time-major."""
    (B, T, _), H = x.shape, h.shape[-1]
    mask = None if call.mask is None else call.mask.t().contiguous()  # (T, B)
    rows = x.transpose(0, 1).contiguous()  # (T, B, I)
    if mask is not None:
        rows = torch.where(mask[:, :, None], rows, 0.0)
    product = rows.flatten(0, 1) @ W.t()  # (T * B, 4 H)
    gates, mean, spread = torch.native_layer_norm(product, [4 * H], input_gain, b, EPSILON)
    hs, cs = from_start(h, T), from_start(c, T)  # (T + 1, B, H)
    entering = hs[:T]
    if call.recurrent_mask is not None:
        entering = torch.empty_like(entering)
        torch.mul(h, call.recurrent_mask, out=entering[0])
    made = {"gates": gates.view(T, B, 4 * H), "h": hs, "c": cs, "entering": entering, "mask": mask}
    made |= {"normed": pool.take(T, B, 4 * H), "spread": x.new_empty(T, B, 2), "center": x.new_empty(T, B)}
    packed = loaded().room_for_weights(U)
    loaded().sequence(
        "norm_lstm_forward",
        (T, B, H),
        weights=U.contiguous(),
        recurrent_gain=recurrent_gain.contiguous(),
        cell_gain=cell_gain.contiguous(),
        cell_bias=cell_bias.contiguous(),
        epsilon=EPSILON,
        packed=packed,
        shares=_room_to_talk(B),
        drop=call.recurrent_mask,
        **made,
    )
    pool.give(packed)
    return {**made, "rows": rows, "product": product, "mean": mean, "input_spread": spread}


def _backward(
    call: Call, inputs: tuple[Tensor, ...], made: dict[str, Any], grads: tuple[Tensor | None, ...]
) -> tuple[Tensor | None, ...]:
    """Return the gradients of x, of every weight, of h and of c; those of the gates overwrite the gates."""
    _, W, U, input_gain, recurrent_gain, b, cell_gain, cell_bias, h, c = inputs
    dy, dh, dc = grads
    T, B, H = made["entering"].shape
    if dy is not None and dy.stride(2) != 1:
        dy = dy.contiguous()
    dh, dc = own_copy(dh, h), own_copy(dc, c)
    d_gains = [
        torch.zeros_like(one, memory_format=torch.contiguous_format) for one in (recurrent_gain, cell_gain, cell_bias)
    ]
    packed = loaded().room_for_weights(U)
    loaded().sequence(
        "norm_lstm_backward",
        (T, B, H),
        weights=U.contiguous(),
        recurrent_gain=recurrent_gain.contiguous(),
        cell_gain=cell_gain.contiguous(),
        cell_bias=cell_bias.contiguous(),
        epsilon=EPSILON,
        packed=packed,
        shares=_room_to_talk(B),
        drop=call.recurrent_mask,
        dy=dy,
        dy_step=0 if dy is None else dy.stride(1),
        dy_row=0 if dy is None else dy.stride(0),
        dh=dh,
        dc=dc,
        dgates=made["gates"],
        room=torch.empty_like(dh),
        d_recurrent_gain=d_gains[0],
        d_cell_gain=d_gains[1],
        d_cell_bias=d_gains[2],
        **{name: made[name] for name in _KEPT},
    )
    d_product, d_input_gain, db = torch.ops.aten.native_layer_norm_backward(
        made["gates"].flatten(0, 1),
        made["product"],
        [4 * H],
        made["mean"],
        made["input_spread"],
        input_gain,
        b,
        [True, True, True],
    )
    dU = made["normed"].flatten(0, 1).t() @ made["entering"].flatten(0, 1)
    dW = d_product.t() @ made["rows"].flatten(0, 1)
    dx = (d_product @ W).view(T, B, W.shape[1]).transpose(0, 1)
    pool.give(packed, made["normed"], made["c"])
    return dx, dW, dU, d_input_gain, d_gains[0], db, *d_gains[1:], dh, dc


def _room_to_talk(batch: int) -> Tensor:
    return torch.empty(batch, loaded().most_threads, 2, dtype=torch.float64, device="cpu")
