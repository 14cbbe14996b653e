"""The drawings, as Vega-Lite made by Altair; each draws a dataset by its name.

Everything here is one view or layers of one view, because only those follow the width of the page.
"""

from __future__ import annotations

import math
from typing import Any

from gatewise.report import style
from gatewise.wording import drawn, say

#: Of so few epochs each has its tick; Vega would set some between them.
_EACH = 8
_BAND = 40  # pixels of a row that carries its own label


def _data(name: str) -> Any:
    import altair as alt

    return alt.NamedData(name)


def _axis_name(key: str) -> str:
    return say(f"figures.axis.{key}")


def finish(chart: Any, *, height: int) -> dict[str, Any]:
    """Return a chart as a plain tree with the shared style."""
    tree: dict[str, Any] = chart.properties(
        width=style.WIDTH, height=height, autosize={"type": "fit-x", "contains": "padding"}
    ).to_dict()
    tree["config"] = style.config()
    return tree


def is_wide(low: float, high: float) -> bool:
    """Whether a logarithmic scale shows values from `low` to `high` better."""
    return low > 0 and high / low > 8


def _axis(low: float, high: float, **options: Any) -> Any:
    """Return an axis; a logarithmic one is ticked at 1, 2 and 5 of every power of ten, and no finer."""
    import altair as alt

    shape = "~s" if high >= 1e6 else ",~r"
    if not is_wide(low, high):
        return alt.Axis(tickCount=6, format=shape, **options)
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high / low < 2000 else (1,)
    ticks = [step * 10.0**power for power in powers for step in steps]
    return alt.Axis(values=[tick for tick in ticks if low * 0.85 <= tick <= high * 1.15], format=shape, **options)


def _row_text(chart: Any, field: str, **options: Any) -> list[Any]:
    """Write a text along a row, on a halo of paper so that lines behind it do not cross the letters."""
    ink = options.pop("fill", style.light("ink"))
    encoding = {key: options.pop(key) for key in ("x", "y")}
    base = {"baseline": "middle", "dy": -9, **options}
    halo = chart.mark_text(**base, fill=style.light("paper"), stroke=style.light("paper"), strokeWidth=4)
    return [mark.encode(text=f"{field}:N", **encoding) for mark in (halo, chart.mark_text(**base, fill=ink))]


def _coded(mains: list[str], *, legend: bool = True) -> dict[str, Any]:
    """Code the compared factor by colour and marker together."""
    import altair as alt

    shown: Any = alt.Legend() if legend else None
    hues = alt.Scale(domain=mains, range=style.cycle(style.HUES, len(mains)))
    shapes = alt.Scale(domain=mains, range=style.cycle(style.SHAPES, len(mains)))
    return {
        "color": alt.Color("main:N", scale=hues, legend=shown),
        "shape": alt.Shape("main:N", scale=shapes, legend=shown),
    }


def _value_scale(low: float, high: float) -> Any:
    """Choose a logarithmic scale where linear would press most values together."""
    import altair as alt

    if is_wide(low, high):
        return alt.Scale(type="log", domain=[low * 0.85, high * 1.15], nice=False)
    room = (high - low or abs(high) or 1) * 0.08
    return alt.Scale(domain=[low - room, high + room], nice=False, zero=False)


def is_right(value: float, low: float, high: float) -> bool:
    """Whether a value stands in the right half of its scale."""
    if is_wide(low, high):
        return math.log(value / low) > math.log(high / low) / 2
    return value - low > (high - low) / 2


