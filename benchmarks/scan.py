"""The recurrence s_t = a_t * s_{t-1} + b_t: a pass step by step against a log-depth scan (Hillis & Steele's doubling).

The pass is the one that the cells use, forward and backward; doubling is written with as few operations as torch needs,
and differentiated by torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.timing import alternate, installed, machine
from gatewise.cells.scan import linear_scan

TITLE = "Linear recurrences: step by step or in log depth"
SIZES = ((8, 250, 512), (8, 1000, 1024))  # B, T, N
ROUNDS = 7


def measure() -> dict[str, Any]:
    """Return milliseconds of a forward pass, and of forward and backward, by size and contestant."""
    contestants = {"step by step": linear_scan, "doubling": doubling}
    table = {}
    for size in SIZES:
        B, T, N = size
        generator = torch.Generator().manual_seed(0)
        a, b = torch.rand(size, generator=generator), torch.randn(size, generator=generator)
        start = torch.randn(B, N, generator=generator)
        for what, call in {"forward": forward, "forward + backward": forward_and_backward}.items():
            calls = {name: call(scan, a, b, start) for name, scan in contestants.items()}
            table[f"{B}, {T}, {N}, {what}"] = alternate(calls, rounds=ROUNDS, repeat=1)
    return {
        "machine": machine(),
        "versions": installed("torch"),
        "threads": torch.get_num_threads(),
        "milliseconds": table,
    }


def doubling(a: Tensor, b: Tensor, start: Tensor) -> Tensor:
    """Return s by joining each step with the one before it, then with the one 2, 4, 8, ... steps before."""
    first = torch.addcmul(b[:, :1], a[:, :1], start[:, None])
    s, factor, reach = torch.cat([first, b[:, 1:]], dim=1), a, 1
    while reach < s.shape[1]:
        s = torch.cat([s[:, :reach], torch.addcmul(s[:, reach:], factor[:, reach:], s[:, :-reach])], dim=1)
        factor = torch.cat([factor[:, :reach], factor[:, reach:] * factor[:, :-reach]], dim=1)
        reach *= 2
    return s


Scan = Callable[[Tensor, Tensor, Tensor], Tensor]


def forward(scan: Scan, a: Tensor, b: Tensor, start: Tensor) -> Callable[[], object]:
    def call() -> None:
        with torch.no_grad():
            scan(a, b, start)

    return call


def forward_and_backward(scan: Scan, a: Tensor, b: Tensor, start: Tensor) -> Callable[[], object]:
    inputs = [part.clone().requires_grad_() for part in (a, b, start)]
    grad = torch.ones_like(b)
    return lambda: torch.autograd.grad(scan(*inputs), inputs, grad)


def markdown(found: dict[str, Any]) -> str:
    """Return what was measured as a section of docs/benchmarks.md."""
    lines = [
        f"Milliseconds (median of {ROUNDS} alternating rounds), float32, {found['threads']} threads;",
        f"{found['versions']}.",
        "",
        "| B, T, N | step by step | doubling | doubling / step by step |",
        "|---|---|---|---|",
    ]
    for case, times in found["milliseconds"].items():
        ours, theirs = times["step by step"], times["doubling"]
        lines.append(f"| {case} | {ours:.1f} | {theirs:.1f} | {theirs / ours:.1f} |")
    return "\n".join(lines)
