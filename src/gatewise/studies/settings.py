"""Settings of a study: what all studies have, and for each task the rooms that its runs have."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from gatewise.errors import did_you_mean
from gatewise.metrics.names import is_own
from gatewise.metrics.own import own_metrics
from gatewise.registry import METRICS, task_of
from gatewise.settings import ClassifyParts, Count, ForecastParts, RunSettings, Settings, TextParts
from gatewise.settings.base import registered
from gatewise.studies.budget import BudgetSettings
from gatewise.studies.claims_settings import Claim
from gatewise.studies.factors import Factor, Level
from gatewise.studies.grid import read_grid, study_factors
from gatewise.studies.search.settings import SearchSettings
from gatewise.studies.seeds import SeedSettings, numbers_of, read_seeds


def _yes_or_settings(value: Any) -> Any:
    """Take ``true`` for the default timing and ``false`` for none."""
    return {True: {}, False: None}[value] if isinstance(value, bool) else value


def _learned(paths: tuple[str, ...]) -> tuple[str, ...]:
    """Let metrics of the user's own be known by their names."""
    own_metrics(paths)
    return paths


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
    metrics: Annotated[tuple[Annotated[str, registered(METRICS)], ...], AfterValidator(_learned)] = ()
    """Metrics of your own beside the task's, module:NAME; `metric` and `also` call them by their own names."""
    data: Any
    """What its runs read; each task has its own."""
    vary: dict[str, Any] = Field(default_factory=dict)
    """Factors: a setting and its values, or a name and its levels."""
    grid: Any = "crossed"
    """How levels meet: crossed, zipped, or {zipped: [factors that go together]}."""
    combinations: tuple[dict[str, Any], ...] = ()
    """Combinations of levels or settings that are written out, in the place of a grid."""
    seeds: Annotated[tuple[int, ...] | SeedSettings, BeforeValidator(read_seeds)] = (0, 1, 2, 3, 4, 5, 6)
    """How many seeds, or which, or such for each kind of chance; every level is run with the same ones."""
    budget: BudgetSettings | None = None
    """What every level gets equally much of: epochs, minutes, parameters."""
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
        table = task_of({"task": cls.model_fields["task"].default}).load("metrics")
        for name in (value,) if isinstance(value, str) else value:
            unknown = name.unknown_metrics(table) if isinstance(name, Claim) else [name] * (name not in table)
            for metric in unknown:
                if not is_own(metric):
                    raise ValueError(f"unknown metric {metric!r}{did_you_mean(metric, table)}")
        return value

    @field_validator("grid")
    @classmethod
    def _grid_is_known(cls, value: Any) -> Any:
        read_grid(value)
        return value

    @property
    def base(self) -> RunSettings:
        """The settings that all runs share, before the levels change them."""
        run: type[RunSettings] = task_of({"task": self.task}).load("settings")
        return run.model_validate({"name": self.name, **run_part(type(self), self.model_dump(mode="json"))})

    @property
    def factors(self) -> tuple[Factor, ...]:
        """The factors in the order of the file."""
        return study_factors(self.vary, self.grid, self.combinations, self.base)

    @property
    def inner(self) -> Factor | None:
        """The factor whose levels every run measures inside itself; None when the runs alone are compared."""
        return None

    @property
    def all_factors(self) -> tuple[Factor, ...]:
        """The factors of the file, and the inner one."""
        return self.with_inner(self.factors)

    def with_inner(self, factors: tuple[Factor, ...]) -> tuple[Factor, ...]:
        """Return :attr:`all_factors`, given :attr:`factors`."""
        return (*factors, self.inner) if self.inner else factors

    @property
    def main(self) -> str | None:
        """The factor whose levels are compared; None when nothing varies."""
        return self.main_of(self.all_factors)

    def main_of(self, factors: Sequence[Factor]) -> str | None:
        """Return the name of the factor whose levels are compared, given :attr:`all_factors`."""
        if self.compare is not None:
            return next((factor.name for factor in factors if self.compare in factor.names), self.compare)
        return self.inner.name if self.inner else next((factor.name for factor in factors), None)

    @property
    def seed_numbers(self) -> tuple[int, ...]:
        """What the runs of every combination are called by, and paired by."""
        return numbers_of(self.seeds)


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
    run: type[RunSettings] = task_of({"task": study.model_fields["task"].default}).load("settings")
    keys = set(study.model_fields) & set(run.model_fields)
    return {key: value for key, value in tree.items() if key in keys}
