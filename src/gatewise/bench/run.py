"""One benchmark: which cells, at which sizes, beside whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gatewise.bench.contestants import (
    KERAS_NAMES,
    Sizes,
    Step,
    keras_pass,
    kernel_of,
    layer_pass,
    one_product,
    one_step,
    our_layer,
    torch_layer,
)
from gatewise.bench.flops import pass_bytes, pass_flops
from gatewise.bench.growth import sweep
from gatewise.bench.memory import peak_memory
from gatewise.bench.roofline import Limits, limit_contestants, limits_from
from gatewise.bench.timing import Timing, take_turns
from gatewise.cells import Cell, create_cell, list_cells
from gatewise.cells.checks import count
from gatewise.registry import CELLS
from gatewise.runs.environment import environment
from gatewise.training.device import cpu_threads

_KERAS_ABSENT = "Keras is not installed, so it is not timed: pip install 'gatewise[bench]'"


@dataclass(frozen=True)
class BenchSettings:
    """What is timed.

    Parameters
    ----------
    cells
        Names of cells; all that are known when empty.
    batch, steps, inputs, units, layers
        Sizes B, T, I, H of the layer and its batch, and the number of layers.
    threads
        CPU threads; as many as torch has when None.
    rounds
        Rounds that count; the median of them is shown.
    keras
        Time Keras on TensorFlow too, where it is installed.
    forward_only
        Leave out the backward pass: what a trained model does.
    growth
        Time smaller and larger T, B, H and numbers of layers too.
    memory
        Measure peak memory, in processes of its own.
    cell_options
        Options of the cells, by name.

    Raises
    ------
    SettingsError
        If a count is not a whole number of at least 1, or there is no such cell.
    """

    cells: tuple[str, ...] = ()
    batch: int = 8
    steps: int = 30
    inputs: int = 2
    units: int = 512
    layers: int = 1
    threads: int | None = None
    rounds: int = 9
    keras: bool = False
    forward_only: bool = False
    growth: bool = False
    memory: bool = True
    cell_options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("batch", "steps", "inputs", "units", "layers", "rounds"):
            count(name, getattr(self, name))
        if self.threads is not None:
            count("threads", self.threads)
        for cell in self.cells:
            CELLS.entry(cell)

    @property
    def sizes(self) -> Sizes:
        """Sizes of the layer and its batch."""
        return Sizes(self.batch, self.steps, self.inputs, self.units, self.layers)


def run_bench(settings: BenchSettings, progress: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Time cells, their peers and the machine in one process, in turn.

    Parameters
    ----------
    settings
        What is timed.
    progress
        Called with what is being timed.

    Returns
    -------
    dict
        ``what`` (in words), ``settings``, ``environment``, ``limits`` (``sgemm_gflops``, ``bandwidth_gb_per_second``),
        ``cells``, ``growth`` (empty unless asked for) and ``notes``. A cell has ``kernel``, ``parameters``,
        ``flops_per_pass``, ``intensity`` (FLOP per byte); for each contestant (``gatewise``, ``torch``, ``keras``; None
        where absent) ``milliseconds``, ``low``, ``high`` (quartiles), ``gflops``, ``of_sgemm``, ``peak_bytes``; and
        ``step``: ``per_second``, ``microseconds``, ``of_product`` (one matrix-vector product over the same weights).

    Raises
    ------
    SettingsError
        If a cell does not have an option.
    """
    cells = settings.cells or tuple(list_cells())
    backward = not settings.forward_only
    with cpu_threads(settings.threads) as threads:
        for cell in cells:  # an option that one of them does not have is said before anything is timed
            our_layer(cell, settings.sizes._replace(batch=1, units=min(settings.units, 64)), settings.cell_options)
        limits = limit_contestants()
        timed = [_time_cell(cell, settings, limits, progress) for cell in cells]
        growth = []
        if settings.growth:
            rounds = max(1, settings.rounds // 2)
            growth = sweep(
                cells, settings.sizes, settings.cell_options, rounds=rounds, backward=backward, progress=progress
            )
        peaks: dict[str, Any] = {}
        if settings.memory:
            progress("peak memory")
            peaks = peak_memory(cells, settings.sizes, settings.cell_options, threads=threads, backward=backward)
    machine = limits_from([timings for _, timings in timed])
    kind = "Training pass" if backward else "Forward pass"
    return {
        "what": f"{kind}, {settings.sizes}, {threads} {'threads' if threads > 1 else 'thread'}",
        "settings": asdict(settings) | {"cells": list(cells), "threads": threads},
        "environment": environment(threads=threads),
        "limits": {"sgemm_gflops": machine.sgemm, "bandwidth_gb_per_second": machine.bandwidth},
        "cells": [_entry(facts, timings, machine, peaks.get(facts["cell"], {})) for facts, timings in timed],
        "growth": growth,
        "notes": _notes(settings),
    }


def _time_cell(
    name: str, settings: BenchSettings, limits: Mapping[str, Step], progress: Callable[[str], None]
) -> tuple[dict[str, Any], dict[str, Timing]]:
    """Time one cell beside its peers and the machine; its one step beside one product over the same weights."""
    progress(name)
    sizes, backward = settings.sizes, not settings.forward_only
    ours, theirs = our_layer(name, sizes, settings.cell_options), torch_layer(name, sizes)
    kernel = kernel_of(ours)
    contestants = {"gatewise": layer_pass(ours, sizes, backward=backward)}
    if theirs is not None:
        contestants["torch"] = layer_pass(theirs, sizes, backward=backward)
    if settings.keras and (keras := keras_pass(name, sizes, backward=backward)) is not None:
        contestants["keras"] = keras
    timings = take_turns({**contestants, **limits}, rounds=settings.rounds)
    single = create_cell(name, input_size=settings.inputs, units=settings.units, **settings.cell_options)
    steps = take_turns({"step": one_step(single), "product": one_product(single)}, rounds=settings.rounds)
    cells = [ours] if isinstance(ours, Cell) else [cell for cell in ours.cells if isinstance(cell, Cell)]
    flops = pass_flops(cells, sizes.batch, sizes.steps, backward=backward)
    facts = {
        "cell": name,
        "kernel": kernel,
        "parameters": sum(weight.numel() for weight in ours.parameters()),
        "flops_per_pass": flops,
        "intensity": flops / pass_bytes(cells, sizes.batch, sizes.steps, backward=backward),
    }
    return facts, {**timings, **steps}


def _entry(
    facts: dict[str, Any], timings: dict[str, Timing], machine: Limits, peaks: Mapping[str, int | None]
) -> dict[str, Any]:
    """Return everything about one cell, as a plain tree."""
    entry: dict[str, Any] = dict(facts)
    for who in ("gatewise", "torch", "keras"):
        timing = timings.get(who)
        if timing is None:
            entry[who] = None
            continue
        gflops = facts["flops_per_pass"] / timing.median / 1e6
        entry[who] = {
            "milliseconds": timing.median,
            "low": timing.low,
            "high": timing.high,
            "gflops": gflops,
            "of_sgemm": gflops / machine.sgemm,
            "peak_bytes": peaks.get(who),
        }
    step = timings["step"].median
    entry["step"] = {
        "per_second": 1000 / step,
        "microseconds": 1000 * step,
        "of_product": timings["product"].median / step,
    }
    return entry


def _notes(settings: BenchSettings) -> list[str]:
    """Say what a reader would look for in vain."""
    notes = []
    if settings.keras and (find_spec("keras") is None or find_spec("tensorflow") is None):
        notes.append(_KERAS_ABSENT)
    elif settings.keras:
        notes.append(f"Keras is timed for {', '.join(KERAS_NAMES)}; its peak memory is not measured")
    if settings.cell_options:
        notes.append("torch.nn and Keras are timed without the cell options")
    return notes


def write_figures(found: dict[str, Any], folder: Path) -> list[Path]:
    """Write ``roofline.svg``, and ``growth.svg`` where growth was timed, into `folder`; return their paths."""
    from gatewise.bench.drawing import save
    from gatewise.bench.growth import growth_figure
    from gatewise.bench.roofline import roofline_figure

    figures = [roofline_figure(found), *([growth_figure(found)] if found["growth"] else [])]
    paths = []
    for figure in figures:
        paths.append(folder / f"{figure.name}.svg")
        save(figure, paths[-1])
    return paths
