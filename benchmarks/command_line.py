"""How long `gatewise --help` takes, as a whole process."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.timing import machine

TITLE = "gatewise --help"
RUNS = 15


def measure() -> dict[str, Any]:
    """Return the median seconds of `gatewise --help`, of `import gatewise` and of Python alone."""
    gatewise = str(Path(sys.executable).with_name("gatewise"))
    commands = {
        "gatewise --help": [gatewise, "--help"],
        "import gatewise": [sys.executable, "-c", "import gatewise"],
        "python": [sys.executable, "-c", "pass"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(RUNS + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            if turn:  # the first turn warms the disk's cache
                seconds[name].append(time.perf_counter() - start)
    return {"machine": machine(), "seconds": {name: statistics.median(found) for name, found in seconds.items()}}


def markdown(found: dict[str, Any]) -> str:
    """Return what was measured as a section of docs/benchmarks.md."""
    parts = [f"`{name}` {seconds:.3f} s" for name, seconds in found["seconds"].items()]
    return f"Whole processes, median of {RUNS}: {', '.join(parts)}."
