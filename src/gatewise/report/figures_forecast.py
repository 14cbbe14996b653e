"""The figures made from predictions: forecasts beside real values, both scatters, the lag check."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gatewise.report import charts
from gatewise.report.evidence import Evidence, Level
from gatewise.report.figure import Figure, Rows, is_finite
from gatewise.report.table import Table, figure, head
from gatewise.report.traces import Traces, figures
from gatewise.report.words import number

_MOST_ROWS = 60  # of the table under a forecast


def drawn_levels(evidence: Evidence, traces: Traces) -> list[str]:
    """Labels of the levels that have forecasts, the lowest error first."""
    with_rows = set(traces.columns.get("level", ()))

    def mean(level: Level) -> float:
        value = (level.metrics.get(evidence.metric) or {}).get("mean")
        return float(value) if value is not None else math.inf

    return [level.label for level in sorted(evidence.levels, key=mean) if level.label in with_rows]


def forecast_rows(evidence: Evidence, traces: Traces) -> Rows:
    """Rows that the forecasts and both scatters draw; the best level comes first.

    ``dy`` and ``dm`` are the real and the forecast change since the last value: in percent of it, or in the series'
    own unit where a last value is not positive.
    """
    columns = traces.columns
    level = {label: index for index, label in enumerate(drawn_levels(evidence, traces))}
    series = {name: index for index, name in enumerate(traces.shown_series)}
    percent = in_percent(traces)
    rows: Rows = []
    for index, label in enumerate(columns.get("level", ())):
        row: dict[str, Any] = {"level": level[label], "series": series[columns["series"][index]]}
        row |= {key: columns[key][index] for key in ("t", "y", "last_value", "mean")}
        for band, (low, high, _) in enumerate(traces.bounds):
            row |= {f"b{band}l": columns[low][index], f"b{band}h": columns[high][index]}
        unit = row["last_value"] / 100 if percent else 1
        for key, value in (("dy", row["y"]), ("dm", row["mean"])):
            row[key] = figures((value - row["last_value"]) / unit) if is_finite(value) else None
            row[key] = round(row[key], 3) if percent and is_finite(row[key]) else row[key]
        rows.append(row)
    return sorted(rows, key=lambda row: int(row["level"]))


def in_percent(traces: Traces) -> bool:
    """Whether changes can be given in percent of the last value."""
    return all(is_finite(value) and value > 0 for value in traces.columns.get("last_value", ()))


def forecast_figures(evidence: Evidence, traces: Traces, rows: Rows) -> list[Figure]:
    """One panel a series: real values, forecast with intervals, the last value."""
    made = []
    for index, name in enumerate(traces.shown_series):
        own = [row for row in rows if row["series"] == index and row["level"] == 0]
        if own:
            made.append(_forecast_panel(index, name, drawn_levels(evidence, traces)[0], traces, rows, own))
    return made


def _forecast_panel(index: int, name: str, label: str, traces: Traces, rows: Rows, own: Rows) -> Figure:
    bands = range(len(traces.bounds))
    ends = (f"{end} end, {percent} %" for _, _, percent in traces.bounds for end in ("lower", "upper"))
    keys = ("y", "mean", "last_value", *(f"b{band}{end}" for band in bands for end in "lh"))
    shown = own[-_MOST_ROWS:]
    cells = [[head(str(row["t"])), *(figure(number(row[key], 5)) for key in keys)] for row in shown]
    some = f", the last {len(shown)} of {len(own)} rows drawn" if len(shown) < len(own) else ""
    real = [row["y"] for row in own]
    widths = " and ".join(f"{percent} %" for _, _, percent in traces.bounds)
    return Figure(
        name=f"forecast-{index}",
        title=name,
        caption=f"{own[0]['t']} to {own[-1]['t']}.",
        description=f"Real values of {name} from {own[0]['t']} to {own[-1]['t']}, between {number(min(real))} and "
        f"{number(max(real))}, with the forecast of {label}, {f'its {widths} intervals ' if widths else ''}"
        "and the last value.",
        spec=charts.forecast(index, traces.bounds, temporal=traces.temporal),
        data={"forecast": rows},
        table=Table(
            f"forecast-{index}-table",
            f"{name}, {label}{some}",
            ("time", "real", "forecast", "last value", *ends),
            cells,
        ),
        zooms=True,
        chooses=True,
    )


def scatter_figures(evidence: Evidence, traces: Traces, rows: Rows) -> list[Figure]:
    """Forecast against truth: as values, and as changes since the last value."""
    if not rows:
        return []
    label = drawn_levels(evidence, traces)[0]
    unit = ", %" if in_percent(traces) else ""
    values = _scatter(
        "scatter-value", "As values", ("y", "mean"), ("real value", "forecast"), rows, label, traces.shown_series,
        "The nearer to the diagonal, the better. Prices lie near it whatever the model knows.",
    )  # fmt: skip
    changes = _scatter(
        "scatter-change", "As changes since the last value", ("dy", "dm"),
        (f"real change{unit}", f"forecast change{unit}"), rows, label, traces.shown_series,
        "The same forecasts with the last value taken away. A model that knows something follows the diagonal here.",
    )  # fmt: skip
    return [made for made in (values, changes) if made is not None]


def _scatter(
    name: str, title: str, keys: tuple[str, str], axes: tuple[str, str], rows: Rows, label: str,
    series: tuple[str, ...], caption: str,
) -> Figure | None:  # fmt: skip
    own = [row for row in rows if is_finite(row[keys[0]]) and is_finite(row[keys[1]])]
    if not own:
        return None
    seen = [row[key] for row in own for key in keys]
    room = (max(seen) - min(seen) or 1.0) * 0.03
    cells = []
    for index, one in enumerate(series):
        pairs = [(row[keys[0]], row[keys[1]]) for row in own if row["series"] == index and row["level"] == 0]
        cells.append([head(one), figure(number(len(pairs))), figure(number(_pearson(pairs), 3))])
    said = ", ".join(f"{row[0].text} {row[2].text}" for row in cells)
    domain = (figures(min(seen) - room) or 0.0, figures(max(seen) + room) or 0.0)
    return Figure(
        name=name,
        title=title,
        caption=caption,
        description=f"Scatter of {axes[1]} against {axes[0]} for {label}. Pearson r: {said}.",
        spec=charts.scatter(keys, axes, list(series), domain),
        data={"forecast": rows},
        table=Table(
            f"{name}-table",
            f"{axes[1].capitalize()} against {axes[0]}, {label}",
            ("series", "points", "Pearson r"),
            cells,
        ),
        chooses=True,
    )


def _pearson(pairs: list[tuple[float, float]]) -> float | None:
    if len(pairs) < 3:
        return None
    x, y = np.array(pairs, float).T
    return float(np.corrcoef(x, y)[0, 1]) if x.std() > 0 and y.std() > 0 else None


def lag_figure(evidence: Evidence, traces: Traces) -> Figure | None:
    """Which shift fits best, for the levels that share the best level's condition."""
    by_label = {level.label: level for level in evidence.levels}
    best = next((by_label[label] for label in drawn_levels(evidence, traces)), None)
    if best is None:
        return None
    same = [level for level in evidence.levels if level.condition == best.condition]
    levels = [level for level in same if level.label in traces.lags]
    if not levels:
        return None
    curves = {level.main: traces.lags[level.label].curve for level in levels}
    rows = [
        {"main": main, "shift": shift, "ratio": figures(ratio)}
        for main, curve in curves.items()
        for shift, ratio in curve.items()
    ]
    shifts = sorted({shift for curve in curves.values() for shift in curve})
    cells = [
        [head(str(shift).replace("-", "−")), *(figure(number(curve.get(shift), 3)) for curve in curves.values())]
        for shift in shifts
    ]
    where = f" ({best.condition})" if best.condition else ""
    said = (f"{level.main}: lowest at shift {traces.lags[level.label].shift}." for level in levels)
    highest = max(ratio for curve in curves.values() for ratio in curve.values())
    return Figure(
        name="lag",
        title=f"Error of the forecast against the truth of earlier rows{where}",
        caption=f"At 0 each forecast is held against the value it was made for, at {traces.offset} against the last "
        "value that the network saw. A lowest point away from 0 means that the forecast mostly repeats an earlier one.",
        description=f"Mean squared error by shift. {' '.join(said)}",
        spec=charts.lag(list(curves), highest, traces.offset),
        data={"lag": rows},
        table=Table("lag-shifts", f"MSE, times that of the last value, by shift{where}", ("shift", *curves), cells),
    )
