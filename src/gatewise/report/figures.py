"""Which figures a page has: for each its caption, its words for those who do not see it, its drawing and its numbers."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from gatewise.report import charts, style
from gatewise.report.evidence import Evidence, Level, logs
from gatewise.report.tables import Cell, Table, text
from gatewise.report.traces import Traces, figures, thin
from gatewise.report.words import baseline_title, metric_title, number

_MOST_EPOCHS = 60
_MOST_ROWS = 60  # of the table under a figure


@dataclass(frozen=True)
class Figure:
    """One figure of the page."""

    name: str
    title: str
    caption: str
    description: str
    spec: dict[str, Any]
    data: dict[str, list[dict[str, Any]]]
    table: Table
    zooms: bool = False
    chooses: bool = False  # draws one level, which the reader may choose


def draw(spec: dict[str, Any], data: dict[str, list[dict[str, Any]]], name: str, title: str, description: str) -> str:
    """Return a figure as SVG that needs no script, with a title and a description in it."""
    import vl_convert

    named = {key: rows for key, rows in data.items() if f'"{key}"' in json.dumps(spec)}
    svg = str(vl_convert.vegalite_to_svg({**spec, "datasets": {**spec.get("datasets", {}), **named}}))
    head, body = svg.split(">", 1)
    size = re.search(r'viewBox="[^"]*"', head)
    body = re.sub(r"-?\d+\.\d\d+", lambda match: f"{float(match[0]):.1f}".removesuffix(".0"), body)
    body = re.sub(r' (aria-[a-z]+|role|class|pointer-events)="[^"]*"| opacity="1"| font-family="[^"]*"', "", body)
    label = f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="{name}-title {name}-desc" '
        f"{size[0] if size else ''}>{label}{body}"
    )


def seeds_figure(evidence: Evidence) -> Figure | None:
    """Every seed of every level on the metric that judges."""
    metric, title = evidence.metric, f"Test {metric_title(evidence.metric)}"
    dots, means = [], []
    for level in evidence.levels:
        entry = level.metrics.get(metric) or {}
        values = [value for value in entry.get("values") or () if value is not None and math.isfinite(value)]
        if not values:
            continue
        dots += [{"level": level.label, "main": level.main, "seed": seed, "value": figures(value)} for seed, value in enumerate(values, 1)]
        means.append({"level": level.label, "value": figures(entry["mean"]), "shown": number(entry["mean"])})
    if not means:
        return None
    reference = evidence.baselines.get(evidence.baseline, {}).get(metric)
    base = {"value": figures(reference), "name": f"{baseline_title(evidence.baseline)}: {number(reference)}"} if reference is not None else None
    labels = [row["level"] for row in means]
    lowest = min(means, key=lambda row: row["value"])
    beside = f" {baseline_title(evidence.baseline).capitalize()} has {number(reference)}." if base else ""
    rows = [
        [Cell(label, head=True), *(Cell(number(dot["value"]), number=True) for dot in dots if dot["level"] == label)] for label in labels
    ]
    most = max(len(row) for row in rows)
    shown = [dot["value"] for dot in dots] + ([base["value"]] if base else [])
    return Figure(
        name="seeds",
        title=f"{title} of every seed" if evidence.is_study else title,
        caption="Each mark is one training; the bar is the mean of its setting. The dashed line is what doing nothing gives."
        + (" The scale is logarithmic." if charts.is_wide(min(shown), max(shown)) else ""),
        description=f"Strip plot of {title} for {len(labels)} settings. The lowest mean is {number(lowest['value'])}, of {lowest['level']}.{beside}",
        spec=charts.seed_dots(dots, labels, evidence.mains, title, base),
        data={"dots": dots, "means": means, **({"baseline": [base]} if base else {})},
        table=Table("seeds-table", f"{title} of each seed", ("setting", *(f"seed {n}" for n in range(1, most))), rows),
    )


def loss_figures(evidence: Evidence) -> list[Figure]:
    """One panel a condition: how the losses fell."""
    found = []
    for index, condition in enumerate(evidence.conditions):
        levels = [level for level in evidence.levels if level.condition == condition]
        figure = _loss_panel(f"loss-{index}", condition, levels, evidence.mains)
        if figure:
            found.append(figure)
    return found


def _loss_panel(name: str, condition: str, levels: list[Level], mains: list[str]) -> Figure | None:
    seeds, means, best, rows = [], [], [], []
    for level in levels:
        curves = list(logs(level))
        if not curves:
            continue
        for part, key in (("validation", "validation_loss"), ("training", "train_loss")):
            means += _mean_curve(level.main, part, [[row.get(key) for row in log] for _, log in curves])
        for seed, log in curves:
            known = [row for row in log if _finite(row.get("validation_loss"))]
            ends = {"main": level.main, "part": "validation", "seed": f"{level.main} {seed}"}
            points = [{**ends, "epoch": row["epoch"], "loss": figures(row["validation_loss"])} for row in known]
            seeds += _thin_rows(points)
            if points:
                best.append(min(points, key=lambda point: point["loss"]))
        lows = [point["loss"] for point in best if point["main"] == level.main]
        epochs = [point["epoch"] for point in best if point["main"] == level.main]
        if lows:
            rows.append([Cell(level.main, head=True), *(Cell(number(x), number=True) for x in (len(curves), sum(epochs) / len(epochs), sum(lows) / len(lows), min(lows), max(lows)))])  # fmt: skip
    if not means:
        return None
    values = sorted(row["loss"] for row in [*means, *seeds])
    data = {f"{name}-seeds": seeds if len(best) > len(levels) else [], f"{name}-means": means, f"{name}-best": best}
    heads = ("level", "seeds", "best epoch, mean", "lowest validation loss, mean", "lowest", "highest")
    return Figure(
        name=name,
        title=condition.capitalize() if condition else "Loss by epoch",
        caption="",
        description="Loss by epoch. " + " ".join(f"{row[0].text}: validation loss falls to {row[3].text} at epoch {row[2].text}." for row in rows),
        spec=charts.losses(mains, values[0], values[-1], name, seeds=len(best) > len(levels)),
        data=data,
        table=Table(f"{name}-table", f"Validation loss{f', {condition}' if condition else ''}", heads, rows),
    )


def _mean_curve(main: str, part: str, curves: list[list[Any]]) -> list[dict[str, Any]]:
    """Average over the seeds while at least half of them still train, so that a seed that stops makes no jump."""
    rows = []
    for epoch in range(max(len(curve) for curve in curves)):
        values = [curve[epoch] for curve in curves if epoch < len(curve) and _finite(curve[epoch])]
        if 2 * len(values) >= len(curves) and values:
            rows.append({"main": main, "part": part, "epoch": epoch + 1, "loss": figures(sum(values) / len(values))})
    return _thin_rows(rows)


def _thin_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    import numpy as np

    return [rows[index] for index in thin(np.array([row["loss"] for row in rows]), _MOST_EPOCHS)] if rows else []


def forecast_data(evidence: Evidence, traces: Traces) -> list[dict[str, Any]]:
    """Rows that the forecasts and both scatters draw; the best level comes first."""
    columns = traces.columns
    if not columns:
        return []
    labels, names = drawn_levels(evidence, traces), list(traces.shown_series)
    percent = all(value is not None and value > 0 for value in columns["last_value"])
    rows = []
    for index, label in enumerate(columns["level"]):
        row = {"level": labels.index(label), "series": names.index(columns["series"][index])}
        row |= {key: columns[key][index] for key in ("t", "y", "last_value", "mean")}
        for number_, (low, high, _) in enumerate(traces.bounds):
            row |= {f"b{number_}l": columns[low][index], f"b{number_}h": columns[high][index]}
        unit = row["last_value"] / 100 if percent else 1
        for key, value in (("dy", row["y"]), ("dm", row["mean"])):
            row[key] = round((value - row["last_value"]) / unit, 3) if _finite(value) else None
        rows.append(row)
    return sorted(rows, key=lambda row: row["level"])


def drawn_levels(evidence: Evidence, traces: Traces) -> list[str]:
    """Labels of the levels that have forecasts, the lowest error first."""
    with_rows = set(traces.columns.get("level", ()))

    def mean(level: Level) -> float:
        value = (level.metrics.get(evidence.metric) or {}).get("mean")
        return float(value) if value is not None else math.inf

    return [level.label for level in sorted(evidence.levels, key=mean) if level.label in with_rows]


def forecast_figures(evidence: Evidence, traces: Traces, rows: list[dict[str, Any]]) -> list[Figure]:
    """One panel a series: real values, forecast with intervals, the last value."""
    labels = drawn_levels(evidence, traces)
    widths = " and ".join(f"{percent} %" for _, _, percent in traces.bounds)
    found = []
    for index, name in enumerate(traces.shown_series):
        own = [row for row in rows if row["series"] == index and row["level"] == 0]
        if not own:
            continue
        shown = own[-_MOST_ROWS:]
        heads = ("time", "real", "forecast", "last value", *(f"{end} {p} %" for _, _, p in traces.bounds for end in ("low", "high")))
        keys = ("y", "mean", "last_value", *(f"b{n}{end}" for n in range(len(traces.bounds)) for end in "lh"))
        cells = [[Cell(str(row["t"]), head=True), *(Cell(number(row[key], 5), number=True) for key in keys)] for row in shown]
        note = f", last {len(shown)} of {len(own)} rows drawn" if len(shown) < len(own) else ""
        found.append(
            Figure(
                name=f"forecast-{index}",
                title=name,
                caption="",
                description=f"Real values of {name} from {own[0]['t']} to {own[-1]['t']}, between {number(min(r['y'] for r in own))} and "
                f"{number(max(r['y'] for r in own))}, with the forecast of {labels[0]}{f', its {widths} intervals' if widths else ''} and the last value.",
                spec=charts.forecast(index, traces.bounds, temporal=traces.temporal),
                data={"forecast": rows},
                table=Table(f"forecast-{index}-table", f"{name}, {labels[0]}{note}", heads, cells),
                zooms=True,
                chooses=True,
            )
        )
    return found


def scatter_figures(evidence: Evidence, traces: Traces, rows: list[dict[str, Any]]) -> list[Figure]:
    """Forecast against truth: as prices, and as changes since the last value."""
    own = [row for row in rows if row["level"] == 0 and _finite(row["dm"]) and _finite(row["dy"])]
    if not own:
        return []
    label, series = drawn_levels(evidence, traces)[0], list(traces.shown_series)
    unit = ", %" if all(row["last_value"] > 0 for row in rows) else ""
    found = []
    for name, x, y, title, axes, caption in (
        ("scatter-value", "y", "mean", "As values", ("real value", "forecast"),
         "The nearer to the diagonal, the better. Prices lie near it whatever the model knows."),
        ("scatter-change", "dy", "dm", "As changes since the last value", (f"real change{unit}", f"forecast change{unit}"),
         "The same forecasts with the last value taken away. A model that knows something follows the diagonal here."),
    ):  # fmt: skip
        ends = [row[key] for row in own for key in (x, y)]
        low, high = min(ends), max(ends)
        room = (high - low or 1) * 0.03
        cells = [[Cell(series[index], head=True), Cell(number(sum(1 for r in own if r["series"] == index)), number=True), Cell(_pearson([(r[x], r[y]) for r in own if r["series"] == index]), number=True)] for index in range(len(series))]  # fmt: skip
        found.append(
            Figure(
                name=name, title=title, caption=caption,
                description=f"Scatter of {axes[1]} against {axes[0]} for {label}. Pearson r: "
                + ", ".join(f"{row[0].text} {row[2].text}" for row in cells) + ".",
                spec=charts.scatter(x, y, *axes, series, figures(low - room) or 0.0, figures(high + room) or 0.0, zero=x == "dy"),
                data={"forecast": rows},
                table=Table(f"{name}-table", f"{axes[1].capitalize()} against {axes[0]}, {label}", ("series", "points", "Pearson r"), cells),
                chooses=True,
            )  # fmt: skip
        )
    return found


def lag_figure(evidence: Evidence, traces: Traces) -> Figure | None:
    """Which shift fits best, for the levels that share the best level's condition."""
    best = next((level for label in drawn_levels(evidence, traces) for level in evidence.levels if level.label == label), None)
    levels = [level for level in evidence.levels if best and level.condition == best.condition and level.label in traces.lags]
    if not levels or best is None:
        return None
    rows = [{"main": lv.main, "shift": shift, "ratio": figures(ratio)} for lv in levels for shift, ratio in traces.lags[lv.label].curve.items()]
    shifts = sorted({row["shift"] for row in rows})
    cells = [[Cell(str(shift).replace("-", "−"), head=True), *(Cell(number(traces.lags[lv.label].curve.get(shift), 3), number=True) for lv in levels)] for shift in shifts]  # fmt: skip
    what = f" ({best.condition})" if best.condition else ""
    return Figure(
        name="lag",
        title=f"Error of the forecast against the truth of earlier rows{what}",
        caption=f"At 0 each forecast is held against the value it was made for, at {traces.offset} against the last value that the "
        "network saw. A lowest point away from 0 means that the forecast mostly repeats an earlier value.",
        description="Mean squared error by shift. " + " ".join(f"{lv.main}: lowest at shift {traces.lags[lv.label].shift}." for lv in levels),
        spec=charts.lag([level.main for level in levels], max(row["ratio"] or 0 for row in rows), traces.offset),
        data={"lag": rows},
        table=Table("lag-shifts", f"MSE, times that of the last value, by shift{what}", ("shift", *(lv.main for lv in levels)), cells),
    )


