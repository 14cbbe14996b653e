"""Reading and windowing ten million rows: seconds, and peak memory beside the size of the numbers."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.timing import installed, machine

TITLE = "Ten million rows"
ROWS = 10_000_000

_CHILD = """
import json, sys, time
from pathlib import Path
import numpy as np
from gatewise.data.series import Windows, read_series, split_windows
from gatewise.settings import ForecastDataSettings, ForecastSplitSettings
def peak():  # in MiB; the kernel's own figure for this process alone
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
before = peak()
start = time.perf_counter()
series = read_series(ForecastDataSettings(files=(sys.argv[1],), column="y"))
read = time.perf_counter()
windows = Windows(series, 30, 1, 1)
split = split_windows(windows, ForecastSplitSettings())[0]
cut = time.perf_counter()
batch = windows.inputs(series.target, split.train[:1024])
print(json.dumps({
    "read": read - start, "window": cut - read, "windows": len(windows), "batch": list(batch.shape),
    "peak_mib": peak() - before,
    "numbers_mib": (series.target.nbytes + series.times.nbytes) / 2**20,
}))
"""


def measure() -> dict[str, Any]:
    """Write a file of ten million rows, and read it in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        write(path)
        done = subprocess.run([sys.executable, "-c", _CHILD, str(path)], capture_output=True, text=True, check=True)
        size = path.stat().st_size / 2**20
    return {"machine": machine(), "versions": installed("polars", "numpy"), "file_mib": size, **json.loads(done.stdout)}


def write(path: Path) -> None:
    """Write a random walk by the minute."""
    import polars as pl

    values = 100 + np.random.default_rng(0).normal(size=ROWS).cumsum() * 0.01
    times = np.datetime64("2000-01-01T00:00") + np.arange(ROWS).astype("timedelta64[m]")
    frame = pl.DataFrame({"ds": times.astype("datetime64[us]"), "y": values.round(4)})
    frame.write_csv(path, datetime_format="%Y-%m-%d %H:%M:%S")


def markdown(found: dict[str, Any]) -> str:
    """Return what was measured as a section of docs/benchmarks.md."""
    return (
        f"A CSV of {ROWS:,} rows by the minute ({found['file_mib']:.0f} MiB): "
        f"read and checked in {found['read']:.1f} s, "
        f"cut into {found['windows']:,} windows of 30 and split in {found['window']:.2f} s. "
        f"Peak memory {found['peak_mib']:.0f} MiB above the start, "
        f"of which the numbers themselves are {found['numbers_mib']:.0f} MiB ({found['versions']})."
    )
