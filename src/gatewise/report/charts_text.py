"""The drawings of text runs, as Vega-Lite made by Altair: curves over a setting or a place, and calibration."""

from __future__ import annotations

from typing import Any

from gatewise.report import style
from gatewise.report.charts import _axis, _coded, _data, _value_scale, finish
from gatewise.wording import say

#: Names that stand below an axis without running into one another.
_MOST_NAMES = 20


def curve(name: str, mains: list[str], x: list[str], titles: tuple[str, str], drawn: list[float]) -> dict[str, Any]:
    """Lines with markers over an ordered scale of names; a baseline, where there is one, as a dashed rule."""
    import altair as alt

    rows = alt.Chart(_data(name))
    axis = alt.Axis(labelAngle=0, labelOverlap="greedy", values=_round_names(x))
    across = alt.X("x:O", title=titles[0], scale=alt.Scale(domain=x), axis=axis)
    y = alt.Y(
        "value:Q",
        title=titles[1],
        scale=_value_scale(min(drawn), max(drawn)),
        axis=_axis(min(drawn), max(drawn), grid=True),
    )
    tip = [
        alt.Tooltip("main:N", title=say("figures.axis.setting")),
        alt.Tooltip("x:O", title=titles[0]),
        alt.Tooltip("value:Q", title=titles[1], format=".4~r"),
    ]
    coded = _coded(mains, legend=len(mains) > 1)
    rule = alt.Chart(_data(f"{name}-base"))
    layers = [
        rule.mark_rule(strokeDash=[5, 4], strokeWidth=1.5, color=style.light("base")).encode(y=y),
        rule.mark_text(align="right", dx=-4, baseline="bottom", dy=-3, fill=style.light("base")).encode(
            x=alt.value("width"), y=y, text="name:N"
        ),
        rows.mark_line(strokeWidth=2).encode(x=across, y=y, color=coded["color"], detail="main:N"),
        rows.mark_point(size=55).encode(x=across, y=y, tooltip=tip, **coded),
    ]
    return finish(alt.layer(*layers), height=280)


def _round_names(names: list[str]) -> list[str]:
    """Return which names an axis shows: all of a few, of many whole numbers the round ones.

    Examples
    --------
    >>> _round_names(["3", "7"]), _round_names([str(epoch) for epoch in range(1, 61)])
    (['3', '7'], ['10', '20', '30', '40', '50', '60'])
    """
    if len(names) <= _MOST_NAMES or not all(name.isdecimal() for name in names):
        return names
    steps = (5 * 2**power for power in range(20))
    step = next(step for step in steps if len(names) <= step * _MOST_NAMES // 2)
    return [name for name in names if int(name) % step == 0]


def calibration(mains: list[str], low: float) -> dict[str, Any]:
    """How often the likeliest symbol was right against how sure the network was; the diagonal is perfect."""
    import altair as alt

    scale = alt.Scale(domain=[low, 1], nice=False)
    axis = alt.Axis(tickCount=6, format="%", grid=True)
    x = alt.X("confidence:Q", title=say("figures.axis.sure"), scale=scale, axis=axis)
    y = alt.Y("accuracy:Q", title=say("figures.axis.right"), scale=scale, axis=axis)
    ends = alt.Chart(alt.InlineData([{"u": end, "v": end} for end in (low, 1.0)]))
    rows = alt.Chart(_data("calibration"))
    tip = [
        alt.Tooltip("main:N", title=say("figures.axis.setting")),
        alt.Tooltip("confidence:Q", title=say("figures.axis.sure_short"), format=".1%"),
        alt.Tooltip("accuracy:Q", title=say("figures.axis.right_short"), format=".1%"),
    ]
    coded = _coded(mains, legend=len(mains) > 1)
    layers = [
        ends.mark_line(color=style.light("base"), strokeDash=[5, 4], strokeWidth=1.2).encode(x="u:Q", y="v:Q"),
        rows.mark_line(strokeWidth=2).encode(x=x, y=y, color=coded["color"]),
        rows.mark_point(size=45).encode(x=x, y=y, tooltip=tip, **coded),
    ]
    return finish(alt.layer(*layers), height=320)
