"""Settings of a classification run: labelled texts, an encoder that is run once, a recurrent head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from gatewise import registry
from gatewise.settings.base import Count, Names, Rate, RunSettings, Settings, registered
from gatewise.settings.counting import CountsWhen
from gatewise.settings.model import ModelSettings
from gatewise.settings.train import TrainSettings

Share = Annotated[float, Field(gt=0.0, le=1.0)]

#: Encoders that are no pretrained network: vectors of words or characters that training finds.
FROM_SCRATCH = ("words", "characters")


def _as_texts(value: Any) -> Any:
    """Take numbers for names: ``{0: 1}`` and ``{"0": "1"}`` are the same."""
    return {str(key): str(name) for key, name in value.items()} if isinstance(value, Mapping) else value


def is_cleaning(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names when they are steps of cleaning; raises as ``registry.cleaning_steps``."""
    registry.cleaning_steps(names)
    return names


class ClassifyDataSettings(Settings):
    """Which labelled texts are read, and how they are cleaned."""

    files: Names = ()
    """Tables of labelled texts (CSV, TSV, JSON lines or Parquet, also .gz); or sample:NAME."""
    validation_files: Names = ()
    """Tables that choose the epoch, where the parts are given as files."""
    test_files: Names = ()
    """Tables that judge, where the parts are given as files."""
    reader: Annotated[str | None, registered(registry.READERS)] = None
    """A function of your own that reads a file, module:function: its name in, a table out."""
    separator: str | None = None
    """What stands between columns; found by itself when absent."""
    text: str | None = None
    """Column of the text; guessed, and said, when absent."""
    label: str | None = None
    """Column of the label; guessed, and said, when absent."""
    names: Annotated[dict[str, str], BeforeValidator(_as_texts)] = Field(default_factory=dict)
    """Names of the labels' codes, e.g. 0=hate; shown in every report and prediction."""
    votes: Names = ("auto",)
    """Columns with annotators' votes, one for each class in the classes' order; auto finds them, and says so."""
    group: Annotated[str | None, CountsWhen("split.kind", but_not=("random",))] = None
    """Column whose equal values (a user, a thread) stay in one part."""
    fairness: str | None = None
    """Column of groups (a dialect, a community) whose harmless texts are looked at one group at a time."""
    cleaning: Annotated[Names, AfterValidator(is_cleaning)] = ("tweets",)
    """Steps of cleaning, or presets of them (tweets, report, none); -STEP takes one out again, +STEP puts one in."""
    empty: Literal["keep", "drop"] = "keep"
    """What happens to a text of which cleaning leaves nothing."""
    max_tokens: Annotated[int, Field(ge=2)] = 128
    """Tokens of a text that are read; what is cut off is counted and said."""


class ClassifySplitSettings(Settings):
    """Which texts train, which choose, which judge."""

    kind: Literal["stratified", "random", "folds", "given"] = "stratified"
    """stratified: parts have the classes' shares; random; folds: one of several judges; given: the data say it."""
    test: Annotated[float, Field(ge=0.0, lt=1.0), CountsWhen("split.kind", ("stratified", "random"))] = 0.3
    """Share that judges; 0 trains on everything and judges nothing."""
    validation: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.1
    """Share of the rest that chooses the epoch, thresholds and temperature."""
    seed: Annotated[
        int, Field(ge=0, lt=2**32), CountsWhen("split.kind", but_not=("given",)), CountsWhen("split.train_size")
    ] = 42
    """Seed of the drawing."""
    near_duplicates: Annotated[Literal["together", "apart"], CountsWhen("split.kind", but_not=("random",))] = "together"
    """together: near-duplicates stay in one part; apart: they are drawn like any other text, which leaks."""
    folds: Annotated[int, Field(ge=2), CountsWhen("split.kind", ("folds",))] = 5
    """Parts that folds makes."""
    fold: Annotated[int, Field(ge=0), CountsWhen("split.kind", ("folds",))] = 0
    """Which of the folds judges."""
    column: str | None = None
    """Column that says train, validation or test."""
    train_size: Count | None = None
    """Train on only so many texts, drawn with the classes' shares; all when absent."""


