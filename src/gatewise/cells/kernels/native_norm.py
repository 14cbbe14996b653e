"""LayerNorm-LSTM by the compiled part (``csrc/norm_lstm.c``)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gatewise.cells.kernels import Call
from gatewise.cells.kernels.compiled import Loops, end_gradients, entering, from_start
from gatewise.cells.kernels.library import loaded, pool
from gatewise.cells.lstm_norm import EPSILON

#: What the loop reads again on the way back: names of ``library.NormedSequence``.
_READ_AGAIN = ("gates", "h", "c", "entering", "mask", "normed", "spread", "center")


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
    made = {"gates": gates.view(T, B, 4 * H), "h": hs, "c": cs, "mask": mask}
    made["entering"] = entering(hs, call.recurrent_mask)
    made |= {"normed": pool.take(T, B, 4 * H), "spread": x.new_empty(T, B, 2), "center": x.new_empty(T, B)}
    packed = loaded().room_for_weights(U)
    loaded().sequence(
        "norm_lstm_forward",
        (T, B, H),
        packed=packed,
        **_given(call, U, recurrent_gain, cell_gain, cell_bias),
        **made,
    )
    pool.give(packed)
    return {**made, "rows": rows, "product": product, "mean": mean, "input_spread": spread}


def _backward(
    call: Call, inputs: tuple[Tensor, ...], made: dict[str, Any], grads: tuple[Tensor | None, ...], input_too: bool
) -> tuple[Tensor | None, ...]:
    """Return the gradients of x, of every weight, of h and of c; those of the gates overwrite the gates."""
    _, W, U, input_gain, recurrent_gain, b, cell_gain, cell_bias, h, c = inputs
    T, B, H = made["entering"].shape
    ends = end_gradients(grads, h, c)
    d_gains = [
        torch.zeros_like(one, memory_format=torch.contiguous_format) for one in (recurrent_gain, cell_gain, cell_bias)
    ]
    packed = loaded().room_for_weights(U)
    loaded().sequence(
        "norm_lstm_backward",
        (T, B, H),
        packed=packed,
        dgates=made["gates"],
        d_recurrent_gain=d_gains[0],
        d_cell_gain=d_gains[1],
        d_cell_bias=d_gains[2],
        **_given(call, U, recurrent_gain, cell_gain, cell_bias),
        **ends,
        **{name: made[name] for name in _READ_AGAIN},
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
    dx = (d_product @ W).view(T, B, W.shape[1]).transpose(0, 1) if input_too else None
    pool.give(packed, made["normed"], made["c"])
    return dx, dW, dU, d_input_gain, d_gains[0], db, *d_gains[1:], ends["dh"], ends["dc"]


def _given(call: Call, U: Tensor, recurrent_gain: Tensor, cell_gain: Tensor, cell_bias: Tensor) -> dict[str, Any]:
    """Return what the loop takes in both directions, and room in which its threads tell each other their sums."""
    return {
        "weights": U.contiguous(),
        "recurrent_gain": recurrent_gain.contiguous(),
        "cell_gain": cell_gain.contiguous(),
        "cell_bias": cell_bias.contiguous(),
        "epsilon": EPSILON,
        "shares": torch.empty(call.x.shape[0], loaded().most_threads, 2, dtype=torch.float64, device="cpu"),
        "drop": call.recurrent_mask,
    }


NORMED = Loops(
    ("input_kernel", "recurrent_kernel", "input_gain", "recurrent_gain", "bias", "cell_gain", "cell_bias"),
    _forward,
    _backward,
)
