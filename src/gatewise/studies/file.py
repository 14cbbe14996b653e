"""The study file: one question, asked of many runs. Checked as a whole before anything runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from gatewise.errors import SettingsError, did_you_mean
from gatewise.settings import (
    Count,
    ForecastDataSettings,
    ForecastModelSettings,
    ForecastSettings,
    ForecastSplitSettings,
    ForecastTrainSettings,
    Settings,
    flat_fields,
    parse,
)
from gatewise.studies.factors import Factor, read_factors

#: Metrics of a result that levels can be compared by.
Metric = Literal["mse", "rmse", "mae", "mape", "smape", "mase", "r2", "pearson", "hit_rate", "skill"]
_MOST_SEEDS = 1000


def _count_or_list(value: Any) -> Any:
    """Take ``7`` for the seeds 0 to 6."""
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= _MOST_SEEDS:
            raise ValueError(f"give 1 to {_MOST_SEEDS} seeds (found {value})")
        return tuple(range(value))
    if not isinstance(value, list | tuple):
        raise ValueError(f"a number of seeds (7) or a list of them ([0, 1, 2]) is expected (found {value!r})")
    if len({str(seed) for seed in value}) < len(value):
        raise ValueError("a seed stands twice; a run repeated with the same seed tells nothing new")
    return value


def _yes_or_settings(value: Any) -> Any:
    """Take ``true`` for the default timing and ``false`` for none."""
    return {True: {}, False: None}[value] if isinstance(value, bool) else value


class TimingSettings(Settings):
    """Short runs that have the machine to themselves, for fair seconds."""

    epochs: Count = 3
    """Epochs of each timing run."""


class Claim(Settings):
    """Something that another report states, to be held against the study's own numbers."""

    claim: str
    """The statement, as a sentence."""
    report: float | tuple[float, ...] | str
    """The figure or figures the report prints; or the name of the level that it calls the best."""
    metric: Metric = "mse"
    """Which metric the claim is about."""
    series: str | None = None
    """The one series that the figure is about; all together when absent."""
    where: dict[str, Any] = Field(default_factory=dict)
    """Factor to level: the runs that the claim is about."""
    factor: str | None = None
    """For a best level: of which factor; the main factor when absent."""


class StudySettings(Settings):
    """A study: a set of runs that differ in named factors, each with the same seeds."""

    name: str
    """Name of the study and, by default, of its folder."""
    question: str = ""
    """What the study is to answer, in a sentence."""
    task: Literal["forecast"] = "forecast"
    """Which of the jobs."""
    data: ForecastDataSettings = ForecastDataSettings()
    split: ForecastSplitSettings = ForecastSplitSettings()
    model: ForecastModelSettings = ForecastModelSettings()
    train: ForecastTrainSettings = ForecastTrainSettings()
    levels: tuple[Annotated[int, Field(gt=0, lt=100)], ...] = (80, 95)
    """Levels in percent of the intervals around a forecast."""
    baselines: tuple[str, ...] = ForecastSettings().baselines
    """Baselines shown beside the results."""
    season: Count | None = None
    """Rows in a season; from the frequency when absent."""
    vary: dict[str, Any] = Field(default_factory=dict)
    """Factors: a setting and its values, or a name and its levels."""
    seeds: Annotated[
        tuple[Annotated[int, Field(ge=0, lt=2**31)], ...], Field(min_length=1), BeforeValidator(_count_or_list)
    ] = (0, 1, 2, 3, 4, 5, 6)
    """How many seeds, or which; every level is run with the same ones."""
    compare: str | None = None
    """The main factor, whose levels are compared with one another; the first of `vary` when absent."""
    metric: Metric = "mse"
    """What levels are compared by."""
    also: tuple[Metric, ...] = ()
    """Further metrics by which they are compared, each with its own tests."""
    timing: Annotated[TimingSettings | None, BeforeValidator(_yes_or_settings)] = None
    """Measure each level's seconds in a run that has the machine to itself."""
    claims: tuple[Claim, ...] = ()
    """What another report states, held against the numbers."""

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, value: str) -> str:
        if not re.fullmatch(r"\w[\w .-]{0,99}", value):
            raise ValueError(f"a name is made of letters, digits, -, _ and . (found {value!r})")
        return value

    @property
    def base(self) -> ForecastSettings:
        """The settings that all runs share, before the levels change them."""
        return ForecastSettings.model_validate({"name": self.name, **_run_part(self.model_dump(mode="json"))})

    @property
    def factors(self) -> tuple[Factor, ...]:
        """The factors in the order of the file."""
        return read_factors(self.vary, self.base)

    @property
    def main(self) -> str | None:
        """The factor whose levels are compared; None when nothing varies."""
        return self.compare or next(iter(self.vary), None)


