"""The values that a searched setting may take at one combination of levels."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatewise.errors import SettingsError
from gatewise.settings import RunSettings, flat_fields
from gatewise.studies.factors import show
from gatewise.studies.search.settings import Searched, SearchSettings

#: A value this near to an end of its range, as a share of it, stands at the edge.
_EDGE = 0.05


@dataclass(frozen=True)
class Parameter:
    """One searched setting: a list of values, or a range of numbers.

    Attributes
    ----------
    whole : whether the setting takes whole numbers only.
    """

    path: str
    values: tuple[Any, ...] | None = None
    low: float = 0.0
    high: float = 0.0
    step: float | None = None
    log: bool = False
    whole: bool = False

    def grid(self) -> tuple[Any, ...] | None:
        """Return every value; None for a range without a step."""
        if self.values is not None:
            return self.values
        step = self.step or (1 if self.whole and not self.log else None)
        if step is None:
            return None
        count = round((self.high - self.low) / step) + 1
        return tuple(self.tidy(self.low + step * place) for place in range(count))

    def tidy(self, value: float) -> Any:
        """Return a number as it is used: whole where it must be, else with four digits, as a person writes it."""
        if self.whole:
            return round(value)
        return min(max(float(f"{value:.4g}"), self.low), self.high)

    def holds(self, value: Any) -> bool:
        """Tell whether `value` is one of those that may be tried."""
        grid = self.grid()
        if grid is not None:
            return value in grid
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and self.low <= value <= self.high

    def edge(self, value: Any, settings: RunSettings) -> str | None:
        """Return ``low`` or ``high`` when `value` stands at an end that could be moved out; None when not.

        Nothing can be moved beyond the setting's own limit, such as a dropout of 0.
        """
        numbers = self.grid() if self.values is not None else (self.low, self.high)
        if numbers is None or not all(isinstance(one, int | float) and not isinstance(one, bool) for one in numbers):
            return None
        low, high = min(numbers), max(numbers)
        if self.grid() is not None:
            margin = 0.0
            end = "low" if value <= low else "high" if value >= high else None
        else:
            place = math.log(value / low) / math.log(high / low) if self.log else (value - low) / (high - low)
            end = "low" if place <= _EDGE else "high" if place >= 1 - _EDGE else None
        if end is None:
            return None
        margin = max(1, round(_EDGE * (high - low))) if self.whole else _EDGE * (high - low)
        beyond = (low / 2 if self.log else low - margin) if end == "low" else high + margin
        try:
            settings.replace({self.path: round(beyond) if self.whole else beyond})
        except SettingsError:
            return None
        return end

    def to_json(self) -> dict[str, Any]:
        """Return what may be tried, as it stands in ``search.json``."""
        if self.values is not None:
            return {"values": list(self.values)}
        return {"low": self.low, "high": self.high, "step": self.step, "log": self.log}


def space_of(search: SearchSettings, levels: Mapping[str, Any], settings: RunSettings) -> tuple[Parameter, ...]:
    """Return what is searched at one combination of levels.

    Parameters
    ----------
    levels
        Factor to the level's value.
    settings
        Of the combination's runs.

    Raises
    ------
    SettingsError
        With one line for every value that the combination's runs would refuse.
    """
    made, problems = [], []
    for path, searched in search.settings.items():
        if not _applies(searched, levels, settings):
            continue
        try:
            made.append(_parameter(path, searched, settings))
        except SettingsError as error:
            problems += [f"search.settings.{path}: {line}" for line in str(error).splitlines()]
    if problems:
        raise SettingsError("\n".join(problems))
    return tuple(made)


def every(space: Sequence[Parameter]) -> Iterator[dict[str, Any]]:
    """Yield every combination of a space whose parameters all have a grid."""
    names = [parameter.path for parameter in space]
    for values in itertools.product(*(parameter.grid() or () for parameter in space)):
        yield dict(zip(names, values, strict=True))


def _applies(searched: Searched, levels: Mapping[str, Any], settings: RunSettings) -> bool:
    """Tell whether a setting is searched at a combination; of zipped factors the settings tell the level."""
    for factor, wanted in searched.when.items():
        if factor not in levels and factor not in flat_fields(type(settings)).values():
            return False
        here = levels[factor] if factor in levels else settings.at(factor)
        if show(here) not in [show(value) for value in (wanted if isinstance(wanted, list | tuple) else [wanted])]:
            return False
    return True


def _parameter(path: str, searched: Searched, settings: RunSettings) -> Parameter:
    if searched.values is not None:
        return Parameter(path, values=tuple(settings.replace({path: one}).plain_at(path) for one in searched.values))
    low, high = (settings.replace({path: one}).plain_at(path) for one in (searched.low, searched.high))
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in (low, high)):
        raise SettingsError("is not a number; give a list of values")
    whole, step = isinstance(low, int), searched.step
    if whole and step is not None and step != int(step):
        raise SettingsError(f"takes whole numbers, and the step is {step:g}")
    if step is not None and abs((steps := (high - low) / step) - round(steps)) > 1e-9:
        raise SettingsError(f"from {low:g} in steps of {step:g}, {high:g} is never reached; change low, high or step")
    return Parameter(path, low=low, high=high, step=step, log=searched.log, whole=whole)
