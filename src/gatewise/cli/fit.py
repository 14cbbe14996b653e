"""``gatewise fit forecast``: one training, one setting, one seed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from gatewise.cli.options import settings_from, with_settings
from gatewise.cli.output import Json, print_json, say
from gatewise.cli.result import show_metrics, verdict_text
from gatewise.settings import ForecastDataSettings, ForecastSettings

Files = Annotated[
    list[str] | None,
    typer.Argument(metavar="FILES...", help=ForecastDataSettings.model_fields["files"].description, show_default=False),
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings as YAML or JSON; options given beside it win."),
]


@with_settings()
def forecast(
    files: Files = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Run folder; runs/ and a name made from the settings when absent."),
    ] = None,
    config: Config = None,
    save: Annotated[bool, typer.Option("--save/--no-save", help="Keep the run folder with the model.")] = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Remove the run that the folder holds.")] = False,
    exclusive: Annotated[
        bool, typer.Option("--exclusive", help="Nothing else runs on this machine: the times may be compared.")
    ] = False,
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
    if not settings.data.files:
        raise typer.BadParameter("give one or more data files, or a --config that names them", param_hint="FILES")
    folder = (out or _folder_of(settings)) if save else None
    if folder is not None and overwrite:
        _clear(settings, folder)
    from gatewise.tasks.forecast import run_forecast
    from gatewise.training.progress import choose_progress

    # Quiet where nobody watches; the log of a CI job gets a line an epoch.
    progress = choose_progress(settings.model.cell, lines=bool(os.environ.get("CI")))
    result = run_forecast(settings, folder, threads=settings.train.threads, exclusive=exclusive, progress=progress)
    if as_json:
        print_json(result)
    else:
        _show(result, folder)
    if result.get("status") != "finished":
        say(f"The run is {result.get('status')}; the same command goes on with it.")
        raise typer.Exit(130 if result.get("status") == "interrupted" else 1)


def _folder_of(settings: ForecastSettings) -> Path:
    """Return a run folder that the same settings and file names find again."""
    return Path("runs") / f"{settings.model.cell}-{settings.fingerprint(' '.join(settings.data.files))[:8]}"


def _clear(settings: ForecastSettings, folder: Path) -> None:
    """Remove the run in `folder`, once it is sure that the data can be read."""
    from gatewise.data import read_series
    from gatewise.runs import RunFolder

    if folder.exists():
        read_series(settings.data)
        RunFolder.create(folder, exists="replace")


def _show(result: dict[str, Any], folder: Path | None) -> None:
    """Print the metrics on the test part beside the baselines, and what can be done next."""
    baselines = {name: parts.get("test", {}) for name, parts in result.get("baselines", {}).items()}
    show_metrics("test part", result.get("metrics", {}).get("test", {}), baselines)
    if result.get("verdict"):
        typer.echo(verdict_text(result["verdict"]))
    if result.get("leaking"):
        typer.echo("This split leaks: neighbouring windows overlap, so the numbers are better than on unseen days.")
    for note in result.get("notes", ()):
        say(f"Note: {note}")
    if folder is not None:
        typer.echo(f"Run folder: {folder}")
        say(f"Next: gatewise forecast {folder} --horizon 5, or gatewise report {folder}")
