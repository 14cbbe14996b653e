"""Settings that change nothing unless another one has some value: said once, beside the setting itself.

A study asks here, so that it never trains the levels of a factor that the task would ignore.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from gatewise.settings.base import RunSettings, field_names


@dataclass(frozen=True)
class CountsWhen:
    """Marks a setting that counts only with some values of another; several marks: each of them is enough.

    Attributes
    ----------
    path : the dotted path of the other setting.
    among : values with which the marked one counts; without any, every value that is not nothing (0, empty, false).
    but_not : values with which it does not count, where those are fewer.
    """

    path: str
    among: tuple[Any, ...] = ()
    but_not: tuple[Any, ...] = ()

    def holds(self, settings: RunSettings) -> bool:
        """Tell whether the marked setting counts beside these."""
        value = settings.at(self.path)
        if self.among:
            return value in self.among
        return value not in self.but_not if self.but_not else bool(value)

    def __str__(self) -> str:
        if self.among:
            return f"{self.path} {' or '.join(_written(value) for value in self.among)}"
        if self.but_not:
            return f"{self.path} other than {' or '.join(_written(value) for value in self.but_not)}"
        return f"some {self.path}"


def why_ignored(settings: RunSettings, path: str) -> str | None:
    """Say with what the setting at a dotted path would count, when beside these settings it changes nothing.

    Examples
    --------
    >>> from gatewise.settings import ForecastSettings
    >>> why_ignored(ForecastSettings(), "train.huber_delta")
    'it counts only with train.loss huber'
    >>> why_ignored(ForecastSettings(), "train.epochs") is None
    True
    """
    marks = _marks(type(settings)).get(path, ())
    if not marks or any(mark.holds(settings) for mark in marks):
        return None
    return f"it counts only with {', or with '.join(str(mark) for mark in marks)}"


@lru_cache
def _marks(model: type[BaseModel]) -> dict[str, tuple[CountsWhen, ...]]:
    def found() -> Iterator[tuple[str, tuple[CountsWhen, ...]]]:
        for path, field in field_names(model):
            yield path, tuple(mark for mark in field.metadata if isinstance(mark, CountsWhen))

    return {path: marks for path, marks in found() if marks}


def _written(value: Any) -> str:
    return "none" if value is None else str(value)
