"""Settings of training that every task shares."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gatewise import registry
from gatewise.settings.base import Count, Settings, registered
from gatewise.settings.counting import CountsWhen


class TrainSettings(Settings):
    """How the weights are found."""

    optimizer: Annotated[str, registered(registry.OPTIMIZERS)] = "adam"
    """How a gradient becomes a step."""
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    """Step size; the optimizer's own default when absent."""
    momentum: Annotated[float, Field(ge=0, lt=1), CountsWhen("train.optimizer", ("sgd", "rmsprop"))] = 0.0
    """Momentum of sgd and rmsprop."""
    weight_decay: Annotated[float, Field(ge=0)] | None = None
    """Pull of the weights towards zero; the optimizer's own default when absent."""
    clip_norm: Annotated[float, Field(gt=0)] | None = None
    """Longest gradient that is allowed, over all weights."""
    schedule: Annotated[str, registered(registry.SCHEDULES)] = "constant"
    """How the learning rate moves."""
    batch_size: Count = 32
    """Windows in a step."""
    epochs: Annotated[Count, CountsWhen("train.minutes", (None,))] = 100
    """Most passes over the training windows."""
    patience: Annotated[int, Field(ge=0)] | None = 10
    """Epochs without improvement on validation before training stops; absent: never."""
    min_delta: Annotated[
        float, Field(ge=0), CountsWhen("train.patience", but_not=(None,)), CountsWhen("train.restore_best")
    ] = 0.0
    """Least change of the validation loss that counts as an improvement."""
    restore_best: bool = True
    """End with the weights of the best validation epoch."""
    averaging: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the old in a running average of the weights, which then judges and stays; 0: the last weights do."""
    minutes: Annotated[float, Field(gt=0)] | None = None
    """Train for this long instead of for a number of epochs; the schedule follows the clock."""
    precision: Literal["float32", "float64", "bfloat16"] = "float32"
    """Number format of the forward pass."""
    device: str = "cpu"
    """cpu, cuda, cuda:1 ..."""
    threads: Count | None = None
    """CPU threads, of each process; as torch finds them when absent, and never more in all than there are cores."""
    processes: Count = 1
    """Processes that train together, each with its rows of every batch; with device cuda each has a GPU of its own."""
    checkpoint_seconds: Annotated[float, Field(ge=0)] = 60.0
    """At least this long between checkpoints within an epoch (one is written after every epoch too)."""

    @model_validator(mode="after")
    def _rows_for_each(self) -> Self:
        if self.processes > self.batch_size:
            raise ValueError(
                f"processes: {self.processes} share the rows of a batch, and batch_size is {self.batch_size}: "
                "take fewer processes, or larger batches"
            )
        if self.processes > 1 and self.device.startswith("cuda:"):
            raise ValueError(f"device: {self.processes} processes take a GPU each: say cuda, not {self.device}")
        return self
