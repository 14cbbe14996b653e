"""``gatewise score``: how good a trained model is on data it has not seen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gatewise.cli.classify import Encoder
from gatewise.cli.forecast import Model
from gatewise.cli.output import Json, print_json, say
from gatewise.cli.result import show_classes, show_metrics, verdict_text
from gatewise.errors import InputError, ModelFolderError


def score(
    folder: Model,
    files: Annotated[list[str], typer.Argument(metavar="FILES...", help="Newer rows, or texts, as it was trained on.")],
    encoding: Annotated[str | None, typer.Option("--encoding", help="Encoding of the texts; as in training.")] = None,
    encoder: Encoder = None,
    as_json: Json = False,
) -> None:
    """Judge a trained model on other data: forecasts beside the last value, texts by nats and bits, classes by F1.

    For example:

      gatewise score runs/gru NEW.csv

      gatewise score runs/book ANOTHER-BOOK.txt

      gatewise score runs/tweets more-tweets.csv
    """
    from gatewise.tasks.model_folder import task_of

    task = task_of(folder)
    if task not in (*_JUDGES, "classify"):
        raise ModelFolderError(f"{folder} holds a model of the task {task!r}, which this version does not know")
    if encoder is not None and task != "classify":
        raise InputError("--encoder: only a model that classifies has one")
    found = _classes(folder, files, encoding, encoder) if task == "classify" else _JUDGES[task](folder, files, encoding)
    for note in found.get("notes", ()):
        say(f"Note: {note}")
    if as_json:
        print_json(found)
    elif task == "forecast":
        show_metrics(f"all {found['windows']:,} windows", found["metrics"], found["baselines"])
        if found.get("verdict"):
            typer.echo(verdict_text(found["verdict"]))
    elif task == "classify":
        show_metrics(f"all {found['texts']:,} texts", found["metrics"], {})
        show_classes(found["per_class"])
    else:
        show_metrics(f"all {found['symbols']:,} symbols", found["metrics"], {})
        if found["unseen"]:
            typer.echo(f"{found['unseen']:,} of them were never seen in training.")


def _forecasts(folder: Path, files: list[str], encoding: str | None) -> dict[str, Any]:
    from gatewise.tasks.forecast import Forecaster

    if encoding is not None:
        raise InputError("--encoding: tables are read as UTF-8; only texts have an encoding")
    return Forecaster.load(folder).evaluate(files)


def _text(folder: Path, files: list[str], encoding: str | None) -> dict[str, Any]:
    from gatewise.tasks.generate import TextGenerator

    model = TextGenerator.load(folder)
    if encoding is not None:
        model.set_params(encoding=encoding)
    return model.evaluate(files=files)


def _classes(folder: Path, files: list[str], encoding: str | None, encoder: str | None) -> dict[str, Any]:
    from gatewise.tasks.classify import TextClassifier

    if encoding is not None:
        raise InputError("--encoding: tables are read as UTF-8; only texts have an encoding")
    return TextClassifier.load(folder, encoder=encoder).evaluate(files)


_JUDGES = {"forecast": _forecasts, "generate": _text}
