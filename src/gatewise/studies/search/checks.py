"""What is wrong with a search before anything runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gatewise.errors import SettingsError, did_you_mean
from gatewise.metrics.names import GENERATED_METRICS
from gatewise.registry import task_of
from gatewise.settings import RunSettings, flat_fields
from gatewise.studies.factors import Factor, show
from gatewise.studies.search.settings import SearchSettings
from gatewise.studies.search.space import space_of

if TYPE_CHECKING:
    from gatewise.studies.plan import PlannedRun
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
    return problems + _check_metric(study, search, base) + _check_halving(search, base)


def check_combination(search: SearchSettings, levels: dict[str, Any], settings: RunSettings) -> list[str]:
    """Return what is wrong with the search of one combination of levels."""
    try:
        space = space_of(search, levels, settings)
    except SettingsError as error:
        return str(error).splitlines()
    train: Any = settings.at("train")
    if search.halving is not None and search.halving.least_epochs >= train.epochs:
        return [
            f"search.halving.least_epochs: {search.halving.least_epochs} are no fewer than the "
            f"{train.epochs} epochs of a whole run"
        ]
    if search.sampler != "grid":
        return []
    endless = [parameter.path for parameter in space if parameter.grid() is None]
    if endless:
        return [f"search.settings.{path}: a grid needs a list of values or a step" for path in endless]
    size = math.prod(len(parameter.grid() or ()) for parameter in space)
    if search.trials is not None and search.trials != size:
        return [f"search.trials: the grid has {size} settings (found {search.trials}); leave trials out"]
    return []


def refuse_combinations(search: SearchSettings | None, runs: Sequence[PlannedRun]) -> None:
    """Refuse a search that cannot be done at some combination of levels.

    Raises
    ------
    SettingsError
        With one line for every problem of every combination.
    """
    if search is None:
        return
    firsts = {run.label: run for run in reversed(runs)}
    problems: dict[str, list[str]] = {}
    for label, run in reversed(firsts.items()):
        for line in check_combination(search, run.levels, run.settings):
            problems.setdefault(line, []).append(label)
    if problems:
        everywhere = len(firsts)
        raise SettingsError(
            "\n".join(
                line if len(labels) == everywhere else f"the combination {labels[0]}: {line}"
                for line, labels in problems.items()
            )
        )


def search_warnings(search: SearchSettings | None, seeds: Sequence[int]) -> tuple[str, ...]:
    """Say before anything runs what will bias the search."""
    if search is None or search.seed not in seeds:
        return ()
    return (
        f"the search's seed {search.seed} is one of the final seeds: with it the chosen values do a little too well; "
        "give search.seed another",
    )


def _check_when(where: str, when: dict[str, Any], factors: Sequence[Factor]) -> list[str]:
    by_name = {factor.name: factor for factor in factors}
    problems = []
    for name, wanted in when.items():
        if name not in by_name:
            problems.append(f"{where}.when: {name!r} is not varied{did_you_mean(name, by_name)}")
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


def _check_halving(search: SearchSettings, base: RunSettings) -> list[str]:
    if search.halving is None:
        return []
    problems = []
    if "train.epochs" in search.settings:
        problems.append("search.settings.train.epochs: cannot be searched with halving, which gives out epochs itself")
    train: Any = base.at("train")
    if getattr(train, "minutes", None) is not None:
        problems.append("search.halving: gives out epochs, and train.minutes trains by the clock; leave one out")
    return problems
