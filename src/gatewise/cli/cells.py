"""``gatewise cells``: what can be chosen as a cell."""

from __future__ import annotations

from gatewise.cli.output import Json, print_json, print_table
from gatewise.registry import CELLS


def cells(as_json: Json = False) -> None:
    """List the recurrent cells that --cell and a study's model.cell take.

    For example:

      gatewise cells
    """
    rows = [{"name": cell.name, "summary": cell.summary, "source": cell.source} for cell in CELLS]
    if as_json:
        print_json(rows)
    else:
        print_table(("cell", "what it is", "source"), [tuple(row.values()) for row in rows])
