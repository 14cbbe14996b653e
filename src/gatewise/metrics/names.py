"""What metrics are called and which direction is better, over the metrics of all tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

from gatewise.metrics.classify import CLASS_METRICS, TUNED_METRICS
from gatewise.metrics.forecast import FORECAST_METRICS
from gatewise.metrics.table import Metric
from gatewise.metrics.text import PROTOCOL_METRICS, TRAINED_LOSS
from gatewise.wording import has, language, say


@dataclass(frozen=True)
class MetricName:
    """How a figure is written, in which unit, and whether less or more of it is better."""

    name: str
    label: str
    unit: str
    direction: Literal["lower", "higher"]
    summary: str


#: Figures of generated text, which a run measures for each of its samplings.
GENERATED_METRICS = {
    metric.name: metric
    for metric in (
        MetricName("known_words", "Known words", "share", "higher", "Share of words that the training part has"),
        MetricName("ngram_nats_per_char", "N-gram nats/char", "nats", "lower", "Generated text under the n-grams"),
        MetricName("own_nats_per_char", "Own nats/char", "nats", "lower", "Generated text under its own network"),
        MetricName("distinct_4", "Distinct 4-grams", "share", "higher", "Share of runs of 4 characters that differ"),
        MetricName("copied_20", "Copied 20-grams", "share", "lower", "Share of runs of 20 that the training part has"),
        MetricName("longest_copy", "Longest copy", "characters", "lower", "Longest run that the training part has"),
    )
}
#: Every metric that a text study may compare by.
TEXT_NAMES: Mapping[str, Metric | MetricName] = {
    **PROTOCOL_METRICS,
    **GENERATED_METRICS,
    TRAINED_LOSS.name: TRAINED_LOSS,
}
#: Every metric that a study of classifiers may compare by.
CLASS_NAMES: Mapping[str, Metric | MetricName] = {
    TRAINED_LOSS.name: replace(TRAINED_LOSS, summary="Loss that was trained"),
    **CLASS_METRICS,
    **TUNED_METRICS,
}
#: Figures of one class alone.
ONE_CLASS_NAMES: Mapping[str, MetricName] = {
    metric.name: metric
    for metric in (
        MetricName("precision", "Precision", "share", "higher", "Share of texts called so that are so"),
        MetricName("recall", "Recall", "share", "higher", "Share of texts that are so that are called so"),
        MetricName("f1", "F1", "share", "higher", "Harmonic mean of precision and recall"),
        MetricName("average_precision", "PR-AUC", "share", "higher", "Mean precision over all recalls"),
    )
}
#: Every metric of every task, in the order in which reports show them.
NAMES: Mapping[str, Metric | MetricName] = {**FORECAST_METRICS, **TEXT_NAMES, **CLASS_NAMES, **ONE_CLASS_NAMES}
#: Metrics of users' own, learned from what is read.
_OWN: dict[str, MetricName] = {}
#: Words that keep their capital within a sentence.
_CAPITALS = ("PR-AUC", "Matthews", "Brier")


def learn(metrics: Iterable[Mapping[str, Any]]) -> None:
    """Take in the names of a user's own metrics, as :func:`gatewise.metrics.own.describe` keeps them.

    They are read from files that may be anybody's: what is no such description is passed over.
    """
    for one in metrics:
        with suppress(TypeError):
            found = MetricName(**one)
            if all(isinstance(value, str) for value in one.values()) and found.direction in ("lower", "higher"):
                _OWN[found.name] = found


def named(name: str) -> Metric | MetricName | None:
    """Return what is known of a metric: of any task, or of a user's own that was learned."""
    return NAMES.get(name) or _OWN.get(name)


def is_own(name: str) -> bool:
    """Tell whether a metric of a user's own is known by this name."""
    return name in _OWN


def metric_label(name: str) -> str:
    """Name a metric as the field writes it.

    Examples
    --------
    >>> metric_label("mse"), metric_label("carried_nats_per_char")
    ('MSE', 'Nats/char, carried')
    """
    known = named(name)
    if known is None:
        return name.replace("_", " ")
    if language() == "en" or name not in NAMES:
        return known.label
    way, _, rest = name.partition("_")
    for key in (name, rest):
        if has(f"names.metric.{key}"):
            said = say(f"names.metric.{key}")
            return f"{said} {say(f'names.protocol.{way}')}" if key == rest and has(f"names.protocol.{way}") else said
    return known.label


def metric_phrase(name: str) -> str:
    """Name a metric within a sentence.

    Examples
    --------
    >>> metric_phrase("mse"), metric_phrase("carried_nats_per_char"), metric_phrase("known_words")
    ('MSE', 'carried nats/char', 'known words')
    >>> metric_phrase("tuned_f1_macro"), metric_phrase("average_precision")
    ('tuned macro-F1', 'PR-AUC')
    """
    if language() != "en":
        return metric_label(name)
    what, _, protocol = metric_label(name).partition(", ")
    if name not in FORECAST_METRICS and name in NAMES and not what.startswith(_CAPITALS):
        what = what[:1].lower() + what[1:]
    return f"{protocol} {what}".strip()


def is_higher_better(name: str) -> bool:
    """Whether more of a metric is better; of what is not known, less is."""
    known = named(name)
    return known is not None and known.direction == "higher"


def direction(name: str) -> Literal["lower", "higher"]:
    """Return which direction is better, as the tests of studies take it."""
    return "higher" if is_higher_better(name) else "lower"
