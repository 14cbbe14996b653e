"""The recurrence s_t = a_t * s_{t-1} + b_t over a whole sequence, with a backward pass of its own.

A pass goes over the steps one after the other, compiled (``csrc/scan.c``) or by torch. A log-depth scan (doubling) does
log2(T) times the work on memory that fits no cache; on two cores it takes far longer: see ``benchmarks/scan.py``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gatewise.cells.kernels.library import Library, library


def linear_scan(a: Tensor, b: Tensor, start: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return s with s_t = a_t * s_{t-1} + b_t, elementwise.

    Everything, second derivatives too, can be differentiated.

    Parameters
    ----------
    a
        Factors, real or complex: any shape that broadcasts to that of `b`.
    b
        What is added, ``(B, T, N)``.
    start
        s before the first step, ``(B, N)``.
    mask
        ``(B, T)`` bool; where it is False, s passes unchanged.

    Returns
    -------
    s
        ``(B, T, N)``, in the widest of the three number formats.

    Examples
    --------
    >>> linear_scan(torch.tensor(0.5), torch.ones(1, 3, 1), torch.tensor([[4.0]])).flatten()
    tensor([3.0000, 2.5000, 2.2500])
    """
    dtype = torch.promote_types(torch.promote_types(a.dtype, b.dtype), start.dtype)
    a, b, start = a.to(dtype), b.to(dtype), start.to(dtype)
    if mask is not None:
        a = torch.where(mask[:, :, None], a, 1.0)
        b = torch.where(mask[:, :, None], b, 0.0)
    return _scan(a.expand(b.shape), b, start)


def _scan(a: Tensor, b: Tensor, start: Tensor) -> Tensor:
    result: Tensor = _Scan.apply(a, b, start)  # type: ignore[no-untyped-call]
    return result


class _Scan(torch.autograd.Function):
    """The pass with its analytic gradient: one pass backwards in time."""

    @staticmethod
    def forward(a: Tensor, b: Tensor, start: Tensor) -> Tensor:
        return _pass(a, b, start)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:
        a, _, start = inputs
        ctx.save_for_backward(a, start, output)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        (grad,) = grads
        a, start, s = ctx.saved_tensors
        if torch.is_grad_enabled():
            # A second derivative is wanted. The reverse pass is a scan itself, over time flipped, and so knows its own.
            later = torch.cat([a[:, :1], a[:, 1:].flip(1)], dim=1).conj()
            g = _scan(later, grad.flip(1), torch.zeros_like(start)).flip(1)
        else:
            if (compiled := _compiled(a)) is not None:
                a, grad, start = a.contiguous(), grad.contiguous(), start.contiguous()
                found = torch.empty_like(a), torch.empty_like(a), torch.empty_like(start)
                compiled.scan("backward", a, start, s, grad, *found)
                return found
            g = _reverse_pass(a, grad)
        before = torch.cat([start[:, None], s[:, :-1]], dim=1)
        return g * before.conj(), g, g[:, 0] * a[:, 0].conj()


def _compiled(tensor: Tensor) -> Library | None:
    """Return the compiled passes, where they are there and know the number format."""
    here = tensor.dtype is torch.float32 and tensor.device.type == "cpu" and not torch.compiler.is_compiling()
    return library() if here else None


# Both passes walk over views of (B, T, N) memory: it is as quick as time-major memory, and spares the copies into it.


def _pass(a: Tensor, b: Tensor, start: Tensor) -> Tensor:
    """Return s_t = a_t * s_{t-1} + b_t; all are ``(B, T, N)`` but `start`, ``(B, N)``."""
    s = torch.empty_like(b, memory_format=torch.contiguous_format)
    if (compiled := _compiled(b)) is not None:
        compiled.scan("forward", a.contiguous(), b.contiguous(), start.contiguous(), s)
        return s
    last = start
    for a_t, b_t, s_t in zip(a.unbind(1), b.unbind(1), s.unbind(1), strict=True):
        last = torch.addcmul(b_t, a_t, last, out=s_t)
    return s


def _reverse_pass(a: Tensor, grad: Tensor) -> Tensor:
    """Return g_t = grad_t + conj(a_{t+1}) * g_{t+1}: the gradient of everything after step t; all ``(B, T, N)``."""
    g = torch.empty_like(grad, memory_format=torch.contiguous_format)
    factors, grads, results = a.conj().unbind(1), grad.unbind(1), g.unbind(1)
    last = results[-1].copy_(grads[-1])
    for t in range(len(grads) - 2, -1, -1):
        last = torch.addcmul(grads[t], factors[t + 1], last, out=results[t])
    return g
