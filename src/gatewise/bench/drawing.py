"""What the two figures share: logarithmic axes, labels that keep apart, and a picture that stands alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gatewise.report import style
from gatewise.report.figure import Figure
from gatewise.runs.atomic import write_text

OURS, THEIRS = "gatewise", "torch"


def shown_name(cell: str, who: str) -> str:
    """Return what a contestant is called in a figure."""
    return cell if who == OURS else f"{who} {cell}"


def log_scale(domain: Sequence[float]) -> Any:
    """Return a logarithmic scale that shows exactly the domain."""
    import altair as alt

    return alt.Scale(type="log", domain=list(domain), nice=False)


def log_axis(domain: Sequence[float], steps: Sequence[int] = (1, 2, 5), **options: Any) -> Any:
    """Return an axis ticked at some steps of every power of ten."""
    import altair as alt

    low, high = domain
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**power for power in powers for step in steps]
    return alt.Axis(values=[tick for tick in ticks if low <= tick <= high], format=",~r", **options)


def spread(
    values: Sequence[float], domain: Sequence[float], *, height: int, gap: float, top: float | None = None
) -> list[float]:
    """Return where labels go on a logarithmic scale: near their values, `gap` pixels from one another.

    Parameters
    ----------
    values
        What the labels belong to.
    domain
        The least and greatest value that the scale shows.
    height
        Pixels of the scale.
    gap
        Pixels from one label to the next.
    top
        No label goes above this value; the end of the scale by default.

    Examples
    --------
    >>> [round(value, 1) for value in spread([10.0, 10.0, 90.0], [1.0, 100.0], height=200, gap=20)]
    [7.9, 12.6, 90.0]
    """
    low, high = (math.log(edge) for edge in domain)
    scale = height / (high - low)
    order = sorted(range(len(values)), key=lambda place: values[place])
    pixels = [scale * (math.log(values[place]) - low) for place in order]
    most = scale * (math.log(top or domain[1]) - low)
    upwards, downwards = list(pixels), list(pixels)
    for place in range(1, len(pixels)):
        upwards[place] = max(pixels[place], upwards[place - 1] + gap)
    for place in reversed(range(len(pixels) - 1)):
        downwards[place] = min(pixels[place], downwards[place + 1] - gap)
    found = [0.0] * len(values)
    for place, (up, down) in enumerate(zip(upwards, downwards, strict=True)):
        # both keep the gap, and so does their mean; and so does what is pushed down from the top
        pixel = min((up + down) / 2, most - gap * (len(pixels) - 1 - place))
        found[order[place]] = math.exp(low + pixel / scale)
    return found


def finished(chart: Any, title: str, subtitle: str, **sizes: int) -> dict[str, Any]:
    """Return a chart with a title and the shared style, as a plain tree."""
    import altair as alt

    heading = alt.Title(
        title,
        subtitle=subtitle,
        anchor="start",
        frame="group",
        fontSize=16,
        fontWeight=600,
        color=style.light("ink"),
        subtitleFontSize=13,
        subtitleColor=style.light("muted"),
        offset=14,
    )
    tree: dict[str, Any] = chart.properties(title=heading, **sizes).to_dict()
    tree["config"] = style.config() | {"padding": 16}
    return tree


def save(figure: Figure, path: Path) -> None:
    """Write a figure as an SVG that needs no page around it: font and paper are in it."""
    top, body = figure.still().split(">", 1)
    paper = f'<rect width="100%" height="100%" fill="{style.light("paper")}"/>'
    write_text(path, f'{top} font-family="{style.FONT}">{paper}{body}')
