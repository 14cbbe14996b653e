"""The checks of a kernel: it computes what the reference loop computes."""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import Tensor

from gatewise.cells.kernels import Call
from gatewise.registry import KERNELS
from gatewise.testing.case import CellCase, draw, expect_close, make_call, ragged, start_state


def every_kernel_equals_the_reference_loop(case: CellCase) -> None:
    """Each kernel that does not refuse the cell computes what the loop over ``update`` computes."""
    for name in KERNELS.names():
        kernel_equals_the_reference_loop(name, case)


def kernel_equals_the_reference_loop(kernel: str, case: CellCase) -> None:
    """Compare a kernel with the reference loop: outputs, end state, every gradient; calls it refuses are left out.

    Raises
    ------
    AssertionError
        If it differs by more than rounding, in float32 or float64.
    """
    kind, reference = KERNELS.load(kernel), KERNELS.load("reference")
    gaps = torch.tensor([[0, 1, 0, 1, 1], [1, 0, 0, 1, 0], [0, 0, 1, 1, 0]]).bool()
    masks = [None, ragged([5, 2, 1], 5), gaps, torch.zeros_like(gaps)]
    rates, batches = [0.0, 0.5], [0, 1, 3]
    for (dtype, tolerance), mask, rate, batch, training in itertools.product(
        [(torch.float64, 1e-10), (torch.float32, 2e-5)], masks, rates, batches, [True, False]
    ):
        cell = case.make(2, recurrent_dropout=rate).to(dtype).train(training)
        x, start = draw(batch, 5, 2).to(dtype), [part.to(dtype) for part in start_state(cell, batch)]
        real = None if mask is None else mask[:batch]
        call = make_call(cell, x.requires_grad_(), tuple(part.requires_grad_() for part in start), real)
        if kind.refusal(call) is None:
            why = f"the kernel {kernel!r} differs from the reference loop"
            expect_close(_results(kind, call), _results(reference, call), why, tolerance)


def _results(kernel: Any, call: Call) -> list[Tensor]:
    """Return outputs, end state and the gradients of everything that goes in."""
    y, state = kernel.run(call)
    loss = sum((part * draw(*part.shape, seed=3).to(part.dtype)).sum() for part in (y, *state))
    inputs = [call.x, *call.state, *call.cell.parameters()]
    return [y, *state, *torch.autograd.grad(loss, inputs, materialize_grads=True, retain_graph=True)]
