"""What the metrics of text are called, their units and directions, and one look-up over the metrics of all tasks.

The formulas are in :mod:`gatewise.metrics.text`; reports and studies need only what stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gatewise.metrics.forecast import METRICS, Metric


@dataclass(frozen=True)
class MetricName:
    """How a metric is written, in which unit, and whether less or more of it is better."""

    name: str
    label: str
    unit: str
    direction: Literal["lower", "higher"]
    summary: str


_PROTOCOLS = {
    "carried": "one pass over the whole part, state carried",
    "cold": "windows, each from a fresh state",
    "dynamic": "a copy that goes on learning from the part after predicting it",
    "prequential": "one pass over the training part, each symbol predicted before it is learned",
}
_PER_PROTOCOL = (
    ("nats_per_char", "nats per character", "nats", "lower", "Minus the log of the right symbol's probability"),
    ("bits_per_char", "bits per character", "bits", "lower", "The same in bits"),
    ("bits_per_byte", "bits per byte", "bits", "lower", "Bits over the text's size in UTF-8"),
    ("perplexity", "perplexity", "", "lower", "Symbols that the network is as unsure of as if all were as likely"),
    ("accuracy", "accuracy", "share", "higher", "Share of symbols of which the likeliest was right"),
    ("calibration_error", "calibration error", "share", "lower", "Mean gap between what it was sure of and was right"),
)
_OF_GENERATED_TEXT = (
    MetricName("known_words", "known words", "share", "higher", "Share of words that the training part has"),
    MetricName("ngram_nats_per_char", "n-gram nats per character", "nats", "lower", "Generated text under the n-grams"),
    MetricName("own_nats_per_char", "own nats per character", "nats", "lower", "Generated text under its own network"),
    MetricName("distinct_4", "distinct 4-grams", "share", "higher", "Share of runs of 4 characters that differ"),
    MetricName("copied_20", "copied runs of 20", "share", "lower", "Share of runs of 20 that the training part has"),
    MetricName("longest_copy", "longest copy", "characters", "lower", "Longest run that the training part has"),
)
#: Every metric of text by name, in the order in which reports show them; the protocol is always named.
TEXT_METRICS: dict[str, MetricName] = {
    metric.name: metric
    for metric in (
        *(
            MetricName(f"{protocol}_{name}", f"{protocol} {label}", unit, direction, f"{summary}: {how}")  # type: ignore[arg-type]
            for protocol, how in _PROTOCOLS.items()
            for name, label, unit, direction, summary in _PER_PROTOCOL
        ),
        *_OF_GENERATED_TEXT,
        MetricName("loss", "loss as trained", "", "lower", "What training minimises, over cold windows"),
    )
}


def metric_name(name: str) -> MetricName | Metric | None:
    """Return what a metric of any task is called; None for one that no table knows.

    Examples
    --------
    >>> metric_name("carried_nats_per_char").label, metric_name("mse").direction
    ('carried nats per character', 'lower')
    """
    return METRICS.get(name) or TEXT_METRICS.get(name)


def is_higher_better(name: str) -> bool:
    """Whether more of a metric is better; of what is not known, less is."""
    known = metric_name(name)
    return known is not None and known.direction == "higher"


def direction(name: str) -> Literal["lower", "higher"]:
    """Return which direction is better, as the tests of studies take it."""
    return "higher" if is_higher_better(name) else "lower"
