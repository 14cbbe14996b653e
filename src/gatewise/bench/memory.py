"""Peak memory of a training pass, seen from outside: what the operating system had to give the process.

A counter inside torch would miss what oneDNN and other kernels allocate for themselves. So each contestant gets a
process of its own, forked from one that has torch loaded and has computed nothing, and the rise of the process's
resident memory counts: from after a pass of a small size (which starts the threads and loads the code) to the highest
point of two passes of the real size. Pages of the program's files are left out: how many of them are mapped is the
system's choice. The C library gives freed blocks back at once, so that what is measured is what is held, not what lies
about; the smallest of three processes counts. Weights, their gradients, what is kept for the backward pass and every
buffer are in it. Linux only: elsewhere there is no such counter, and the figure is left out.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gatewise.bench.contestants import Sizes, layer_pass, our_layer, torch_layer

_STATUS = Path("/proc/self/status")
_PROCESSES = 3
#: Blocks of this many bytes and more come from the system, one by one, and go back to it when they are freed.
_OWN_BLOCK = "65536"


def peak_memory(
    cells: Sequence[str], sizes: Sizes, options: Mapping[str, Any], *, threads: int, backward: bool = True
) -> dict[str, dict[str, int | None]]:
    """Return peak bytes by cell and contestant ("gatewise", "torch"); None where they cannot be measured.

    Each contestant computes in its own process. A cell of the user's own, registered in this process only, is not known
    there and has none.
    """
    nothing: dict[str, dict[str, int | None]] = {cell: {"gatewise": None, "torch": None} for cell in cells}
    if not _STATUS.is_file() or not hasattr(os, "fork"):
        return nothing
    asked = {"cells": list(cells), "sizes": list(sizes), "options": dict(options), "threads": threads}
    given_back = {"MALLOC_MMAP_THRESHOLD_": _OWN_BLOCK, "MALLOC_TRIM_THRESHOLD_": _OWN_BLOCK}
    done = subprocess.run(
        [sys.executable, "-m", "gatewise.bench.memory"],
        input=json.dumps({**asked, "backward": backward}),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **given_back},
    )
    if done.returncode:
        return nothing
    found: dict[str, dict[str, int | None]] = json.loads(done.stdout)
    return found


def _measure(asked: dict[str, Any]) -> dict[str, dict[str, int | None]]:
    """Measure every contestant, each in a fork of this process."""
    sizes = Sizes(*asked["sizes"])
    rest = asked["options"], asked["threads"], asked["backward"]
    return {cell: {who: _least(who, cell, sizes, *rest) for who in ("gatewise", "torch")} for cell in asked["cells"]}


def _least(*what: Any) -> int | None:
    found = [_in_a_fork(*what) for _ in range(_PROCESSES)]
    return min((one for one in found if one is not None), default=None)


def _in_a_fork(who: str, cell: str, sizes: Sizes, options: dict[str, Any], threads: int, backward: bool) -> int | None:
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            found = _rise(who, cell, sizes, options, threads, backward)
            os.write(theirs, ("" if found is None else str(found)).encode())
        finally:
            os._exit(0)  # whatever happened, the parent's work is not done twice
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return int(said) if said else None


def _rise(who: str, cell: str, sizes: Sizes, options: dict[str, Any], threads: int, backward: bool) -> int | None:
    import torch

    torch.set_num_threads(threads)

    def contestant(of: Sizes) -> Any:
        layer = our_layer(cell, of, options) if who == "gatewise" else torch_layer(cell, of)
        return None if layer is None else layer_pass(layer, of, backward=backward)

    smallest = contestant(Sizes(1, 2, sizes.inputs, min(sizes.units, 64), sizes.layers))
    if smallest is None:
        return None
    smallest()
    before = _resident("VmRSS") - _resident("RssFile")
    step = contestant(sizes)
    step()
    step()
    return _resident("VmHWM") - _resident("RssFile") - before


def _resident(field: str) -> int:
    """Return the bytes that this process has (VmRSS), once had at the most (VmHWM) or has of files (RssFile)."""
    found = re.search(rf"^{field}:\s+(\d+) kB", _STATUS.read_text(encoding="ascii"), re.MULTILINE)
    return 1024 * int(found[1]) if found else 0


if __name__ == "__main__":
    print(json.dumps(_measure(json.load(sys.stdin))))  # noqa: T201 - the answer to the process that asked