def resolve(
    tree: Any, *, preset: str | None = None, changes: Mapping[str, Any] | None = None, where: str = "study"
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
    for name, part in presets.items():
        if name != chosen:
            _, others = _check(merge(rest, part))
            problems += [f"in preset {name}: {line}" for line in others if line not in problems]
    if study is None or problems:
        raise SettingsError("\n".join([f"{where}:", *problems]))
    return study


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
    problems = []
    for path, value in changes.items():
        if path.startswith("vary."):
            tree = {**tree, "vary": {**(vary or {}), path.removeprefix("vary."): value}}
            vary = tree["vary"]
            continue
        known = [*_run_paths(), *_study_keys()]
        if path not in known:
            problems.append(f"{path}: unknown setting{did_you_mean(path, known)}")
        for name, levels in (vary or {}).items():
            inside = isinstance(levels, Mapping) and any(path in part for part in levels.values() if part)
            if path == name or inside:
                problems.append(f"{path}: is varied by this study; change the factor itself: vary.{name}=...")
        branch: Any = value
        for part in reversed(path.split(".")):
            branch = {part: branch}
        tree = merge(tree, branch)
    if problems:
        raise SettingsError("\n".join([f"{where}:", *problems]))
    return tree


def _check(tree: dict[str, Any]) -> tuple[StudySettings | None, list[str]]:
    """Check the settings, the factors against them, and what refers to the factors; collect every problem."""
    study, base, problems = None, ForecastSettings(), []
    try:
        study = parse(StudySettings, tree)
    except SettingsError as error:
        problems += str(error).splitlines()
    try:
        base = parse(ForecastSettings, _run_part(tree))
    except SettingsError as error:
        problems += [line for line in str(error).splitlines() if line not in problems]
    vary = tree.get("vary")
    try:
        factors = read_factors(vary if isinstance(vary, Mapping) else {}, base)
    except SettingsError as error:
        return None, problems + str(error).splitlines()
    if study is not None:
        problems += _check_references(study, factors)
    return (None if problems else study), problems


def _check_references(study: StudySettings, factors: tuple[Factor, ...]) -> list[str]:
    by_name = {factor.name: factor for factor in factors}
    problems = []
    if study.compare is not None and study.compare not in by_name:
        problems.append(f"compare: {study.compare!r} is not varied{did_you_mean(study.compare, by_name)}")
    for number, claim in enumerate(study.claims):
        for name, value in claim.where.items():
            if name not in by_name:
                problems.append(f"claims.{number}.where: {name!r} is not varied{did_you_mean(name, by_name)}")
            elif by_name[name].find(value) is None:
                levels = [level.label for level in by_name[name].levels]
                problems.append(
                    f"claims.{number}.where: {name} has no level {value!r}{did_you_mean(str(value), levels)}"
                )
        if isinstance(claim.report, str):
            factor = claim.factor or study.main
            if factor not in by_name:
                problems.append(f"claims.{number}.factor: {factor!r} is not varied{did_you_mean(str(factor), by_name)}")
            elif by_name[factor].find(claim.report) is None:
                levels = [level.label for level in by_name[factor].levels]
                meant = did_you_mean(claim.report, levels)
                problems.append(f"claims.{number}.report: {factor} has no level {claim.report!r}{meant}")
    return problems


def _run_paths() -> list[str]:
    return [path for path in flat_fields(ForecastSettings).values() if not path.endswith("seed") or "." in path]


def _study_keys() -> list[str]:
    return [key for key in StudySettings.model_fields if key not in ForecastSettings.model_fields] + [
        "name",
        "timing.epochs",
    ]


def _run_part(tree: Mapping[str, Any]) -> dict[str, Any]:
    keys = set(StudySettings.model_fields) & set(ForecastSettings.model_fields)
    return {key: value for key, value in tree.items() if key in keys}
