"""Forecasts of rows that are known: scoring a finished model, and cross-validation from several cutoffs."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from gatewise.data.series import SeriesSet, Split, Windows, without_last
from gatewise.errors import DataError, SettingsError
from gatewise.metrics import forecast_metrics
from gatewise.settings import ForecastSettings
from gatewise.tasks.forecast import judge, tables
from gatewise.tasks.forecast.model import ForecastModel
from gatewise.tasks.forecast.run import fit_forecast

#: Baselines that learn nothing from training rows, so that they can be told from new data alone.
UNTRAINED = ("last_value", "drift", "seasonal_naive", "window_mean")


def evaluate(model: ForecastModel, series: SeriesSet) -> dict[str, Any]:
    """Judge a finished model on every window of `series`, without training.

    Returns
    -------
    dict
        ``windows``, ``metrics`` (with ``series`` and ``steps``), ``baselines``, ``intervals``, ``lag`` and ``verdict``
        as in ``result.json``.

    Raises
    ------
    DataError
        If `series` is shorter than a window and its forecast.
    """
    model = model.for_series(series)
    settings = model.settings.model_copy(
        update={"baselines": tuple(name for name in model.settings.baselines if name in UNTRAINED)}
    )
    windows = Windows(series, settings.data.window, settings.data.horizon, settings.data.target_offset)
    everything = np.arange(len(windows), dtype=np.int64)
    nothing = everything[:0]
    split = Split(nothing, nothing, everything, "chronological")
    forecasts = {"test": model.predict(series, windows, everything)}
    found = judge.summarise(
        settings, judge.gather(settings, series, windows, split, forecasts, model.season, model.scales)
    )
    parts = found["metrics"]
    return {
        "task": "forecast",
        "name": settings.name,
        "windows": len(windows),
        **found,
        "metrics": {**parts["test"], "series": parts["series"], "steps": parts["steps"]},
        "baselines": {name: entry["test"] for name, entry in found["baselines"].items()},
    }


def cross_validation(
    settings: ForecastSettings, series: SeriesSet, *, n_windows: int, step: int | None, refit: bool
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Forecast from several cutoffs, each time from a model that knows no later row.

    Cutoffs are counted in rows from the end of each series.

    Returns
    -------
    table
        Columns ``unique_id``, ``ds``, ``cutoff``, ``y``, ``mean``, interval bounds.
    found
        ``trained`` (how many networks), ``metrics`` over all cutoffs and ``cutoffs``, a row of metrics for each.

    Raises
    ------
    SettingsError
        If `n_windows` or `step` is below 1.
    DataError
        If the series are too short for that many cutoffs.
    """
    reach = settings.data.target_offset - 1 + settings.data.horizon
    step = reach if step is None else step
    if n_windows < 1 or step < 1:
        raise SettingsError(f"n_windows and step must be at least 1 (found {n_windows} and {step})")
    # Every cutoff keeps its own validation part, but needs no test part: what follows the cutoff is the test.
    settings = settings.replace({"split.kind": "chronological", "split.test": 0.0})
    shortest = int(np.diff(series.offsets).min())
    back = [reach + k * step for k in reversed(range(n_windows))]
    if shortest <= back[0]:
        raise DataError(
            f"{n_windows} cutoffs {step} rows apart need more than {back[0]} rows; the shortest series has {shortest}"
        )
    model: ForecastModel | None = None
    frames, trained = [], 0
    for rows in back:
        known = without_last(series, rows)
        if model is None or refit:
            model, trained = fit_forecast(settings, known).model, trained + 1
        frames.append(_one_cutoff(model.for_series(known), series, known, rows, reach))
    table = pl.concat(frames)
    cutoffs = [
        {"cutoff": str(key[0]), **_table_metrics(frame)} for key, frame in table.group_by("cutoff", maintain_order=True)
    ]
    shown = table.drop("last_value", "method")
    return shown, {"trained": trained, "metrics": _table_metrics(table), "cutoffs": cutoffs}


def _one_cutoff(model: ForecastModel, series: SeriesSet, known: SeriesSet, rows: int, reach: int) -> pl.DataFrame:
    ahead = np.stack([series.future[end - rows : end - rows + reach] for end in series.offsets[1:]])
    forecasts, direct = model.forecast(known, reach, ahead)
    frame = tables.forecast_frame(known, forecasts, direct)
    truth = np.stack([series.target[end - rows : end - rows + reach] for end in series.offsets[1:]])  # (S, h, C)
    times = np.stack([series.times[end - rows : end - rows + reach] for end in series.offsets[1:]])
    last = known.target[known.offsets[1:] - 1]  # (S, C)
    cutoffs = known.times[known.offsets[1:] - 1]
    shape = (len(known.names), len(known.channels), reach)
    return frame.with_columns(
        ds=pl.Series(np.broadcast_to(times[:, None, :], shape).ravel()),
        cutoff=pl.Series(np.broadcast_to(cutoffs[:, None, None], shape).ravel()),
        y=pl.Series(truth.swapaxes(1, 2).ravel()),
        last_value=pl.Series(np.broadcast_to(last[:, :, None], shape).ravel()),
    ).select("unique_id", "ds", "cutoff", "y", "mean", *forecasts.bounds, "method", "last_value")


def _table_metrics(frame: pl.DataFrame) -> dict[str, float | None]:
    found = forecast_metrics(frame["y"].to_numpy(), frame["mean"].to_numpy(), frame["last_value"].to_numpy())
    return {name: found[name] for name in ("mse", "rmse", "mae", "mape", "smape", "hit_rate", "skill")}
