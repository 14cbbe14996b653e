"""What a figure is, its still picture, and how its data are packed for the live one."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard
from xml.sax.saxutils import escape

from gatewise.report import style
from gatewise.report.table import Table
from gatewise.wording import direction, drawn

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Figure:
    """One figure of the page: words, drawing and numbers."""

    name: str
    title: str
    caption: str
    description: str  # for those who do not see it
    spec: dict[str, Any]  # Vega-Lite, drawing datasets by their names
    data: dict[str, Rows]
    table: Table
    zooms: bool = False
    chooses: bool = False  # draws one level, which the reader may choose

    def __post_init__(self) -> None:
        """Give every text of the drawing its own direction, where lines run from right to left."""
        if direction() == "rtl":
            object.__setattr__(self, "spec", _for_drawing(self.spec))
            object.__setattr__(self, "data", _for_drawing(self.data))

    def still(self) -> str:
        """Return the figure as SVG that needs no script, with a title and a description in it."""
        import vl_convert

        data = self.data
        if self.chooses:  # the level that stands first
            data = {key: [row for row in rows if row["level"] == 0] for key, rows in data.items()}
        spec = {**self.spec, "datasets": {**self.spec.get("datasets", {}), **data}}
        top, body = str(vl_convert.vegalite_to_svg(spec, **_locales())).split(">", 1)
        view = re.search(r'viewBox="[^"]*"', top)
        # places are rounded, what is written is not; what the page's style says anyway is left out
        body = re.sub(r' (?:transform|d|x2|y2|width|height)="[^"]*"', _rounded, body)
        body = re.sub(r' (aria-[a-z]+|role|class|pointer-events|font-family)="[^"]*"| opacity="1"', "", body)
        # the renderer counts its ids over all pictures it ever drew: give each picture its own
        for count, old in enumerate(dict.fromkeys(re.findall(r' id="([^"]*)"', body))):
            body = body.replace(f'id="{old}"', f'id="{self.name}-{count}"').replace(
                f"url(#{old})", f"url(#{self.name}-{count})"
            )
        titles = (
            f'<title id="{self.name}-title">{escape(self.title)}</title>'
            f'<desc id="{self.name}-desc">{escape(self.description)}</desc>'
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" '
            f'aria-labelledby="{self.name}-title {self.name}-desc" {view[0] if view else ""}>{titles}{body}'
        )


def _for_drawing(tree: Any) -> Any:
    """Isolate each text of a tree; of an expression what stands in quotes."""
    if isinstance(tree, dict):
        return {key: _for_drawing(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_for_drawing(value) for value in tree]
    if not isinstance(tree, str):
        return tree
    return f"'{drawn(tree[1:-1])}'" if tree[:1] == tree[-1:] == "'" else drawn(tree)


def _locales() -> dict[str, Any]:
    names = {"formatLocale": "format_locale", "timeFormatLocale": "time_format_locale"}
    return {names[key]: value for key, value in style.locales().items()}


def _rounded(attribute: re.Match[str]) -> str:
    return re.sub(r"-?\d+\.\d\d+", lambda number: f"{float(number[0]):.1f}".removesuffix(".0"), attribute[0])


def pack(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Lay rows into columns; a column of few different values is stored as those and where each stands.

    Examples
    --------
    >>> pack([{"t": "2018-01-02", "y": 1.5}, {"t": "2018-01-03", "y": 1.25}])
    {'t': ['2018-01-02', '2018-01-03'], 'y': [1.5, 1.25]}
    """
    return {key: _shorter([row.get(key) for row in rows]) for key in (rows[0] if rows else ())}


def _shorter(values: list[Any]) -> Any:
    place = {value: index for index, value in enumerate(dict.fromkeys(values))}
    coded = {"of": list(place), "at": [place[value] for value in values]}
    return coded if len(json.dumps(coded)) < len(json.dumps(values)) else values


def is_finite(value: Any) -> TypeGuard[float]:
    """Whether a value is a number that can be drawn."""
    return isinstance(value, int | float) and math.isfinite(value)
