"""A folder that holds a pretrained encoder: whether everything is there, how large it is, and its digest."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

from gatewise.caching import cache_folder
from gatewise.errors import GatewiseError, InputError, did_you_mean
from gatewise.runs.atomic import make_folder, read_json, write_json

CONFIG = "config.json"
#: Files of weights, the first that is there is taken; an index names the parts of weights that are cut into several.
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
#: Sets of files that make a tokenizer, each enough by itself.
TOKENIZERS = (
    ("tokenizer.json",), ("vocab.txt",), ("vocab.json", "merges.txt"), ("spiece.model",), ("spm.model",),
    ("sentencepiece.bpe.model",), ("tokenizer.model",),
)  # fmt: skip
#: Files that change how a tokenizer cuts, where they are there.
TOKENIZER_FILES = (
    *dict.fromkeys(name for files in TOKENIZERS for name in files),
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "bpe.codes",
)  # fmt: skip


@dataclass(frozen=True)
class _Names:
    """How an architecture's configuration calls what we need to know."""

    layers: str = "num_hidden_layers"
    width: str = "hidden_size"
    #: Positions that the first token does not use: those of RoBERTa are counted from the padding's number on.
    after_padding: bool = False
    #: Whether tokens know where they are only by their distance from each other, so that no text is too long.
    relative: bool = False


_ROBERTA = _Names(after_padding=True)
_T5 = _Names("num_layers", "d_model", relative=True)
ARCHITECTURES: Mapping[str, _Names] = {
    "albert": _Names(),
    "bert": _Names(),
    "camembert": _ROBERTA,
    "deberta": _Names(),
    "deberta-v2": _Names(),
    "distilbert": _Names("n_layers", "dim"),
    "electra": _Names(),
    "modernbert": _Names(),
    "mpnet": _ROBERTA,
    "mt5": _T5,
    "roberta": _ROBERTA,
    "t5": _T5,
    "umt5": _T5,
    "xlm-roberta": _ROBERTA,
}


@dataclass(frozen=True)
class EncoderSource:
    """A pretrained encoder that is on this machine, not loaded yet.

    Attributes
    ----------
    name
        How it was asked for.
    folder
        Where its configuration, weights and tokenizer lie.
    architecture
        ``bert``, ``roberta``, ``t5`` ...: one of ``ARCHITECTURES``.
    revision
        Of the package, or the commit on the hub; None for a plain folder.
    hidden_layers
        Hidden states that its encoder gives, embeddings included.
    decoder_layers
        Hidden states that its decoder gives; 0 when it has none.
    width
        Numbers of one token's state.
    max_tokens
        Most tokens of a text that it can read; None when there is no such limit.
    place
        ``package``, ``folder``, ``hub``, or ``random`` for weights that were drawn and never trained.
    """

    name: str
    folder: Path
    architecture: str
    hidden_layers: int
    width: int
    max_tokens: int | None
    decoder_layers: int = 0
    revision: str | None = None
    place: str = "folder"

    @property
    def kind(self) -> str:
        """``t5`` for encoders that have a decoder too, ``bert`` for all others."""
        return "t5" if ARCHITECTURES[self.architecture] is _T5 else "bert"

    @property
    def weights(self) -> tuple[Path, ...]:
        """Files of weights, the first of them the index where they are cut into several."""
        first = next(self.folder / name for name in WEIGHTS if (self.folder / name).is_file())
        return (first, *_parts(first)) if first.name.endswith(".index.json") else (first,)

    @property
    def bytes(self) -> int:
        """Size of the weights."""
        return sum(path.stat().st_size for path in self.weights)

    @cached_property
    def parameters(self) -> int | None:
        """Numbers among the weights, as their headers say; None for weights in a ``pytorch_model.bin``."""
        files = [path for path in self.weights if path.suffix == ".safetensors"]
        return sum(_numbers(path) for path in files) if files else None

    @cached_property
    def digest(self) -> str:
        """SHA-256 of configuration, weights and tokenizer; remembered as long as no size and no time changes."""
        files = [self.folder / CONFIG, *self.weights]
        files += [self.folder / name for name in TOKENIZER_FILES if (self.folder / name).is_file()]
        return _digest(files)


