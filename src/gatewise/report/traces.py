"""What the predictions say: forecasts to draw, the lag check, where a model is worse than the last value."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from gatewise.errors import InputError
from gatewise.report.evidence import Evidence, Level
from gatewise.runs import RunFolder

if TYPE_CHECKING:
    import polars as pl

_MOST_SERIES_DRAWN = 4
_MOST_POINTS = 24_000  # over all levels and series: what keeps a quick study's page well under 3 MB
_MOST_READ = 2_000  # tables of predictions; of more runs, one of each level stands for its seeds
_PERIODS = 8
_SHIFTS = range(-2, 8)


@dataclass(frozen=True)
class Lag:
    """Which shift of a forecast fits the truth best; errors are relative to those of the last value.

    Attributes
    ----------
    curve
        Mean squared error against the truth of `shift` rows earlier, over that of the last value.
    shift
        The shift that fits best.
    skill
        1 - MSE / MSE of the last value, at no shift.
    correlation
        Pearson r of the forecast change and the real change since the last value: the part that is not yesterday's.
    """

    curve: dict[int, float]
    shift: int
    skill: float
    correlation: float | None


@dataclass(frozen=True)
class Traces:
    """All that is drawn from predictions; ``ratios[kind][label][key]`` is MSE over that of the last value."""

    columns: dict[str, list[Any]] = field(default_factory=dict)
    shown_series: tuple[str, ...] = ()
    all_series: tuple[str, ...] = ()
    bounds: tuple[tuple[str, str, int], ...] = ()  # column of the lower and the upper bound, level in percent
    temporal: bool = True
    horizon: int = 1
    offset: int = 1
    thinned: bool = False
    lags: dict[str, Lag] = field(default_factory=dict)
    ratios: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)


def read_traces(evidence: Evidence) -> Traces:
    """Read the predictions of every run, one run at a time; of very many, those of each level's median run."""
    ratios: dict[str, dict[str, dict[str, float]]] = {"series": {}, "step": {}, "period": {}}
    lags: dict[str, Lag] = {}
    drawn: list[tuple[Level, pl.DataFrame]] = []
    periods: list[Any] = []
    shown = {level.label for level in evidence.drawn_levels}
    every = sum(len(level.runs) for level in evidence.levels) <= _MOST_READ
    for level in evidence.levels:
        typical = typical_run(level, evidence.metric)
        parts: dict[str, list[dict[str, float]]] = {kind: [] for kind in ratios}
        for run in level.runs:
            if run is not typical and not every:
                continue
            frame = _predictions(run)
            if frame is None:
                continue
            test = _test_part(frame)
            periods = periods or _period_starts(test)
            for kind, found in _ratios(test, periods).items():
                parts[kind].append(found)
            if run is typical:
                offset = int((run.read_settings().get("data") or {}).get("target_offset") or 1)
                lags[level.label] = _lag(frame)
                if level.label in shown:
                    drawn.append((level, test))
        for kind, seeds in parts.items():
            if seeds:
                ratios[kind][level.label] = {
                    key: _mean([seed[key] for seed in seeds if key in seed]) for key in seeds[0]
                }
    if not drawn:
        return Traces()
    first = drawn[0][1]
    names = tuple(dict.fromkeys(first["unique_id"].to_list()))
    horizon = int(first["step"].max() or 1)  # type: ignore[arg-type]
    bounds = _bounds(first.columns)
    if horizon == 1:
        del ratios["step"]
    if len(names) == 1:
        del ratios["series"]
    most = max(60, _MOST_POINTS // (len(drawn) * min(len(names), _MOST_SERIES_DRAWN)))
    columns, thinned = _columns(drawn, names[:_MOST_SERIES_DRAWN], bounds, most)
    return Traces(
        columns=columns, shown_series=names[:_MOST_SERIES_DRAWN], all_series=names, bounds=bounds,
        temporal=first["ds"].dtype.is_temporal(), horizon=horizon, offset=offset, thinned=thinned,
        lags={label: lag for label, lag in lags.items() if lag.curve}, ratios=ratios,
    )  # fmt: skip


def typical_run(level: Level, metric: str) -> RunFolder | None:
    """Return the run whose metric is the median of its level: neither the best nor the worst seed is drawn."""
    values = list((level.metrics.get(metric) or {}).get("values") or ())
    known = [index for index, value in enumerate(values) if value is not None]
    if len(values) != len(level.runs) or not known:
        return level.runs[0] if level.runs else None
    ranked = sorted(known, key=lambda index: (values[index], index))
    return level.runs[ranked[(len(ranked) - 1) // 2]]


def _predictions(run: RunFolder) -> pl.DataFrame | None:
    try:
        frame = run.read_predictions()
    except InputError:
        return None
    return frame if frame.height else None


def _test_part(frame: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    test = frame.filter(pl.col("part") == "test")
    return test if test.height else frame


def _bounds(columns: list[str]) -> tuple[tuple[str, str, int], ...]:
    """Pair the columns of quantiles into intervals, the widest first; at most two are drawn."""
    levels = {round(float(name[1:]), 6): name for name in columns if name[:1] == "q" and _is_number(name[1:])}
    pairs = [
        (levels[low], levels[round(1 - low, 6)], round(100 * (1 - 2 * low)))
        for low in sorted(levels)
        if low < 0.5 and round(1 - low, 6) in levels
    ]
    return tuple(pairs if len(pairs) < 3 else (pairs[0], pairs[-1]))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _columns(
    drawn: list[tuple[Level, pl.DataFrame]], names: tuple[str, ...], bounds: tuple[tuple[str, str, int], ...], most: int
) -> tuple[dict[str, list[Any]], bool]:
    """Lay the first forecast step of each level and series into columns, thinned to `most` rows each."""
    import polars as pl

    values = ["y", "last_value", "mean", *(name for low, high, _ in bounds for name in (low, high))]
    columns: dict[str, list[Any]] = {key: [] for key in ("level", "series", "t", *values)}
    thinned = False
    for level, test in drawn:
        for name in names:
            rows = (
                test.filter((pl.col("unique_id") == name) & (pl.col("step") == 1)).unique("ds", keep="last").sort("ds")
            )
            keep = thin(rows["y"].to_numpy(), most)
            thinned |= len(keep) < rows.height
            rows = rows[keep]
            columns["level"] += [level.label] * rows.height
            columns["series"] += [name] * rows.height
            columns["t"] += [when(value) for value in rows["ds"].to_list()]
            for value in values:
                columns[value] += [figures(x) for x in rows[value].to_list()]
    return columns, thinned


def thin(values: np.ndarray, most: int) -> list[int]:
    """Choose at most `most` rows of a long curve, keeping the lowest and the highest of every stretch.

    Examples
    --------
    >>> thin(np.array([0.0, 5.0, 1.0, 0.0, -9.0, 0.0, 0.0, 1.0]), 4)
    [0, 1, 4, 7]
    """
    if len(values) <= most:
        return list(range(len(values)))
    edges = np.linspace(0, len(values), max(most // 2, 1) + 1).astype(int)
    keep = set()
    for start, stop in pairwise(edges):
        keep |= {start + int(np.argmin(values[start:stop])), start + int(np.argmax(values[start:stop]))}
    return sorted(keep)


def figures(value: Any) -> float | None:
    """Round to six figures: finer than any screen, half the bytes."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def when(value: Any) -> str | int:
    """Write a time as a date where it is midnight, as date and time in UTC otherwise; whole numbers stay."""
    if isinstance(value, datetime):
        day = value.strftime("%Y-%m-%d")
        return day if value.time() == datetime.min.time() else value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return int(value) if isinstance(value, int) else str(value)


def _period_starts(test: pl.DataFrame) -> list[Any]:
    """Return the first time of each of several stretches with equally many forecast times."""
    times = test["ds"].unique().sort().to_list()
    count = min(_PERIODS, len(times))
    return [times[index * len(times) // count] for index in range(count)]


def _ratios(test: pl.DataFrame, periods: list[Any]) -> dict[str, dict[str, float]]:
    """Return the mean squared error over that of the last value: by series, by step ahead, by period."""
    import polars as pl

    labels = [_period_label(start) for start in periods]
    if len(set(labels)) < len(labels):
        labels = [str(when(start)) for start in periods]
    cuts = np.searchsorted(np.array(periods), test["ds"].to_numpy(), side="right") - 1
    frame = test.select(
        pl.col("unique_id").alias("series"),
        pl.col("step").cast(pl.String),
        pl.Series("period", [labels[max(cut, 0)] for cut in cuts], dtype=pl.String),
        ((pl.col("mean") - pl.col("y")) ** 2).alias("model"),
        ((pl.col("last_value") - pl.col("y")) ** 2).alias("last"),
    )
    found = {}
    for kind in ("series", "step", "period"):
        sums = frame.group_by(kind, maintain_order=True).agg(pl.col("model", "last").sum())
        found[kind] = {str(key): model / last for key, model, last in sums.rows() if last > 0}
    return found


def _period_label(start: Any) -> str:
    return start.strftime("%b %Y") if isinstance(start, datetime) else str(start)


def _lag(frame: pl.DataFrame) -> Lag:
    """Shift the forecasts of the test part against the truth, series by series, and average."""
    import polars as pl

    curves: list[dict[int, float]] = []
    changes: list[tuple[np.ndarray, np.ndarray]] = []
    for (_,), rows in frame.filter(pl.col("step") == 1).group_by("unique_id", maintain_order=True):
        known = rows.unique("ds", keep="first").sort("ds")  # every part: the truth around a test row is needed too
        is_test = (known["part"] == "test").to_numpy()
        at = np.flatnonzero(is_test if is_test.any() else np.ones(known.height, bool))
        truth, forecast, last = (known[name].to_numpy() for name in ("y", "mean", "last_value"))
        reference = np.mean((last[at] - truth[at]) ** 2)
        if not reference > 0:
            continue
        curve = {}
        for shift in _SHIFTS:
            inside = at[(at - shift >= 0) & (at - shift < len(truth))]
            if len(inside) > 1:
                curve[shift] = float(np.mean((forecast[inside] - truth[inside - shift]) ** 2) / reference)
        curves.append(curve)
        changes.append(((forecast - last)[at] / np.sqrt(reference), (truth - last)[at] / np.sqrt(reference)))
    shifts = [shift for shift in _SHIFTS if curves and all(shift in curve for curve in curves)]
    curve = {shift: _mean([curve[shift] for curve in curves]) for shift in shifts}
    if 0 not in curve or not all(math.isfinite(value) for value in curve.values()):
        return Lag({}, 0, math.nan, None)
    predicted, real = (np.concatenate(parts) for parts in zip(*changes, strict=True))
    flat = predicted.std() == 0 or real.std() == 0 or len(real) < 3
    correlation = None if flat else float(np.corrcoef(predicted, real)[0, 1])
    return Lag(curve, min(curve, key=lambda shift: curve[shift]), 1 - curve[0], correlation)


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else math.nan
