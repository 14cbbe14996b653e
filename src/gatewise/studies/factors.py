"""Factors and their levels: what differs between the runs of a study.

A factor is written in one of two ways::

    vary:
      model.cell: [rnn, gru, lstm]              # a setting and its values
      schedule:                                 # a name, and levels that each change several settings
        five epochs: {train.epochs: 5, train.patience: null}
        early stopped: {train.epochs: 100, train.patience: 3}

In a group a value may depend on the level of another factor: ``model.units: {by model.cell: {gru: 64, lstm: 55}}``.
A factor may be there only at some levels of others: ``train.focal_gamma: {when: {train.loss: focal}, levels: [1, 2]}``.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gatewise.errors import SettingsError, did_you_mean
from gatewise.registry.outside import short_name
from gatewise.settings import RunSettings, flat_fields

#: Settings that a study sets itself or that are not what a network is compared by.
_NOT_VARIED = {
    "name": "runs are named by their levels",
    "task": "a study is about one task",
    "seed": "write `seeds: 7` beside `vary`; every level is run with every seed",
}


@dataclass(frozen=True)
class By:
    """A value that depends on the level (written as text) of another factor."""

    factor: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Level:
    """One value of a factor.

    Attributes
    ----------
    value : as written in the study file: a setting's value, or the name of a group of changes.
    changes : the dotted settings that it replaces, each with a value or a :class:`By`.
    label : how it is called in tables.
    parts : where factors go together, the level of each of them by its name.
    """

    value: Any
    changes: dict[str, Any]
    label: str
    parts: Mapping[str, Level] = field(default_factory=dict)


@dataclass(frozen=True)
class Factor:
    """A named set of levels; every level is run with every level of the other factors.

    Attributes
    ----------
    when : the factor is there only at these levels (written as text) of others.
    """

    name: str
    levels: tuple[Level, ...]
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def find(self, value: Any) -> Level | None:
        """Return the level written as `value` (``1e-4``, ``0.0001`` and its label are the same)."""
        for level in self.levels:
            if level.value == value or str(value) in (level.label, show(level.value)):
                return level
        return None

    @property
    def settings(self) -> set[str]:
        """The dotted settings that its levels replace."""
        return {path for level in self.levels for path in level.changes}

    @property
    def names(self) -> set[str]:
        """Its own name, and those of the factors that go together in it."""
        return {self.name, *(name for level in self.levels for name in level.parts)}

    def is_in(self, combination: Mapping[str, Level]) -> bool:
        """Tell whether the factor is there, given levels of the factors that it depends on."""
        known = members(combination)
        return all(name in known and show(known[name].value) in values for name, values in self.when.items())


def read_factors(vary: Mapping[str, Any], base: RunSettings) -> tuple[Factor, ...]:
    """Make factors from what stands under ``vary``, each value checked against the setting that it replaces.

    Raises
    ------
    SettingsError
        With one line for every problem.
    """
    factors, problems = [], []
    for name, levels in vary.items():
        try:
            factors.append(_read_factor(str(name), levels, base))
        except SettingsError as error:
            problems += str(error).splitlines()
    for one, other in itertools.combinations(factors, 2):
        both = sorted(one.settings & other.settings)
        if both:
            problems.append(f"vary: {one.name} and {other.name} both change {both[0]}; put them into one factor")
    problems += [*_check_dependent(factors), *_check_conditions(factors, known={*map(str, vary)})]
    if problems:
        raise SettingsError("\n".join(problems))
    return tuple(factors)


def members(combination: Mapping[str, Level]) -> dict[str, Level]:
    """Return the level of every factor of a combination by its name, of those that go together too."""
    return {name: one for key, level in combination.items() for name, one in [(key, level), *level.parts.items()]}


def changes_of(combination: Mapping[str, Level]) -> dict[str, Any]:
    """Return every setting that a combination of levels (by the name of their factor) replaces, with its value.

    Raises
    ------
    SettingsError
        If a value depends on a factor that is not in this combination.
    """
    known = members(combination)
    changes = {path: value for level in combination.values() for path, value in level.changes.items()}
    for path, value in changes.items():
        if isinstance(value, By):
            if value.factor not in known:
                raise SettingsError(f"{path} depends on {value.factor}, which is not there")
            changes[path] = value.values[show(known[value.factor].value)]
    return changes


def _check_dependent(factors: list[Factor]) -> list[str]:
    """Return what is wrong with values that depend on another factor: it is not there, or a level has no value."""
    by_name = {factor.name: factor for factor in factors}
    problems = []
    for factor, level in ((one, level) for one in factors for level in one.levels):
        for path, value in level.changes.items():
            if not isinstance(value, By):
                continue
            where = f"vary.{factor.name}.{level.label}.{path}: by {value.factor}"
            if value.factor not in by_name or value.factor == factor.name:
                problems.append(f"{where}: no other factor is called so{did_you_mean(value.factor, by_name)}")
                continue
            wanted = [show(one.value) for one in by_name[value.factor].levels]
            missing = [name for name in wanted if name not in value.values]
            problems += [f"{where}: has no value for {name}" for name in missing]
    return problems


def _check_conditions(factors: list[Factor], known: set[str]) -> list[str]:
    """Return what is wrong with the levels at which factors are there."""
    by_name = {factor.name: factor for factor in factors}
    problems = []
    for factor in factors:
        for name, values in factor.when.items():
            where = f"vary.{factor.name}.when.{name}"
            if name not in known or name == factor.name:
                others = [one for one in by_name if one != factor.name]
                problems.append(f"{where}: no other factor is called so{did_you_mean(name, others)}")
            elif name in by_name:  # else its own problems are told
                levels = [show(level.value) for level in by_name[name].levels]
                unknown = [value for value in values if value not in levels]
                problems += [f"{where}: has no level {value}{did_you_mean(value, levels)}" for value in unknown]
    for factor in factors:
        if _leads_to(factor, factor.name, by_name, set()):
            problems.append(f"vary.{factor.name}.when: depends on itself through other factors")
    return problems


def _leads_to(factor: Factor, name: str, by_name: Mapping[str, Factor], seen: set[str]) -> bool:
    """Tell whether a factor's conditions lead to the factor called `name`."""
    for other in factor.when:
        if other == name and factor.name != name:
            return True
        if other in by_name and other not in seen:
            seen.add(other)
            if _leads_to(by_name[other], name, by_name, seen):
                return True
    return False


