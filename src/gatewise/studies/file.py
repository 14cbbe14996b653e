"""The study file: one question, asked of many runs. Checked as a whole before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gatewise.errors import SettingsError, did_you_mean
from gatewise.registry import task_of
from gatewise.settings import RunSettings, flat_fields, parse
from gatewise.studies.budget import BudgetSettings
from gatewise.studies.claims_check import claim_problems
from gatewise.studies.design import check_decisions
from gatewise.studies.expand import expand
from gatewise.studies.factors import Factor
from gatewise.studies.grid import count_combinations, study_factors
from gatewise.studies.search.checks import check_search, combination_problems
from gatewise.studies.search.settings import SearchSettings
from gatewise.studies.seeds import seed_problems
from gatewise.studies.settings import StudySettings, TimingSettings, run_part

__all__ = ["StudySettings", "merge", "resolve"]

#: Dotted keys of a study itself that may be changed one by one.
_STUDY_ROOMS = [
    "name",
    *(f"timing.{key}" for key in TimingSettings.model_fields),
    *(f"budget.{key}" for key in BudgetSettings.model_fields),
    *(f"search.{key}" for key in SearchSettings.model_fields if key != "settings"),
]

#: Combinations that are checked with the rest of the file.
_CHECKED = 1_000


def resolve(
    tree: Any,
    *,
    preset: str | None = None,
    changes: Mapping[str, Any] | None = None,
    where: str = "study",
    lines: Callable[[], Mapping[str, int]] | None = None,
) -> StudySettings:
    """Make a checked study from a file's tree.

    Parameters
    ----------
    preset
        Which of the file's presets is laid over the rest; the first one when absent.
    changes
        Dotted setting to value, laid over all (``{"model.units": 64, "seeds": 3, "vary.model.cell": ["gru"]}``).
    where
        The file's name; begins the message.
    lines
        Gives the line of every dotted path of the file; asked only when there is something wrong.

    Raises
    ------
    SettingsError
        With one line for every problem of the file, those of its other presets included.
    """
    if not isinstance(tree, Mapping):
        found = "nothing" if tree is None else type(tree).__name__
        raise SettingsError(f"{where}: a study file is a list of `name: value` lines; found {found}")
    rest = {key: value for key, value in tree.items() if key != "presets"}
    presets = tree.get("presets") or {}
    if not isinstance(presets, Mapping) or not all(isinstance(part, Mapping) for part in presets.values()):
        raise SettingsError(
            f"{where}: presets: settings under a name are expected, e.g. presets: {{quick: {{seeds: 3}}}}"
        )
    chosen = preset or next(iter(presets), None)
    if preset is not None and preset not in presets:
        known = did_you_mean(preset, presets) if presets else ": this study has none"
        raise SettingsError(f"{where}: unknown preset {preset!r}{known}")
    study, problems = _check(_with_changes(merge(rest, presets[chosen]) if chosen else rest, changes or {}, where))
    places = [(chosen, line) for line in problems]
    for name, part in presets.items():
        if name != chosen:
            _, others = _check(merge(rest, part))
            places += [(name, f"in preset {name}: {line}") for line in others if line not in problems]
    if study is None or places:
        numbers = lines() if lines else {}
        told = [_with_line(text, numbers, name, changes or {}) for name, text in places]
        raise SettingsError("\n".join([f"{where}:", *told]))
    return study


def _with_line(text: str, lines: Mapping[str, int], preset: str | None, changes: Mapping[str, Any]) -> str:
    """Begin a problem with the line of the file that it is about, where one can be told."""
    path = text.removeprefix(f"in preset {preset}: ").split(": ", 1)[0]
    if any(path == changed or path.startswith(f"{changed}.") for changed in changes):
        return text  # from the command line
    for prefix in ([f"presets.{preset}."] if preset else []) + [""]:
        parts = path.split(".")
        for end in range(len(parts), 0, -1):
            line = lines.get(prefix + ".".join(parts[:end]))
            if line is not None and (end > 1 or prefix == "" or len(parts) == 1):
                return f"line {line}: {text}"
    return text


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one tree over another: mappings join key by key, everything else is replaced.

    Examples
    --------
    >>> merge({"model": {"cell": "gru", "units": 8}}, {"model": {"units": 64}})
    {'model': {'cell': 'gru', 'units': 64}}
    """
    joined = dict(under)
    for key, value in over.items():
        below = joined.get(key)
        joined[key] = merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return joined


