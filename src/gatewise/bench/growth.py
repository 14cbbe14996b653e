"""How the time of a pass grows with T, B, H and the number of layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gatewise.bench.contestants import Sizes, layer_pass, our_layer, torch_layer
from gatewise.bench.drawing import OURS, THEIRS, finished, log_axis, log_scale, shown_name, spread
from gatewise.bench.timing import take_turns
from gatewise.report import style
from gatewise.report.figure import Figure, Rows
from gatewise.report.table import Table, figure, head

_WIDTH = 240  # pixels of a panel, without the names beside it
_LABEL = 14  # pixels from one name to the next
#: What is varied, its sign on the axis, and by which factors of the asked size; layers are counted.
FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
LAYERS = (1, 2, 4)
VARIED = {"steps": "steps T", "batch": "sequences B", "units": "units H", "layers": "layers"}


def grown(sizes: Sizes) -> list[tuple[str, Sizes]]:
    """Return every size to time, with the name of what is varied."""
    values = {name: sorted({max(1, round(getattr(sizes, name) * by)) for by in FACTORS}) for name in VARIED}
    values["layers"] = list(LAYERS)
    return [(name, sizes._replace(**{name: value})) for name in VARIED for value in values[name]]


def sweep(
    cells: Sequence[str],
    sizes: Sizes,
    options: Mapping[str, Any],
    *,
    rounds: int,
    backward: bool,
    progress: Callable[[str], None],
) -> Rows:
    """Time every cell, and torch's where it has one, at every grown size; a row is one contestant at one size."""
    rows: Rows = []
    for cell in cells:
        progress(f"{cell}, smaller and larger")
        for name, grown_sizes in grown(sizes):
            contestants = {OURS: layer_pass(our_layer(cell, grown_sizes, options), grown_sizes, backward=backward)}
            if (theirs := torch_layer(cell, grown_sizes)) is not None:
                contestants[THEIRS] = layer_pass(theirs, grown_sizes, backward=backward)
            for who, timing in take_turns(contestants, rounds=rounds, warm_up=1).items():
                value = getattr(grown_sizes, name)
                rows.append({"cell": cell, "varied": name, "value": value, "who": who, "milliseconds": timing.median})
    return rows


def growth_figure(found: dict[str, Any]) -> Figure:
    """Draw a panel for each thing that grows, with a line for each contestant, from what ``run_bench`` found."""
    rows: Rows = [{**row, "name": shown_name(row["cell"], row["who"])} for row in found["growth"]]
    cells = list(dict.fromkeys(row["cell"] for row in rows))
    table_rows = [
        [head(row["name"]), *map(figure, (row["varied"], str(row["value"]), f"{row['milliseconds']:.3g}"))]
        for row in rows
    ]
    spec, data = _drawing(rows, cells, found["what"])
    return Figure(
        name="growth",
        title="How the time of a pass grows",
        caption="",
        description=f"Milliseconds of a pass of {', '.join(cells)} by steps, sequences, units and layers, both axes "
        "logarithmic, with torch.nn beside where it has the cell.",
        spec=spec,
        data=data,
        table=Table("growth-table", "Time of a pass", ("cell", "varied", "value", "ms"), table_rows),
    )


def _drawing(rows: Rows, cells: list[str], what: str) -> tuple[dict[str, Any], dict[str, Rows]]:
    """Return drawing and numbers: two rows of two panels, every line named at its end."""
    import altair as alt

    times = [row["milliseconds"] for row in rows]
    y_domain = [min(times) / 1.5, max(times) * 1.5]
    height = max(200, _LABEL * (len({row["name"] for row in rows}) + 2))
    data: dict[str, Rows] = {}
    panels = []
    for varied in VARIED:
        own = [row for row in rows if row["varied"] == varied]
        data[varied], data[f"{varied}-ends"] = own, _ends(own, y_domain, height)
        panels.append(_panel(varied, own, cells, y_domain, height))
    grid = alt.vconcat(alt.hconcat(*panels[:2], spacing=30), alt.hconcat(*panels[2:], spacing=30), spacing=20)
    subtitle = f"{what}; one thing grows at a time, torch.nn dashed"
    return finished(grid, "How the time of a pass grows", subtitle), data


def _ends(rows: Rows, y_domain: list[float], height: int) -> Rows:
    """Return the last point of each line and where its name goes."""
    last = max(row["value"] for row in rows)
    ends = [row for row in rows if row["value"] == last]
    places = spread([row["milliseconds"] for row in ends], y_domain, height=height, gap=_LABEL)
    return [{**row, "at": place} for row, place in zip(ends, places, strict=True)]


def _panel(varied: str, rows: Rows, cells: list[str], y_domain: list[float], height: int) -> Any:
    import altair as alt

    values = sorted({row["value"] for row in rows})
    x_domain = [values[0] / 1.1, values[-1] * 1.1]
    axis = alt.Axis(values=values, format=",~r", labelOverlap=True)
    x = alt.X("value:Q", scale=log_scale(x_domain), axis=axis, title=VARIED[varied])
    title = "ms" if varied in ("steps", "units") else None
    y = alt.Y("milliseconds:Q", scale=log_scale(y_domain), title=title, axis=log_axis(y_domain, (1,), grid=True))
    hues = alt.Scale(domain=cells, range=style.cycle(style.HUES, len(cells)))
    dashes = alt.Scale(domain=[OURS, THEIRS], range=[[1, 0], [4, 3]])
    colour = alt.Color("cell:N", scale=hues, legend=None)
    lines, ends = alt.Chart(alt.NamedData(varied)), alt.Chart(alt.NamedData(f"{varied}-ends"))
    at = alt.Y("at:Q", scale=log_scale(y_domain))
    layers = [
        lines.mark_line(strokeWidth=1.8).encode(
            x=x, y=y, color=colour, detail="who:N", strokeDash=alt.StrokeDash("who:N", scale=dashes, legend=None)
        ),
        lines.mark_point(filled=True, opacity=1, size=22).encode(x=x, y=y, color=colour),
        ends.mark_rule(color=style.light("line")).encode(x=x, x2=alt.value(_WIDTH + 12), y=y, y2="at:Q"),
        ends.mark_text(align="left", baseline="middle", fontSize=12).encode(
            x=alt.value(_WIDTH + 15), y=at, text="name:N", fill=alt.Fill("cell:N", scale=hues, legend=None)
        ),
    ]
    return alt.layer(*layers).properties(width=_WIDTH, height=height)
