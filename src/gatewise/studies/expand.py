"""Every combination of levels with its settings, and everything that is wrong with them.

What is refused here would waste a night: a level that changes nothing, two levels that mean the same, combinations
that contradict themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations as pairs_of
from typing import Any

from gatewise.errors import SettingsError, did_you_mean
from gatewise.settings import RunSettings, laid, parse, why_ignored
from gatewise.studies.factors import Factor, Level, changes_of, members
from gatewise.studies.grid import combinations

#: Settings that a difference in which does not make a combination another one.
_SEEDS = ("seed", "init_seed", "order_seed", "dropout_seed")


@dataclass(frozen=True)
class Combination:
    """One combination of levels.

    Attributes
    ----------
    label : its levels in words; the study's name where nothing varies.
    chosen : level by the name of its factor.
    settings : what its runs share.
    tree : what counts of these settings, as a plain tree.
    """

    label: str
    chosen: Mapping[str, Level]
    settings: RunSettings
    tree: dict[str, Any] = field(repr=False)

    @property
    def levels(self) -> dict[str, Any]:
        """The value of each factor's level."""
        return {name: level.value for name, level in self.chosen.items()}


def expand(
    name: str, factors: Sequence[Factor], base: RunSettings, over: Mapping[str, Any] | None = None
) -> tuple[list[Combination], list[str]]:
    """Return every combination, and one line for every problem.

    Parameters
    ----------
    name
        The study's; what a combination without levels is called.
    over
        Dotted settings laid over every combination, as an equal budget does.
    """
    found, problems = list[Combination](), dict[str, None]()
    plain = base.model_dump(mode="json")
    for chosen in combinations(factors):
        label = ", ".join(level.label for level in chosen.values()) or name
        try:
            settings = parse(type(base), laid(plain, {**changes_of(chosen), **(over or {})}))
        except SettingsError as error:
            problems.update(dict.fromkeys(f"the combination {label}: {line}" for line in str(error).splitlines()))
            continue
        found.append(Combination(label, chosen, settings, settings.what_counts()))
    return found, [*problems, *_same_names(found), *_ignored(found), *_options(found), *_same_levels(factors, found)]


def _same_names(found: Iterable[Combination]) -> list[str]:
    """Refuse labels that would make two combinations look like one in every table."""
    seen: dict[str, dict[str, Any]] = {}
    twice = [one.label for one in found if seen.setdefault(one.label, one.levels) != one.levels]
    return [f"two combinations of levels would both be called {label!r}; rename a level" for label in twice]


def _ignored(found: Iterable[Combination]) -> list[str]:
    """Name each factor of which a level changes nothing, because the task ignores all its settings there."""
    problems: dict[str, str] = {}
    for one in found:
        for name, level in members(one.chosen).items():
            if name in problems or level.parts or not level.changes:
                continue
            why = [why_ignored(one.settings, path) for path in level.changes]
            if all(why):
                where = f"vary.{name}" if name in one.chosen else f"combinations: {name}"
                problems[name] = (
                    f"{where}: {level.label} changes nothing in the combination {one.label}: {why[0]}; leave it out, "
                    "or vary it only where it counts (`when`)"
                )
    return list(problems.values())


def _options(found: Iterable[Combination]) -> list[str]:
    """Name each option that is given to a cell without it."""
    asked = {
        (model.cell, option): one.label
        for one in reversed(list(found))
        if (model := getattr(one.settings, "model", None)) is not None
        for option in model.cell_options
    }
    if not asked:
        return []
    from gatewise.cells.base import option_names  # brings torch, and most studies give no options
    from gatewise.registry import CELLS

    problems = []
    for (cell, option), label in asked.items():
        known = option_names(CELLS.load(cell))
        if option not in known:
            where = f"the combination {label}: model.cell_options"
            problems.append(f"{where}: the cell {cell!r} has no option {option!r}{did_you_mean(option, known)}")
    return problems


def _files(settings: RunSettings) -> list[str]:
    return [str(path) for path in getattr(getattr(settings, "data", None), "files", None) or ()]


def _same_levels(factors: Iterable[Factor], found: Sequence[Combination]) -> list[str]:
    """Name two levels of a factor that give the same settings wherever both stand."""
    # which files are read is not in the tree: a run's fingerprint has what stands in them instead
    trees = [{**one.tree, **dict.fromkeys(_SEEDS), "files": _files(one.settings)} for one in found]
    digests = [json.dumps(tree, sort_keys=True) for tree in trees]
    problems = []
    for factor in factors:
        groups: dict[tuple[Any, ...], dict[str, str]] = {}
        for one, digest in zip(found, digests, strict=True):
            if factor.name in one.chosen:
                others = tuple(level.label for name, level in one.chosen.items() if name != factor.name)
                groups.setdefault(others, {})[one.chosen[factor.name].label] = digest
        first = next(iter(groups.values()), {})
        by_digest: dict[str, list[str]] = {}
        for label, digest in first.items():
            by_digest.setdefault(digest, []).append(label)
        for same in by_digest.values():
            for a, b in pairs_of(same, 2):
                if all(group.get(a) == group.get(b) for group in groups.values()):
                    problems.append(f"vary.{factor.name}: {a} and {b} mean the same settings; leave one of them out")
    return problems