def read_source(folder: Path, name: str, *, revision: str | None = None, place: str = "folder") -> EncoderSource:
    """Return the encoder in a folder.

    Raises
    ------
    InputError
        If configuration, weights or tokenizer are missing, or the architecture is not known.
    """
    if not (folder / CONFIG).is_file():
        raise InputError(f"encoder {name}: no {CONFIG} in {folder}; an encoder's folder holds {_WANTED}")
    config = read_json(folder / CONFIG)
    architecture = str(config.get("model_type"))
    if architecture not in ARCHITECTURES:
        said = f"unknown architecture {architecture!r}" if "model_type" in config else "no model_type"
        raise InputError(
            f"encoder {name}: {folder / CONFIG} has {said}{did_you_mean(architecture, ARCHITECTURES, most=20)}"
        )
    found = [folder / weights for weights in WEIGHTS if (folder / weights).is_file()]
    if not found:
        raise InputError(f"encoder {name}: no weights in {folder}; {' or '.join(WEIGHTS[::2])} is missing")
    lost = [part for part in _parts(found[0]) if not part.is_file()] if found[0].suffix == ".json" else []
    if lost:
        raise InputError(f"encoder {name}: {found[0].name} names {lost[0].name}, which is missing in {folder}")
    if not any(all((folder / file).is_file() for file in files) for files in TOKENIZERS):
        raise InputError(
            f"encoder {name}: no tokenizer in {folder}; {', '.join(' with '.join(files) for files in TOKENIZERS)} "
            f"would be one"
        )
    names = ARCHITECTURES[architecture]
    layers = _number(config, names.layers, folder)
    return EncoderSource(
        name=name,
        folder=folder,
        architecture=architecture,
        hidden_layers=layers + 1,
        decoder_layers=int(config.get("num_decoder_layers") or layers) + 1 if names is _T5 else 0,
        width=_number(config, names.width, folder),
        max_tokens=_max_tokens(config, names),
        revision=revision,
        place=place,
    )


_WANTED = f"{CONFIG}, {WEIGHTS[0]} (or {WEIGHTS[2]}) and a tokenizer (tokenizer.json, vocab.txt ...)"


def _number(config: Mapping[str, Any], key: str, folder: Path) -> int:
    value = config.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputError(f"{folder / CONFIG}: {key} should be a whole number above 0 (found {value!r})")
    return value


def _max_tokens(config: Mapping[str, Any], names: _Names) -> int | None:
    if names.relative or config.get("position_biased_input") is False:
        return None
    positions = config.get("max_position_embeddings", 512)
    padding = config.get("pad_token_id")
    return int(positions) - ((1 if padding is None else int(padding)) + 1 if names.after_padding else 0)


def _parts(index: Path) -> list[Path]:
    """Return the files among which an index shares the weights out."""
    shares = read_json(index).get("weight_map")
    if not isinstance(shares, dict) or not all(isinstance(part, str) for part in shares.values()):
        raise InputError(f"{index}: no weight_map from names to files; download it again")
    return [index.with_name(Path(part).name) for part in dict.fromkeys(shares.values())]


def _numbers(path: Path) -> int:
    """Return how many numbers a safetensors file holds, from its header alone."""
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(prod(one["shape"]) for key, one in header.items() if key != "__metadata__")


def _digest(files: list[Path]) -> str:
    """Return the digest of all files; each file's own is kept in the cache under its size and time of change."""
    memory = cache_folder("encoders") / "digests.json"
    known: dict[str, Any] = {}
    with suppress(InputError):
        known = read_json(memory)
    total, fresh = hashlib.sha256(), False
    for path in files:
        about = path.stat()
        key = f"{os.path.realpath(path)}|{about.st_size}|{about.st_mtime_ns}"
        if not isinstance(known.get(key), str):
            with path.open("rb") as file:
                known[key] = hashlib.file_digest(file, "sha256").hexdigest()
            fresh = True
        total.update(f"{path.name} {known[key]}\n".encode())
    if fresh:
        with suppress(GatewiseError):  # a cache that cannot be written costs a second next time, no more
            make_folder(memory.parent)
            write_json(memory, known)
    return total.hexdigest()
