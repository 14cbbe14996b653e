"""What is known of a cell before anything is compared: its size, how it is computed, its speed here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gatewise.bench.contestants import Sizes, kernel_of, layer_pass, one_step
from gatewise.bench.flops import state_numbers
from gatewise.bench.timing import take_turns
from gatewise.cells import create_cell
from gatewise.cells.parallel import ParallelCell

#: Sizes that cells are described and timed at.
DESCRIBED = Sizes(batch=8, steps=30, inputs=512, units=512)
TIMED = Sizes(batch=8, steps=100, inputs=256, units=256)
_ROUNDS = 5


def describe(name: str) -> dict[str, Any]:
    """Return state numbers, parameters, whether parallel over time, and the kernel, at 512 inputs and units."""
    cell = create_cell(name, input_size=DESCRIBED.inputs, units=DESCRIBED.units)
    return {
        "state_size": state_numbers(cell),
        "parameters": sum(weight.numel() for weight in cell.parameters()),
        "parallel": isinstance(cell, ParallelCell),
        "kernel": kernel_of(cell),
    }


def speeds(names: Sequence[str], progress: Callable[[str], None]) -> list[dict[str, float]]:
    """Return milliseconds of a training pass and microseconds of one step of each cell, timed in turn."""
    cells = {name: create_cell(name, input_size=TIMED.inputs, units=TIMED.units) for name in names}
    progress(f"Timing {len(cells)} cells")
    passes = take_turns({name: layer_pass(cell, TIMED) for name, cell in cells.items()}, rounds=_ROUNDS)
    steps = take_turns({name: one_step(cell) for name, cell in cells.items()}, rounds=_ROUNDS)
    return [
        {"training_milliseconds": passes[name].median, "step_microseconds": 1000 * steps[name].median} for name in names
    ]
