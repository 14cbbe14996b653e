"""Formulas of point forecasts' errors.

Arrays are ``(n, H, C)`` (windows, horizon steps, channels) or flat ``(n,)``; ``y`` is the truth, ``yhat`` the forecast.
Three rules hold for every metric:

- rows whose truth is missing (not finite) are left out;
- a metric that is not defined (no rows; an infinite or missing forecast; a zero truth for MAPE; a constant truth for
  R²) is ``None``, which JSON writes as ``null``: never NaN;
- R² and Pearson's r are worked out for each channel and averaged. Pooled over channels of different level they would
  be near 1 for any forecast at all, because knowing which channel is which explains most of the variance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatewise.errors import InputError

Array = NDArray[np.float64]

#: Overflow and division by zero end as None, not as warnings.
_quiet = np.errstate(all="ignore")


@_quiet
def mse(y: ArrayLike, yhat: ArrayLike) -> float | None:
    """Mean squared error, ``mean((y - yhat)²)``, in the target's unit squared."""
    y, yhat = only_known(y, yhat)
    return mean_or_none((y - yhat) ** 2)


@_quiet
def rmse(y: ArrayLike, yhat: ArrayLike) -> float | None:
    """Root mean squared error, ``sqrt(MSE)``, in the target's unit."""
    value = mse(y, yhat)
    return None if value is None else float(np.sqrt(value))


@_quiet
def mae(y: ArrayLike, yhat: ArrayLike) -> float | None:
    """Mean absolute error, ``mean(|y - yhat|)``, in the target's unit."""
    y, yhat = only_known(y, yhat)
    return mean_or_none(np.abs(y - yhat))


@_quiet
def mape(y: ArrayLike, yhat: ArrayLike) -> float | None:
    """Mean absolute percentage error, ``100 mean(|y - yhat| / |y|)``; undefined when a truth is zero."""
    y, yhat = only_known(y, yhat)
    return mean_or_none(100.0 * np.abs(y - yhat) / np.abs(y))


@_quiet
def smape(y: ArrayLike, yhat: ArrayLike) -> float | None:
    """Symmetric MAPE, ``mean(200 |y - yhat| / (|y| + |yhat|))``, from 0 to 200 % (Makridakis et al. 2020, M4).

    A forecast of zero for a truth of zero is exact and counts as 0.
    """
    y, yhat = only_known(y, yhat)
    size = np.abs(y) + np.abs(yhat)
    return mean_or_none(200.0 * np.abs(y - yhat) / np.where(size == 0.0, 1.0, size))


@_quiet
def mase(y: ArrayLike, yhat: ArrayLike, scale: ArrayLike) -> float | None:
    """Mean absolute scaled error, ``mean(|y - yhat| / scale)`` (Hyndman & Koehler 2006).

    Parameters
    ----------
    scale : a number, (C,) or (n, C)
        Mean absolute error of the seasonal naive forecast over the training rows: see :func:`mase_scale`. Series whose
        scale is zero (constant while training) have no MASE and are left out.
    """
    scale = np.nan_to_num(spread_over(scale, y), posinf=0.0)
    y, yhat, scale = only_known(y, yhat, scale)
    usable = scale > 0.0
    return mean_or_none(np.abs(y - yhat)[usable] / scale[usable])


@_quiet
def r2(y: ArrayLike, yhat: ArrayLike, groups: ArrayLike | None = None) -> float | None:
    """Coefficient of determination, ``1 - sum((y - yhat)²) / sum((y - mean(y))²)``, averaged over channels.

    Parameters
    ----------
    groups : (n,), optional
        Whole numbers that say which series each window is of; the average is then over series and channels. Series
        whose truth is constant are left out.
    """
    cells = _grouped(y, yhat, groups)
    residual = cells.total((cells.y - cells.yhat) ** 2)
    spread = cells.total(cells.centred(cells.y) ** 2)
    varies = spread > 0.0
    return mean_or_none(1.0 - residual[varies] / spread[varies])


@_quiet
def pearson(y: ArrayLike, yhat: ArrayLike, groups: ArrayLike | None = None) -> float | None:
    """Pearson's correlation of forecast and truth, averaged over channels (and series, as in :func:`r2`).

    Series whose truth or forecast is constant are left out.
    """
    cells = _grouped(y, yhat, groups)
    dy, df = cells.centred(cells.y), cells.centred(cells.yhat)
    sy, sf = np.sqrt(cells.total(dy**2)), np.sqrt(cells.total(df**2))
    varies = (sy > 0.0) & (sf > 0.0)
    return mean_or_none(np.clip(cells.total(dy * df)[varies] / sy[varies] / sf[varies], -1.0, 1.0))


