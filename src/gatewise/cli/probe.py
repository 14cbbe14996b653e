"""``gatewise probe``: what a cell can do and how long it remembers, on tasks whose right answer is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gatewise.cli.output import Json, print_json, print_table
from gatewise.registry import CELLS, PROBES

#: How the command line says what the settings call so.
_TYPED = {"cells": "CELLS", "tasks": "--tasks"}


def probe(
    cells: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CELLS]...", help="Cells, or all; the usual ones when absent.", show_default=False),
    ] = None,
    tasks: Annotated[
        str | None,
        typer.Option("--tasks", metavar="NAME,...", help=f"Some tasks only. Of: {', '.join(PROBES.names())}."),
    ] = None,
    preset: Annotated[
        str,
        typer.Option("--preset", metavar="NAME", help="quick: 1,000 steps, 3 seeds; full: 5,000 and 10."),
    ] = "quick",
    seeds: Annotated[int | None, typer.Option("--seeds", min=1, help="Seeds, in the place of the preset's.")] = None,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Steps, in the place of the preset's.")] = None,
    units: Annotated[int, typer.Option("--units", min=1, help="Units of every cell.")] = 32,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the results are kept.")] = Path("probe"),
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, help="Jobs at the same time; as many as there are cores when absent.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Train cells on small tasks whose answer is known, and show them in one table. Only what is missing is trained.

    For example:

      gatewise probe

      gatewise probe lstm gru --tasks parity,copying --seeds 6
    """
    from gatewise.probes.settings import PRESETS, ProbeSettings
    from gatewise.settings import parse

    tree: dict[str, Any] = {**_preset(preset, PRESETS), "units": units}
    tree |= {name: value for name, value in (("seeds", seeds), ("steps", steps)) if value is not None}
    if cells:
        tree["cells"] = CELLS.names() if cells == ["all"] else cells
    if tasks is not None:
        tree["tasks"] = [task.strip() for task in tasks.split(",")]
    names = {f"{given}.{index}": shown for given, shown in _TYPED.items() for index in range(len(tree.get(given, ())))}
    settings = parse(ProbeSettings, tree, names=names)
    from gatewise.probes.progress import choose_row_progress
    from gatewise.probes.run import run_probe

    found = run_probe(settings, out, jobs=jobs, progress=choose_row_progress())
    if as_json:
        print_json(found)
    else:
        _show(found)
    if found["failed"]:
        raise typer.Exit(1)


def _preset(name: str, presets: dict[str, dict[str, int]]) -> dict[str, int]:
    from gatewise.errors import UnknownNameError

    if name not in presets:
        raise UnknownNameError("preset", name, presets)
    return presets[name]


def _show(found: dict[str, Any]) -> None:
    from gatewise.probes.table import notes, table

    heads, rows = table(found)
    print_table(heads, rows)
    typer.echo("\n".join([*notes(found), "", *(str(Path(found["folder"]) / name) for name in found["figures"])]))
