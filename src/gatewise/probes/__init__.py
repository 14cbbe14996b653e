"""Know your cell: small tasks whose right answer is known, gradient flow and memory, in one table of cells by tasks."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatewise.probes.memory import gradient_flow as gradient_flow
    from gatewise.probes.memory import half_life as half_life
    from gatewise.probes.run import run_probe as run_probe
    from gatewise.probes.settings import ProbeSettings as ProbeSettings
    from gatewise.probes.tasks import Batch as Batch
    from gatewise.probes.tasks import ProbeTask as ProbeTask

_HOMES = {
    "Batch": "tasks",
    "ProbeSettings": "settings",
    "ProbeTask": "tasks",
    "gradient_flow": "memory",
    "half_life": "memory",
    "run_probe": "run",
}
__all__ = ["Batch", "ProbeSettings", "ProbeTask", "gradient_flow", "half_life", "run_probe"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:  # late, so that the command line checks what was typed before torch is loaded
        return getattr(import_module(f"gatewise.probes.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'gatewise.probes' has no attribute {name!r}")
