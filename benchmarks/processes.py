"""One large text run by one process with all cores' threads, and by as many processes with one thread each."""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
from typing import Any

from benchmarks.timing import installed, machine
from gatewise.runs.environment import cores

TITLE = "One run over several processes (text, B 64, T 250, 1,024 units)"
ROUNDS, STEPS, BATCH, WINDOW, UNITS = 3, 5, 64, 250, 1024
_CHILD = """
import sys
import numpy as np
from gatewise.settings import TextSettings
from gatewise.tasks.generate.model import create_network
from gatewise.tasks.generate.training import TextTask
from gatewise.training import Seeds, train
cell, processes, threads, steps, batch, window, units = sys.argv[1], *map(int, sys.argv[2:])
settings = TextSettings.from_flat({
    "cell": cell, "units": units, "embedding": 64, "batch_size": batch, "window": window, "epochs": 1,
    "processes": processes, "threads": threads, "restore_best": False, "patience": None,
})
ids = np.random.default_rng(0).integers(0, 30, batch * window * (steps + 1))
network = create_network(settings, 30, Seeds())
task = TextTask(network, ids, settings, train=np.array([[0, len(ids)]]), validation=np.zeros((0, 2), np.int64))
print(train(network, task, settings.train, seeds=Seeds()).per_step_median)
"""


def measure() -> dict[str, Any]:
    """Train for some steps, in turn one way and the other, and take the median over the rounds."""
    count, rows = cores(), []
    for cell in ("lstm", "gru"):
        found: dict[int, list[float]] = {1: [], count: []}
        for _ in range(ROUNDS):
            for processes in found:
                found[processes].append(step(cell, processes, count // processes))
        rows.append({"cell": cell, "one": statistics.median(found[1]), "several": statistics.median(found[count])})
    return {"machine": machine(), "versions": installed("torch"), "processes": count, "rows": rows}


def step(cell: str, processes: int, threads: int) -> float:
    """Return the median seconds of a step, as process 0 sees it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    if processes > 1:
        told |= {"WORLD_SIZE": str(processes), "LOCAL_WORLD_SIZE": str(processes)}
        told |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    numbers = map(str, (processes, threads, STEPS, BATCH, WINDOW, UNITS))
    command = [sys.executable, "-c", _CHILD, cell, *numbers]
    started = [
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            text=True,
            env=told | ({"RANK": str(rank), "LOCAL_RANK": str(rank)} if processes > 1 else {}),
        )
        for rank in range(processes)
    ]
    said = [process.communicate()[0] for process in started]
    return float(said[0])


def markdown(found: dict[str, Any]) -> str:
    """Return what was measured as a section of docs/benchmarks.md."""
    count = found["processes"]
    lines = [
        f"Seconds a step (median of {STEPS} steps, then of {ROUNDS} alternating rounds; {found['versions']}): the same "
        f"batches by one process with {count} threads, and by {count} processes with one thread each over gloo.",
        "",
        f"| cell | 1 process | {count} processes | times as fast |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {row['cell']} | {row['one']:.2f} | {row['several']:.2f} | {row['one'] / row['several']:.2f} |"
        for row in found["rows"]
    ]
    return "\n".join(lines)
