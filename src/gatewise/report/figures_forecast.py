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
from gatewise.report.words import number, percent
from gatewise.wording import say

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
    ends = (say(f"figures.forecast.{end}", percent=wide) for _, _, wide in traces.bounds for end in ("lower", "upper"))
    keys = ("y", "mean", "last_value", *(f"b{band}{end}" for band in bands for end in "lh"))
    shown = own[-_MOST_ROWS:]
    cells = [[head(str(row["t"])), *(figure(number(row[key], 5)) for key in keys)] for row in shown]
    some = say("figures.forecast.last", shown=len(shown), all=len(own)) if len(shown) < len(own) else ""
    real = [row["y"] for row in own]
    widths = say("words.last").join(percent(wide / 100, 0) for _, _, wide in traces.bounds)
    first, last = (str(own[place]["t"]) for place in (0, -1))
    told = {
        "name": name,
        "first": first,
        "last": last,
        "low": number(min(real)),
        "high": number(max(real)),
        "label": label,
    }
    bands_told = say("figures.forecast.description_bands", **told, widths=widths) if widths else ""
    return Figure(
        name=f"forecast-{index}",
        title=name,
        caption=say("figures.forecast.caption", first=first, last=last),
        description=bands_told or say("figures.forecast.description", **told),
        spec=charts.forecast(index, traces.bounds, temporal=traces.temporal),
        data={"forecast": rows},
        table=Table(
            f"forecast-{index}-table",
            say("figures.forecast.table", name=name, label=label, some=some),
            (
                *(say(f"figures.{key}") for key in ("axis.time", "line.real", "line.forecast", "forecast.last_value")),
                *ends,
            ),
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
    change = [say("figures.scatter.real_change"), say("figures.scatter.forecast_change")]
    if in_percent(traces):
        change = [say("figures.scatter.in_percent", what=what) for what in change]
    values = _scatter(
        "scatter-value", "values", ("y", "mean"), (say("figures.scatter.real_value"), say("figures.line.forecast")),
        rows, label, traces.shown_series,
    )  # fmt: skip
    changes = _scatter(
        "scatter-change", "changes", ("dy", "dm"), (change[0], change[1]), rows, label, traces.shown_series
    )
    return [made for made in (values, changes) if made is not None]


def _scatter(
    name: str, kind: str, keys: tuple[str, str], axes: tuple[str, str], rows: Rows, label: str,
    series: tuple[str, ...],
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
    said = say("words.comma").join(f"{row[0].text} {row[2].text}" for row in cells)
    domain = (figures(min(seen) - room) or 0.0, figures(max(seen) + room) or 0.0)
    return Figure(
        name=name,
        title=say(f"figures.scatter.{kind}"),
        caption=say(f"figures.scatter.{kind}_caption"),
        description=say("figures.scatter.description", x=axes[0], y=axes[1], label=label, said=said),
        spec=charts.scatter(keys, axes, list(series), domain),
        data={"forecast": rows},
        table=Table(
            f"{name}-table",
            say("figures.scatter.table", x=axes[0], y=axes[1].capitalize(), label=label),
            (say("figures.axis.series"), say("figures.scatter.points"), say("figures.scatter.pearson")),
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
        [head(number(shift)), *(figure(number(curve.get(shift), 3)) for curve in curves.values())] for shift in shifts
    ]
    where, of = {"condition": best.condition} if best.condition else {}, "_of" * bool(best.condition)
    said = (
        say("figures.lag.lowest", name=level.main, shift=number(traces.lags[level.label].shift)) for level in levels
    )
    highest = max(ratio for curve in curves.values() for ratio in curve.values())
    return Figure(
        name="lag",
        title=say(f"figures.lag.title{of}", **where),
        caption=say("figures.lag.caption", offset=traces.offset),
        description=say("figures.lag.description", said=" ".join(said)),
        spec=charts.lag(list(curves), highest, traces.offset),
        data={"lag": rows},
        table=Table("lag-shifts", say(f"figures.lag.table{of}", **where), (say("figures.axis.shift"), *curves), cells),
    )
