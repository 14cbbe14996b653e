"""How much the kept states may take, and which of them go when it is too much."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from uuid import uuid4

from gatewise.errors import OutputError, RunLockedError, SettingsError
from gatewise.runs.atomic import UNFINISHED
from gatewise.runs.lock import held_lock, lone_lock

LIMIT = "GATEWISE_CACHE_LIMIT_GB"
_DEFAULT = 20.0


def limit() -> float:
    """Return how many bytes all kept states together may take.

    Raises
    ------
    SettingsError
        If ``GATEWISE_CACHE_LIMIT_GB`` is no number above 0.
    """
    said = os.environ.get(LIMIT, "").strip()
    try:
        size = float(said or _DEFAULT)
    except ValueError:
        size = 0.0
    if not size > 0:
        raise SettingsError(f"{LIMIT} should be a number above 0 (found {said!r})")
    return size * 1e9


def in_words(size: float) -> str:
    """Return a number of bytes for a person.

    Examples
    --------
    >>> in_words(7.8e10), in_words(4.4e7)
    ('78.0 GB', '44 MB')
    """
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{max(1, round(size / 1e6))} MB"


def make_room(size: int, store: Path) -> None:
    """See that `size` more bytes have room in a store, removing other stores that were used longest ago.

    One that a living process reads or writes stays.

    Raises
    ------
    SettingsError
        If the store alone is larger than all may be.
    OutputError
        If the disk has not that much room.
    """
    allowed, own = limit(), _size(store)
    if own + size > allowed:
        raise SettingsError(
            f"the hidden states of these texts take {in_words(own + size)}, and the cache may hold "
            f"{allowed / 1e9:g} GB: set {LIMIT} higher, or take fewer encoder_layers or cache_precision float16"
        )
    others = {one: _size(one) for one in store.parent.iterdir() if one.is_dir() and one != store}
    total = own + size + sum(others.values())
    for other in sorted(others, key=_last_used):
        if total <= allowed:
            break
        if _removed(other):
            total -= others[other]
    free = shutil.disk_usage(store.parent).free
    if free < size:
        raise OutputError(
            f"cannot write {store}: the hidden states of these texts take {in_words(size)}, and the disk has "
            f"{in_words(free)} free: set GATEWISE_CACHE to a folder with room, or take fewer encoder_layers"
        )


def _size(store: Path) -> int:
    return sum(file.stat().st_size for file in store.glob("*") if file.is_file())


def _last_used(store: Path) -> float:
    about = store / "progress.json"
    return (about if about.is_file() else store).stat().st_mtime


def _removed(store: Path) -> bool:
    """Remove a store unless somebody uses it, and return whether it is gone."""
    try:
        with held_lock(store.with_suffix(".lock")), lone_lock(list(store.glob("layer-*"))) as alone:
            if not alone:
                return False
            going = store.with_name(f".{store.name}.{uuid4().hex[:12]}{UNFINISHED}")
            os.replace(store, going)
    except (RunLockedError, OutputError, OSError):
        return False
    shutil.rmtree(going, ignore_errors=True)
    return True
