"""What a forecast is worth: metrics, baselines beside it, and a verdict in one word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.data.series import SeriesSet, Split, Windows, training_rows
from gatewise.metrics import (
    LagCheck,
    compare_losses,
    forecast_metrics,
    interval_metrics,
    lag_check,
    mase_scale,
    metrics_by_series,
    metrics_by_step,
)
from gatewise.metrics.own import measure, own_metrics
from gatewise.metrics.table import Metric
from gatewise.registry import BASELINES
from gatewise.settings import ForecastSettings
from gatewise.tasks.forecast.model import Forecasts
from gatewise.tasks.forecast.tables import ids

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Which metric decides, by the loss that was trained; everything else is judged by its squared error.
DECIDING = {"mae": "mae", "mape": "mape", "quantile": "mae"}

#: Of more series than this, the lag check looks at the first.
MOST_LAG_SERIES = 50


@dataclass(frozen=True)
class Evidence:
    """Truth and forecasts of `n` windows, from which every figure of a part is worked out.

    Attributes
    ----------
    y, mean : (n, H, C)
    last : (n, C) the last value that each window saw.
    scale : (n, C) the denominator of MASE, from the training rows.
    names, name_of : the public names, and (n, C) which of them each value belongs to.
    series_of : (n,)
    time : (n,) place of each window's last row in the calendar of all series.
    bounds : interval bounds by name, (n, H, C) each.
    baselines : forecasts of the baselines by name, (n, H, C) each.
    notes : what the baselines say about themselves.
    lag : the lag check, of the test part.
    own : metrics of the user's own.
    """

    y: Floats
    mean: Floats
    last: Floats
    scale: Floats
    names: list[str]
    name_of: Ints
    series_of: Ints
    time: Ints
    bounds: dict[str, Floats] = field(default_factory=dict)
    baselines: dict[str, Floats] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    lag: LagCheck | None = None
    own: tuple[Metric, ...] = ()

    def metrics(self, mean: Floats | None = None) -> dict[str, float | None]:
        """Return every metric of our forecast, or of another one of the same windows."""
        made = self.mean if mean is None else mean
        groups = self.series_of if len(self.names) > self.y.shape[2] else None
        given = {"y": self.y, "yhat": made, "last": self.last, "scale": self.scale, "groups": groups}
        found = forecast_metrics(self.y, made, self.last, self.scale, groups=groups)
        return found | measure(self.own, given)


def gather(
    settings: ForecastSettings,
    series: SeriesSet,
    windows: Windows,
    split: Split,
    forecasts: dict[str, Forecasts],
    season: int,
    scales: Floats,
) -> dict[str, Evidence]:
    """Lay truth beside forecasts for every part; baselines stand beside the test part."""
    names = ids(series)  # (S, C)
    calendar = np.unique(series.times, return_inverse=True)[1]
    own = own_metrics(settings.metrics, settings.task)
    evidence = {}
    for part, made in forecasts.items():
        idx = getattr(split, part)
        of = windows.series_at(idx)
        test = part == "test"
        baselines, notes = baseline_forecasts(settings.baselines, series, windows, split, season) if test else ({}, ())
        evidence[part] = Evidence(
            y=windows.targets(series.target, idx),
            mean=made.mean,
            last=windows.last(series.target, idx),
            scale=scales[of],
            names=[str(name) for name in names.ravel()],
            name_of=np.arange(names.size).reshape(names.shape)[of],
            series_of=of,
            time=calendar[windows.last_row(idx)].astype(np.int64),
            bounds=made.bounds,
            baselines=baselines,
            notes=notes,
            lag=_lag(series, windows, idx, made.mean) if test else None,
            own=own,
        )
    return evidence


def baseline_forecasts(
    names: Sequence[str], series: SeriesSet, windows: Windows, split: Split, season: int
) -> tuple[dict[str, Floats], tuple[str, ...]]:
    """Return each baseline's forecasts of the test windows, (n, H, C), and what it says about itself."""
    made: dict[str, Floats] = {}
    notes: list[str] = []
    for name in names:
        baseline = BASELINES.load(name)()
        baseline.fit(windows, series.target, split.train, split.validation, season)
        made[name] = baseline.predict(series.target, split.test)
        notes += getattr(baseline, "notes", ())
    return made, tuple(notes)


