"""Labelled texts: an encoder that is run once, a recurrent head, baselines beside it.

Everything loads when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatewise.tasks.classify.estimator import TextClassifier as TextClassifier
    from gatewise.tasks.classify.run import run_classify as run_classify

__all__ = ["TextClassifier", "run_classify"]

_HOMES = {"TextClassifier": "estimator", "run_classify": "run"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