def seed_dots(labels: list[str], mains: list[str], title: str, values: list[Any], *, baseline: bool) -> dict[str, Any]:
    """Every seed as a dot on its level's line, the mean as a bar, the baseline as a dashed rule."""
    import altair as alt

    low, high = min(values), max(values)
    x = alt.X("value:Q", title=title, scale=_value_scale(low, high), axis=_axis(low, high, grid=True))
    y = alt.Y("level:N", title=None, axis=None, scale=alt.Scale(domain=labels, paddingInner=0, paddingOuter=0))
    dots, means = alt.Chart(_data("dots")), alt.Chart(_data("means"))
    coded = _coded(mains, legend=False)
    tip = [
        alt.Tooltip("level:N", title=_axis_name("setting")),
        alt.Tooltip("seed:N", title=_axis_name("seed")),
        alt.Tooltip("value:Q", title=title, format=".5~r"),
    ]
    layers = [
        means.mark_rule(color=style.light("grid"), yOffset=9).encode(y=y),
        *_row_text(means, "level", x=alt.value(0), y=y, align="left", dx=2),
        *_row_text(means, "shown", x=alt.value("width"), y=y, align="right", dx=-2, fill=style.light("muted")),
        dots.mark_point(opacity=0.75, yOffset=9, size=58).encode(x=x, y=y, tooltip=tip, **coded),
        means.mark_tick(thickness=2, size=20, yOffset=9, color=style.light("ink")).encode(x=x, y=y),
    ]
    if baseline:
        right = is_right(values[-1], low, high)  # a label on the right would leave the figure
        rule = alt.Chart(_data("baseline"))
        layers.insert(0, rule.mark_rule(strokeDash=[5, 4], strokeWidth=1.5, color=style.light("base")).encode(x=x))
        layers.append(
            rule.mark_text(
                align="right" if right else "left",
                dx=-5 if right else 5,
                baseline="bottom",
                y=-3,
                fill=style.light("base"),
            ).encode(x=x, text="name:N")
        )
    return finish(alt.layer(*layers), height=_BAND * len(labels))


def losses(mains: list[str], low: float, high: float, name: str, *, epochs: int, seeds: bool) -> dict[str, Any]:
    """Validation loss: the mean over seeds bold, each seed faint, a marker at each best epoch; training dashed."""
    import altair as alt

    faint, means, best = (alt.Chart(_data(f"{name}-{part}")) for part in ("seeds", "means", "best"))
    coded = _coded(mains)
    each: dict[str, Any] = {"values": list(range(1, epochs + 1))} if epochs <= _EACH else {}
    x = alt.X(
        "epoch:Q",
        title=_axis_name("epoch"),
        axis=alt.Axis(format="d", tickCount=_EACH, **each),
        scale=alt.Scale(nice=False),
    )
    y = alt.Y("loss:Q", title=_axis_name("loss"), scale=_value_scale(low, high), axis=_axis(low, high))
    dash = alt.StrokeDash(
        "part:N",
        scale=alt.Scale(domain=[say("figures.part.validation"), say("figures.part.training")], range=[[1, 0], [4, 3]]),
    )
    tip = [
        alt.Tooltip("main:N", title=_axis_name("level")),
        alt.Tooltip("part:N", title=_axis_name("part")),
        alt.Tooltip("epoch:Q", title=_axis_name("epoch")),
        alt.Tooltip("loss:Q", title=_axis_name("loss"), format=".4~r"),
    ]
    layers = [
        means.mark_line(strokeWidth=2.2).encode(x=x, y=y, color=coded["color"], strokeDash=dash, tooltip=tip),
        best.mark_point(size=46, opacity=0.9).encode(x=x, y=y, tooltip=tip, **coded),
    ]
    if seeds:
        layers.insert(
            0, faint.mark_line(strokeWidth=1, opacity=0.28).encode(x=x, y=y, color=coded["color"], detail="seed:N")
        )
    return finish(alt.layer(*layers), height=250)


