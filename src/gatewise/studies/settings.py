"""Settings of a study: what all studies have, and for each task the rooms that its runs have."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from gatewise.errors import did_you_mean
from gatewise.registry import TASKS, task_of
from gatewise.settings import ClassifyParts, Count, ForecastParts, RunSettings, Settings, TextParts
from gatewise.studies.claims_settings import Claim
from gatewise.studies.factors import Factor, Level, read_factors
from gatewise.studies.search.settings import SearchSettings

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


class StudySettings(Settings):
    """A study: a set of runs that differ in named factors, each with the same seeds."""

    name: str
    """Name of the study and, by default, of its folder."""
    question: str = ""
    """What the study is to answer, in a sentence."""
    language: Literal["en", "fa"] = "en"
    """Language of what is found, on the page and in the terminal: English or Persian."""
    task: str
    """Which of the jobs."""
    data: Any
    """What its runs read; each task has its own."""
    vary: dict[str, Any] = Field(default_factory=dict)
    """Factors: a setting and its values, or a name and its levels."""
    seeds: Annotated[
        tuple[Annotated[int, Field(ge=0, lt=2**31)], ...], Field(min_length=1), BeforeValidator(_count_or_list)
    ] = (0, 1, 2, 3, 4, 5, 6)
    """How many seeds, or which; every level is run with the same ones."""
    compare: str | None = None
    """The main factor, whose levels are compared with one another; the first of `vary` when absent."""
    metric: str
    """What levels are compared by."""
    also: tuple[str, ...] = ()
    """Further metrics by which they are compared, each with its own tests."""
    timing: Annotated[TimingSettings | None, BeforeValidator(_yes_or_settings)] = None
    """Measure each level's seconds in a run that has the machine to itself."""
    search: SearchSettings | None = None
    """Choose settings for every combination of levels by equally many trials on validation, before its final seeds."""
    claims: tuple[Claim, ...] = ()
    """What another report states, held against the numbers."""
    within: str | None = None
    """Compare what every run measured inside itself; a task says what there is."""
    reference: Any = None
    """The level that all others are compared with; every pair is compared when absent."""
    margin: float | str | None = None
    """Up to which difference levels are practically the same: in the metric's unit, or '1 %' of its value."""
    test: Literal["sign_flip", "wilcoxon", "t"] = "sign_flip"
    """Which paired test decides: exact signs, exact signed ranks, or Student's t, which takes normal differences."""
    alpha: Annotated[float, Field(gt=0.0, le=0.5)] = 0.05
    """Chance of calling levels different that are not, over one family of comparisons."""
    datasets: str | None = None
    """The factor whose levels are data sets, to compare ranks over; found by itself when it changes the files."""

    @field_validator("margin", mode="before")
    @classmethod
    def _is_a_margin(cls, value: Any) -> Any:
        from gatewise.studies.rules import read_margin

        read_margin(value)
        return value

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, value: str) -> str:
        if not re.fullmatch(r"\w[\w .-]{0,99}", value):
            raise ValueError(f"a name is made of letters, digits, -, _ and . (found {value!r})")
        return value

    @field_validator("metric", "also", "claims")
    @classmethod
    def _metrics_are_known(cls, value: Any) -> Any:
        table = TASKS[cls.model_fields["task"].default].load("metrics")
        for name in (value,) if isinstance(value, str) else value:
            for metric in name.unknown_metrics(table) if isinstance(name, Claim) else [name] * (name not in table):
                raise ValueError(f"unknown metric {metric!r}{did_you_mean(metric, table)}")
        return value

    @property
    def base(self) -> RunSettings:
        """The settings that all runs share, before the levels change them."""
        run: type[RunSettings] = task_of({"task": self.task}).load("settings")
        return run.model_validate({"name": self.name, **run_part(type(self), self.model_dump(mode="json"))})

    @property
    def factors(self) -> tuple[Factor, ...]:
        """The factors in the order of the file."""
        return read_factors(self.vary, self.base)

    @property
    def inner(self) -> Factor | None:
        """The factor whose levels every run measures inside itself; None when the runs alone are compared."""
        return None

    @property
    def all_factors(self) -> tuple[Factor, ...]:
        """The factors of the file, and the inner one."""
        return (*self.factors, self.inner) if self.inner else self.factors

    @property
    def main(self) -> str | None:
        """The factor whose levels are compared; None when nothing varies."""
        return self.compare or (self.inner.name if self.inner else next(iter(self.vary), None))


class ForecastStudy(ForecastParts, StudySettings):
    """A study of forecasting runs."""

    metric: str = "mse"
    """What levels are compared by."""
    within: None = None
    """Nothing: a forecasting run measures nothing inside itself that could be compared."""


class TextStudy(TextParts, StudySettings):
    """A study of text runs."""

    metric: str = "carried_nats_per_char"
    """What levels are compared by."""
    within: Literal["memory", "sampling"] | None = None
    """Compare what every run measured inside itself: contexts of several lengths, or several samplings."""

    @model_validator(mode="after")
    def _measures_what_it_compares(self) -> Self:
        setting = {"memory": "memory_contexts", "sampling": "samplings"}.get(self.within or "")
        if setting and not getattr(self, setting):
            raise ValueError(f"within: {self.within} needs {setting}, and there are none")
        return self

    @property
    def inner(self) -> Factor | None:
        """The contexts or the samplings."""
        if self.within == "memory":
            return Factor("context", tuple(Level(n, {}, f"context {n}") for n in self.memory_contexts))
        if self.within == "sampling":
            return Factor("sampling", tuple(Level(one, {}, one) for one in self.samplings))
        return None


class ClassifyStudy(ClassifyParts, StudySettings):
    """A study of classification runs."""

    metric: str = "f1_macro"
    """What levels are compared by."""
    within: None = None
    """Nothing: a classification run measures nothing inside itself that could be compared."""


def run_part(study: type[StudySettings], tree: Any) -> dict[str, Any]:
    """Return what a study's tree says of its runs: the rooms that both have."""
    run: type[RunSettings] = TASKS[study.model_fields["task"].default].load("settings")
    keys = set(study.model_fields) & set(run.model_fields)
    return {key: value for key, value in tree.items() if key in keys}
