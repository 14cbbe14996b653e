"""Names of everything that can be chosen by text, without importing any of it.

A part joins by one line in its table in this folder; the command line's choices, the documentation's tables and the
contract tests read these tables and so follow by themselves. A part of a user's own needs no line: its import path
("my_cells:LeakyCell") is a name too, or ``TABLE.register`` gives it one within a program.
"""

from __future__ import annotations

from gatewise.registry.cells import CELLS, KERNELS
from gatewise.registry.classify import (
    CLASS_BASELINES,
    CLASS_LOSSES,
    CLEANING_PRESETS,
    CLEANING_STEPS,
    POOLINGS,
    cleaning_steps,
)
from gatewise.registry.forecast import BASELINES, TRANSFORMS
from gatewise.registry.own import METRICS, READERS
from gatewise.registry.probes import PROBES
from gatewise.registry.table import Entry, Registered, Registry
from gatewise.registry.tasks import TASKS, Task, read_task, spoken, task_of
from gatewise.registry.text import TEXT_BASELINES, TEXT_LOSSES
from gatewise.registry.training import LOSSES, OPTIMIZERS, SCHEDULES

__all__ = [
    "BASELINES",
    "CELLS",
    "CLASS_BASELINES",
    "CLASS_LOSSES",
    "CLEANING_PRESETS",
    "CLEANING_STEPS",
    "KERNELS",
    "LOSSES",
    "METRICS",
    "OPTIMIZERS",
    "POOLINGS",
    "PROBES",
    "READERS",
    "SCHEDULES",
    "TASKS",
    "TEXT_BASELINES",
    "TEXT_LOSSES",
    "TRANSFORMS",
    "Entry",
    "Registered",
    "Registry",
    "Task",
    "cleaning_steps",
    "read_task",
    "spoken",
    "task_of",
]
