"""``gatewise cells``: what can be chosen as a cell, how large it is, and how fast it is here."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gatewise.cli.output import Json, print_json, print_table, say
from gatewise.registry import CELLS

_HEADS = ("cell", "what it is", "state", "parameters", "parallel", "kernel", "source")


def cells(
    measure: Annotated[
        bool, typer.Option("--measure", help="Time them here too: B 8, T 100, 256 inputs and units.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the recurrent cells that --cell and a study's model.cell take.

    State is how many numbers a stream carries from one step to the next; state and parameters are those of 512 inputs
    and 512 units. A cell that is parallel trains without a loop over the steps. The kernel is the one that would
    compute it on this machine.

    For example:

      gatewise cells

      gatewise cells --measure
    """
    from gatewise.bench.facts import describe, speeds

    rows: list[dict[str, Any]] = [
        {"name": entry.name, "summary": entry.summary, **describe(entry.name), "source": entry.source}
        for entry in CELLS
    ]
    heads = list(_HEADS)
    if measure:
        heads += ["training, ms", "one step, µs"]
        for row, speed in zip(rows, speeds([row["name"] for row in rows], progress=say), strict=True):
            row |= speed
    if as_json:
        print_json(rows)
    else:
        print_table(heads, [tuple(row.values()) for row in rows])
