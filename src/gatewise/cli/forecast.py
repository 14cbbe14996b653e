"""``gatewise forecast``: the next rows of a series, from a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gatewise.cli.output import Json, print_json, print_table, say
from gatewise.errors import OutputError

Model = Annotated[Path, typer.Argument(metavar="DIR", help="Run folder or model folder.", show_default=False)]


def forecast(
    folder: Model,
    data: Annotated[
        list[str] | None,
        typer.Option("--data", metavar="FILE", help="Newer rows to forecast from; what it was trained on when absent."),
    ] = None,
    horizon: Annotated[
        int | None, typer.Option("--horizon", min=1, help="Rows to forecast; as many as trained for when absent.")
    ] = None,
    future: Annotated[
        Path | None, typer.Option("--future", metavar="FILE", help="Known-future covariates of the rows to forecast.")
    ] = None,
    future_template: Annotated[
        bool, typer.Option("--future-template", help="Write the file of covariates to fill in, and stop.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write a .csv, .parquet or .json file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Forecast with a trained model: the mean and the bounds of its intervals, a row a date.

    For example:

      gatewise forecast runs/gru --horizon 5

      gatewise forecast runs/gru --data GOOG.csv --data AAPL.csv --out forecast.csv

      gatewise forecast runs/gru --future-template --horizon 5 --out future.csv
    """
    _check_out(out)
    from gatewise.tasks.forecast import Forecaster

    model = Forecaster.load(folder)
    if future_template:
        frame = model.future_template(horizon)
    else:
        frame = model.predict(data or None, horizon=horizon, future=future)
    rows = frame.to_dicts()
    if out is not None:
        _write(frame, out)
        say(f"Written: {out}")
    if as_json:
        print_json({"folder": folder, "horizon": frame.get_column("ds").n_unique(), "forecast": rows})
    elif out is None and future_template:
        typer.echo(frame.write_csv(), nl=False)
    elif out is None:
        print_table(frame.columns, [list(row.values()) for row in rows])


def _check_out(out: Path | None) -> None:
    if out is not None and out.suffix.lower() not in (".csv", ".parquet", ".json"):
        raise OutputError(f"--out {out}: the name must end in .csv, .parquet or .json")


def _write(frame: Any, out: Path) -> None:
    """Write a table whole or not at all."""
    from gatewise.runs import atomic

    atomic.make_folder(out.parent)
    with atomic.replacing(out) as new:
        getattr(frame, f"write_{out.suffix.lower()[1:]}")(new)
