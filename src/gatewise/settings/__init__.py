"""Typed settings: what a run is, complete, in one tree that reads from and writes to plain JSON."""

from gatewise.settings.adapt import (
    AdaptDataSettings,
    AdaptEncoderSettings,
    AdaptSettings,
    AdaptSplitSettings,
    AdaptTrainSettings,
)
from gatewise.settings.base import (
    RESULTS_VERSION,
    Count,
    RunSettings,
    Settings,
    field_names,
    fingerprint_of,
    flat_fields,
    laid,
    leaves,
    parse,
)
from gatewise.settings.classify import (
    FROM_SCRATCH,
    ClassifyDataSettings,
    ClassifyModelSettings,
    ClassifyParts,
    ClassifySettings,
    ClassifySplitSettings,
    ClassifyTrainSettings,
    EncoderSettings,
)
from gatewise.settings.counting import CountsWhen, why_ignored
from gatewise.settings.forecast import (
    ForecastDataSettings,
    ForecastModelSettings,
    ForecastParts,
    ForecastSettings,
    ForecastSplitSettings,
    ForecastTrainSettings,
)
from gatewise.settings.model import ModelSettings
from gatewise.settings.presets import CLASSIFY_PRESETS, TEXT_PRESETS, preset_of
from gatewise.settings.sampling import SamplingSettings
from gatewise.settings.text import (
    TextDataSettings,
    TextModelSettings,
    TextParts,
    TextSettings,
    TextSplitSettings,
    TextTrainSettings,
    read_sampling,
)
from gatewise.settings.train import TrainSettings

__all__ = [
    "AdaptDataSettings",
    "AdaptEncoderSettings",
    "AdaptSettings",
    "AdaptSplitSettings",
    "AdaptTrainSettings",
    "ClassifyDataSettings",
    "ClassifyModelSettings",
    "ClassifyParts",
    "ClassifySettings",
    "ClassifySplitSettings",
    "ClassifyTrainSettings",
    "CLASSIFY_PRESETS",
    "Count",
    "CountsWhen",
    "EncoderSettings",
    "FROM_SCRATCH",
    "ForecastDataSettings",
    "ForecastModelSettings",
    "ForecastParts",
    "ForecastSettings",
    "ForecastSplitSettings",
    "ForecastTrainSettings",
    "ModelSettings",
    "RESULTS_VERSION",
    "RunSettings",
    "SamplingSettings",
    "Settings",
    "TEXT_PRESETS",
    "TextDataSettings",
    "TextModelSettings",
    "TextParts",
    "TextSettings",
    "TextSplitSettings",
    "TextTrainSettings",
    "TrainSettings",
    "field_names",
    "fingerprint_of",
    "flat_fields",
    "laid",
    "leaves",
    "parse",
    "read_sampling",
    "preset_of",
    "why_ignored",
]