def _with_changes(tree: dict[str, Any], changes: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Lay dotted changes over a tree, refusing those that a factor would undo."""
    vary = tree.get("vary") if isinstance(tree.get("vary"), Mapping) else {}
    try:
        study, run = _classes(tree)
    except SettingsError:
        return tree  # told with all other problems of the file
    run_paths = set(_run_paths(run))
    known = [*run_paths, *_study_keys(study, run)]
    problems = []
    for path, value in changes.items():
        if path.startswith("vary."):
            tree = {**tree, "vary": {**(vary or {}), path.removeprefix("vary."): value}}
            vary = tree["vary"]
            continue
        if path not in known:
            problems.append(f"{path}: unknown setting{did_you_mean(path, known)}")
        for name, levels in (vary or {}).items():
            inside = isinstance(levels, Mapping) and any(path in part for part in levels.values() if part)
            if path == name or inside:
                problems.append(f"{path}: is varied by this study; change the factor itself: vary.{name}=...")
        if path in run_paths:  # the value of a setting is replaced, a mapping too: {} takes all names away
            tree = merge(tree, _nested(path, None))
        tree = merge(tree, _nested(path, value))
    if problems:
        raise SettingsError("\n".join([f"{where}:", *problems]))
    return tree


def _nested(path: str, value: Any) -> dict[str, Any]:
    """Return a tree that holds one value."""
    for part in reversed(path.split(".")):
        value = {part: value}
    return dict(value)


def _check(tree: dict[str, Any]) -> tuple[StudySettings | None, list[str]]:
    """Check the settings, the factors against them, and what refers to the factors; collect every problem."""
    try:
        study_class, run_class = _classes(tree)
    except SettingsError as error:
        return None, [f"task: {error}"]
    study, base, problems = None, run_class.model_validate({}), []
    try:
        study = parse(study_class, tree)
    except SettingsError as error:
        problems += str(error).splitlines()
    try:
        base = parse(run_class, run_part(study_class, tree))
    except SettingsError as error:
        problems += [line for line in str(error).splitlines() if line not in problems]
    vary, listed = tree.get("vary"), tree.get("combinations")
    lines = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list | tuple) else []
    try:
        grid = "crossed" if any(line.startswith("grid") for line in problems) else tree.get("grid", "crossed")
        factors = study_factors(vary if isinstance(vary, Mapping) else {}, grid, lines, base)
    except SettingsError as error:
        return None, problems + str(error).splitlines()
    if study is not None:
        problems += _check_references(study, study.with_inner(factors))
        searched = check_search(study, factors, base)
        problems += searched + _check_combinations(study, factors, base, None if searched else study.search)
    return (None if problems else study), problems


def _check_combinations(
    study: StudySettings, factors: tuple[Factor, ...], base: RunSettings, search: SearchSettings | None
) -> list[str]:
    """Return what is wrong with the combinations; of very many of them the plan itself says it."""
    problems = study.budget.problems(base, factors) if study.budget else []
    if problems or count_combinations(factors) > _CHECKED:
        return problems
    found, problems = expand(study.name, factors, base, study.budget.changes(base) if study.budget else None)
    problems += [line for one in found for line in seed_problems(study.seeds, one.settings)]
    return list(dict.fromkeys([*problems, *combination_problems(search, found)]))


def _check_references(study: StudySettings, factors: tuple[Factor, ...]) -> list[str]:
    by_name = {factor.name: factor for factor in factors}
    problems = []
    if study.compare is not None and not any(study.compare in factor.names for factor in factors):
        problems.append(f"compare: {study.compare!r} is not varied{did_you_mean(study.compare, by_name)}")
    problems += check_decisions(study, factors)
    for number, claim in enumerate(study.claims):
        found = claim_problems(claim, by_name, study.main_of(factors))
        if claim.part is not None:
            found.append("part: only a study made of studies has parts")
        problems += [f"claims.{number}.{line}" for line in found]
    return problems


def _classes(tree: Mapping[str, Any]) -> tuple[type[StudySettings], type[RunSettings]]:
    """Return the settings of a study and of a run of the task that a file names."""
    task = task_of(tree)
    return task.load("study"), task.load("settings")


def _run_paths(run: type[RunSettings]) -> list[str]:
    return [path for path in flat_fields(run).values() if not path.endswith("seed") or "." in path]


def _study_keys(study: type[StudySettings], run: type[RunSettings]) -> list[str]:
    return [key for key in study.model_fields if key not in run.model_fields] + _STUDY_ROOMS
