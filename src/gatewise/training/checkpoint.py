"""Where a stopped run goes on: one safetensors file, written whole, with everything that decides what comes next.

Tensors: the network's weights, the best weights so far, the optimiser's states, the dropout generator's state. The
rest (where the run stands, losses, schedule, log) is JSON in the file's metadata. Nothing is pickled. The checkpoint
before the newest is kept, for the case that the newest cannot be read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from gatewise.errors import GatewiseError
from gatewise.runs.atomic import cannot_write, make_folder, to_json, write_bytes

FORMAT_VERSION = 1
_NEWEST = "newest.safetensors"
_BEFORE = "before.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """A place to go on from.

    Attributes
    ----------
    tensors
        Groups (``"network"``, ``"best"``, ``"optimizer"``, ``"generators"``) of named tensors.
    facts
        Everything else, as plain JSON.
    notes
        What a person should know about how it was read.
    """

    tensors: dict[str, dict[str, Tensor]]
    facts: dict[str, Any]
    notes: tuple[str, ...] = ()


def write_checkpoint(folder: Path, tensors: dict[str, dict[str, Tensor]], facts: dict[str, Any]) -> None:
    """Write a checkpoint into `folder`; the last one stays beside it.

    Raises
    ------
    OutputError
        If it cannot be written; the last one is then still there.
    """
    content = pack(tensors, facts)
    make_folder(folder)
    newest = folder / _NEWEST
    if newest.exists():
        try:
            newest.replace(folder / _BEFORE)
        except OSError as error:
            raise cannot_write(newest, error) from error
    write_bytes(newest, content)


def read_checkpoint(folder: Path) -> Checkpoint | None:
    """Return the newest checkpoint that can be read, or None when there was never one.

    Raises
    ------
    GatewiseError
        If there are checkpoints and none can be read.
    """
    problems = []
    for path in (folder / _NEWEST, folder / _BEFORE):
        if not path.exists():
            continue
        try:
            tensors, facts = unpack(path.read_bytes())
        except (SafetensorError, OSError, ValueError, KeyError) as error:
            problems.append(f"{path}: {error}")
            continue
        notes = tuple(f"a checkpoint could not be read, the one before it was taken ({text})" for text in problems)
        return Checkpoint(tensors, facts, notes)
    if problems:
        raise GatewiseError(
            "\n".join([*problems, f"no checkpoint can be read: remove {folder} to train from the start"])
        )
    return None


def pack(tensors: dict[str, dict[str, Tensor]], facts: dict[str, Any]) -> bytes:
    """Return the content of a checkpoint's file."""
    flat: dict[str, Tensor] = {}
    places = set()
    for group, members in tensors.items():
        for name, tensor in members.items():
            value = tensor.detach().cpu().contiguous()
            # safetensors refuses names that share memory, e.g. tied weights: each is saved on its own
            flat[f"{group}/{name}"] = value.clone() if value.data_ptr() in places else value
            places.add(value.data_ptr())
    return save(flat, {"format_version": str(FORMAT_VERSION), "facts": to_json(facts)})


def unpack(content: bytes) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    """Return tensors and facts of a file's content."""
    flat = load(content)  # refuses what is no such file
    size = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + size])["__metadata__"]
    version = metadata["format_version"]
    if version != str(FORMAT_VERSION):
        raise ValueError(f"format version {version}; this version of gatewise reads {FORMAT_VERSION}")
    tensors: dict[str, dict[str, Tensor]] = {}
    for key, tensor in flat.items():
        group, name = key.split("/", 1)
        tensors.setdefault(group, {})[name] = tensor.clone()  # own memory, aligned as torch aligns
    return tensors, json.loads(metadata["facts"])
