"""What is wrong with a search before anything runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from gatewise.errors import SettingsError, did_you_mean
from gatewise.metrics.names import GENERATED_METRICS
from gatewise.registry import task_of
from gatewise.settings import RunSettings, flat_fields, why_ignored
from gatewise.studies.factors import Factor, show
from gatewise.studies.search.settings import SearchSettings
from gatewise.studies.search.space import Parameter, space_of
from gatewise.studies.seeds import SeedSettings
from gatewise.wording import say

if TYPE_CHECKING:
    from gatewise.studies.expand import Combination
    from gatewise.studies.settings import StudySettings

_ASKED = "it changes what is asked, and errors on different questions cannot be compared"
#: Settings (or rooms of them) that no search may choose.
_NOT_SEARCHED = {
    "name": "it changes nothing",
    "task": "a study is about one task",
    "seed": "choosing the luckiest seed is not tuning; write search.seed",
    "init_seed": "choosing the luckiest seed is not tuning",
    "order_seed": "choosing the luckiest seed is not tuning",
    "dropout_seed": "choosing the luckiest seed is not tuning",
    "split": "it would move the validation part that the trials are judged on",
    "data.files": _ASKED,
    "data.validation_files": _ASKED,
    "data.test_files": _ASKED,
    "data.column": _ASKED,
    "data.horizon": _ASKED,
    "data.target_offset": _ASKED,
}


def check_search(study: StudySettings, factors: Sequence[Factor], base: RunSettings) -> list[str]:
    """Return what is wrong with a study's search, a line a problem."""
    search = study.search
    if search is None:
        return []
    known = list(flat_fields(type(base)).values())
    problems = []
    for path, searched in search.settings.items():
        where = f"search.settings.{path}"
        reason = _NOT_SEARCHED.get(path) or _NOT_SEARCHED.get(path.split(".")[0])
        varied = next((factor.name for factor in factors if path in factor.settings), None)
        if path not in known:
            problems.append(f"{where}: unknown setting{did_you_mean(path, known)}")
        elif reason:
            problems.append(f"{where}: cannot be searched: {reason}")
        elif varied:
            problems.append(f"{where}: is varied by {varied}; a setting is a factor or is searched, not both")
        problems += _check_when(where, searched.when, factors)
        if path not in known or reason or searched.when:
            continue
        try:
            space_of(search.model_copy(update={"settings": {path: searched}}), {}, base)
        except SettingsError as error:
            problems += str(error).splitlines()
    return problems + _check_metric(study, search, base) + _check_halving(search) + _check_budget(study, search, base)


def combination_problems(search: SearchSettings | None, combinations: Sequence[Combination]) -> list[str]:
    """Return what is wrong with the search at some combination of levels, a line a problem."""
    if search is None:
        return []
    found: dict[str, list[str]] = {}
    for one in combinations:
        for line in _combination(search, one.levels, one.settings):
            found.setdefault(line, []).append(one.label)
    return [
        line if len(labels) == len(combinations) else f"the combination {labels[0]}: {line}"
        for line, labels in found.items()
    ]


def _combination(search: SearchSettings, levels: dict[str, Any], settings: RunSettings) -> list[str]:
    try:
        space = space_of(search, levels, settings)
    except SettingsError as error:
        return str(error).splitlines()
    problems = []
    for parameter in space:
        why = why_ignored(settings, parameter.path)
        if why is not None and not any(other.path in why for other in space):
            where = f"search.settings.{parameter.path}"
            problems.append(f"{where}: changes nothing here: {why}; search it only where it counts (`when`)")
    return problems + _rungs(search, settings) + _grid(search, space)


def _rungs(search: SearchSettings, settings: RunSettings) -> list[str]:
    if search.halving is None:
        return []
    train: Any = settings.at("train")
    if getattr(train, "minutes", None) is not None:
        return ["search.halving: gives out epochs, and these runs train by the clock (minutes); leave one out"]
    least = search.halving.least_epochs
    if least < train.epochs:
        return []
    return [f"search.halving.least_epochs: {least} are no fewer than the {train.epochs} epochs of a whole run"]


def _grid(search: SearchSettings, space: Sequence[Parameter]) -> list[str]:
    if search.sampler != "grid":
        return []
    endless = [parameter.path for parameter in space if parameter.grid() is None]
    if endless:
        return [f"search.settings.{path}: a grid needs a list of values or a step" for path in endless]
    size = math.prod(len(parameter.grid() or ()) for parameter in space)
    if search.trials is not None and search.trials != size:
        return [f"search.trials: the grid has {size} settings (found {search.trials}); leave trials out"]
    return []


def search_warnings(study: StudySettings) -> Iterator[str]:
    """Say before anything runs what will bias the search."""
    search, seeds = study.search, study.seeds
    if search is None:
        return
    if search.seed in study.seed_numbers:
        yield say("search.seed_is_final", seed=search.seed)
    if isinstance(seeds, SeedSettings) and len(seeds.split or ()) > 1:
        yield say("search.split_differs")


def _check_when(where: str, when: dict[str, Any], factors: Sequence[Factor]) -> list[str]:
    by_name = {factor.name: factor for factor in factors}
    known = [name for factor in factors for name in factor.names]
    problems = []
    for name, wanted in when.items():
        if name not in known:
            problems.append(f"{where}.when: {name!r} is not varied{did_you_mean(name, known)}")
        if name not in by_name:  # levels of zipped factors are known together only
            continue
        for value in wanted if isinstance(wanted, list | tuple) else [wanted]:
            levels = [show(level.value) for level in by_name[name].levels]
            if show(value) not in levels:
                problems.append(f"{where}.when: {name} has no level {value!r}{did_you_mean(show(value), levels)}")
    return problems


def _check_metric(study: StudySettings, search: SearchSettings, base: RunSettings) -> list[str]:
    name, problems = search.metric or study.metric, []
    known = task_of({"task": study.task}).load("metrics")
    if name not in known:
        problems.append(f"search.metric: unknown metric {name!r}{did_you_mean(name, known)}")
    elif (study.within is not None and search.metric is None) or name in GENERATED_METRICS:
        problems.append(f"search.metric: {name} is not measured on the validation part; name a metric that is")
    elif name.startswith("prequential_"):
        problems.append(f"search.metric: {name} is measured on the training part; name another metric")
    data, split = base.at("data"), base.at("split")
    given = bool(getattr(data, "validation_files", ()) or getattr(split, "column", None))
    if not split.validation and not given:
        problems.append("search: trials are judged on the validation part, and split.validation is 0")
    return problems


def _check_halving(search: SearchSettings) -> list[str]:
    if search.halving is None or "train.epochs" not in search.settings:
        return []
    return ["search.settings.train.epochs: cannot be searched with halving, which gives out epochs itself"]


def _check_budget(study: StudySettings, search: SearchSettings, base: RunSettings) -> list[str]:
    """Name what the budget holds equal and the search would change."""
    budget = study.budget
    if budget is None:
        return []
    fixed = set(budget.changes(base))
    return [
        f"search.settings.{path}: cannot be searched: the budget holds it equal for all"
        for path in search.settings
        if path in fixed or (budget.parameters is not None and path.startswith("model.") and "dropout" not in path)
    ]
