"""Typed settings: what a run is, complete, in one tree that reads from and writes to plain JSON.

The sentence under a field is its help on the command line and in the documentation. Flat names (``units``,
``split_seed``) are what a person types on the command line or gives to ``Forecaster``; each field has exactly one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo

from gatewise import registry
from gatewise.errors import SettingsError, did_you_mean

__all__ = [
    "DataSettings",
    "ModelSettings",
    "RunSettings",
    "Settings",
    "SplitSettings",
    "TrainSettings",
    "field_names",
    "flat_fields",
    "parse",
]

Model = TypeVar("Model", bound=BaseModel)

#: Changes when the code would give other numbers for the same settings and data: a study then trains again.
RESULTS_VERSION = 2


class Settings(BaseModel):
    """Base of all settings: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _listed(value: Any) -> Any:
    """Take one text where a list of texts is wanted."""
    return (value,) if isinstance(value, str) else value


def _registered(table: registry.Registry, *also: str) -> BeforeValidator:
    return BeforeValidator(registry.Registered(table, also))


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Rate = Annotated[float, Field(ge=0.0, lt=1.0)]
Count = Annotated[int, Field(ge=1)]
Gaps = Literal["error", "ffill", "interpolate"]


class DataSettings(Settings):
    """Which files are read, and how they become windows."""

    files: Names = ()
    """CSV or Parquet files, or sample:NAME for prices that a package ships (sample:AAPL)."""
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
    transform: Annotated[str, _registered(registry.TRANSFORMS)] = "none"
    """Target transform, fitted on the training part and undone in every output."""
    past_covariates: Names = ()
    """Columns known only up to the window's last row."""
    future_covariates: Names = ()
    """Columns known for the forecast rows too."""
    calendar: Names = ()
    """Calendar features made from the dates: day_of_week, day_of_month, month, quarter, week, hour, year_progress."""
    static_file: str | None = None
    """Table with one row a series (its id column named as in the data) of static covariates."""
    gaps: Gaps = "error"
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


