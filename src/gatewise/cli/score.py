"""``gatewise score``: how good a trained model is on data it has not seen."""

from __future__ import annotations

from typing import Annotated

import typer

from gatewise.cli.forecast import Model
from gatewise.cli.output import Json, print_json
from gatewise.cli.result import show_metrics, verdict_text


def score(
    folder: Model,
    files: Annotated[
        list[str], typer.Argument(metavar="FILES...", help="Data files as it was trained on, with newer rows.")
    ],
    as_json: Json = False,
) -> None:
    """Judge a trained model on other data, beside the last value.

    For example:

      gatewise score runs/gru NEW.csv
    """
    from gatewise.tasks.forecast import Forecaster

    found = Forecaster.load(folder).evaluate(files)
    if as_json:
        print_json(found)
        return
    show_metrics(f"all {found['windows']:,} windows", found["metrics"], found["baselines"])
    if found.get("verdict"):
        typer.echo(verdict_text(found["verdict"]))
