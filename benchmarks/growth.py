"""Every cell at one size, the machine's roof over them, and how their time grows: `gatewise bench --sweep`.

The two figures go to docs/images when this runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.timing import installed, machine
from gatewise.bench import BenchSettings, run_bench
from gatewise.bench.contestants import TORCH_NAMES
from gatewise.bench.run import write_figures

TITLE = "Every cell, and how its time grows"
SETTINGS = BenchSettings(batch=8, steps=60, inputs=64, units=512, rounds=9, growth=True)
IMAGES = Path(__file__).parent.parent / "docs" / "images"


def measure() -> dict[str, Any]:
    """Return what `gatewise bench --sweep` finds for all cells, and draw it."""
    found = run_bench(SETTINGS, progress=lambda what: print(f"  {what}", flush=True))
    draw(found)
    kept = ("what", "limits", "cells", "growth")
    return {"machine": machine(), "versions": installed("torch"), **{name: found[name] for name in kept}}


def draw(found: dict[str, Any]) -> None:
    """Draw the roof with every cell, and growth with those that torch.nn has: seventeen lines cannot be told apart."""
    write_figures({**found, "growth": [row for row in found["growth"] if row["cell"] in TORCH_NAMES]}, IMAGES)


def markdown(found: dict[str, Any]) -> str:
    """Return what was measured as a section of docs/benchmarks.md."""
    limits = found["limits"]
    lines = [
        f"{found['what']}; {found['versions']}; medians of {SETTINGS.rounds} alternating rounds. The same run's matrix",
        f"product reaches {limits['sgemm_gflops']:.0f} GFLOP/s, memory {limits['bandwidth_gb_per_second']:.0f} GB/s. "
        "One step is compared with one",
        "matrix-vector product over as many weights.",
        "",
        "| cell | kernel | ms | torch.nn ms | GFLOP/s | of sgemm | peak MiB | torch.nn MiB | step µs | of product |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for cell in found["cells"]:
        ours, theirs, step = cell["gatewise"], cell["torch"], cell["step"]
        shown = [
            cell["cell"],
            cell["kernel"],
            f"{ours['milliseconds']:.1f}",
            f"{theirs['milliseconds']:.1f}" if theirs else "-",
            f"{ours['gflops']:.0f}",
            f"{ours['of_sgemm']:.0%}",
            _mebibytes(ours),
            _mebibytes(theirs),
            f"{step['microseconds']:.0f}",
            f"{step['of_product']:.0%}",
        ]
        lines.append(f"| {' | '.join(shown)} |")
    roof = "![GFLOP/s of each cell over the FLOP it computes per byte, under the machine's roof](images/roofline.svg)"
    growth = "![Milliseconds of a pass by steps, sequences, units and layers, logarithmic axes](images/growth.svg)"
    return "\n".join([*lines, "", roof, "", growth])


def _mebibytes(contestant: dict[str, Any] | None) -> str:
    peak = contestant and contestant["peak_bytes"]
    return f"{peak / 2**20:.0f}" if peak else "-"
