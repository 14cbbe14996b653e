"""Compile the kernels when a wheel is made, once for AVX2 and once for AVX-512.

With whichever C compiler is there, else with the one that PyPI has (ziglang), so that ``pip install`` needs none. Where
the processor or the system is another, or compiling fails, the wheel is pure Python and other kernels compute the same.
``GATEWISE_NATIVE=none`` skips it.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

KERNELS = Path("src/gatewise/cells/kernels")
BUILDS = {
    "avx2": ["-mavx2", "-mfma"],
    "avx512": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma"],
}
FLAGS = ["-std=c11", "-O3", "-ffp-contract=fast", "-Wall", "-Wextra", "-fPIC", "-shared", "-s"]


class CompileKernels(BuildHookInterface):
    """Hatchling's door."""

    def dependencies(self) -> list[str]:
        """Ask for a compiler from PyPI where the machine has none."""
        return ["ziglang>=0.13"] if self._wanted() and own_compiler() is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's own signature
        """Compile, and make the wheel one of this platform."""
        if not self._wanted():
            return
        folder = Path(self.root) / KERNELS
        compiler = own_compiler() or [sys.executable, "-m", "ziglang", "cc", "-target", "x86_64-linux-gnu.2.17"]
        try:
            for name, flags in BUILDS.items():
                compile_one(compiler, flags, folder / "csrc" / "native.c", folder / f"gatewise_{name}.so")
        except (OSError, subprocess.CalledProcessError) as error:
            self.app.display_warning(f"gatewise's kernels were not compiled, torch's will be used: {error}")
            return
        build_data["artifacts"] += [f"{KERNELS}/gatewise_*.so"]
        build_data["pure_python"] = False
        build_data["tag"] = "py3-none-linux_x86_64"

    def _wanted(self) -> bool:
        here = platform.system() == "Linux" and platform.machine() == "x86_64"
        return here and self.target_name == "wheel" and os.environ.get("GATEWISE_NATIVE") != "none"


def own_compiler() -> list[str] | None:
    """Return the command of the machine's C compiler, None where there is none."""
    if named := os.environ.get("CC"):
        return shlex.split(named)
    return next(([found] for name in ("gcc", "clang", "cc") if (found := shutil.which(name))), None)


def compile_one(compiler: list[str], flags: list[str], source: Path, target: Path) -> None:
    """Compile one build; it takes its place whole, because a running process may have the old one open."""
    fresh = target.with_suffix(".new")
    subprocess.run([*compiler, *FLAGS, *flags, str(source), "-o", str(fresh)], check=True)
    fresh.replace(target)
