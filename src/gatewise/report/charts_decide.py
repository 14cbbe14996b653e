"""The drawings of what a study decides beyond pairs, as Vega-Lite made by Altair: ranks, interactions, fronts."""

from __future__ import annotations

from typing import Any

from gatewise.report import style
from gatewise.report.charts import _BAND, _axis, _coded, _data, _row_text, _value_scale, finish


def ranks(labels: list[str], title: str, most: int) -> dict[str, Any]:
    """Every data set's rank as a dot, the average as a bar, half a critical difference to each side."""
    import altair as alt

    scale = alt.Scale(domain=[0.7, most + 0.3], nice=False)
    x = alt.X("rank:Q", title=title, scale=scale, axis=alt.Axis(values=list(range(1, most + 1)), grid=True, format="d"))
    y = alt.Y("level:N", title=None, axis=None, scale=alt.Scale(domain=labels, paddingInner=0, paddingOuter=0))
    dots, means = alt.Chart(_data("rank-dots")), alt.Chart(_data("rank-means"))
    tip = [alt.Tooltip("level:N"), alt.Tooltip("dataset:N"), alt.Tooltip("rank:Q", format=".3~r")]
    layers = [
        *_row_text(means, "level", x=alt.value(0), y=y, align="left", dx=2),
        *_row_text(means, "shown", x=alt.value("width"), y=y, align="right", dx=-2, fill=style.light("muted")),
        means.mark_rule(strokeWidth=7, opacity=0.3, yOffset=9, color=style.light("one"), clip=True).encode(
            x=alt.X("low:Q", scale=scale, title=title), x2="high:Q", y=y
        ),
        dots.mark_point(opacity=0.75, yOffset=9, size=50, color=style.light("one")).encode(x=x, y=y, tooltip=tip),
        means.mark_tick(thickness=2.5, size=20, yOffset=9, color=style.light("ink")).encode(x=x, y=y),
    ]
    return finish(alt.layer(*layers), height=_BAND * len(labels))


def interaction(
    name: str, mains: list[str], x: list[str], titles: tuple[str, str], drawn: list[float]
) -> dict[str, Any]:
    """Means of one factor's levels over the levels of the other, joined by lines; every seed as a faint mark."""
    import altair as alt

    low, high = min(drawn), max(drawn)
    across = alt.X("x:O", title=titles[0], scale=alt.Scale(domain=x), axis=alt.Axis(labelAngle=0, labelLimit=160))
    y = alt.Y("value:Q", title=titles[1], scale=_value_scale(low, high), axis=_axis(low, high, grid=True))
    coded = _coded(mains)
    tip = [
        alt.Tooltip("main:N", title="level"),
        alt.Tooltip("x:O", title=titles[0]),
        alt.Tooltip("value:Q", title=titles[1], format=".4~r"),
    ]
    seeds, means = alt.Chart(_data(f"{name}-seeds")), alt.Chart(_data(f"{name}-means"))
    layers = [
        seeds.mark_point(size=28, opacity=0.4).encode(x=across, y=y, tooltip=tip, **coded),
        means.mark_line(strokeWidth=2.2).encode(x=across, y=y, color=coded["color"], detail="main:N"),
        means.mark_point(size=85, filled=True, opacity=1).encode(x=across, y=y, tooltip=tip, **coded),
    ]
    return finish(alt.layer(*layers), height=260)


def front(
    name: str, mains: list[str], titles: tuple[str, str], costs: list[float], values: list[float]
) -> dict[str, Any]:
    """Every setting by cost and quality; those that none beats in both stand on a line and are named."""
    import altair as alt

    x = alt.X(
        "cost:Q",
        title=titles[0],
        scale=_value_scale(min(costs), max(costs)),
        axis=_axis(min(costs), max(costs), grid=True),
    )
    y = alt.Y(
        "value:Q", title=titles[1], scale=_value_scale(min(values), max(values)),
        axis=_axis(min(values), max(values), grid=True),
    )  # fmt: skip
    points, best = alt.Chart(_data(name)), alt.Chart(_data(f"{name}-best"))
    tip = [
        alt.Tooltip("level:N", title="setting"),
        alt.Tooltip("cost:Q", title=titles[0], format=",.4~r"),
        alt.Tooltip("value:Q", title=titles[1], format=".4~r"),
    ]
    layers = [
        best.mark_line(interpolate="step-after", strokeWidth=1.5, color=style.light("base"), strokeDash=[5, 4]).encode(
            x=x, y=y
        ),
        points.mark_point(size=70).encode(
            x=x, y=y, tooltip=tip, opacity=alt.Opacity("shade:Q", scale=None, legend=None), **_coded(mains)
        ),
        *_beside(best, "right", x, y, align="left", dx=8),
        *_beside(best, "left", x, y, align="right", dx=-8),
    ]
    return finish(alt.layer(*layers), height=260)


def _beside(chart: Any, field: str, x: Any, y: Any, **options: Any) -> list[Any]:
    """Write names beside their marks, on a halo of paper."""
    base = {"baseline": "bottom", "dy": -4, "limit": 260, **options}
    halo = chart.mark_text(**base, fill=style.light("paper"), stroke=style.light("paper"), strokeWidth=4)
    return [
        mark.encode(x=x, y=y, text=f"{field}:N") for mark in (halo, chart.mark_text(**base, fill=style.light("ink")))
    ]
