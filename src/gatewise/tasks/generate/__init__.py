"""Text, symbol by symbol: train, judge and write.

What is needed to write alone (no scikit-learn, no tables) loads quickly; the rest when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatewise.tasks.generate.estimator import TextGenerator as TextGenerator
    from gatewise.tasks.generate.result import Generated as Generated
    from gatewise.tasks.generate.run import run_text as run_text

__all__ = ["Generated", "TextGenerator", "run_text"]

_HOMES = {"Generated": "result", "TextGenerator": "estimator", "run_text": "run"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
