"""Settings of a forecasting run."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from gatewise import registry
from gatewise.settings.base import Count, Names, RunSettings, Settings, registered
from gatewise.settings.counting import CountsWhen
from gatewise.settings.model import ModelSettings
from gatewise.settings.train import TrainSettings


class ForecastDataSettings(Settings):
    """Which files are read, and how they become windows."""

    files: Names = ()
    """CSV or Parquet files, or sample:NAME for prices that a package ships (sample:AAPL)."""
    reader: Annotated[str | None, registered(registry.READERS)] = None
    """A function of your own that reads a file, module:function: its name in, a table out."""
    column: Names = ()
    """Target column or columns; found by itself when the file has one candidate."""
    time_column: str | None = None
    """Column of dates or integer times; found by itself when absent."""
    id_column: str | None = None
    """Column that names the series in a long file (unique_id, item_id are found by themselves)."""
    series: Literal["auto", "joint", "global"] = "auto"
    """joint: all series are channels of one window; global: one model over every series on its own."""
    window: Count = 30
    """Rows that the network sees."""
    horizon: Count = 1
    """Rows that are forecast."""
    target_offset: Count = 1
    """Rows from the window's last row to the first forecast row; 1 is the next row."""
    transform: Annotated[str, registered(registry.TRANSFORMS)] = "none"
    """Target transform, fitted on the training part and undone in every output."""
    past_covariates: Names = ()
    """Columns known only up to the window's last row."""
    future_covariates: Names = ()
    """Columns known for the forecast rows too."""
    calendar: Names = ()
    """Calendar features made from the dates: day_of_week, day_of_month, month, quarter, week, hour, year_progress."""
    static_file: str | None = None
    """Table with one row a series (its id column named as in the data) of static covariates."""
    gaps: Literal["error", "ffill", "interpolate"] = "error"
    """What to do about missing dates: refuse, repeat the last row, or interpolate."""
    missing: Literal["error", "ffill", "interpolate", "drop"] = "error"
    """What to do about missing values."""
    duplicates: Literal["error", "first", "last", "mean"] = "error"
    """What to do about rows that repeat a date of their series."""
    align: Literal["error", "common"] = "error"
    """Joint series that do not share all dates: refuse, or keep the dates that all of them have."""
    frequency: str | None = None
    """Frequency, when it cannot be inferred: e.g. 1d, business, 1h, 1mo, irregular."""
    date_format: str | None = None
    """Format of the dates in strftime letters, when it cannot be told by itself."""
    separator: str | None = None
    """Separator of CSV files; found by itself when absent."""


class ForecastSplitSettings(Settings):
    """Which windows train, which choose, which judge."""

    kind: Literal["chronological", "random", "blocked", "walk_forward"] = "chronological"
    """How windows are divided; random leaks, because neighbouring windows overlap."""
    test: Annotated[float, Field(ge=0.0, lt=1.0), CountsWhen("split.kind", but_not=("blocked",))] = 0.1
    """Share of the windows that judge; 0 trains on everything and judges nothing."""
    validation: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.1
    """Share of the training windows that choose the epoch."""
    seed: Annotated[int, Field(ge=0, lt=2**32), CountsWhen("split.kind", ("random",))] = 42
    """Seed of a random split."""
    folds: Annotated[int, Field(ge=1), CountsWhen("split.kind", ("walk_forward", "blocked"))] = 5
    """Number of folds of a walk_forward or blocked split."""
    fold: Annotated[Annotated[int, Field(ge=0)] | None, CountsWhen("split.kind", ("walk_forward", "blocked"))] = None
    """Train this fold alone; all folds when absent."""
    purge: Annotated[Annotated[int, Field(ge=0)] | None, CountsWhen("split.kind", but_not=("random",))] = None
    """Windows left out on each side of a border; as many as straddle it when absent."""
    embargo: Annotated[int, Field(ge=0), CountsWhen("split.kind", ("blocked",))] = 0
    """Further windows left out after a test block."""
    border: Annotated[Literal["time", "series"], CountsWhen("split.kind", but_not=("random",))] = "time"
    """Several series: one border date for all, or the last share of each series."""

    @model_validator(mode="after")
    def _fold_exists(self) -> Self:
        if self.fold is not None and self.fold >= self.folds:
            raise ValueError(f"fold {self.fold} does not exist: folds count from 0 to {self.folds - 1}")
        return self


class ForecastModelSettings(ModelSettings):
    """The network: input dropout, stack of cells, head on what the last step says."""

    bidirectional: bool = False
    """Read the window in both directions."""
    head: tuple[Count, ...] = (256, 128)
    """Sizes of the dense layers between the last state and the outputs."""


class ForecastTrainSettings(TrainSettings):
    """How the weights are found."""

    loss: Annotated[str, registered(registry.LOSSES)] = "mse"
    """What training minimises."""
    huber_delta: Annotated[float, Field(gt=0), CountsWhen("train.loss", ("huber",))] = 1.0
    """Where the Huber loss turns from squared to absolute."""
    quantiles: Annotated[tuple[Annotated[float, Field(gt=0, lt=1)], ...], CountsWhen("train.loss", ("quantile",))] = (
        0.025,
        0.1,
        0.5,
        0.9,
        0.975,
    )
    """Levels of the quantile loss."""

    @field_validator("quantiles")
    @classmethod
    def _rising(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not value or list(value) != sorted(set(value)):
            raise ValueError("quantiles must rise and not repeat, e.g. 0.1, 0.5, 0.9")
        return value


class ForecastParts(Settings):
    """What decides a forecasting run, and a study of such runs."""

    task: Literal["forecast"] = "forecast"
    """Which of the jobs."""
    data: ForecastDataSettings = ForecastDataSettings()
    split: ForecastSplitSettings = ForecastSplitSettings()
    model: ForecastModelSettings = ForecastModelSettings()
    train: ForecastTrainSettings = ForecastTrainSettings()
    levels: tuple[Annotated[int, Field(gt=0, lt=100)], ...] = (80, 95)
    """Levels in percent of the intervals around a forecast."""
    baselines: tuple[Annotated[str, registered(registry.BASELINES)], ...] = (
        "last_value", "drift", "seasonal_naive", "window_mean", "ridge",
    )  # fmt: skip
    """Baselines shown beside the result; last_value is always there."""
    season: Count | None = None
    """Rows in a season, for seasonal_naive and MASE; from the frequency when absent."""

    @model_validator(mode="after")
    def _last_value_stays(self) -> Self:
        if "last_value" not in self.baselines:
            object.__setattr__(self, "baselines", ("last_value", *self.baselines))
        return self

    @model_validator(mode="after")
    def _quantiles_reach_the_levels(self) -> Self:
        if self.train.loss == "quantile" and self.levels:
            widest, trained = max(self.levels), self.train.quantiles
            low, high = (100 - widest) / 200, (100 + widest) / 200
            if trained[0] > low or trained[-1] < high:
                raise ValueError(
                    f"levels: {widest} needs quantiles {low:g} and {high:g}, and quantiles goes from {trained[0]:g} to "
                    f"{trained[-1]:g}: add them, or set levels to narrower intervals"
                )
        return self


class ForecastSettings(ForecastParts, RunSettings):
    """One forecasting run."""

    task: Literal["forecast"] = "forecast"
    """Which of the jobs."""
