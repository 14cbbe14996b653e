"""Recipes for text: settings chosen by measured search, each a fixed amount of work.

What each part is worth, and how it was measured and chosen, stands in ``docs/text.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatewise.errors import UnknownNameError

TEXT_PRESETS: Mapping[str, Mapping[str, Any]] = {
    "fast": {
        "split.validation": 0.0,
        "model.cell": "gru",
        "model.units": 384,
        "model.output_dropout": 0.1,
        "model.ngrams": 8,
        "train.learning_rate": 5e-3,
        "train.epochs": 4,
        "train.restore_best": False,
        "dynamic_evaluation": 0.1,
    },
    "best": {
        "split.validation": 0.0,
        "model.cell": "lstm",
        "model.units": 512,
        "model.output_dropout": 0.3,
        "model.cell_options": {"zoneout": 0.05, "zoneout_cell": 0.4},
        "model.ngrams": 8,
        "train.learning_rate": 4e-3,
        "train.epochs": 12,
        "train.restore_best": False,
        "dynamic_evaluation": 0.1,
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
