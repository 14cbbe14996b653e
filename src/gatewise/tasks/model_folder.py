"""What the model folders of all tasks have in common: a checked ``config.json``, and errors that say what is wrong."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from gatewise.errors import GatewiseError, KernelChangedWarning, ModelFolderError
from gatewise.registry.outside import strangers_refused
from gatewise.runs import RunFolder

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"


def find_model(folder: Path) -> Path:
    """Return the model folder that `folder` is, or that the run folder `folder` holds."""
    inside = RunFolder(folder).model_path
    return inside if not (folder / CONFIG).is_file() and inside.is_dir() else folder


def task_of(folder: Path) -> str:
    """Return which task's model a folder holds.

    Raises
    ------
    ModelFolderError
        If this is no model folder.
    """
    return str(_read(find_model(folder))["task"])


def read_config(folder: Path, *, task: str, version: int, files: Sequence[str]) -> dict[str, Any]:
    """Read and check ``config.json``.

    Parameters
    ----------
    task
        The task that is expected.
    version
        The highest format that can be read.
    files
        What must be there beside it.

    Raises
    ------
    ModelFolderError
        If this is no model folder, or one that this version cannot read.
    """
    config = _read(folder)
    if config["task"] != task:
        raise ModelFolderError(f"{folder} holds a model of the task {config['task']!r}, not {task!r}")
    if config["format_version"] > version:
        raise ModelFolderError(
            f"{folder} has format {config['format_version']}, made by gatewise {config.get('gatewise_version', '?')}; "
            f"this version reads up to {version}: upgrade gatewise"
        )
    for name in files:
        if not (folder / name).is_file():
            raise ModelFolderError(f"{folder} is incomplete: {name} is missing; copy it again or train again")
    return config


def _read(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    if not path.is_file():
        raise ModelFolderError(f"{folder} is not a model folder: it holds no {CONFIG}")
    try:
        config = dict(json.loads(path.read_text(encoding="utf-8")))
        config["format_version"], config["task"] = int(config["format_version"]), str(config["task"])
        if config["format_version"] < 1:
            raise ValueError(f"format_version is {config['format_version']}")
    except (ValueError, KeyError, TypeError, OSError, ArithmeticError, RecursionError) as error:
        raise ModelFolderError(f"{path} cannot be read ({error}): copy the folder again or train again") from error
    return config


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Turn whatever a changed or truncated folder causes into one error, and import nothing that it names.

    Raises
    ------
    ModelFolderError
        In the place of the error.
    """
    try:
        with strangers_refused():
            yield
    except GatewiseError as error:
        raise ModelFolderError(f"{folder}: {error}") from error
    except (LookupError, TypeError, ValueError, AttributeError, OSError, RuntimeError, SafetensorError) as error:
        raise ModelFolderError(
            f"{folder} cannot be loaded ({type(error).__name__}: {error}): the folder is incomplete or was changed; "
            "copy it again or train again"
        ) from error


def tell_other_kernel(folder: Path, trained: str | None, now: str | None) -> None:
    """Warn when a model computes with another kernel than it was trained with."""
    # Folders from before kernels were recorded say "auto".
    if trained not in (None, "auto", now):
        warnings.warn(
            f"{folder} was trained with the kernel {trained!r} and computes here with {now!r}: results may differ in "
            "their last digits (gatewise doctor says which kernels there are)",
            KernelChangedWarning,
            stacklevel=2,
        )
