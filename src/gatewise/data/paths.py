"""Paths that people type."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from gatewise.errors import did_you_mean


def nearby(path: Path) -> str:
    """Say which file beside a missing one was probably meant."""
    try:
        here = [file.name for file in islice(path.parent.iterdir(), 500)]
    except (OSError, ValueError):
        return f"; the folder {str(path.parent)!r} does not exist either"
    guess = did_you_mean(path.name, here, most=0)
    return guess.split("?")[0] + "?" if "did you mean" in guess else ""