class SplitSettings(Settings):
    """Which windows train, which choose, which judge."""

    kind: Literal["chronological", "random", "blocked", "walk_forward"] = "chronological"
    """How windows are divided; random leaks, because neighbouring windows overlap."""
    test: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.1
    """Share of the windows that judge; 0 trains on everything and judges nothing."""
    validation: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.1
    """Share of the training windows that choose the epoch."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 42
    """Seed of a random split."""
    folds: Annotated[int, Field(ge=1)] = 5
    """Number of folds of a walk_forward or blocked split."""
    fold: Annotated[int, Field(ge=0)] | None = None
    """Train this fold alone; all folds when absent."""
    purge: Annotated[int, Field(ge=0)] | None = None
    """Windows left out on each side of a border; as many as straddle it when absent."""
    embargo: Annotated[int, Field(ge=0)] = 0
    """Further windows left out after a test block."""
    border: Literal["time", "series"] = "time"
    """Several series: one border date for all, or the last share of each series."""

    @model_validator(mode="after")
    def _fold_exists(self) -> Self:
        if self.fold is not None and self.fold >= self.folds:
            raise ValueError(f"fold {self.fold} does not exist: folds count from 0 to {self.folds - 1}")
        return self


class ModelSettings(Settings):
    """The network: input dropout, stack of cells, head."""

    cell: Annotated[str, _registered(registry.CELLS)] = "lstm"
    """Recurrent cell."""
    units: Count = 64
    """Units of each layer (and direction)."""
    layers: Count = 1
    """Layers of cells."""
    block: Literal["plain", "residual"] = "plain"
    """How layers are joined: each reads the one before, or adds to it through norms and dense layers (deep stacks)."""
    bidirectional: bool = False
    """Read the window in both directions."""
    input_dropout: Rate = 0.0
    """Share of inputs dropped before the first layer."""
    input_dropout_mask: Literal["step", "sequence"] = "step"
    """A new input mask every step, or one for the whole sequence."""
    recurrent_dropout: Rate = 0.0
    """Share of the state dropped on its way to the next step, one mask a sequence."""
    layer_dropout: Rate = 0.0
    """Share of units dropped between layers."""
    initial_state: Literal["zero", "learned"] = "zero"
    """Where the state starts."""
    head: tuple[Count, ...] = (256, 128)
    """Sizes of the dense layers between the last state and the outputs."""
    head_dropout: Rate = 0.1
    """Share of units dropped after the first dense layer."""
    head_activation: Literal["relu", "tanh", "gelu", "linear"] = "relu"
    """Activation of the dense layers."""
    recompute_steps: Count | None = None
    """Steps whose inner values are kept for the gradient at once: less memory for long windows, one more pass."""
    cell_options: dict[str, Any] = Field(default_factory=dict)
    """Further options of the cell, by name."""
    kernel: Annotated[str, _registered(registry.KERNELS, "auto")] = "auto"
    """How whole sequences are computed; auto takes the fastest that computes the same function."""


class TrainSettings(Settings):
    """How the weights are found."""

    loss: Annotated[str, _registered(registry.LOSSES)] = "mse"
    """What training minimises."""
    huber_delta: Annotated[float, Field(gt=0)] = 1.0
    """Where the Huber loss turns from squared to absolute."""
    quantiles: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = (0.025, 0.1, 0.5, 0.9, 0.975)
    """Levels of the quantile loss."""
    optimizer: Annotated[str, _registered(registry.OPTIMIZERS)] = "adam"
    """How a gradient becomes a step."""
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    """Step size; the optimizer's own default when absent."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Momentum of sgd and rmsprop."""
    weight_decay: Annotated[float, Field(ge=0)] | None = None
    """Pull of the weights towards zero; the optimizer's own default when absent."""
    clip_norm: Annotated[float, Field(gt=0)] | None = None
    """Longest gradient that is allowed, over all weights."""
    schedule: Annotated[str, _registered(registry.SCHEDULES)] = "constant"
    """How the learning rate moves."""
    batch_size: Count = 32
    """Windows in a step."""
    epochs: Count = 100
    """Most passes over the training windows."""
    patience: Annotated[int, Field(ge=0)] | None = 10
    """Epochs without improvement on validation before training stops; absent: never."""
    min_delta: Annotated[float, Field(ge=0)] = 0.0
    """Least change of the validation loss that counts as an improvement."""
    restore_best: bool = True
    """End with the weights of the best validation epoch."""
    precision: Literal["float32", "float64", "bfloat16"] = "float32"
    """Number format of the forward pass."""
    device: str = "cpu"
    """cpu, cuda, cuda:1 ..."""
    threads: Count | None = None
    """CPU threads; as torch finds them when absent."""
    checkpoint_seconds: Annotated[float, Field(ge=0)] = 60.0
    """At least this long between checkpoints within an epoch (one is written after every epoch too)."""

    @field_validator("quantiles")
    @classmethod
    def _rising(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not value or list(value) != sorted(set(value)):
            raise ValueError("quantiles must rise and not repeat, e.g. 0.1, 0.5, 0.9")
        return value


class RunSettings(Settings):
    """One training: one setting, one seed."""

    name: str = "run"
    """Name shown in reports."""
    task: Literal["forecast"] = "forecast"
    """Which of the jobs."""
    data: DataSettings = DataSettings()
    split: SplitSettings = SplitSettings()
    model: ModelSettings = ModelSettings()
    train: TrainSettings = TrainSettings()
    levels: tuple[Annotated[int, Field(gt=0, lt=100)], ...] = (80, 95)
    """Levels in percent of the intervals around a forecast."""
    baselines: tuple[Annotated[str, _registered(registry.BASELINES)], ...] = (
        "last_value", "drift", "seasonal_naive", "window_mean", "ridge",
    )  # fmt: skip
    """Baselines shown beside the result; last_value is always there."""
    season: Count | None = None
    """Rows in a season, for seasonal_naive and MASE; from the frequency when absent."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Seed of start weights, data order and dropout, unless one of the three is set on its own."""
    init_seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """Seed of the start weights."""
    order_seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """Seed of the order of the batches."""
    dropout_seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """Seed of the dropout masks."""

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

    @classmethod
    def from_flat(cls, values: Mapping[str, Any]) -> RunSettings:
        """Make settings from flat names, e.g. ``{"cell": "gru", "window": 20}``.

        Raises
        ------
        SettingsError
            Naming every flat name that does not exist or whose value cannot be used.
        """
        paths = flat_fields()
        problems = [f"{key}: unknown setting{did_you_mean(key, paths)}" for key in values if key not in paths]
        if problems:
            raise SettingsError("\n".join(problems))
        tree: dict[str, Any] = {}
        for key, value in values.items():
            *rooms, leaf = paths[key].split(".")
            branch = tree
            for room in rooms:
                branch = branch.setdefault(room, {})
            branch[leaf] = value
        return parse(cls, tree, names={path: flat for flat, path in paths.items()})

    def to_flat(self) -> dict[str, Any]:
        """Return every setting by its flat name."""
        return {flat: self.at(path) for flat, path in flat_fields().items()}

    def at(self, path: str) -> Any:
        """Return the setting at a dotted `path` such as ``model.units``."""
        value: Any = self
        for part in path.split("."):
            value = getattr(value, part)
        return value

    def replace(self, changes: Mapping[str, Any]) -> RunSettings:
        """Return a copy with other values at some dotted paths, checked again as a whole."""
        tree = self.model_dump(mode="json")
        known = list(flat_fields().values())
        for path, value in changes.items():
            if path not in known:
                raise SettingsError(f"{path}: unknown setting{did_you_mean(path, known)}")
            *rooms, leaf = path.split(".")
            branch = tree
            for room in rooms:
                branch = branch[room]
            branch[leaf] = value
        return parse(RunSettings, tree)

    def fingerprint(self, data_digest: str) -> str:
        """Return 16 hex digits that are equal exactly when settings, data and result version are.

        Names and places do not count: the run's name, the files' paths, the seconds between checkpoints.
        """
        tree = self.model_dump(mode="json", exclude={"name": True, "data": {"files"}, "train": {"checkpoint_seconds"}})
        text = json.dumps([RESULTS_VERSION, data_digest, tree], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


#: Flat names that differ from the field's own name, because that name alone would not say what it is.
_FLAT = {
    "split.kind": "split",
    "split.seed": "split_seed",
    "split.test": "test_size",
    "split.validation": "validation_size",
}


def field_names(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield every leaf of a settings tree as its dotted path and its field."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from field_names(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def flat_fields() -> dict[str, str]:
    """Return the dotted path of every flat name, e.g. ``units`` -> ``model.units``."""
    return {_FLAT.get(path, path.rsplit(".", 1)[-1]): path for path, _ in field_names(RunSettings)}


def parse(model: type[Model], tree: Any, *, where: str = "", names: Mapping[str, str] | None = None) -> Model:
    """Check a plain tree as a whole.

    Parameters
    ----------
    where
        What is being read, e.g. a file's path; begins the message.
    names
        How to call a dotted path in a message; itself by default.

    Raises
    ------
    SettingsError
        With one line for every problem.
    """
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        lines = [_explain(model, problem, names or {}) for problem in error.errors()]
        raise SettingsError("\n".join([f"{where}:", *lines] if where else lines)) from None


def _explain(model: type[BaseModel], problem: Any, names: Mapping[str, str]) -> str:
    """Turn one of pydantic's findings into a line: where, what was found, what to do."""
    steps = [str(step) for step in problem["loc"] if not str(step).startswith("function-")]
    path = ".".join(steps)
    where = names.get(path, path)
    if problem["type"] == "extra_forbidden":
        elsewhere = flat_fields().get(path, path)  # a flat name, at the top of a file whose settings stand in rooms
        if elsewhere != path:
            return f"{where}: unknown setting: did you mean {elsewhere!r}?"
        return f"{where}: unknown setting{did_you_mean(steps[-1], _siblings(model, steps[:-1]))}"
    if "error" in problem.get("ctx", {}):
        text = str(problem["ctx"]["error"])
        return f"{where}: {text}" if where else text
    found = "" if isinstance(problem["input"], dict) else f" (found {problem['input']!r})"
    text = problem["msg"][0].lower() + problem["msg"][1:]
    return f"{where}: {text}{found}"


def _siblings(model: type[BaseModel], steps: list[str]) -> list[str]:
    """Return the names that stand beside a wrong one."""
    for step in steps:
        field = model.model_fields.get(step)
        kind = field.annotation if field else None
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            return []
        model = kind
    return list(model.model_fields)
