"""The machine's limits, measured, and how near to them the cells come (Williams et al. 2009, "Roofline")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from gatewise.bench.contestants import Step
from gatewise.bench.drawing import OURS, THEIRS, finished, log_axis, log_scale, shown_name, spread
from gatewise.bench.timing import Timing
from gatewise.report import style
from gatewise.report.figure import Figure, Rows
from gatewise.report.table import Table, figure, head

_SIDE = 1024  # of the square matrices whose product is the roof
_TRIAD = 16 * 2**20  # numbers in each of three vectors: 64 MiB, more than a cache holds
_LABEL = 17  # pixels from one label to the next


class Limits(NamedTuple):
    """What the machine can do: GFLOP/s of a large matrix product, GB/s from and to memory."""

    sgemm: float
    bandwidth: float


def limit_contestants() -> dict[str, Step]:
    """Return the two calls that show the machine's limits, to be timed in turn with the cells."""
    left, right, product = (torch.randn(_SIDE, _SIDE) for _ in range(3))
    b, c, a = torch.ones(_TRIAD), torch.ones(_TRIAD), torch.empty(_TRIAD)
    return {
        "sgemm": lambda: torch.mm(left, right, out=product),
        "triad": lambda: torch.add(b, c, alpha=1.5, out=a),  # a = b + 1.5 c, as McCalpin's STREAM has it
    }


def limits_from(timings: Sequence[dict[str, Timing]]) -> Limits:
    """Return the best median of each limit: a neighbour's work makes a machine look slower, never faster."""
    return Limits(
        sgemm=max(2 * _SIDE**3 / timing["sgemm"].median / 1e6 for timing in timings),
        bandwidth=max(3 * 4 * _TRIAD / timing["triad"].median / 1e6 for timing in timings),
    )


def roofline_figure(found: dict[str, Any]) -> Figure:
    """Draw every contestant under the machine's roof, from what ``run_bench`` found."""
    limits = Limits(found["limits"]["sgemm_gflops"], found["limits"]["bandwidth_gb_per_second"])
    points: Rows = [
        {
            "who": who,
            "name": shown_name(cell["cell"], who),
            "x": cell["intensity"],
            "y": cell[who]["gflops"],
        }
        for cell in found["cells"]
        for who in (OURS, THEIRS)
        if cell.get(who)
    ]
    rows = [[head(row["name"]), figure(f"{row['x']:.3g}"), figure(f"{row['y']:.3g}")] for row in points]
    best = max(points, key=lambda row: float(row["y"]))
    spec, data = _drawing(points, limits, found["what"])
    return Figure(
        name="roofline",
        title="Speed of the cells under this machine's roof",
        caption="",
        description=f"Roofline: a large matrix product reaches {limits.sgemm:.0f} GFLOP/s, memory "
        f"{limits.bandwidth:.0f} GB/s. The fastest, {best['name']}, reaches {best['y']:.0f} GFLOP/s.",
        spec=spec,
        data=data,
        table=Table("roofline-table", "Speed of the cells", ("cell", "FLOP/byte", "GFLOP/s"), rows),
    )


def _drawing(points: Rows, limits: Limits, what: str) -> tuple[dict[str, Any], dict[str, Rows]]:
    """Return drawing and numbers: slope and roof as one line, the points, and their names in a column beside them."""
    import altair as alt

    ridge = limits.sgemm / limits.bandwidth
    left, right = (pick(row["x"] for row in points) for pick in (min, max))
    x_domain = [min(ridge, left) / 10, max(right * 10, ridge * 4)]
    y_domain = [min(x_domain[0] * limits.bandwidth / 2, *(row["y"] / 1.5 for row in points)), limits.sgemm * 1.6]
    height = max(380, _LABEL * (len(points) + 6))
    places = spread([row["y"] for row in points], y_domain, height=height, gap=_LABEL, top=limits.sgemm / 1.3)
    for row, place in zip(points, places, strict=True):
        row |= {"at": place, "column": right * 1.4, "label": f"{row['name']}: {row['y']:.3g}"}
    corner = {"x": x_domain[0], "y": x_domain[0] * limits.bandwidth}
    data: dict[str, Rows] = {
        "points": points,
        "roof": [corner, {"x": ridge, "y": limits.sgemm}, {"x": x_domain[1], "y": limits.sgemm}],
        "top": [{"x": x_domain[1], "y": limits.sgemm, "label": f"matrix product: {limits.sgemm:.0f} GFLOP/s"}],
        "slope": [corner | {"label": f"memory: {limits.bandwidth:.0f} GB/s"}],
    }
    chart = {name: alt.Chart(alt.NamedData(name)) for name in data}
    x = alt.X("x:Q", scale=log_scale(x_domain), title="FLOP per byte that has to be moved", axis=log_axis(x_domain))
    y = alt.Y("y:Q", scale=log_scale(y_domain), title="GFLOP/s", axis=log_axis(y_domain))
    name = {"x": alt.X("column:Q", scale=log_scale(x_domain)), "y": alt.Y("at:Q", scale=log_scale(y_domain))}
    hues = alt.Scale(domain=[OURS, THEIRS], range=[style.light("one"), style.light("two")])
    layers = [
        chart["roof"].mark_line(color=style.light("ink"), strokeWidth=1.8).encode(x=x, y=y),
        chart["top"].mark_text(align="right", baseline="bottom", dy=-5).encode(x=x, y=y, text="label:N"),
        chart["slope"].mark_text(align="left", baseline="top", dx=16, dy=-2).encode(x=x, y=y, text="label:N"),
        chart["points"].mark_rule(color=style.light("line")).encode(x=x, y=y, x2="column:Q", y2="at:Q"),
        chart["points"]
        .mark_point(filled=True, opacity=1, size=60)
        .encode(x=x, y=y, color=alt.Color("who:N", scale=hues, legend=None)),
        chart["points"]
        .mark_text(align="left", baseline="middle", dx=4)
        .encode(text="label:N", fill=alt.Fill("who:N", scale=hues, legend=None), **name),
    ]
    title = "Speed of the cells under this machine's roof"
    return finished(alt.layer(*layers), title, what, width=style.WIDTH, height=height), data