@_quiet
def hit_rate(y: ArrayLike, yhat: ArrayLike, last: ArrayLike) -> float | None:
    """Share of rows whose direction was right: ``sign(yhat - last) == sign(y - last)``, from 0 to 1.

    Ties: rows whose truth did not move have no direction, and rows whose forecast is no change name none; both are left
    out. A forecast that never names a direction (the last value) has no hit rate.

    Parameters
    ----------
    last : (n,), (n, C) or the shape of y
        Last value that each window saw.
    """
    y, yhat, last = only_known(y, yhat, spread_over(last, y))
    told = (y != last) & (yhat != last)
    return mean_or_none((np.sign(yhat - last) == np.sign(y - last))[told])


@_quiet
def hit_rate_base(y: ArrayLike, last: ArrayLike) -> float | None:
    """Hit rate of the better of "always up" and "always down", over the rows that moved: from 0.5 to 1."""
    y, last = only_known(y, spread_over(last, y))
    up = mean_or_none((y > last)[y != last])
    return None if up is None else max(up, 1.0 - up)


@_quiet
def skill(y: ArrayLike, yhat: ArrayLike, last: ArrayLike) -> float | None:
    """Share of the last value's error that is gone, ``1 - MSE / MSE(last value)``: 0 is no better, 1 is exact."""
    ours, reference = mse(y, yhat), mse(y, spread_over(last, y))
    if ours is None or not reference:
        return None
    return mean_or_none(np.asarray([1.0 - ours / reference]))


@_quiet
def mase_scale(rows: ArrayLike, season: int = 1) -> Array:
    """Mean absolute seasonal difference of training rows, the denominator of MASE.

    Parameters
    ----------
    rows : (N, C) or (N,)
        Training rows of one series, oldest first. Rows that are missing are left out.
    season : rows in a season; with fewer than ``season + 1`` rows the change from row to row is used.

    Returns
    -------
    (C,) or () float64, NaN where there are not two rows to compare.
    """
    rows = np.asarray(rows, np.float64)
    lag = season if len(rows) > season else 1
    steps = np.abs(rows[lag:] - rows[:-lag])
    known = np.isfinite(steps)
    count = known.sum(axis=0)
    total = np.where(known, steps, 0.0).sum(axis=0)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def spread_over(value: ArrayLike, y: ArrayLike) -> Array:
    """Spread a number, (C,) or (n, C) over the shape of y: (n, H, C), or (n,)."""
    value, shape = np.asarray(value, np.float64), np.shape(y)
    if value.ndim == 2 and len(shape) == 3:
        value = value[:, None, :]
    return np.broadcast_to(value, shape)


def only_known(y: ArrayLike, *others: ArrayLike) -> list[Array]:
    """Return flat arrays of the rows whose truth is known; empty ones when a forecast is missing or infinite."""
    arrays = [np.asarray(a, np.float64) for a in (y, *others)]
    for array in arrays[1:]:
        if array.shape != arrays[0].shape:
            raise InputError(f"the truth has shape {arrays[0].shape} and the forecast {array.shape}: give equal shapes")
    known = np.isfinite(arrays[0])
    arrays = [array[known] for array in arrays]
    whole = all(np.isfinite(array).all() for array in arrays)
    return arrays if whole else [array[:0] for array in arrays]


def mean_or_none(values: NDArray[Any]) -> float | None:
    """Return the mean as a plain number, or None when there is none."""
    mean = float(np.mean(values)) if values.size else np.nan
    return mean if np.isfinite(mean) else None


@dataclass(frozen=True)
class _Grouped:
    """Known rows with the number of the series or channel that each belongs to."""

    y: Array
    yhat: Array
    code: NDArray[np.int64]

    def total(self, values: Array) -> Array:
        return np.bincount(self.code, weights=values).astype(np.float64)

    def centred(self, values: Array) -> Array:
        """Subtract each series' mean; a constant series gives exact zeros, because its first value goes first."""
        first = np.zeros(self.code.max(initial=0) + 1)
        first[self.code[::-1]] = values[::-1]
        values = values - first[self.code]
        return values - (self.total(values) / np.maximum(np.bincount(self.code), 1))[self.code]


def _grouped(y: ArrayLike, yhat: ArrayLike, groups: ArrayLike | None) -> _Grouped:
    truth = np.asarray(y, np.float64)
    code = np.zeros(truth.shape)
    if truth.ndim == 3:
        code = code + np.arange(truth.shape[2])
    if groups is not None:
        group = np.asarray(groups).reshape(-1, *[1] * (truth.ndim - 1))
        code = code + group * (truth.shape[2] if truth.ndim == 3 else 1)
    known_y, known_yhat = only_known(truth, yhat)
    known = np.isfinite(truth) if known_y.size else np.zeros(truth.shape, bool)
    return _Grouped(known_y, known_yhat, np.unique(code[known], return_inverse=True)[1].astype(np.int64))
