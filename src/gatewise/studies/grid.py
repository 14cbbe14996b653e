"""How levels of several factors meet: every one with every other, together by position, or as they are written out.

::

    grid: crossed                        # every level of a factor with every level of the others; the default
    grid: zipped                         # the first levels of all factors, then the second ones, ...
    grid: {zipped: [model.cell, size]}   # these two together, and crossed with the other factors
    combinations:                        # written out; crossed with the factors under `vary` that no line names
      - {model.cell: gru, model.units: 75}
      - {model.cell: lstm, model.units: 64, model.layers: 2}

Factors that go together become one factor, whose levels are their combinations: what is compared is then whole lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from gatewise.errors import SettingsError, did_you_mean
from gatewise.settings import RunSettings
from gatewise.studies.factors import (
    By,
    Factor,
    Level,
    checked,
    label_of,
    read_factors,
    show,
    varied_settings,
)

#: What the factor is called whose levels are written out under ``combinations``.
LISTED = "combination"
#: Nobody counts on.
_COUNTED = 1_000_000


def read_grid(grid: Any) -> tuple[tuple[str, ...], ...] | str:
    """Check what stands under ``grid``: crossed, zipped, or the names of the factors that go together.

    Raises
    ------
    SettingsError
        If it is none of these.
    """
    if grid in ("crossed", "zipped"):
        return str(grid)
    if isinstance(grid, Mapping) and set(grid) == {"zipped"} and isinstance(grid["zipped"], list | tuple):
        groups = grid["zipped"]
        groups = [groups] if all(isinstance(one, str) for one in groups) else groups
        if groups and all(isinstance(one, list | tuple) and len(one) > 1 for one in groups):
            return tuple(tuple(str(name) for name in one) for one in groups)
    raise SettingsError(f"crossed, zipped or {{zipped: [model.cell, model.units]}} is expected (found {grid!r})")


def study_factors(
    vary: Mapping[str, Any], grid: Any, listed: Sequence[Mapping[str, Any]], base: RunSettings
) -> tuple[Factor, ...]:
    """Make the factors of a study, those that go together joined into one.

    Parameters
    ----------
    vary, grid, listed
        What stands under ``vary``, ``grid`` and ``combinations``.

    Raises
    ------
    SettingsError
        With one line for every problem.
    """
    factors = read_factors(vary, base)
    groups = read_grid(grid)
    if listed:
        if groups != "crossed":
            raise SettingsError("grid: combinations are written out already: leave grid out")
        return _with_listed(factors, listed, base)
    if groups == "crossed":
        return factors
    return _zipped(factors, [tuple(one.name for one in factors)] if isinstance(groups, str) else list(groups))


def combinations(factors: Sequence[Factor]) -> Iterator[dict[str, Level]]:
    """Yield every combination of levels once, by the name of their factor, the first factor slowest.

    A factor with a condition is left out where that does not hold.
    """
    yield from _grow(factors, _conditions_first(factors), {})


def count_combinations(factors: Sequence[Factor]) -> int:
    """Return how many combinations there are, at most a million where some depend on others."""
    if not any(factor.when for factor in factors):
        return math.prod(len(factor.levels) for factor in factors)
    return sum(1 for _ in islice(combinations(factors), _COUNTED))


def _grow(factors: Sequence[Factor], rest: Sequence[Factor], chosen: dict[str, Level]) -> Iterator[dict[str, Level]]:
    if not rest:
        yield {factor.name: chosen[factor.name] for factor in factors if factor.name in chosen}
        return
    factor, others = rest[0], rest[1:]
    if not factor.is_in(chosen):
        yield from _grow(factors, others, chosen)
        return
    for level in factor.levels:
        yield from _grow(factors, others, {**chosen, factor.name: level})


def _conditions_first(factors: Sequence[Factor]) -> list[Factor]:
    """Order factors so that each comes after those that its condition names."""
    rest, order = list(factors), list[Factor]()
    while rest:
        known = {name for factor in order for name in factor.names}
        ready = next((factor for factor in rest if set(factor.when) <= known), rest[0])
        order.append(ready)
        rest.remove(ready)
    return order


def _zipped(factors: tuple[Factor, ...], groups: list[tuple[str, ...]]) -> tuple[Factor, ...]:
    """Join each group of factors into one."""
    by_name = {factor.name: factor for factor in factors}
    named = [name for group in groups for name in group]
    problems = [f"grid: {name!r} is not varied{did_you_mean(name, by_name)}" for name in named if name not in by_name]
    problems += [f"grid: {name} stands twice" for name in dict.fromkeys(named) if named.count(name) > 1]
    if not problems:
        members = {group: [by_name[name] for name in group] for group in groups}
        for some in members.values():
            sizes = {factor.name: len(factor.levels) for factor in some}
            if len(set(sizes.values())) > 1:
                said = ", ".join(f"{name} has {size}" for name, size in sizes.items())
                problems.append(f"grid: factors that go together need equally many levels ({said})")
            problems += [f"grid: {one.name} has a `when`, so it cannot be zipped" for one in some if one.when]
    if problems:
        raise SettingsError("\n".join(problems))
    joined = {}
    for group, some in members.items():
        levels = zip(*(factor.levels for factor in some), strict=True)
        rows = [dict(zip(group, row, strict=True)) for row in levels]
        joined.update(dict.fromkeys(group, Factor(" with ".join(group), tuple(_joined(row) for row in rows))))
    found = [joined.get(factor.name, factor) for factor in factors]
    return tuple({factor.name: factor for factor in found}.values())


def _with_listed(
    factors: tuple[Factor, ...], listed: Sequence[Mapping[str, Any]], base: RunSettings
) -> tuple[Factor, ...]:
    """Make one factor of the lines that are written out; what no line names is crossed with it."""
    by_name, known = {factor.name: factor for factor in factors}, varied_settings(base)
    levels, problems = list[Level](), list[str]()
    for number, row in enumerate(listed):
        try:
            level = _listed_level(row, by_name, known, base, f"combinations.{number}")
        except SettingsError as error:
            problems += str(error).splitlines()
            continue
        twin = next((i for i, one in enumerate(levels) if one.value == level.value), None)
        if twin is not None:
            problems.append(f"combinations.{number}: {level.label} stands there already")
        levels.append(level)
    used = {(name, one.label) for level in levels for name, one in level.parts.items()}
    named = {str(name) for row in listed for name in row}
    for factor in factors:
        if factor.name in named and not problems:
            if factor.when:
                problems.append(f"vary.{factor.name}.when: its levels are written out under combinations: leave it out")
            unused = [level.label for level in factor.levels if (factor.name, level.label) not in used]
            problems += [f"vary.{factor.name}: {label} stands in none of the combinations" for label in unused]
    if problems:
        raise SettingsError("\n".join(problems))
    return (Factor(LISTED, tuple(levels)), *(factor for factor in factors if factor.name not in named))


def _listed_level(
    row: Mapping[str, Any], by_name: Mapping[str, Factor], known: list[str], base: RunSettings, where: str
) -> Level:
    if not row:
        raise SettingsError(f"{where}: is empty; name levels or settings, e.g. {{model.cell: gru, model.units: 64}}")
    parts, problems = dict[str, Level](), list[str]()
    plain = {str(name): value for name, value in row.items() if name not in by_name}
    for name, value in row.items():
        if name in by_name:
            found = by_name[name].find(value)
            if found is None:
                levels = [level.label for level in by_name[name].levels]
                problems.append(f"{where}.{name}: has no level {value!r}{did_you_mean(str(value), levels)}")
            else:
                parts[name] = found
        elif name not in known:
            problems.append(f"{where}.{name}: unknown setting{did_you_mean(str(name), [*by_name, *known])}")
    if problems:
        raise SettingsError("\n".join(problems))
    held = checked(plain, base, where) if plain else {}
    parts |= {name: Level(value, {name: value}, label_of(name, value)) for name, value in held.items()}
    return _joined({str(name): parts[str(name)] for name in row})


def _joined(row: Mapping[str, Level]) -> Level:
    """Make one level of several that go together."""
    changes: dict[str, Any] = {}
    for level in row.values():
        for path, value in level.changes.items():
            if isinstance(value, By) and value.factor in row:
                value = value.values[show(row[value.factor].value)]
            changes[path] = value
    label = ", ".join(level.label for level in row.values())
    return Level(label, changes, label, dict(row))
