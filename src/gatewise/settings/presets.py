"""Recipes: settings chosen by measured search.

What each part is worth, and how it was measured and chosen, stands in ``docs/text.md`` and ``docs/tweets.md``.
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


CLASSIFY_PRESETS: Mapping[str, Mapping[str, Any]] = {
    # The reference report's head, training and split.
    "report": {
        "data.cleaning": ["report"],
        "split.kind": "random",
        "encoder.layers": [-1],
        "model.units": 384,
        "model.pooling": ["last_padded"],
        "model.output_dropout": 0.0,
        "model.head_dropout": 0.1,
        "train.loss": "cross_entropy",
        "train.vote_share": 0.0,
        "train.learning_rate": 5e-4,
        "train.schedule": "constant",
        "train.clip_norm": None,
        "train.batch_size": 8,
        "train.epochs": 3,
        "train.least_steps": 0,
        "train.restore_best": False,
    },
    # The encoder's last layers are trained too: better, and many times as long.
    "tuned": {"encoder.tune_layers": 3, "encoder.learning_rate": 1e-4},
}


def preset_of(presets: Mapping[str, Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    """Return the settings of a recipe by their dotted paths.

    Raises
    ------
    UnknownNameError
        If there is none of this name.

    Examples
    --------
    >>> preset_of(TEXT_PRESETS, "fast")["train.epochs"], preset_of(CLASSIFY_PRESETS, "tuned")["encoder.tune_layers"]
    (4, 3)
    """
    if name not in presets:
        raise UnknownNameError("preset", name, presets)
    return presets[name]