class EncoderSettings(Settings):
    """What turns a text into vectors before the recurrent head reads them."""

    name: str = "words"
    """words or characters (vectors that training finds), minilm, random-bert, a folder, or a name on the hub."""
    revision: Annotated[str | None, CountsWhen("encoder.name", but_not=FROM_SCRATCH)] = None
    """Revision on the hub."""
    download: bool = False
    """Fetch the encoder from the hub when it is not on this machine."""
    vectors: str | None = None
    """File of word vectors (word and numbers on a line, as GloVe and fastText write them) that words start from."""
    layers: Annotated[tuple[int, ...], CountsWhen("encoder.name", but_not=FROM_SCRATCH)] = (-4, -3, -2, -1)
    """Hidden layers that a learned mix joins, counted from the last (-1); none: all of them."""
    states: Literal["encoder", "decoder"] = "encoder"
    """Of T5: the encoder's states, or the decoder's when it reads the text too (the report's way)."""
    precision: Annotated[Literal["float16", "float32"], CountsWhen("encoder.name", but_not=FROM_SCRATCH)] = "float16"
    """Number format of the states that are kept on disk."""
    runtime: Annotated[Literal["torch", "onnx", "int8"], CountsWhen("encoder.name", but_not=FROM_SCRATCH)] = "torch"
    """What computes the states: torch, ONNX Runtime, or ONNX Runtime with int8 weights (their drift is said)."""
    tune_layers: Annotated[int, Field(ge=0)] = 0
    """Last layers of the encoder that are trained too; 0 keeps it frozen."""
    lora_rank: Annotated[int, Field(ge=0)] = 0
    """Rank of low-rank adapters that are trained in every layer; 0: none."""
    learning_rate: Annotated[float, Field(gt=0), CountsWhen("encoder.tune_layers"), CountsWhen("encoder.lora_rank")] = (
        2e-5
    )
    """Step size of what is trained of the encoder."""
    vocabulary: Annotated[Count, CountsWhen("encoder.name", FROM_SCRATCH)] = 30_000
    """Most words or characters that get a vector of their own."""
    minimum_count: Annotated[Count, CountsWhen("encoder.name", FROM_SCRATCH)] = 2
    """Words and characters seen less often in the training part share one vector."""


