"""The table of metrics of point forecasts, and the ways to fill it: together, by series, by horizon step.

The formulas and the rules they share are in :mod:`gatewise.metrics.point`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gatewise.metrics.point import (
    hit_rate,
    hit_rate_base,
    mae,
    mape,
    mase,
    mse,
    pearson,
    r2,
    rmse,
    skill,
    smape,
    spread_over,
)
from gatewise.metrics.table import Metric

#: Every metric of a point forecast by name, in the order in which reports show them.
FORECAST_METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("mse", "MSE", "target²", "lower", "Mean squared error", mse),
        Metric("rmse", "RMSE", "target", "lower", "Root of the mean squared error", rmse),
        Metric("mae", "MAE", "target", "lower", "Mean absolute error", mae),
        Metric("mape", "MAPE", "%", "lower", "Mean absolute error in percent of the truth", mape),
        Metric("smape", "sMAPE", "%", "lower", "Mean absolute error in percent of the mean of both sizes", smape),
        Metric(
            "mase", "MASE", "", "lower", "Mean absolute error over that of the seasonal naive forecast in training",
            mase, ("y", "yhat", "scale"),
        ),
        Metric("r2", "R²", "", "higher", "Share of the variance explained, mean over series", r2,
               ("y", "yhat", "groups")),
        Metric("pearson", "Pearson r", "", "higher", "Correlation of forecast and truth, mean over series", pearson,
               ("y", "yhat", "groups")),
        Metric("hit_rate", "Hit rate", "share", "higher", "Share of moves whose direction was right", hit_rate,
               ("y", "yhat", "last")),
        Metric("hit_rate_base", "Base rate", "share", "higher", "Hit rate of the best constant direction",
               hit_rate_base, ("y", "last")),
        Metric("skill", "Skill", "", "higher", "Share of the last value's squared error that is gone", skill,
               ("y", "yhat", "last")),
    )
}  # fmt: skip


def forecast_metrics(
    y: ArrayLike,
    yhat: ArrayLike,
    last: ArrayLike,
    mase_scale: ArrayLike | None = None,
    *,
    groups: ArrayLike | None = None,
) -> dict[str, float | None]:
    """Work out every metric of :data:`FORECAST_METRICS`.

    Parameters
    ----------
    y, yhat : (n, H, C) or (n,)
        Truth and forecast.
    last : (n, C) or (n,)
        Last value that each window saw.
    mase_scale : a number, (C,) or (n, C), optional
        See :func:`mase`; MASE is None without it.
    groups : (n,), optional
        Series number of each window, for many series in one channel: see :func:`r2`.

    Returns
    -------
    dict
        Name to value; None where a metric is not defined.

    Examples
    --------
    >>> found = forecast_metrics([2.0, 4.0], [2.0, 3.0], last=[1.0, 2.0], mase_scale=0.5)
    >>> found["mse"], found["mape"], found["mase"], found["hit_rate"]
    (0.5, 12.5, 1.0, 1.0)
    """
    given: dict[str, Any] = {"y": y, "yhat": yhat, "last": last, "scale": mase_scale, "groups": groups}
    return {
        name: None if "scale" in metric.needs and mase_scale is None else metric.function(*map(given.get, metric.needs))
        for name, metric in FORECAST_METRICS.items()
    }


def metrics_by_series(
    y: ArrayLike,
    yhat: ArrayLike,
    last: ArrayLike,
    mase_scale: ArrayLike | None = None,
    *,
    ids: Sequence[str],
    id_of: ArrayLike,
) -> dict[str, dict[str, float | None]]:
    """Work out the metrics of each series (or channel) on its own.

    Parameters
    ----------
    ids : (G,)
        What to call each series.
    id_of : (C,) or (n, C)
        Which of the ids each channel, or each channel of each window, belongs to.

    Examples
    --------
    >>> y = [[[1.0, 10.0]], [[2.0, 20.0]]]
    >>> found = metrics_by_series(y, y, [[1.0, 10.0], [1.0, 10.0]], ids=["GOOG", "AAPL"], id_of=[0, 1])
    >>> list(found), found["AAPL"]["mse"]
    (['GOOG', 'AAPL'], 0.0)
    """
    truth = np.asarray(y, np.float64)
    columns = [truth, np.asarray(yhat, np.float64), spread_over(last, truth)]
    columns += [] if mase_scale is None else [spread_over(mase_scale, truth)]
    codes = spread_over(id_of, truth).astype(np.int64).ravel()
    order = np.argsort(codes, kind="stable")
    borders = np.searchsorted(codes[order], np.arange(len(ids) + 1))
    flat = [column.ravel()[order] for column in columns]
    return {
        name: forecast_metrics(*(column[borders[i] : borders[i + 1]] for column in flat)) for i, name in enumerate(ids)
    }


def metrics_by_step(
    y: ArrayLike,
    yhat: ArrayLike,
    last: ArrayLike,
    mase_scale: ArrayLike | None = None,
    *,
    groups: ArrayLike | None = None,
) -> dict[str, dict[str, float | None]]:
    """Work out the metrics of each horizon step on its own, under the names "1" ... "H"; arrays are (n, H, C)."""
    y, yhat = np.asarray(y, np.float64), np.asarray(yhat, np.float64)
    return {
        str(h + 1): forecast_metrics(y[:, h : h + 1], yhat[:, h : h + 1], last, mase_scale, groups=groups)
        for h in range(y.shape[1])
    }
