"""Train, compare and serve recurrent networks, and know whether they beat the baseline.

Heavy parts load when they are first used: ``import gatewise`` loads neither torch nor scikit-learn.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatewise.cells import create_cell as create_cell
    from gatewise.cells import list_cells as list_cells
    from gatewise.tasks.classify import TextClassifier as TextClassifier
    from gatewise.tasks.forecast import Forecaster as Forecaster
    from gatewise.tasks.generate import TextGenerator as TextGenerator

__version__ = "0.1.0"
__all__ = ["Forecaster", "TextClassifier", "TextGenerator", "__version__", "create_cell", "list_cells"]

_HOMES = {
    "Forecaster": "gatewise.tasks.forecast",
    "TextClassifier": "gatewise.tasks.classify",
    "TextGenerator": "gatewise.tasks.generate",
    "create_cell": "gatewise.cells",
    "list_cells": "gatewise.cells",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'gatewise' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
