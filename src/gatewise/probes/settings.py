"""What a probe is: its cells, tasks, seeds and the budget that every cell gets."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from gatewise.registry import CELLS, PROBES, Registered
from gatewise.settings import Settings

#: Changes when the code would give other numbers for the same job: results from before are then made again.
RESULTS_VERSION = 1

TRAINED = 40  # steps of the longest strings that are trained on
LONGER = (80, 256)  # steps of the strings that only the test has
BATCH = 64
RATES = (1e-2, 3e-3)
SOLVED = 0.95  # accuracy from which on a seed counts as having solved a task

#: In a task's place in a job: the gradient flow of a new cell, which nothing is trained for.
FLOW = "gradient flow"
#: What is probed when no cell is named, as far as it is there.
USUAL = ("rnn", "gru", "lstm", "slstm", "mingru", "rglru")
PRESETS: dict[str, dict[str, int]] = {"quick": {"steps": 1000, "seeds": 3}, "full": {"steps": 5000, "seeds": 10}}

CellName = Annotated[str, BeforeValidator(Registered(CELLS))]
TaskName = Annotated[str, BeforeValidator(Registered(PROBES))]


class ProbeSettings(Settings):
    """A grid of cells by tasks by seeds."""

    cells: tuple[CellName, ...] = Field(default_factory=lambda: tuple(one for one in USUAL if one in CELLS))
    """Cells to probe."""
    tasks: tuple[TaskName, ...] = Field(default_factory=lambda: tuple(PROBES.names()))
    """Tasks to train them on."""
    seeds: int = Field(PRESETS["quick"]["seeds"], ge=1)
    """Number of seeds; the same seed gives every cell the same strings."""
    units: int = Field(32, ge=1)
    """Units of every cell."""
    steps: int = Field(PRESETS["quick"]["steps"], ge=1)
    """Training steps of every cell on every task."""

    @field_validator("cells", "tasks")
    @classmethod
    def _some_and_each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names:
            raise ValueError("at least one is needed")
        return tuple(dict.fromkeys(names))

    def budget(self) -> str:
        """Say in words what every cell got."""
        rates = " or ".join(f"{rate:g}" for rate in RATES)
        return (
            f"Every cell: one layer of {self.units} units and a dense head, {self.steps:,} steps of {BATCH} strings of "
            f"up to {TRAINED} steps, Adam at {rates} (the better on validation after a third of the steps)."
        )


class ProbeJob(Settings):
    """One cell on one task with one seed."""

    cell: CellName
    task: str
    seed: int
    units: int
    steps: int


def jobs_of(settings: ProbeSettings, cell: str) -> list[ProbeJob]:
    """Return a cell's jobs: its gradient flow at the start, then every task, with every seed."""
    common: dict[str, Any] = {"cell": cell, "units": settings.units, "steps": settings.steps}
    return [
        ProbeJob(task=task, seed=seed, **common) for task in (FLOW, *settings.tasks) for seed in range(settings.seeds)
    ]
