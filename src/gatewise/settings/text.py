"""Settings of a text run: a network that learns to write, symbol by symbol."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gatewise import registry
from gatewise.errors import SettingsError
from gatewise.settings.base import Count, Names, Rate, RunSettings, Settings, parse, registered
from gatewise.settings.counting import CountsWhen
from gatewise.settings.model import ModelSettings
from gatewise.settings.sampling import SamplingSettings
from gatewise.settings.train import TrainSettings

#: Losses whose target is one symbol and nothing else.
_FOCAL = ("focal", "binary_focal")


def read_sampling(text: str) -> SamplingSettings:
    """Read a way of writing: ``greedy``, or settings of writing side by side.

    Raises
    ------
    SettingsError
        If a part is unknown or its value cannot be used.

    Examples
    --------
    >>> read_sampling("temperature=0.8 top_k=40").top_k, read_sampling("sampler=report").sampler
    (40, 'report')
    """
    if text == "greedy":
        return SamplingSettings(greedy=True)
    parts = dict(part.split("=", 1) for part in text.split() if "=" in part)
    if len(parts) < max(1, len(text.split())):
        raise SettingsError(f"{text!r} is no way of writing: give greedy, or e.g. temperature=0.8")
    return parse(SamplingSettings, parts)


def _is_sampling(text: str) -> str:
    read_sampling(text)
    return text


class TextDataSettings(Settings):
    """Which texts are read, and how they become symbols."""

    files: Names = ()
    """Text files (plain or .gz), folders or globs; or sample:NAME for a text that Python ships (sample:python-docs)."""
    reader: Annotated[str | None, registered(registry.READERS)] = None
    """A function of your own that reads a file, module:function: its name in, a text or texts out."""
    encoding: str = "utf-8"
    """Encoding of the files; a byte order mark is left out, and lines end with a line feed alone."""
    lower: bool = False
    """Turn letters into small ones."""
    normalize: Literal["NFC", "NFD", "NFKC", "NFKD", "none"] = "NFC"
    """Unicode normalisation."""
    symbols: Literal["characters", "graphemes", "bytes"] = "characters"
    """What one symbol is: a code point, a letter with its marks as a reader sees it, or a byte of UTF-8."""
    minimum_count: Count = 1
    """Symbols seen less often in the training part become the unknown symbol."""
    documents: Literal["file", "line", "blank_line"] = "file"
    """What a document is: a file, a line, or what stands between blank lines."""
    window: Count = 64
    """Symbols that are read between two steps of the optimiser."""
    stride: Annotated[Count | None, CountsWhen("train.regime", ("windows",))] = None
    """Symbols from the start of a window to the next (regime windows); as many as the window has when absent."""


class TextSplitSettings(Settings):
    """Which part of the text trains, which chooses, which judges."""

    kind: Literal["position", "document", "windows"] = "position"
    """position: the end of the text is held out; document: whole documents, drawn; windows: windows, drawn (marked)."""
    test: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.1
    """Share that judges; 0 trains on everything and judges nothing."""
    validation: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.05
    """Share of the rest that chooses the epoch."""
    seed: Annotated[int, Field(ge=0, lt=2**32), CountsWhen("split.kind", ("document", "windows"))] = 42
    """Seed of a split that draws."""


class TextModelSettings(ModelSettings):
    """The network: embedding, input dropout, stack of cells, output dropout, dense head, softmax over the symbols."""

    cell: Annotated[str, registered(registry.CELLS)] = "gru"
    """Recurrent cell."""
    units: Count = 384
    """Units of each layer."""
    embedding: Annotated[int, Field(ge=0)] = 64
    """Size of a symbol's vector; 0 feeds the symbol itself (one-hot)."""
    embedding_start: Annotated[Literal["normal", "small"], CountsWhen("model.embedding")] = "normal"
    """Where vectors start: normal (as torch's) learns faster and better; small (as Keras') is the report's."""
    symbol_dropout: Rate = 0.0
    """Share of the symbols whose vector is dropped as a whole, before the first layer."""
    output_dropout: Rate = 0.0
    """Share of the last layer's outputs that is dropped."""
    ngrams: Annotated[int, Field(ge=0, le=12)] = 0
    """Mix n-grams of the training part, up to so many symbols, into every prediction; 0: the network predicts alone."""
    ngram_share: Annotated[float, Field(gt=0.0, lt=1.0), CountsWhen("model.ngrams")] = 0.35
    """Share of the n-grams in a mixed prediction."""
    tied: bool = False
    """Let the output layer use the embedding's weights; needs what it reads to be as wide as the embedding."""


