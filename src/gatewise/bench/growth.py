"""How the time of a pass grows with T, B, H and the number of layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gatewise.bench.contestants import Sizes, layer_pass, our_layer, torch_layer
from gatewise.bench.drawing import OURS, THEIRS, finished, log_axis, log_scale, who_colour
from gatewise.bench.timing import take_turns
from gatewise.report import style
from gatewise.report.figure import Figure, Rows
from gatewise.report.table import Table, figure, head

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
        for name, grown_sizes in grown(sizes):
            progress(f"{cell}: {name} {getattr(grown_sizes, name)}")
            contestants = {OURS: layer_pass(our_layer(cell, grown_sizes, options), grown_sizes, backward=backward)}
            if (theirs := torch_layer(cell, grown_sizes)) is not None:
                contestants[THEIRS] = layer_pass(theirs, grown_sizes, backward=backward)
            for who, timing in take_turns(contestants, rounds=rounds, warm_up=1).items():
                value = getattr(grown_sizes, name)
                rows.append(
                    {"cell": cell, "varied": name, "value": value, "who": who, "milliseconds": timing.median}
                )
    return rows


def growth_figure(found: dict[str, Any]) -> Figure:
    """Draw a row of panels for each cell, one panel for each thing that grows, from what ``run_bench`` found."""
    rows: Rows = found["growth"]
    cells = list(dict.fromkeys(row["cell"] for row in rows))
    table_rows = [
        [head(row["cell"]), *map(figure, (row["varied"], str(row["value"]), row["who"], f"{row['milliseconds']:.3g}"))]
        for row in rows
    ]
    return Figure(
        name="growth",
        title="How the time of a pass grows",
        caption="",
        description=f"Milliseconds of a pass of {', '.join(cells)} by steps, sequences, units and layers, both axes "
        "logarithmic, with torch.nn beside where it has the cell.",
        spec=_drawing(rows, cells, found["what"]),
        data={"growth": rows},
        table=Table("growth-table", "Time of a pass", ("cell", "varied", "value", "who", "ms"), table_rows),
    )


def _drawing(rows: Rows, cells: list[str], what: str) -> dict[str, Any]:
    import altair as alt

    times = [row["milliseconds"] for row in rows]
    y_domain = [min(times) / 1.5, max(times) * 1.5]

    def panel(cell: str, varied: str) -> Any:
        own = [row["value"] for row in rows if row["varied"] == varied]
        x_domain = [min(own) / 1.15, max(own) * 1.15]
        first, last = varied == next(iter(VARIED)), cell == cells[-1]
        axis = alt.Axis(values=sorted(set(own)), format=",~r", labelOverlap=True)
        x = alt.X("value:Q", scale=log_scale(x_domain), axis=axis, title=VARIED[varied] if last else None)
        y = alt.Y(
            "milliseconds:Q",
            scale=log_scale(y_domain),
            title=f"{cell}, ms" if first else None,
            axis=log_axis(y_domain, (1,), labels=first, titleColor=style.light("ink"), titleFontSize=13),
        )
        base = alt.Chart(alt.NamedData("growth")).transform_filter(
            (alt.datum.cell == cell) & (alt.datum.varied == varied)
        )
        dash = alt.StrokeDash("who:N", legend=None, scale=alt.Scale(domain=[OURS, THEIRS], range=[[1, 0], [5, 3]]))
        layers = [
            base.mark_line(strokeWidth=2).encode(x=x, y=y, color=who_colour(), strokeDash=dash),
            base.mark_point(filled=True, opacity=1, size=30).encode(x=x, y=y, color=who_colour()),
        ]
        return alt.layer(*layers).properties(width=150, height=120)

    grid = alt.vconcat(
        *(alt.hconcat(*(panel(cell, varied) for varied in VARIED), spacing=14) for cell in cells), spacing=14
    )
    title = "How the time of a pass grows"
    return finished(grid, title, f"{what}; gatewise solid, torch.nn dashed; both axes logarithmic")
