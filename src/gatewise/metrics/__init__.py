"""Every formula of a forecast's quality, once, with its unit and direction. NumPy in, plain numbers out."""

from __future__ import annotations

from gatewise.metrics.diebold_mariano import DieboldMariano, compare_losses, diebold_mariano
from gatewise.metrics.forecast import (
    METRICS,
    Metric,
    forecast_metrics,
    metrics_by_series,
    metrics_by_step,
)
from gatewise.metrics.intervals import bound_names, interval_metrics
from gatewise.metrics.lag import LagCheck, lag_check
from gatewise.metrics.point import mase_scale

__all__ = [
    "METRICS",
    "DieboldMariano",
    "LagCheck",
    "Metric",
    "bound_names",
    "compare_losses",
    "diebold_mariano",
    "forecast_metrics",
    "interval_metrics",
    "lag_check",
    "mase_scale",
    "metrics_by_series",
    "metrics_by_step",
]