class ClassifyModelSettings(ModelSettings):
    """The head: input dropout, stack of cells in both directions, pooling over the text, dense layers, classes."""

    cell: Annotated[str, registered(registry.CELLS)] = "lstm"
    """Recurrent cell."""
    units: Count = 128
    """Units of each layer and direction."""
    bidirectional: bool = True
    """Read the text in both directions."""
    pooling: tuple[Annotated[str, registered(registry.POOLINGS)], ...] = ("last", "mean", "max")
    """What is taken from the outputs over a text, side by side."""
    embedding: Annotated[Count, CountsWhen("encoder.name", FROM_SCRATCH)] = 128
    """Size of a word's or character's vector, where there is no pretrained encoder."""
    token_embedding: Annotated[int, Field(ge=0)] = 0
    """Size of a vector of each token that is trained and laid beside the pretrained encoder's states; 0: none."""
    output_dropout: Rate = 0.2
    """Share of what was pooled that is dropped before the dense layers."""
    head: tuple[Count, ...] = (512,)
    """Sizes of the dense layers between the pooled outputs and the classes."""
    head_activation: Annotated[Literal["relu", "tanh", "gelu", "linear"], CountsWhen("model.head")] = "tanh"
    """Activation of the dense layers."""
    head_norm: Annotated[bool, CountsWhen("model.head")] = True
    """Normalise what the first dense layer gives, before its dropout."""
    head_dropout: Annotated[Rate, CountsWhen("model.head")] = 0.2
    """Share of units dropped after the first dense layer."""

    @field_validator("pooling")
    @classmethod
    def _pools(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or len(set(value)) < len(value):
            raise ValueError(f"give one or more poolings, each once (found {', '.join(value) or 'none'})")
        if "last_padded" in value and len(value) > 1:
            raise ValueError("last_padded lets the cells read the padding too, so it stands alone")
        return value


class ClassifyTrainSettings(TrainSettings):
    """How the weights are found."""

    loss: Annotated[str, registered(registry.CLASS_LOSSES)] = "logit_adjusted"
    """What training minimises."""
    class_weight: Literal["none", "balanced"] = "none"
    """balanced: a text weighs as much more as its class is rarer."""
    label_smoothing: Rate = 0.0
    """Share of the target that is spread evenly over all classes."""
    vote_share: Annotated[float, Field(ge=0.0, le=1.0), CountsWhen("data.votes")] = 0.5
    """Share of the annotators' votes in the target, where there are votes; the rest is the label."""
    focal_gamma: Annotated[float, Field(ge=0), CountsWhen("train.loss", ("focal",))] = 2.0
    """How much the focal loss looks away from what is easy."""
    logit_adjustment: Annotated[float, Field(ge=0), CountsWhen("train.loss", ("logit_adjusted",))] = 0.15
    """How much the logit-adjusted loss makes up for rare classes: 0 not at all, 1 wholly."""
    learning_rate: Annotated[float, Field(gt=0)] | None = 1.5e-3
    """Step size; the optimizer's own default when absent."""
    clip_norm: Annotated[float, Field(gt=0)] | None = 1.0
    """Longest gradient that is allowed, over all weights."""
    schedule: Annotated[str, registered(registry.SCHEDULES)] = "warmup_cosine"
    """How the learning rate moves."""
    batch_size: Count = 32
    """Texts in a step."""
    epochs: Annotated[Count, CountsWhen("train.minutes", (None,))] = 4
    """Most passes over the training part."""
    least_steps: Annotated[int, Field(ge=0), CountsWhen("train.minutes", (None,))] = 1200
    """Steps that are made at least: where the texts are few, there are more epochs, up to ten times as many."""
    patience: Annotated[int, Field(ge=0)] | None = None
    """Epochs without improvement on validation before training stops; absent: never."""


class ClassifyParts(Settings):
    """What decides a classification run, and a study of such runs."""

    task: Literal["classify"] = "classify"
    """Which of the jobs."""
    data: ClassifyDataSettings = ClassifyDataSettings()
    split: ClassifySplitSettings = ClassifySplitSettings()
    encoder: EncoderSettings = EncoderSettings()
    model: ClassifyModelSettings = ClassifyModelSettings()
    train: ClassifyTrainSettings = ClassifyTrainSettings()
    baselines: tuple[Annotated[str, registered(registry.CLASS_BASELINES)], ...] = (
        "majority", "tfidf_logistic", "tfidf_balanced", "tfidf_svm", "encoder_logistic",
    )  # fmt: skip
    """Baselines shown beside the result; majority is always there."""
    wanted_recall: dict[str, Share] = Field(default_factory=dict)
    """Class and recall, e.g. hate=0.8: the threshold that reaches it on validation, and its price on the test part."""
    wanted_precision: dict[str, Share] = Field(default_factory=dict)
    """Class and precision that a threshold on validation has to reach."""
    explained: Annotated[int, Field(ge=0, le=1000)] = 20
    """Worst mistakes whose words are left out in turn, to see which of them moved the prediction."""
    harmless: str | None = None
    """Class that does no harm: how often its texts are called something else, by group and by term."""
    terms: Names = ()
    """Words for people (women, muslims): false alarms on texts with them, and in sentences where they are swapped."""

    @model_validator(mode="before")
    @classmethod
    def _given_parts_are_taken(cls, tree: Any) -> Any:
        """Take parts that the data give without being told twice."""
        if not isinstance(tree, dict):
            return tree
        data, split = tree.get("data") or {}, tree.get("split") or {}
        if not isinstance(data, dict) or not isinstance(split, dict):
            return tree
        if (data.get("test_files") or data.get("validation_files") or split.get("column")) and "kind" not in split:
            return {**tree, "split": {**split, "kind": "given"}}
        return tree

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        data, split = self.data, self.split
        given = bool(data.test_files or data.validation_files or split.column)
        if split.kind == "given" and not given:
            raise ValueError("split given: name the column that says it (split_column), or give test_files")
        if split.kind != "given" and given:
            raise ValueError(f"split {split.kind}: the data give their parts already; set split to given")
        if split.column and (data.test_files or data.validation_files):
            raise ValueError("split_column: parts are given as files too; give one of the two")
        if split.kind == "folds" and split.fold >= split.folds:
            raise ValueError(f"fold: folds are counted from 0 to {split.folds - 1} (found {split.fold})")
        return self

    @model_validator(mode="after")
    def _encoder_can_do_it(self) -> Self:
        encoder, scratch = self.encoder, self.encoder.name in FROM_SCRATCH
        asked = encoder.tune_layers or encoder.lora_rank
        if scratch and (asked or encoder.runtime != "torch" or encoder.states != "encoder"):
            raise ValueError(f"encoder {encoder.name}: tuning, runtime and states are for a pretrained encoder")
        if scratch and self.model.token_embedding:
            raise ValueError(
                f"token_embedding: the encoder {encoder.name!r} is nothing but such vectors; set embedding"
            )
        if encoder.vectors and encoder.name != "words":
            raise ValueError("vectors: only the encoder words starts from word vectors")
        if encoder.tune_layers and encoder.lora_rank:
            raise ValueError("tune_layers and lora_rank: choose one of the two ways to train the encoder")
        if asked and encoder.runtime != "torch":
            raise ValueError(f"runtime {encoder.runtime}: an encoder that is trained runs in torch")
        return self


class ClassifySettings(ClassifyParts, RunSettings):
    """One classification run."""

    FLAT: ClassVar[Mapping[str, str]] = {
        **RunSettings.FLAT,
        "split.column": "split_column",
        "encoder.name": "encoder",
        "encoder.layers": "encoder_layers",
        "encoder.precision": "cache_precision",
        "encoder.learning_rate": "encoder_learning_rate",
        "encoder.vocabulary": "vocabulary_size",
    }

    task: Literal["classify"] = "classify"
    """Which of the jobs."""
