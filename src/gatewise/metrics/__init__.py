"""Every formula of a prediction's quality, once, with its unit and direction. NumPy in, plain numbers out."""

from __future__ import annotations

from gatewise.metrics.bootstrap import (
    BootstrapComparison,
    bootstrap_interval,
    compare_log_probs,
)
from gatewise.metrics.classify import (
    CLASS_METRICS,
    TUNED_METRICS,
    McNemar,
    MetricComparison,
    bootstrap_metric,
    class_metrics,
    compare_metric,
    confusion,
    decision_metrics,
    mcnemar,
    per_class,
    reliability_bins,
    wilson,
)
from gatewise.metrics.diebold_mariano import DieboldMariano, compare_losses, diebold_mariano
from gatewise.metrics.forecast import (
    FORECAST_METRICS,
    forecast_metrics,
    metrics_by_series,
    metrics_by_step,
)
from gatewise.metrics.intervals import bound_names, interval_metrics
from gatewise.metrics.lag import LagCheck, lag_check
from gatewise.metrics.point import mase_scale
from gatewise.metrics.table import Metric
from gatewise.metrics.text import (
    PROTOCOL_METRICS,
    TEXT_METRICS,
    TRAINED_LOSS,
    loss_by_position,
    reliability,
    text_metrics,
)
from gatewise.metrics.words import PLACES, metrics_by_place, word_places

#: Every metric that a result can carry, by name, in the order in which reports show them.
METRICS: dict[str, Metric] = (
    FORECAST_METRICS | PROTOCOL_METRICS | CLASS_METRICS | TUNED_METRICS | {"loss": TRAINED_LOSS}
)

__all__ = [
    "CLASS_METRICS",
    "FORECAST_METRICS",
    "METRICS",
    "PLACES",
    "PROTOCOL_METRICS",
    "TEXT_METRICS",
    "TRAINED_LOSS",
    "TUNED_METRICS",
    "BootstrapComparison",
    "DieboldMariano",
    "LagCheck",
    "McNemar",
    "Metric",
    "MetricComparison",
    "bootstrap_interval",
    "bootstrap_metric",
    "bound_names",
    "class_metrics",
    "compare_log_probs",
    "compare_losses",
    "compare_metric",
    "confusion",
    "decision_metrics",
    "diebold_mariano",
    "forecast_metrics",
    "interval_metrics",
    "lag_check",
    "loss_by_position",
    "mase_scale",
    "mcnemar",
    "metrics_by_place",
    "metrics_by_series",
    "metrics_by_step",
    "per_class",
    "reliability",
    "reliability_bins",
    "text_metrics",
    "wilson",
    "word_places",
]
