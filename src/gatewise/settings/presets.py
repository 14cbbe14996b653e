"""Recipes for text: settings chosen by measured search, each a fixed amount of work.

What each part is worth, and how it was measured, stands in ``docs/text.md``. Nothing was chosen on a held-out part.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatewise.errors import UnknownNameError

TEXT_PRESETS: Mapping[str, Mapping[str, Any]] = {
    "fast": {
        "model.cell": "gru",
        "model.units": 384,
        "train.epochs": 4,
        "split.validation": 0.0,
        "train.restore_best": False,
    },
    "best": {
        "model.cell": "gru",
        "model.units": 512,
        "train.epochs": 20,
        "split.validation": 0.0,
        "train.restore_best": False,
    },
}


def text_preset(name: str) -> Mapping[str, Any]:
    """Return the settings of a recipe by their dotted paths.

    Raises
    ------
    UnknownNameError
        If there is none of this name.

    Examples
    --------
    >>> sorted(TEXT_PRESETS)
    ['best', 'fast']
    """
    if name not in TEXT_PRESETS:
        raise UnknownNameError("preset", name, TEXT_PRESETS)
    return TEXT_PRESETS[name]