def show(value: Any) -> str:
    """Write a level's value as short text.

    Examples
    --------
    >>> show(1e-4), show(None), show([256, 128])
    ('0.0001', 'none', '256-128')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return "-".join(show(part) for part in value) or "none"
    return str(value)


def _read_factor(name: str, levels: Any, base: RunSettings) -> Factor:
    where = f"vary.{name}"
    known = varied_settings(base)
    if name in _NOT_VARIED:
        raise SettingsError(f"{where}: cannot be varied: {_NOT_VARIED[name]}")
    if isinstance(levels, Mapping) and "when" in levels:
        when = _read_when(levels, where)
        inner = _read_factor(name, levels["levels"], _where_it_holds(base, levels["when"], known))
        return Factor(inner.name, inner.levels, when)
    if isinstance(levels, Mapping) and name not in known:
        return _read_groups(name, levels, base, known)
    if name not in known:
        raise SettingsError(f"{where}: unknown setting{did_you_mean(name, known)}")
    if not isinstance(levels, list | tuple):
        raise SettingsError(f"{where}: a list of values is expected, e.g. [{show(base.at(name))}] (found {levels!r})")
    if not levels:
        raise SettingsError(f"{where}: the list of values is empty; give at least one")
    made, problems = [], []
    for value in levels:
        try:
            changed = checked({name: value}, base, where)
        except SettingsError as error:
            problems.append(str(error))
            continue
        made.append(Level(changed[name], changed, label_of(name, changed[name])))
        if made[-1].value in [level.value for level in made[:-1]]:
            problems.append(f"{where}: {show(made[-1].value)} stands twice")
    if problems:
        raise SettingsError("\n".join(problems))
    return Factor(name, tuple(made))


def _read_when(tree: Mapping[str, Any], where: str) -> dict[str, tuple[str, ...]]:
    """Read ``{when: {train.loss: [focal]}, levels: [1, 2]}``."""
    when = tree["when"]
    if set(tree) != {"when", "levels"}:
        wrong = next((key for key in tree if key not in ("when", "levels")), None)
        found = "levels is missing" if wrong is None else f"found {wrong!r} too"
        raise SettingsError(f"{where}: beside `when` stands `levels` and nothing else ({found})")
    if not isinstance(when, Mapping) or not when:
        raise SettingsError(
            f"{where}.when: a factor and its levels are expected, e.g. when: {{train.loss: focal}} (found {when!r})"
        )
    return {str(name): tuple(show(value) for value in _listed(values)) for name, values in when.items()}


def _where_it_holds(base: RunSettings, when: Mapping[str, Any], known: list[str]) -> RunSettings:
    """Return the settings beside which a factor with a condition is, so that its values are checked there."""
    try:
        return base.replace({path: _listed(values)[0] for path, values in when.items() if path in known})
    except (SettingsError, IndexError):
        return base  # told where the combinations are checked


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _read_groups(name: str, levels: Mapping[str, Any], base: RunSettings, known: list[str]) -> Factor:
    where = f"vary.{name}"
    if not levels:
        raise SettingsError(f"{where}: has no levels; give at least one")
    made, problems = [], []
    for label, changes in levels.items():
        if not isinstance(changes, Mapping):
            problems.append(f"{where}.{label}: settings are expected, e.g. {{train.epochs: 5}} (found {changes!r})")
            continue
        wrong = [path for path in changes if path not in known]
        problems += [f"{where}.{label}.{path}: unknown setting{did_you_mean(str(path), known)}" for path in wrong]
        if wrong:
            continue
        try:
            made.append(Level(show(label), checked(changes, base, f"{where}.{label}"), show(label)))
        except SettingsError as error:
            problems.append(str(error))
    if problems:
        raise SettingsError("\n".join(problems))
    return Factor(name, tuple(made))


def varied_settings(base: RunSettings) -> list[str]:
    """Return every dotted setting that may be varied."""
    return [path for path in flat_fields(type(base)).values() if path not in _NOT_VARIED]


def checked(changes: Mapping[str, Any], base: RunSettings, where: str) -> dict[str, Any]:
    """Return the changes as the settings hold them: numbers as numbers, lists as lists."""
    split = {path: _by(value) for path, value in changes.items()}
    plain = {path: value for path, value in changes.items() if split[path] is None}
    found: dict[str, Any] = _as_held(plain, base, where)
    for path, by in split.items():
        if by is not None:
            held = {name: _as_held({**plain, path: value}, base, where)[path] for name, value in by.values.items()}
            found[path] = By(by.factor, held)
    return {path: found[path] for path in changes}


def _by(value: Any) -> By | None:
    """Read ``{by model.cell: {gru: 64, lstm: 55}}``; None for any other value."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return None
    key, values = next(iter(value.items()))
    if not (isinstance(key, str) and key.startswith("by ") and isinstance(values, Mapping)):
        return None
    return By(key.removeprefix("by ").strip(), {show(name): one for name, one in values.items()})


def _as_held(changes: Mapping[str, Any], base: RunSettings, where: str) -> dict[str, Any]:
    try:
        made = base.replace(changes)
    except SettingsError as error:
        raise SettingsError("\n".join(f"{where}: {line}" for line in str(error).splitlines())) from None
    return {path: made.plain_at(path) for path in changes}


def with_setting(path: str, value: Any) -> str:
    """Name a value together with its setting.

    Examples
    --------
    >>> with_setting("model.units", 64), with_setting("split.train_size", 4000)
    ('units 64', 'training size 4,000')
    """
    if path == "split.train_size":
        return "all training texts" if value is None else f"training size {value:,}"
    return f"{path.rsplit('.', 1)[-1].replace('_', ' ')} {short_name(show(value))}"


def label_of(path: str, value: Any) -> str:
    """Name a level in words: a name speaks for itself, a number needs its setting's name."""
    if isinstance(value, str):
        return short_name(value)
    return with_setting(path, value)
