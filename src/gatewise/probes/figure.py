"""The two pictures of a probe: gradient flow against the lag, and the table as a heat map."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from gatewise.probes.settings import TRAINED
from gatewise.probes.table import LONGEST, REMEMBERS, trained_flow
from gatewise.report import style
from gatewise.report.figure import Rows
from gatewise.runs import atomic

_FLOOR = 1e-6  # below it nothing can be learned; curves end there
_PANEL = (400, 330)  # pixels
_LETTER = (7.4, 15)  # pixels a letter of a label takes
_BOX = (52, 46)  # pixels of one number of the table


def draw(found: Mapping[str, Any], folder: Path) -> list[str]:
    """Write ``gradient-flow.svg`` and ``table.svg`` into a folder; return their names."""
    import vl_convert

    written = []
    for name, chart in (("gradient-flow.svg", flow_chart(found)), ("table.svg", heat_chart(found))):
        if chart is not None:
            atomic.write_text(folder / name, str(vl_convert.vegalite_to_svg(chart)))
            written.append(name)
    return written


def flow_chart(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """Draw influence against lag on logarithmic axes: new cells, and trained ones where the task was run."""
    import altair as alt

    cells = [row["cell"] for row in found["rows"]]
    panels = [
        ("New cells, fed with noise", {row["cell"]: row["new"] for row in found["rows"]}),
        (f"The same, trained on {REMEMBERS}", {row["cell"]: trained_flow(row) for row in found["rows"]}),
    ]
    curves = [(title, _points(flows)) for title, flows in panels]
    if not any(rows for _, rows in curves):
        return None
    top = max(2.0, *(row["influence"] for _, rows in curves for row in rows)) * 1.3
    charts = [_panel(title, rows, cells, top) for title, rows in curves if rows]
    return _finished(alt.hconcat(*charts, spacing=70))


def _points(flows: Mapping[str, Mapping[str, Any] | None]) -> Rows:
    """Return the points of the curves from lag 1 on (lag 0 is 1 for all), each until it first falls to the floor."""
    rows: Rows = []
    for cell, flow in flows.items():
        for lag, value in zip(*((flow["lags"], flow["influence"]) if flow else ((), ())), strict=True):
            if value is None or value < _FLOOR:
                break
            if lag:
                rows.append({"cell": cell, "lag": lag, "influence": value})
    return rows


def _panel(title: str, rows: Rows, cells: Sequence[str], top: float) -> Any:
    import altair as alt

    domain = (1.0, 999.0)
    x = alt.X(
        "lag:Q",
        title="lag k, steps",
        scale=alt.Scale(type="log", domain=list(domain), nice=False),
        axis=alt.Axis(values=[1, 2, 5, 10, 20, 50, 100, 200, 500, 999], format="d"),
    )
    powers = [10.0**power for power in range(round(math.log10(_FLOOR)), math.floor(math.log10(top)) + 1)]
    y = alt.Y(
        "influence:Q",
        title="influence of the input k steps ago (lag 0 = 1)",
        scale=alt.Scale(type="log", domain=[_FLOOR, top], nice=False),
        axis=alt.Axis(values=powers, format="~g"),
    )
    hues = alt.Scale(domain=list(cells), range=style.cycle(style.HUES, len(cells)))
    dashes = [style.DASHES[index // len(style.HUES) % len(style.DASHES)] for index in range(len(cells))]
    dash = alt.StrokeDash("cell:N", legend=None, scale=alt.Scale(domain=list(cells), range=dashes))
    half = alt.Chart(alt.InlineData([{"influence": 0.5, "lag": domain[1], "name": "half"}]))
    labels = alt.Chart(alt.InlineData(_labels(rows, domain, (_FLOOR, top))))
    text: Any = {"align": "left", "baseline": "middle", "fontSize": 13, "fontWeight": "bold"}
    return alt.layer(
        half.mark_rule(strokeDash=[3, 3], color=style.light("base")).encode(y=y),
        half.mark_text(align="right", dy=-7, fill=style.light("base"), fontSize=12).encode(x=x, y=y, text="name:N"),
        alt.Chart(alt.InlineData(rows))
        .mark_line(strokeWidth=2, clip=True)
        .encode(x=x, y=y, color=alt.Color("cell:N", legend=None, scale=hues), strokeDash=dash),
        labels.mark_text(**text, fill=style.light("paper"), stroke=style.light("paper"), strokeWidth=4).encode(
            x=alt.X("px:Q", scale=None), y=alt.Y("py:Q", scale=None), text="cell:N"
        ),
        labels.mark_text(**text).encode(
            x=alt.X("px:Q", scale=None),
            y=alt.Y("py:Q", scale=None),
            text="cell:N",
            fill=alt.Fill("cell:N", legend=None, scale=hues),
        ),
    ).properties(width=_PANEL[0], height=_PANEL[1], title=alt.TitleParams(title, anchor="start", fontSize=14))


def _labels(rows: Rows, lags: tuple[float, float], values: tuple[float, float]) -> Rows:
    """Place a name at each curve: as near to its end as leaves no name on a name or another curve."""

    def share(value: float, low: float, high: float) -> float:
        return math.log(value / low) / math.log(high / low)

    places = {
        cell: [
            (_PANEL[0] * share(row["lag"], *lags), _PANEL[1] * (1 - share(row["influence"], *values)))
            for row in rows
            if row["cell"] == cell
        ]
        for cell in dict.fromkeys(row["cell"] for row in rows)
    }
    placed: list[tuple[float, float, float]] = []  # left, right, height of each name
    labels: Rows = []
    for cell, own in places.items():
        width = _LETTER[0] * len(cell)
        others = [
            (x + (next_x - x) * part / 4, y + (next_y - y) * part / 4)
            for other, points in places.items()
            if other != cell
            for (x, y), (next_x, next_y) in pairwise(points)
            for part in range(4)
        ]
        spots = [(x + 7, min(y, _PANEL[1] - 10)) for x, y in reversed(own)]
        free = [
            (x, y)
            for x, y in spots
            if not any(x < right and left < x + width and abs(y - at) < _LETTER[1] for left, right, at in placed)
        ]
        clear = [
            (x, y)
            for x, y in free
            if not any(x - 3 < left < x + width + 3 and abs(y - at) < _LETTER[1] / 2 for left, at in others)
        ]
        x, y = (clear or free or spots)[0]
        placed.append((x, x + width, y))
        labels.append({"cell": cell, "px": x, "py": y})
    return labels


def heat_chart(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """Draw the table: percent right at the trained length and at the longest, coloured from guessing to perfect."""
    import altair as alt

    lengths = (str(TRAINED), LONGEST)
    rows: Rows = []
    for row in found["rows"]:
        for place, task in enumerate(found["tasks"]):
            for column, length in enumerate(lengths):
                if (one := row["tasks"].get(task["name"])) is not None:
                    rows.append(_box(row["cell"], task, one["accuracy"][length], place * 2 + column))
    if not rows:
        return None
    cells = [row["cell"] for row in found["rows"]]
    y = alt.Y("cell:N", title=None, scale=alt.Scale(domain=cells, padding=0.06), axis=_bare(labelFontSize=13))
    columns = [(place, task, length) for place, task in enumerate(found["tasks"]) for length in lengths]
    domain = list(range(len(columns)))
    x = alt.X("column:O", title=None, axis=None, scale=alt.Scale(domain=domain, padding=0.06))
    ramp = alt.Scale(domain=[0, 1], range=[style.light("card"), style.light("three")], clamp=True)
    boxes = alt.Chart(alt.InlineData(rows))
    ink = alt.condition("datum.skill > 0.6", alt.value("white"), alt.value(style.light("ink")))
    heading = _heading(columns, found["tasks"])
    body = alt.layer(
        boxes.mark_rect().encode(x=x, y=y, color=alt.Color("skill:Q", legend=None, scale=ramp)),
        boxes.mark_text(dy=-6, fontSize=14).encode(x=x, y=y, text="mean:N", fill=ink),
        boxes.mark_text(dy=10, fontSize=10).encode(x=x, y=y, text="std:N", fill=ink),
    ).properties(width=_BOX[0] * len(columns), height=_BOX[1] * len(cells))
    title = f"Percent right: new strings of {TRAINED} steps, as trained, and of {LONGEST} steps"
    seeds = found["seeds"]
    below = f"{'One seed: no result' if seeds == 1 else f'mean and standard deviation of {seeds} seeds'}; " + (
        "pale is guessing, full colour is all right"
    )
    whole = alt.vconcat(heading, body, spacing=2).properties(
        title=alt.TitleParams(title, subtitle=below, anchor="start", fontSize=14, subtitleColor=style.light("muted"))
    )
    return _finished(whole)


def _heading(columns: Sequence[Any], tasks: Sequence[Mapping[str, Any]]) -> Any:
    """Write the names of the tasks over their two columns, and the lengths under them."""
    import altair as alt

    names: Rows = [
        {"px": _BOX[0] * (2 * place + 1), "name": task["name"].replace("_", "\n")} for place, task in enumerate(tasks)
    ]  # a word a line: whatever letters a viewer has, names stay over their columns
    small: Rows = [{"px": _BOX[0] * (index + 0.5), "name": length} for index, (_, _, length) in enumerate(columns)]
    words = alt.Chart(alt.InlineData(names)).mark_text(fontSize=12, fontWeight="bold", lineBreak="\n")
    return alt.layer(
        words.encode(x=alt.X("px:Q", scale=None), y=alt.value(10), text="name:N"),
        alt.Chart(alt.InlineData(small))
        .mark_text(fontSize=11, fill=style.light("muted"))
        .encode(x=alt.X("px:Q", scale=None), y=alt.value(46), text="name:N"),
    ).properties(width=_BOX[0] * len(columns), height=54)


def _box(cell: str, task: Mapping[str, Any], accuracy: Mapping[str, Any], column: int) -> dict[str, Any]:
    std = accuracy["std"]
    return {
        "cell": cell,
        "column": column,
        "skill": max(0.0, (accuracy["mean"] - task["chance"]) / (1.0 - task["chance"])),
        "mean": f"{100 * accuracy['mean']:.0f}",
        "std": "" if std is None else f"±{100 * std:.0f}",
    }


def _bare(**options: Any) -> Any:
    import altair as alt

    return alt.Axis(domain=False, ticks=False, labelColor=style.light("ink"), **options)


def _finished(chart: Any) -> dict[str, Any]:
    """Return a chart as a plain tree in the shared style, on paper, since it stands alone."""
    tree: dict[str, Any] = chart.to_dict()
    tree["config"] = {**style.config(), "background": style.light("paper"), "padding": 16}
    return tree