def forecast(series: int, bounds: tuple[tuple[str, str, int], ...], *, temporal: bool) -> dict[str, Any]:
    """Real values, one level's forecast with its intervals, and the last value; zooms along time.

    The parameter ``level`` says which level is drawn, the parameter ``zoom`` holds the stretch of time that is seen.
    """
    import altair as alt

    names = [say(f"figures.line.{key}") for key in ("real", "forecast", "last_value")]
    colour = alt.Scale(domain=names, range=[style.light("ink"), style.light("one"), style.light("base")])
    dashes = alt.Scale(domain=names, range=[[1, 0], [1, 0], [3, 3]])
    zoom = alt.selection_interval(
        name="zoom", bind="scales", encodings=["x"], zoom="wheel![event.ctrlKey || event.metaKey]"
    )
    hover = alt.selection_point(
        name="hover", nearest=True, on="pointerover", clear="pointerout", fields=["t"], empty=False
    )
    base = alt.Chart(_data("forecast")).transform_filter(f"datum.series === {series} && datum.level === level")
    if temporal:
        x = alt.X("t:T", title=None, scale=alt.Scale(type="utc"), axis=alt.Axis(tickCount=6))
        time = alt.Tooltip("t:T", timeUnit="utcyearmonthdatehoursminutes", title=_axis_name("time"))
    else:
        x = alt.X(
            "t:Q",
            title=_axis_name("row"),
            scale=alt.Scale(zero=False, nice=False),
            axis=alt.Axis(tickCount=6, format="d"),
        )
        time = alt.Tooltip("t:Q", title=_axis_name("row"))
    scale, axis = alt.Scale(zero=False), alt.Axis(tickCount=5)
    values = zip(("y", "mean", "last_value"), names, strict=True)
    tip = [time, *(alt.Tooltip(f"{key}:Q", title=name, format=".5~r") for key, name in values)]
    layers = [
        base.mark_area(opacity=0.13 + 0.1 * index, color=style.light("one")).encode(
            x=x, y=alt.Y(f"b{index}l:Q", scale=scale, title=None, axis=axis), y2=f"b{index}h:Q"
        )
        for index in range(len(bounds))
    ]
    for key, name, width in (("last_value", names[2], 1.2), ("y", names[0], 1.6), ("mean", names[1], 1.8)):
        layers.append(
            base.transform_calculate(line=f"'{name}'")
            .mark_line(strokeWidth=width)
            .encode(
                x=x,
                y=alt.Y(f"{key}:Q", scale=scale, title=None, axis=axis),
                color=alt.Color("line:N", scale=colour),
                strokeDash=alt.StrokeDash("line:N", scale=dashes),
            )
        )
    rule = base.mark_rule(color=style.light("muted")).encode(
        x=x, opacity=alt.when(hover).then(alt.value(0.6)).otherwise(alt.value(0)), tooltip=tip
    )
    layers[0] = layers[0].transform_filter(zoom).properties(name="panel").add_params(zoom)
    layers[1:] = [layer.transform_filter(zoom) for layer in layers[1:]]
    layers.append(rule.transform_filter(zoom).properties(name="pointer").add_params(hover))
    return finish(alt.layer(*layers).add_params(alt.param(name="level", value=0)), height=280)


def scatter(
    keys: tuple[str, str], axes: tuple[str, str], series: list[str], domain: tuple[float, float]
) -> dict[str, Any]:
    """Forecast against truth, one level at a time; a perfect forecast lies on the diagonal."""
    import altair as alt

    scale = alt.Scale(domain=list(domain), nice=False)
    axis = alt.Axis(tickCount=5, grid=True)
    ends = alt.Chart(alt.InlineData([{"u": end, "v": end} for end in domain]))
    nought = alt.Chart(alt.InlineData([{"z": 0}]))
    legend = alt.Legend() if len(series) > 1 else None
    hues = alt.Scale(domain=series, range=style.cycle(style.HUES, len(series)))
    shapes = alt.Scale(domain=series, range=style.cycle(style.SHAPES, len(series)))
    shown = list(zip(keys, axes, strict=True))
    x = alt.X(f"{keys[0]}:Q", title=axes[0], scale=scale, axis=axis)
    y = alt.Y(f"{keys[1]}:Q", title=axes[1], scale=scale, axis=axis)
    tip = [
        alt.Tooltip("name:N", title=_axis_name("series")),
        *(alt.Tooltip(f"{key}:Q", title=name, format=".4~r") for key, name in shown),
    ]
    points = (
        alt.Chart(_data("forecast"))
        .transform_filter("datum.level === level")
        .transform_calculate(name="names[datum.series]")
        .mark_point(opacity=0.45, size=22, clip=True)
        .encode(
            x=x,
            y=y,
            color=alt.Color("name:N", scale=hues, legend=legend),
            shape=alt.Shape("name:N", scale=shapes, legend=legend),
            tooltip=tip,
        )
    )
    line = ends.mark_line(color=style.light("base"), strokeDash=[5, 4], strokeWidth=1.2).encode(x="u:Q", y="v:Q")
    cross = [
        nought.mark_rule(color=style.light("line")).encode(x="z:Q"),
        nought.mark_rule(color=style.light("line")).encode(y="z:Q"),
    ]
    params = (alt.param(name="level", value=0), alt.param(name="names", value=series))
    return finish(
        alt.layer(*(cross if domain[0] < 0 < domain[1] else []), line, points).add_params(*params), height=320
    )


