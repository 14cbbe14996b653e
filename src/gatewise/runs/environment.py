"""What a run ran on: versions, machine, threads, git. Neither host names nor user names."""

from __future__ import annotations

import math
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = ("gatewise", "torch", "numpy", "polars", "scipy", "scikit-learn", "safetensors", "statsforecast")
#: Variables that numerical libraries read when they are loaded.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "POLARS_MAX_THREADS",
)


def environment(*, threads: int | None = None, folder: Path | None = None) -> dict[str, Any]:
    """Return what a run ran on, as a plain tree.

    Parameters
    ----------
    threads
        CPU threads that the run uses; what the thread variables or the cores say when absent.
    folder
        Where to look for a git work tree; the current folder by default.

    Returns
    -------
    dict
        ``python``, ``packages`` (version or None), ``platform``, ``cpu`` (model, cores), ``memory_gib``, ``threads``,
        ``thread_variables``, ``git`` (commit, dirty) or None.
    """
    return {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": {"model": cpu_model(), "cores": cores(), "cores_of_machine": os.cpu_count()},
        "memory_gib": memory_gib(),
        "threads": threads or _threads_from_variables() or cores(),
        "thread_variables": {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ},
        "git": git_state(folder or Path.cwd()),
    }


def cores() -> int:
    """Return how many cores this process may use: by its affinity and by its container's quota."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(allowed, _quota(Path("/sys/fs/cgroup")))))


def _quota(root: Path) -> float:
    """Return the cores a control group grants (version 2, then 1), infinity without a limit."""
    try:
        quota, period = (root / "cpu.max").read_text().split()
        return math.inf if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        pass
    try:
        quota_us = int((root / "cpu" / "cpu.cfs_quota_us").read_text())
        return quota_us / int((root / "cpu" / "cpu.cfs_period_us").read_text()) if quota_us > 0 else math.inf
    except (OSError, ValueError):
        return math.inf


def cpu_model() -> str:
    """Return the processor's name, or its architecture when the system does not tell."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def memory_gib() -> float | None:
    """Return the machine's memory in GiB, or None when the system does not tell."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None


def git_state(folder: Path) -> dict[str, Any] | None:
    """Return commit and whether files differ from it, or None outside a git work tree."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "dirty": None if changes is None else bool(changes)}


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - fixed words, no shell
            ["git", "-C", str(folder), *words],  # noqa: S607 - whichever git the user has
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _version(name: str) -> str | None:
    if name == "gatewise":  # the version of the code that runs, even when another one is installed
        module = sys.modules.get("gatewise")
        return getattr(module, "__version__", None)
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _threads_from_variables() -> int | None:
    value = os.environ.get("OMP_NUM_THREADS", "")
    return int(value) if value.isdigit() and int(value) > 0 else None
