"""Where gatewise keeps what it made once and can make again."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder(kind: str) -> Path:
    """Return the folder of one kind of kept work: in ``GATEWISE_CACHE``, else in the user's cache folder."""
    own = os.environ.get("GATEWISE_CACHE")
    if own:
        return Path(own) / kind
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gatewise" / kind
