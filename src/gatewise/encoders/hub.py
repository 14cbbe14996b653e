"""The Hugging Face hub: its cache on this machine, and, only when asked, its network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gatewise.encoders.quiet import first_line
from gatewise.encoders.source import CONFIG, TOKENIZER_FILES, WEIGHTS
from gatewise.errors import InputError, MissingExtraError

#: What of an encoder's page on the hub is needed, as patterns for the hub's own command line.
QUOTED = " ".join(
    f"'{pattern}'" for pattern in ("*.json", "*.txt", "*.model", "*.codes", "model*.safetensors", "pytorch_model*.bin")
)


def cached(name: str, revision: str | None) -> Path | None:
    """Return the folder of `name` in the hub's cache, None when it is not there."""
    found = _hub().try_to_load_from_cache(name, CONFIG, revision=revision)
    return Path(found).parent if isinstance(found, str) else None


def place() -> Path:
    """Return the folder of the hub's cache, as ``HF_HUB_CACHE``, ``HF_HOME`` and ``XDG_CACHE_HOME`` say."""
    return Path(_hub().constants.HF_HUB_CACHE)


def all_cached() -> Iterator[tuple[str, Path, str]]:
    """Give name, folder and commit of each model in the hub's cache: its branch main, else what came last."""
    try:
        hub = _hub()
    except MissingExtraError:
        return
    try:
        found = hub.scan_cache_dir(place())
    except hub.CacheNotFound:
        return
    for repo in sorted(found.repos, key=lambda repo: str(repo.repo_id)):
        if repo.repo_type == "model" and repo.revisions:
            kept = max(repo.revisions, key=lambda one: ("main" in one.refs, one.last_modified))
            yield repo.repo_id, kept.snapshot_path, kept.commit_hash


def fetch(name: str, revision: str | None) -> Path:
    """Download configuration, weights and tokenizer of `name` into the hub's cache and return their folder.

    Raises
    ------
    InputError
        If the hub has no such model, cannot be reached, or ``HF_HUB_OFFLINE`` forbids it.
    """
    hub = _hub()
    try:
        there = hub.HfApi().list_repo_files(name, revision=revision)
        folder = hub.snapshot_download(name, revision=revision, allow_patterns=_needed(there))
    except Exception as error:
        raise InputError(
            f"encoder {name} cannot be fetched from the hub: {first_line(error)}. Check the name, the network and "
            f"HF_HUB_OFFLINE, or name a folder that holds it"
        ) from error
    return Path(folder)


def _needed(there: list[str]) -> list[str]:
    """Return which of a page's files are needed: of several forms of weights only the one that would be read."""
    wanted = [CONFIG, *TOKENIZER_FILES]
    weights = next((name for name in WEIGHTS if name in there), None)
    if weights is not None:
        first = weights.partition(".")[0]
        parts = [
            name for name in there if name.startswith(f"{first}-") and Path(name).suffix in (".safetensors", ".bin")
        ]
        wanted += [weights, *(parts if weights.endswith(".index.json") else [])]
    return [name for name in there if name in wanted]


def _hub() -> Any:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        import huggingface_hub
        import huggingface_hub.constants
    except ImportError as error:
        raise MissingExtraError("a pretrained encoder", "text") from error
    return huggingface_hub
