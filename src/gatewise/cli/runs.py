"""``gatewise runs``: what has been trained so far: listed, removed, exported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatewise.cli.output import Json, print_json, print_table, say
from gatewise.errors import GatewiseError, InputError

if TYPE_CHECKING:
    from gatewise.runs.query import Row

Places = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[DIR]...", help="Folders of runs, studies or one run; ./runs and ./studies when absent."),
]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="KEY=VALUE", help="Only runs of which this is so; also with != < > <= >=."),
]
Status = Annotated[
    str | None, typer.Option("--status", help="Only runs that are: finished, failed, interrupted, running ...")
]
OfTask = Annotated[str | None, typer.Option("--task", help="Only runs of this task.")]
Aside = Annotated[
    bool, typer.Option("--all", help="Also runs that studies time alone, and the trials of their searches.")
]
Columns = Annotated[str | None, typer.Option("--columns", help="Which columns, with commas: cell,metrics.test.mse.")]

_MOST_ROWS = 50
#: A table of more rows is written as plain lines: laying it out takes longer than reading all its runs.
_MOST_LAID_OUT = 200


def listing(
    places: Places = None,
    where: Where = None,
    status: Status = None,
    task: OfTask = None,
    sort: Annotated[
        str | None, typer.Option("--sort", metavar="KEY", help="Order by this column; -KEY for downwards.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=0, help=f"At most so many rows, 0 for all; {_MOST_ROWS} in a table.")
    ] = None,
    columns: Columns = None,
    aside: Aside = False,
    as_json: Json = False,
) -> None:
    """List runs, with the settings in which they differ.

    A column may be named by its end: mse is metrics.test.mse, cell is model.cell.

    For example:

      gatewise runs list

      gatewise runs studies/stocks-cells --where cell=gru --where "mse<80" --sort mse

      gatewise runs --status failed --json
    """
    from gatewise.runs.query import ordered

    every = _select(places, where, status, task, aside=aside)
    rows = ordered(every, sort)
    most = limit if limit is not None else 0 if as_json else _MOST_ROWS
    shown = rows[:most] if most else rows
    names = _columns(rows, columns)
    if as_json:
        _print_json(names, shown, of=len(rows))
        return
    _show(names, shown)
    if len(shown) < len(rows):
        say(f"{len(shown):,} of {len(rows):,} runs; --limit 0 shows all.")


def remove(
    places: Places = None,
    where: Where = None,
    status: Status = None,
    task: OfTask = None,
    aside: Aside = False,
    yes: Annotated[bool, typer.Option("--yes", help="Remove without asking.")] = False,
    as_json: Json = False,
) -> None:
    """Remove runs with all their files, after showing which and asking. What is not a run's own file stays.

    For example:

      gatewise runs remove runs/first

      gatewise runs remove studies/stocks-cells --where cell=rnn
    """
    import sys

    from gatewise.runs import RunFolder
    from gatewise.studies.folder import StudyFolder

    if not places and not where and status is None and task is None:
        raise InputError("say which runs: a folder, --where, --status or --task")
    rows = [row for row in _select(places, where, status, task, aside=aside) if RunFolder(row["folder"]).has_settings()]
    folders = [RunFolder(row["folder"]) for row in rows]
    if not folders:
        say("No run to remove.")
        if as_json:
            print_json({"removed": [], "bytes": 0, "kept": []})
        return
    busy = [run for run in folders if run.is_in_use]
    if busy:
        raise InputError(f"{busy[0].path}: a process is working in this run: wait until it ends, or leave it out")
    for home in {run.path.absolute().parent.parent for run in folders}:
        if StudyFolder(home).has_study() and StudyFolder(home).is_in_use:
            raise InputError(f"{home}: this study is running: wait until it ends, or stop it first")
    sizes = [run.size() for run in folders]
    if not yes:
        names = _columns(rows, None)
        _show(names, rows[:_MOST_ROWS], err=True)
        if len(rows) > _MOST_ROWS:
            say(f"... and {len(rows) - _MOST_ROWS:,} more")
        question = f"Remove {_runs(len(rows))} ({sum(sizes) / 2**20:,.1f} MiB)?"
        if not sys.stdin.isatty():
            raise InputError(f"{question} Nobody can be asked here: --yes removes without asking")
        typer.confirm(question, abort=True, err=True)
    removed, kept = [], []
    for run in folders:
        try:
            run.remove()
            removed.append(str(run.path))
        except GatewiseError as error:  # taken by a process in the meantime, or may not be written
            kept.append({"folder": str(run.path), "error": str(error)})
    if as_json:
        print_json({"removed": removed, "bytes": sum(sizes), "kept": kept})
    else:
        typer.echo(f"Removed {_runs(len(removed))}.")
    for one in kept:
        say(f"Kept {one['error']}")
    if kept:
        raise typer.Exit(1)


def export(
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="TARGET",
            help="FILE.csv, .parquet or .tex; tensorboard:DIR; mlflow:DIR|URI.",
            show_default=False,
        ),
    ],
    places: Places = None,
    where: Where = None,
    status: Status = None,
    task: OfTask = None,
    columns: Columns = None,
    aside: Aside = False,
    as_json: Json = False,
) -> None:
    """Write runs as one table: settings, metrics and baselines of each in a row.

    A .tex file holds a booktabs table of the columns that `gatewise runs` shows, or of --columns. TensorBoard and
    MLflow get the losses by epoch, settings and final metrics of each run.

    For example:

      gatewise runs export --to runs.csv

      gatewise runs export studies/stocks-cells --to table.tex --columns cell,seed,mse

      gatewise runs export studies/stocks-cells --to tensorboard:boards
    """  # fmt: skip
    from gatewise.runs.tables import write_table

    rows = _select(places, where, status, task, aside=aside)
    if not rows:
        raise InputError("no run to export: give a folder that holds one, or fewer conditions")
    if to.startswith(("tensorboard:", "mlflow:")):
        _to_tracker(to, rows, as_json=as_json)
        return
    path = Path(to)
    chosen = _columns(rows, columns) if columns or path.suffix == ".tex" else None
    write_table(path, rows, chosen)
    if as_json:
        print_json({"file": path, "runs": len(rows)})
    else:
        typer.echo(path)


def _to_tracker(to: str, rows: Sequence[Row], *, as_json: bool) -> None:
    """Write runs for TensorBoard or MLflow."""
    from gatewise.runs import RunFolder
    from gatewise.runs.outputs import write_mlflow, write_tensorboard

    kind, _, address = to.partition(":")
    if not address:
        raise InputError(f"--to {to}: where to is missing, e.g. {kind}:boards")
    folders = [run for row in rows if (run := RunFolder(row["folder"])).has_settings()]
    if kind == "tensorboard":
        written = write_tensorboard(folders, Path(address))
    else:
        names = {str(RunFolder(row["folder"]).path): str(row.get("study") or "gatewise") for row in rows}
        written = write_mlflow(folders, address, names)
    if as_json:
        print_json({"to": to, "runs": written, "there_before": len(folders) - written})
    else:
        typer.echo(f"{_runs(written)} written to {address}.")


def _select(
    places: list[Path] | None, where: list[str] | None, status: str | None, task: str | None, *, aside: bool
) -> list[Row]:
    """Return the rows that were asked for."""
    from gatewise.errors import did_you_mean
    from gatewise.registry import TASKS
    from gatewise.registry.outside import is_outside
    from gatewise.runs.find import STATUSES
    from gatewise.runs.query import select
    from gatewise.studies.listing import list_runs

    for typed, known in ((status, STATUSES), (task, TASKS)):
        if typed is not None and typed not in known and not is_outside(typed):
            raise InputError(f"no run is ever {typed!r}{did_you_mean(typed, known)}")
    rows = list_runs(places or (), aside=aside)
    import gc

    gc.freeze()  # the rows stay to the end: no collection need look through them
    rows = [row for row in rows if status in (None, row["status"]) and task in (None, row["task"])]
    return select(rows, where or ())


def _columns(rows: Sequence[Row], typed: str | None) -> list[str]:
    from gatewise.runs.query import column
    from gatewise.studies.listing import shown_columns

    if typed is None:
        return shown_columns(rows)
    return [column(name.strip(), rows) for name in typed.split(",") if name.strip()]


def _show(names: list[str], rows: Sequence[Row], *, err: bool = False) -> None:
    """Print a table of runs; nothing but a word when there are none."""
    from gatewise.cli.output import shown
    from gatewise.harmless import harmless
    from gatewise.runs.query import headings

    if not rows:
        say("No run found.")
        return
    cells = [[_cell(row.get(name)) for name in names] for row in rows]
    if len(rows) <= _MOST_LAID_OUT:
        print_table(headings(names), cells, err=err)
        return
    lines = [headings(names), *([harmless(shown(value)) for value in row] for row in cells)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    typer.echo("\n".join("  ".join(f"{v:<{w}}" for v, w in zip(line, widths, strict=True)).rstrip() for line in lines))


def _print_json(names: list[str], rows: Sequence[Row], *, of: int) -> None:
    """Print one JSON document with a run a line: laid out wider, ten thousand runs take seconds."""
    import json

    lines = ",\n".join(json.dumps(row, allow_nan=False) for row in rows)
    typer.echo(f'{{"count": {of}, "columns": {json.dumps(names)}, "runs": [\n{lines}\n]}}')


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return "-".join(map(str, value)) or "none"
    return value


def _runs(count: int) -> str:
    return f"{count:,} run{'' if count == 1 else 's'}"
