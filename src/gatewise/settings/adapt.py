"""Settings of adapting an encoder: its pretraining continued on one's own texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from gatewise import registry
from gatewise.settings.base import Count, Names, RunSettings, Settings, registered
from gatewise.settings.classify import is_cleaning
from gatewise.settings.train import TrainSettings


class AdaptEncoderSettings(Settings):
    """The encoder that is adapted."""

    name: str = "minilm"
    """minilm, a folder, or a hub name such as bert-base-uncased; of the BERT family."""
    revision: str | None = None
    """Revision on the hub."""
    download: bool = False
    """Fetch the encoder from the hub when it is not on this machine."""


class AdaptDataSettings(Settings):
    """Which texts are read, and how they are cleaned."""

    files: Names = ()
    """Text files (.txt, .md, .rst, also .gz), folders of them, or tables (CSV, TSV, JSON lines, Parquet)."""
    documents: Literal["line", "blank_line"] = "line"
    """What one text is in a text file: a line, or what stands between blank lines."""
    separator: str | None = None
    """What stands between a table's columns; found by itself when absent."""
    text: str | None = None
    """Column of a table's texts; guessed, and said, when absent."""
    cleaning: Annotated[Names, AfterValidator(is_cleaning)] = ("tweets",)
    """Steps of cleaning, or presets of them (tweets, report, none); -STEP takes one out again, +STEP puts one in."""
    max_tokens: Annotated[int, Field(ge=8)] = 128
    """Most tokens that are read at once; a longer text is read in pieces."""


class AdaptSplitSettings(Settings):
    """Which texts train and which judge."""

    validation: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.1
    """Share of the texts that judges, but no more than 2,000 of them."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 42
    """Seed of the drawing, and of the tokens that are hidden from the judge."""


class AdaptTrainSettings(TrainSettings):
    """How the weights are found; the defaults are those of HateBERT where it names them."""

    masked: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.15
    """Share of the tokens that are guessed: 80 % of them hidden, 10 % replaced by another token, 10 % left."""
    head_epochs: Annotated[int, Field(ge=0)] = 1
    """Epochs in which a new head is trained alone, where the encoder comes without one."""
    head_learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    """Step size of a new head while it is trained alone."""
    learning_rate: Annotated[float, Field(gt=0)] | None = 5e-5
    """Step size; the optimizer's own default when absent."""
    clip_norm: Annotated[float, Field(gt=0)] | None = 1.0
    """Longest gradient that is allowed, over all weights."""
    schedule: Annotated[str, registered(registry.SCHEDULES)] = "cosine"
    """How the learning rate moves."""
    batch_size: Count = 32
    """Texts in a step."""
    epochs: Count = 3
    """Most passes over the texts."""
    patience: Annotated[int, Field(ge=0)] | None = None
    """Epochs without improvement on validation before training stops; absent: never."""
    checkpoint_seconds: Annotated[float, Field(ge=0)] = 300.0
    """At least this long between checkpoints within an epoch (one is written after every epoch too)."""


class AdaptSettings(RunSettings):
    """One adaptation of an encoder.

    ``dropout_seed`` changes nothing: the encoder's dropout is off.
    """

    FLAT: ClassVar[Mapping[str, str]] = {**RunSettings.FLAT, "encoder.name": "encoder"}

    task: Literal["adapt"] = "adapt"
    """Which of the jobs."""
    encoder: AdaptEncoderSettings = AdaptEncoderSettings()
    data: AdaptDataSettings = AdaptDataSettings()
    split: AdaptSplitSettings = AdaptSplitSettings()
    train: AdaptTrainSettings = AdaptTrainSettings()