def lag(mains: list[str], high: float, offset: int) -> dict[str, Any]:
    """Error of the forecast against the truth of earlier and later rows; below 1 at no shift is skill."""
    import altair as alt

    x = alt.X("shift:Q", title=_axis_name("shift_long"), axis=alt.Axis(tickMinStep=1, format="d", tickCount=10))
    scale = alt.Scale(type="log", nice=False) if high > 30 else alt.Scale(domainMin=0)
    y = alt.Y("ratio:Q", title=_axis_name("mse_times"), scale=scale, axis=alt.Axis(tickCount=5, format="~r"))
    marks = alt.Chart(alt.InlineData([{"one": 1, "shift": offset, "name": drawn(say("figures.line.last_seen"))}]))
    lines = alt.Chart(_data("lag"))
    coded = _coded(mains)
    tip = [
        alt.Tooltip("main:N", title=_axis_name("level")),
        alt.Tooltip("shift:Q", title=_axis_name("shift")),
        alt.Tooltip("ratio:Q", format=".3~r", title=_axis_name("mse_ratio")),
    ]
    dash = alt.StrokeDash(
        "main:N", scale=alt.Scale(domain=mains, range=style.cycle(style.DASHES, len(mains))), legend=alt.Legend()
    )
    return finish(
        alt.layer(
            marks.mark_rule(strokeDash=[5, 4], strokeWidth=1.2, color=style.light("base")).encode(y=alt.Y("one:Q")),
            marks.mark_rule(color=style.light("line")).encode(x="shift:Q"),
            marks.mark_text(align="left", baseline="top", dx=5, y=2, fill=style.light("base")).encode(
                x="shift:Q", text="name:N"
            ),
            lines.mark_line(strokeWidth=2).encode(x=x, y=y, color=coded["color"], strokeDash=dash),
            lines.mark_point(size=50).encode(x=x, y=y, tooltip=tip, **coded),
        ),
        height=280,
    )


def times(labels: list[str], mains: list[str], title: str) -> dict[str, Any]:
    """Time of each level as a bar that carries its own label."""
    import altair as alt

    bars = alt.Chart(_data("times"))
    y = alt.Y("level:N", title=None, axis=None, scale=alt.Scale(domain=labels, paddingInner=0, paddingOuter=0))
    x = alt.X("value:Q", title=title, scale=alt.Scale(domainMin=0), axis=alt.Axis(tickCount=6, grid=True))
    hue = alt.Color("main:N", legend=None, scale=alt.Scale(domain=mains, range=style.cycle(style.HUES, len(mains))))
    return finish(
        alt.layer(
            bars.mark_bar(height=9, yOffset=9, opacity=0.85).encode(x=x, y=y, color=hue),
            *_row_text(bars, "level", x=alt.value(0), y=y, align="left", dx=2),
            *_row_text(bars, "shown", x=alt.value("width"), y=y, align="right", dx=-2, fill=style.light("muted")),
        ),
        height=_BAND * len(labels),
    )
