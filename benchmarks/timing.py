"""How everything here is timed: contestants take turns, and the median of their rounds counts."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROUNDS = 15
WARM_UP = 3


def alternate(
    contestants: dict[str, Callable[[], object]], *, rounds: int = ROUNDS, repeat: int = 5
) -> dict[str, float]:
    """Return the median milliseconds of one call of each contestant.

    Every round calls each contestant `repeat` times in a row, one contestant after the other, so that a machine whose
    speed drifts is as unfair to one as to the next.
    """
    for call in contestants.values():
        for _ in range(WARM_UP):
            call()
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, call in contestants.items():
            start = time.perf_counter()
            for _ in range(repeat):
                call()
            seconds[name].append((time.perf_counter() - start) / repeat)
    return {name: 1000 * statistics.median(found) for name, found in seconds.items()}


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
