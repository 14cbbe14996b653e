"""What `make study` costs: seconds from nothing to the page, and the page's size."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.timing import machine

TITLE = "The quick study and its page"


def measure() -> dict[str, Any]:
    """Run `gatewise study stocks-cells --preset quick` into a new folder."""
    gatewise = str(Path(sys.executable).with_name("gatewise"))
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        command = [gatewise, "study", "stocks-cells", "--preset", "quick", "--out", folder, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - start
        found = json.loads(done.stdout)
        page = Path(found["page"])
        return {
            "machine": machine(),
            "seconds": seconds,
            "runs": len(found["runs"]),
            "page_mib": page.stat().st_size / 2**20,
        }


def markdown(found: dict[str, Any]) -> str:
    """Return what was measured as a section of docs/benchmarks.md."""
    return (
        f"`gatewise study stocks-cells --preset quick`: {found['runs']} runs and the page in "
        f"{found['seconds'] / 60:.1f} minutes; the page is {found['page_mib']:.2f} MiB, everything in one file."
    )