def time_figure(evidence: Evidence) -> Figure | None:
    """How long a pass over the training windows takes, with the parameters beside."""
    timed = [level for level in evidence.levels if _finite(level.seconds.get("per_epoch"))]
    if not timed:
        return None
    rows = [
        {"level": lv.label, "main": lv.main, "value": figures(lv.seconds["per_epoch"]),
         "shown": f"{number(lv.seconds['per_epoch'], 3)} s" + (f" · {number(lv.parameters)} parameters" if lv.parameters else "")}
        for lv in timed
    ]  # fmt: skip
    alone = all(level.seconds.get("exclusive") for level in timed)
    cells = [[Cell(lv.label, head=True), *(Cell(shown, number=True) for shown in (number(lv.seconds["per_epoch"], 3), number(lv.seconds.get("per_step_ms"), 3), number(lv.parameters)))] for lv in timed]  # fmt: skip
    return Figure(
        name="time",
        title="Seconds for one epoch",
        caption="Measured while each training had the machine to itself." if alone else "Other work ran on the machine at the same time: take these times as rough.",
        description="Bars of seconds for one epoch. " + " ".join(f"{row['level']}: {row['shown']}." for row in rows),
        spec=charts.times([lv.label for lv in timed], evidence.mains, "seconds for one epoch"),
        data={"times": rows},
        table=Table("time-table", "Time and parameters", ("setting", "seconds an epoch", "ms a step", "parameters"), cells),
    )


def pack(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Lay rows into columns; a column of few different values is stored as a list of those and where each stands."""
    columns: dict[str, list[Any]] = defaultdict(list)
    rows = list(rows)
    for key in rows[0] if rows else ():
        columns[key] = [row.get(key) for row in rows]
    return {key: _shorter(values) for key, values in columns.items()}


def _shorter(values: list[Any]) -> Any:
    names = list(dict.fromkeys(values))
    coded = {"of": names, "at": [names.index(value) for value in values]} if len(names) < 40 else None
    return coded if coded and len(json.dumps(coded)) < len(json.dumps(values)) else values


def _pearson(pairs: list[tuple[float, float]]) -> str:
    import numpy as np

    x, y = np.array(pairs, float).T if len(pairs) > 2 else (np.zeros(1), np.zeros(1))
    return number(float(np.corrcoef(x, y)[0, 1]), 3) if x.std() > 0 and y.std() > 0 else text(None)


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
