"""Device, precision and threads of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from gatewise.cells.kernels.library import library
from gatewise.errors import SettingsError
from gatewise.settings import TrainSettings

#: Number format of the weights by the precision of the settings; under bfloat16 only the matrix products are short.
DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.float32}


def choose_device(name: str) -> torch.device:
    """Return a device that is there.

    Raises
    ------
    SettingsError
        If the name means nothing or the machine has no such device.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        raise SettingsError(f"device: {name!r} is no device: use cpu, cuda, cuda:1 ...") from None
    if device.type == "cuda":
        found = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= found:
            raise SettingsError(f"device: {name!r} is not there (CUDA devices found: {found}): use cpu")
    elif device.type != "cpu":
        raise SettingsError(f"device: {name!r} is not supported: use cpu, cuda, cuda:1 ...")
    return device


def autocast(settings: TrainSettings, device: torch.device) -> AbstractContextManager[Any]:
    """Return a context in which matrix products run in the precision of the settings."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=settings.precision == "bfloat16")


def place(batch: Any, network: nn.Module) -> Any:
    """Bring tensors, however nested, to the network's device; floating ones into its number format too."""
    like = next(network.parameters())
    return _place(batch, like.device, like.dtype)


def _place(batch: Any, device: torch.device, dtype: torch.dtype) -> Any:
    if isinstance(batch, Tensor):
        return batch.to(device, dtype) if batch.is_floating_point() else batch.to(device)
    if isinstance(batch, Mapping):
        return {key: _place(value, device, dtype) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):  # a named tuple
        return type(batch)(*(_place(value, device, dtype) for value in batch))
    if isinstance(batch, list | tuple):
        return type(batch)(_place(value, device, dtype) for value in batch)
    return batch


@contextmanager
def cpu_threads(count: int | None) -> Iterator[int]:
    """Let torch use `count` threads while the block runs (as many as it has when None), and give the number."""
    before = torch.get_num_threads()
    try:
        if count is not None and count != before:
            torch.set_num_threads(count)
        yield torch.get_num_threads()
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Take numbers below 1e-38 as zero in all of torch's CPU threads while the block runs.

    The gradients of saturated gates are that small, as on raw prices, and a processor takes many times as long over
    each of them.
    """
    compiled = library()
    if compiled is None:  # only this thread can be reached, and those that it starts from now on
        torch.set_flush_denormal(True)
        try:
            yield
        finally:
            torch.set_flush_denormal(False)
        return
    before = compiled.flush_denormals(True)
    try:
        yield
    finally:
        compiled.flush_denormals(before)