@np.errstate(over="ignore")  # a percentage of next to nothing is infinite
def summarise(settings: ForecastSettings, evidence: dict[str, Evidence]) -> dict[str, Any]:
    """Return the part of ``result.json`` that says how good the forecasts are."""
    metrics: dict[str, Any] = {part: found.metrics() for part, found in evidence.items()}
    test = evidence.get("test")
    if test is None:
        return {"metrics": metrics, "baselines": {}, "intervals": {}, "lag": None, "verdict": None}
    arrays = (test.y, test.mean, test.last, test.scale)
    metrics["series"] = metrics_by_series(*arrays, ids=test.names, id_of=test.name_of)
    metrics["steps"] = metrics_by_step(*arrays)
    return {
        "metrics": metrics,
        "baselines": {name: {"test": test.metrics(made)} for name, made in test.baselines.items()},
        "intervals": interval_metrics(test.y, test.bounds, settings.levels),
        "lag": test.lag.to_json() if test.lag else None,
        "verdict": verdict(settings, test),
    }


def verdict(settings: ForecastSettings, test: Evidence) -> dict[str, Any]:
    """Compare with the best baseline by the Diebold-Mariano test over the test windows.

    The baseline is the one with the least error on the test part: it is given every advantage.
    """
    metric = DECIDING.get(settings.train.loss, "mse")
    losses = {name: window_losses(metric, test.y, made) for name, made in test.baselines.items()}
    against = min(losses, key=lambda name: float(losses[name].mean()))
    ours = window_losses(metric, test.y, test.mean)
    horizon = settings.data.target_offset - 1 + settings.data.horizon
    found = compare_losses(ours, losses[against], horizon=horizon, time=test.time)
    least = float(losses[against].mean())
    return {
        "metric": metric,
        "against": against,
        "ratio": float(ours.mean()) / least if least else None,
        "says": found.says,
        "p": found.p,
        "interval": list(found.interval) if found.interval else None,
        "test": f"Diebold-Mariano over {found.n} times, errors up to {found.horizon} rows ahead",
        "note": found.note,
    }


def window_losses(metric: str, y: Floats, mean: Floats) -> Floats:
    """Return the loss of each window, averaged over steps and channels, (n,)."""
    error = mean - y
    if metric == "mape":
        each = 100 * np.abs(error) / np.abs(y)
    elif metric == "mae":
        each = np.abs(error)
    else:
        each = error**2
    result: Floats = each.reshape(len(y), -1).mean(axis=1)
    return result


def pool(folds: list[dict[str, Evidence]]) -> dict[str, Evidence]:
    """Join the evidence of several folds, part by part."""
    pooled = {}
    for part in folds[0]:
        found = [fold[part] for fold in folds if part in fold]
        joined: dict[str, Any] = {
            name: np.concatenate([getattr(one, name) for one in found])
            for name in ("y", "mean", "last", "scale", "name_of", "series_of", "time")
        }
        tables: dict[str, Any] = {
            name: {
                key: np.concatenate([getattr(one, name)[key] for one in found])
                for key in getattr(found[0], name)
                if all(key in getattr(one, name) for one in found)
            }
            for name in ("bounds", "baselines")
        }
        pooled[part] = Evidence(names=found[0].names, lag=found[-1].lag, own=found[0].own, **joined, **tables)
    return pooled


def training_scales(series: SeriesSet, windows: Windows, split: Split, season: int) -> Floats:
    """Return the denominator of MASE for every series and channel, (S, C); NaN where nothing was learned."""
    known = np.where(training_rows(windows, split.train)[:, None], series.target, np.nan)
    pairs = zip(series.offsets[:-1], series.offsets[1:], strict=True)
    return np.stack([mase_scale(known[begin:end], season) for begin, end in pairs])


def _lag(series: SeriesSet, windows: Windows, idx: Ints, mean: Floats) -> LagCheck | None:
    """Check the first step of every series for being only its last value."""
    rows, of = windows.first_target_row(idx), windows.series_at(idx)
    names = ids(series)
    checks = []
    for one in np.unique(of)[:MOST_LAG_SERIES]:
        begin, end = series.offsets[one], series.offsets[one + 1]
        mine = of == one
        if mine.sum() > 2 and (rows[mine] - begin).max() >= windows.offset + 3:
            target = series.target[begin:end]
            checks.append(
                lag_check(target, rows[mine] - begin, mean[mine, 0], offset=windows.offset, names=list(names[one]))
            )
    if not checks:
        return None
    shift = Counter(check.shift for check in checks).most_common(1)[0][0]
    return LagCheck(windows.offset, shift, {name: one for check in checks for name, one in check.channels.items()})
