"""How everything here is timed (`gatewise.bench.timing`: contestants take turns, the median counts), and on what."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from gatewise.bench.timing import Timing, alternate, take_turns

__all__ = ["ROUNDS", "Timing", "alternate", "installed", "machine", "take_turns"]

ROUNDS = 15


def machine() -> str:
    """Say in one line what is measured on."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{name}, {len(os.sched_getaffinity(0))} cores, {platform.system()}, Python {platform.python_version()}"


def installed(*names: str) -> str:
    """Return the versions of some packages in one line."""
    found = []
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} not installed")
    return ", ".join(found)