class TextTrainSettings(TrainSettings):
    """How the weights are found."""

    loss: Annotated[str, registered(registry.TEXT_LOSSES)] = "cross_entropy"
    """What training minimises."""
    label_smoothing: Rate = 0.0
    """Share of the target that is spread evenly over all symbols (cross_entropy and kl_divergence)."""
    focal_gamma: Annotated[float, Field(ge=0), CountsWhen("train.loss", _FOCAL)] = 2.0
    """How much the focal losses look away from what is easy."""
    regime: Literal["streams", "windows"] = "streams"
    """streams: texts side by side, the state carried from window to window; windows: each read from a fresh state."""
    reset_rate: Rate = 0.05
    """Share of the streams whose state is dropped before a window; never doing so overfits the drift of the state."""
    learning_rate: Annotated[float, Field(gt=0)] | None = 3e-3
    """Step size; the optimizer's own default when absent."""
    clip_norm: Annotated[float, Field(gt=0)] | None = 1.0
    """Longest gradient that is allowed, over all weights."""
    schedule: Annotated[str, registered(registry.SCHEDULES)] = "cosine"
    """How the learning rate moves."""
    epochs: Annotated[Count, CountsWhen("train.minutes", (None,))] = 10
    """Most passes over the training part."""
    patience: Annotated[int, Field(ge=0)] | None = None
    """Epochs without improvement on validation before training stops; absent: never."""


class TextParts(Settings):
    """What decides a text run, and a study of such runs."""

    task: Literal["generate"] = "generate"
    """Which of the jobs."""
    data: TextDataSettings = TextDataSettings()
    split: TextSplitSettings = TextSplitSettings()
    model: TextModelSettings = TextModelSettings()
    train: TextTrainSettings = TextTrainSettings()
    baselines: tuple[Annotated[str, registered(registry.TEXT_BASELINES)], ...] = (
        "uniform", "unigram", "ngram", "gzip", "xz", "ppm",
    )  # fmt: skip
    """Baselines shown beside the result; uniform is always there."""
    dynamic_evaluation: Annotated[float, Field(gt=0)] | None = None
    """Also judge a copy that goes on learning from the held-out text after predicting it, with this step size."""
    prequential: bool = False
    """Also judge by one pass over the training part, each symbol predicted before it is learned."""
    sample_prompt: Annotated[str, CountsWhen("sample_length")] = ""
    """How the samples written during training begin; a learned start when empty."""
    sample_length: Annotated[int, Field(ge=0, le=10_000)] = 200
    """Symbols in each sample written during training; 0 writes none."""

    memory_contexts: tuple[Count, ...] = ()
    """Also judge with the context cut to so many symbols before each one that is predicted, e.g. 1, 10, 100."""
    samplings: tuple[Annotated[str, AfterValidator(_is_sampling)], ...] = ()
    """Ways of writing that are judged after training: greedy, or e.g. temperature=0.8 or temperature=1 top_p=0.9."""
    sampling_texts: Annotated[Count, CountsWhen("samplings")] = 16
    """Texts that each of the samplings writes."""
    sampling_length: Annotated[Count, CountsWhen("samplings")] = 1000
    """Symbols of each of these texts."""

    @model_validator(mode="after")
    def _tied_sizes_agree(self) -> Self:
        width = self.model.head[-1] if self.model.head else self.model.units
        if self.model.tied and self.model.embedding != width:
            raise ValueError(
                f"model.tied: the output layer reads {width} values and the embedding has {self.model.embedding}: set "
                f"embedding to {width}, or end the head with {self.model.embedding}"
            )
        return self

    @model_validator(mode="after")
    def _only_soft_targets_are_smoothed(self) -> Self:
        if self.train.label_smoothing and self.train.loss in _FOCAL:
            raise ValueError(f"train.label_smoothing: the loss {self.train.loss!r} has no soft target: set it to 0")
        return self

    @model_validator(mode="after")
    def _drawn_windows_are_read_alone(self) -> Self:
        if self.split.kind == "windows" and self.train.regime == "streams":
            raise ValueError("split windows: drawn windows cannot be joined to streams: set regime to windows")
        return self


class TextSettings(TextParts, RunSettings):
    """One text run."""

    task: Literal["generate"] = "generate"
    """Which of the jobs."""
