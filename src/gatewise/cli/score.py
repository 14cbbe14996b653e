"""``gatewise score``: how good a trained model is on data it has not seen."""

from __future__ import annotations

from typing import Annotated

import typer

from gatewise.cli.forecast import Model
from gatewise.cli.output import Json, print_json, print_table


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

    scores = Forecaster.load(folder).score(files)
    if as_json:
        print_json(scores)
        return
    print_table(
        ("metric", "value"), [(name, value) for name, value in scores.items() if not isinstance(value, dict | list)]
    )
