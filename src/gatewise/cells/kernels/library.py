"""The compiled part: finding it, choosing the build for this processor, and calling it.

``csrc/*.c`` is plain C without Python's or torch's headers, compiled when the wheel is made (``hatch_build.py``), once
for AVX2 and once for AVX-512. It runs on torch's own threads, through ``torch_parallel_for`` of torch's stable C
interface. Where there is no build for a machine, :func:`library` is None and other kernels compute the same.
"""

from __future__ import annotations

import ctypes
import math
import os
import threading
from ctypes import Structure, c_float, c_int64, c_void_p
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

#: Best first; torch names what the processor has.
_BUILDS = {"AVX512": ("avx512", "avx2"), "AVX2": ("avx2",)}
#: Set to "none" to do without the compiled part, or to the name of a build to use that one.
VARIABLE = "GATEWISE_NATIVE"

_SIZES = ("steps", "batch", "units", "threads", "inputs", "dy_step", "dy_row", "is_packed")
_RATES = ("hold_h_rate", "hold_c_rate")
_TENSORS = (
    "weights", "bias", "x", "input_weights", "input_rows", "input_bias", "second_bias", "packed", "gates", "h",
    "c", "side", "entering", "drop", "mask", "counts", "hold_h", "hold_c", "dy", "dh", "dc", "dgates", "room",
)  # fmt: skip
_NORM_TENSORS = (
    "recurrent_gain", "cell_gain", "cell_bias", "normed", "spread", "center", "shares",
    "d_recurrent_gain", "d_cell_gain", "d_cell_bias",
)  # fmt: skip


class Sequence(Structure):
    """The arguments of one call: `sequence` in ``csrc/recurrence.c``, in the same order."""

    _fields_ = [
        *((name, c_int64) for name in _SIZES),
        *((name, c_float) for name in _RATES),
        *((name, c_void_p) for name in _TENSORS),
    ]


class NormedSequence(Structure):
    """`normed_sequence` in ``csrc/norm_lstm.c``."""

    _fields_ = [
        ("sequence", Sequence),
        *((name, c_void_p) for name in _NORM_TENSORS),
        ("epsilon", c_float),
    ]
    _anonymous_ = ("sequence",)


class Library:
    """One loaded build."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem.removeprefix("gatewise_")
        self._functions = ctypes.CDLL(str(path))
        self._functions.gatewise_sizes.restype = c_int64
        sizes = [self._functions.gatewise_sizes(normed) for normed in (0, 1)]
        if sizes != [ctypes.sizeof(Sequence), ctypes.sizeof(NormedSequence)]:
            raise OSError(f"{path} is of another version")
        torch_threads = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libtorch_cpu.so")).torch_parallel_for
        self._functions.gatewise_start(ctypes.cast(torch_threads, c_void_p))
        self._functions.gatewise_panel.restype = c_int64
        #: Rows of a weight matrix that are packed together.
        self.panel: int = self._functions.gatewise_panel()
        #: Threads that one call can have; the norms' room has a place for each.
        self.most_threads: int = self._functions.gatewise_most_threads()

    def sequence(self, function: str, size: tuple[int, int, int], **rest: Any) -> None:
        """Call a function over (T, B, H) with tensors by the names of :class:`Sequence`; absent ones are NULL."""
        call: Any = NormedSequence() if function.startswith("norm_") else Sequence()
        call.steps, call.batch, call.units, call.threads = *size, torch.get_num_threads()
        for name, value in rest.items():
            if value is not None:
                setattr(call, name, value.data_ptr() if isinstance(value, Tensor) else value)
        getattr(self._functions, f"gatewise_{function}")(ctypes.byref(call))

    def function(self, name: str) -> Any:
        """Return a function for many calls with one :class:`Sequence` that the caller fills in and keeps."""
        return getattr(self._functions, f"gatewise_{name}")

    def flush_denormals(self, on: bool) -> bool:
        """Set whether numbers below 1e-38 are zero in all of torch's threads; return whether they were in this one."""
        return bool(self._functions.gatewise_flush(int(on), c_int64(torch.get_num_threads())))

    def scan(self, way: str, *tensors: Tensor) -> None:
        """Call `gatewise_scan_forward` or `_backward` with contiguous tensors; the first is (B, T, N)."""
        sizes = (*tensors[0].shape, torch.get_num_threads())
        pointers = (c_void_p(tensor.data_ptr()) for tensor in tensors)
        getattr(self._functions, f"gatewise_scan_{way}")(*map(c_int64, sizes), *pointers)

    def room_for_weights(self, weights: Tensor) -> Tensor:
        """Return memory for packed recurrent weights (G H, H), each gate's rows filled up to whole panels."""
        rows, units = weights.shape
        return pool.take(rows * -(-units // self.panel) * self.panel)


class Pool(threading.local):
    """Memory that this thread's calls use again: fresh megabytes cost a page fault for each 4 KiB."""

    def __init__(self) -> None:
        self._free: list[Tensor] = []

    def take(self, *shape: int) -> Tensor:
        """Return a float32 tensor with anything in it."""
        size = math.prod(shape)
        for place, one in enumerate(self._free):
            if one.numel() == size:
                return self._free.pop(place).view(shape)
        # Whatever torch's defaults are: the loops write float32 to the memory of this machine.
        return torch.empty(shape, dtype=torch.float32, device="cpu")

    def give(self, *tensors: Tensor | None) -> None:
        """Take back what nobody reads any more; what is too large or too much to keep is let go."""
        for tensor in tensors:
            # Tensors that were made in inference mode may not be written outside of it.
            if tensor is not None and tensor.numel() <= _LARGEST_KEPT and not tensor.is_inference():
                # `data` counts its own changes, else autograd would think a graph that is kept had been written to.
                self._free.insert(0, tensor.data)
        del self._free[_MOST_KEPT:]


#: Floats in one piece (64 MiB), and pieces a thread.
_LARGEST_KEPT, _MOST_KEPT = 2**24, 6
pool = Pool()


def loaded() -> Library:
    """Return the compiled part, where it is known to be there."""
    found = library()
    assert found is not None
    return found


@cache
def library() -> Library | None:
    """Return the compiled part for this processor, or None where there is none or ``GATEWISE_NATIVE`` says so."""
    wish = os.environ.get(VARIABLE, "")
    names = _BUILDS.get(torch.backends.cpu.get_cpu_capability(), ())
    for name in (wish,) if wish in names else () if wish else names:
        path = Path(__file__).parent / f"gatewise_{name}.so"
        if path.is_file():
            try:
                found = Library(path)
                os.register_at_fork(after_in_child=_stay_alone)
                return found
            except (OSError, AttributeError):  # built for another system or version, or a torch without the interface
                return None
    return None


def _stay_alone() -> None:
    """Make a forked child compute in one thread: torch's others stay behind, and it would wait for them forever."""
    torch.set_num_threads(1)
