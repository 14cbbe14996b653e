"""``gatewise fit``: one training, one setting, one seed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from gatewise.cli.options import settings_from, with_settings
from gatewise.cli.output import Json, print_json, say
from gatewise.cli.result import show_classes, show_confusion, show_metrics, verdict_text
from gatewise.errors import DivergedError
from gatewise.registry.tasks import Task, task_of
from gatewise.settings import (
    CLASSIFY_PRESETS,
    TEXT_PRESETS,
    ClassifyDataSettings,
    ClassifySettings,
    ForecastDataSettings,
    RunSettings,
    TextDataSettings,
    TextSettings,
    preset_of,
)

_LEAKS = {
    "forecast": "neighbouring windows overlap, so the numbers are better than on unseen days.",
    "generate": "its windows are drawn from all over the text, so the numbers are better than on a new text.",
    "classify": "alike texts, or texts of one author, are on both sides, so the numbers are better than on new ones.",
}
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings as YAML or JSON; options given beside it win."),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Run folder; runs/ and a name made from the settings when absent."),
]
Save = Annotated[bool, typer.Option("--save/--no-save", help="Keep the run folder with the model.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Remove the run that the folder holds.")]
Exclusive = Annotated[
    bool, typer.Option("--exclusive", help="Nothing else runs on this machine: the times may be compared.")
]


def files_of(room: type[BaseModel]) -> Any:
    """Return the argument that takes a task's data files."""
    text = room.model_fields["files"].description
    return Annotated[list[str] | None, typer.Argument(metavar="FILES...", help=text, show_default=False)]


@with_settings()
def forecast(
    files: files_of(ForecastDataSettings) = None,  # type: ignore[valid-type]
    out: Out = None,
    config: Config = None,
    save: Save = True,
    overwrite: Overwrite = False,
    exclusive: Exclusive = False,
    as_json: Json = False,
    **options: Any,
) -> None:
    """Train a network on series, judge it beside the baselines, and keep it in a run folder.

    A run that was stopped goes on when the same command is given again; a finished one only shows its result.
    Options that take several values may be repeated or hold commas; "none" leaves one empty (--patience none).

    For example:

      gatewise fit forecast sample:GOOG sample:AAPL --column Close --window 30 --cell gru --out runs/gru

      gatewise fit forecast sales.csv --horizon 7 --transform standard --loss mae --epochs 20

      gatewise fit forecast --config run.yaml --seed 1
    """
    settings = settings_from(options, files or (), config)
    place = _fit(settings, out, save=save, overwrite=overwrite, exclusive=exclusive, as_json=as_json)
    if place is not None:
        say(f"Next: gatewise forecast {place} --horizon 5, or gatewise report {place}")


@with_settings(kind=TextSettings)
def generate(
    files: files_of(TextDataSettings) = None,  # type: ignore[valid-type]
    out: Out = None,
    config: Config = None,
    preset: Annotated[
        str | None,
        typer.Option("--preset", help="A recipe: fast (about two minutes on two cores) or best (about fifteen)."),
    ] = None,
    save: Save = True,
    overwrite: Overwrite = False,
    exclusive: Exclusive = False,
    as_json: Json = False,
    **options: Any,
) -> None:
    """Train a network to write like a text, judge it beside the baselines, and keep it in a run folder.

    Samples are shown while it learns. A run that was stopped goes on when the same command is given again; a finished
    one only shows its result. Options given beside --preset win.

    For example:

      gatewise fit generate BOOK.txt --preset fast --out runs/book

      gatewise fit generate poems/ --minutes 10 --cell lstm --units 512

      gatewise fit generate sample:python-docs --epochs 1 --units 64
    """
    base = {} if preset is None else preset_of(TEXT_PRESETS, preset)
    settings = settings_from(options, files or (), config, kind=TextSettings, base=base)
    try:
        place = _fit(settings, out, save=save, overwrite=overwrite, exclusive=exclusive, as_json=as_json)
    except DivergedError as error:
        error.exit_code = 2  # a learning rate of 10 is wrong input
        raise
    if place is not None:
        say(f"Next: gatewise generate {place} --length 500 --stream, or gatewise report {place}")


