"""What a study file says of its search::

search:
  trials: 20
  settings:
    train.learning_rate: {low: 1e-5, high: 1e-2, log: true}
    model.input_dropout: [0.0, 0.1, 0.2]
    train.momentum: {low: 0.5, high: 0.99, when: {train.optimizer: [sgd, rmsprop]}}
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from gatewise.settings import Count, Settings

#: Far from the seeds that people give to final runs.
_SEED = 1000
_TRIALS = 20

Number = int | float


class Searched(Settings):
    """The values that one setting may take: a list, or a range."""

    values: tuple[Any, ...] | None = None
    """The values themselves."""
    low: Number | None = None
    """Least value of a range."""
    high: Number | None = None
    """Greatest value of a range."""
    step: Annotated[Number, Field(gt=0)] | None = None
    """Distance of the values of a range; absent: any value."""
    log: bool = False
    """Every factor of ten is as likely, as suits rates."""
    when: dict[str, Any] = Field(default_factory=dict)
    """Factor to levels at which the setting is searched; at all others it keeps its value."""

    @model_validator(mode="after")
    def _is_a_list_or_a_range(self) -> Self:
        if self.values is not None:
            if self.low is not None or self.high is not None or self.step is not None or self.log:
                raise ValueError("give a list of values or a range, not both")
            if len({str(value) for value in self.values}) < max(2, len(self.values)):
                raise ValueError("a search needs at least two values that differ, e.g. [0.0, 0.1, 0.2]")
            return self
        if self.low is None or self.high is None:
            raise ValueError("values are expected: a list ([0.0, 0.1]) or a range ({low: 1e-5, high: 1e-2, log: true})")
        if not self.low < self.high:
            raise ValueError(f"low must be below high (found {self.low:g} and {self.high:g})")
        if self.log and self.low <= 0:
            raise ValueError(f"a range with log begins above 0 (found {self.low:g})")
        if self.log and self.step is not None:
            raise ValueError("a range has log or a step, not both")
        return self


def _listed(value: Any) -> Any:
    """Take a list for its values."""
    return {"values": value} if isinstance(value, list | tuple) else value


class Halving(Settings):
    """Successive halving: all trials train for a few epochs, the best of them for more, and so on."""

    reduction: Annotated[int, Field(ge=2)] = 3
    """One in so many goes on, for so many times the epochs."""
    least_epochs: Count = 1
    """Epochs of the first trials."""


class SearchSettings(Settings):
    """Trials on the validation part that choose settings for each combination of levels before its final seeds."""

    settings: dict[str, Annotated[Searched, BeforeValidator(_listed)]] = Field(min_length=1)
    """Setting to the values that it may take."""
    trials: Count | None = None
    """Trials of every combination of levels; 20 when absent, and the whole grid with the sampler grid."""
    metric: str | None = None
    """Metric of the validation part that chooses; the study's own when absent."""
    sampler: Literal["tpe", "random", "grid"] = "tpe"
    """Who proposes values: Optuna's tree-structured Parzen estimator, chance, or one value after the other."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = _SEED
    """Seed of the sampler and of every trial's run; not one of the final seeds."""
    halving: Halving | None = None
    """Give up on settings early that begin badly."""

    @property
    def budget(self) -> int:
        """Trials of a level where the sampler is not a grid."""
        return self.trials or _TRIALS