@with_settings(kind=ClassifySettings)
def classify(
    files: files_of(ClassifyDataSettings) = None,  # type: ignore[valid-type]
    out: Out = None,
    config: Config = None,
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset", help="A recipe: tuned (the encoder's last layers learn too) or report (its settings)."
        ),
    ] = None,
    save: Save = True,
    overwrite: Overwrite = False,
    exclusive: Exclusive = False,
    as_json: Json = False,
    **options: Any,
) -> None:
    """Train a network to say which class a text is of, judge it beside the baselines, and keep it in a run folder.

    A pretrained encoder reads every text once; what it says is kept on disk, so that every epoch after the first, and
    every further run, is nearly free. A run that was stopped goes on when the same command is given again.

    For example:

      gatewise fit classify tweets.csv --text tweet --label class --encoder minilm --names 0=hate,1=offensive,2=neither

      gatewise fit classify reviews.jsonl --encoder words --cell gru --out runs/reviews

      gatewise fit classify train.csv --test-files test.csv --encoder ./hateBERT --preset report
    """
    base = {} if preset is None else preset_of(CLASSIFY_PRESETS, preset)
    settings = settings_from(options, files or (), config, kind=ClassifySettings, base=base)
    place = _fit(settings, out, save=save, overwrite=overwrite, exclusive=exclusive, as_json=as_json)
    if place is not None:
        say(f"Next: gatewise classify {place} 'a text', or gatewise report {place}")


def _fit(
    settings: RunSettings, out: Path | None, *, save: bool, overwrite: bool, exclusive: bool, as_json: bool
) -> Path | None:
    """Do a run and show its result; return the folder that it left."""
    task = task_of(settings.model_dump(include={"task"}))
    data: Any = settings.at("data")
    if not data.files:
        raise typer.BadParameter("give one or more data files, or a --config that names them", param_hint="FILES")
    folder = (out or _folder_of(settings)) if save else None
    from gatewise.training.joining import only_helps
    from gatewise.training.progress import choose_progress

    helps = only_helps(settings.at("train"))  # what is said and written is for another process to do
    if folder is not None and overwrite and not helps:
        _clear(task, settings, folder)
    # Quiet where nobody watches; the log of a CI job gets a line an epoch.
    progress = None if helps else choose_progress(settings.at("model.cell"), lines=bool(os.environ.get("CI")))
    result = task.load("runner")(
        settings, folder, threads=settings.at("train.threads"), exclusive=exclusive, progress=progress
    )
    if helps:
        folder = None
    elif as_json:
        print_json(result)
    else:
        _show(result, folder)
    if result.get("status") != "finished":
        say(f"The run is {result.get('status')}; the same command goes on with it.")
        raise typer.Exit(130 if result.get("status") == "interrupted" else 1)
    return folder


def _folder_of(settings: RunSettings) -> Path:
    """Return a run folder that the same settings and file names find again."""
    data: Any = settings.at("data")
    return Path("runs") / f"{settings.at('model.cell')}-{settings.fingerprint(' '.join(data.files))[:8]}"


def _clear(task: Task, settings: RunSettings, folder: Path) -> None:
    """Remove the run in `folder`, once it is sure that the data can be read."""
    from gatewise.runs import RunFolder

    if folder.exists():
        task.load("digest")(settings)
        RunFolder.create(folder, exists="replace")


def _show(result: dict[str, Any], folder: Path | None) -> None:
    """Print the metrics on the test part beside the baselines, and what can be done next."""
    baselines = {name: parts.get("test", {}) for name, parts in result.get("baselines", {}).items()}
    show_metrics("test part", result.get("metrics", {}).get("test", {}), baselines)
    if tables := result.get("confusion"):
        show_classes(result["per_class"]["test"])
        show_confusion("network", tables["test"], result["classes"])
        if theirs := tables.get("baseline"):
            show_confusion(theirs["name"], theirs["matrix"], result["classes"])
    if result.get("verdict"):
        typer.echo(verdict_text(result["verdict"]))
    if result.get("tuned_verdict"):
        typer.echo(f"With thresholds from validation, for both: {verdict_text(result['tuned_verdict'])}")
    if beside := result.get("compressor"):
        typer.echo(beside["note"])
    if result.get("leaking"):
        typer.echo(f"This split leaks: {_LEAKS[result.get('task', 'forecast')]}")
    for note in result.get("notes", ()):
        say(f"Note: {note}")
    if folder is not None:
        typer.echo(f"Run folder: {folder}")
