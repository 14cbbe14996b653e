"""``gatewise adapt``: an encoder's pretraining continued on one's own texts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from gatewise.cli.options import settings_from, with_settings
from gatewise.cli.output import Json, print_json, print_table, say
from gatewise.errors import DivergedError
from gatewise.settings import AdaptDataSettings, AdaptEncoderSettings, AdaptSettings

_ENCODER = AdaptEncoderSettings.model_fields["name"].description
_FILES = AdaptDataSettings.model_fields["files"].description


@with_settings("data", "split", "train", "seed", kind=AdaptSettings)
def adapt(
    encoder: Annotated[str, typer.Argument(metavar="ENCODER", help=_ENCODER, show_default=False)],
    files: Annotated[list[str], typer.Argument(metavar="TEXTS...", help=_FILES, show_default=False)],
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="Folder of the new encoder.", show_default=False)
    ],
    revision: Annotated[str | None, typer.Option("--revision", help="Revision on the hub.")] = None,
    download: Annotated[bool, typer.Option("--download", help="Fetch the encoder when it is not here.")] = False,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Settings as YAML or JSON; options given beside it win."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace another adapted encoder in the folder.")
    ] = False,
    as_json: Json = False,
    **options: Any,
) -> None:
    """Train an encoder on with your texts by guessing hidden words, and write it as an encoder's folder.

    Its perplexity on texts that are kept apart is shown before and after. One that was stopped goes on when the same
    command is given again. The new folder can be given wherever an encoder is asked for.

    For example:

      gatewise adapt minilm tweets.csv --text tweet --out encoders/minilm-tweets

      gatewise adapt bert-base-uncased forum/*.txt --documents blank_line --epochs 1 --out encoders/bert-forum
    """
    options |= {"encoder": encoder, "revision": revision, "download": download or None}
    settings = settings_from(options, files, config, kind=AdaptSettings)
    from gatewise.tasks.adapt import run_adapt
    from gatewise.training.joining import only_helps
    from gatewise.training.progress import choose_progress

    progress = None if only_helps(settings.train) else choose_progress("adapt", lines=bool(os.environ.get("CI")))
    try:
        result = run_adapt(settings, out, overwrite=overwrite, progress=progress)
    except DivergedError as error:
        error.exit_code = 2  # a learning rate of 10 is wrong input
        raise
    if only_helps(settings.train):  # what is said is for another process to say
        raise typer.Exit(0 if result["status"] == "finished" else 130)
    if as_json:
        print_json(result)
    elif result["status"] == "finished":
        _show(result)
    if result["status"] != "finished":
        say(f"The adaptation is {result['status']}; the same command goes on with it.")
        raise typer.Exit(130)
    say(f"Next: gatewise fit classify DATA --encoder {out}, beside the same with --encoder {encoder}")


def _show(result: dict[str, Any]) -> None:
    """Print perplexity before and after, and where the encoder lies."""
    rows = [[name, result["perplexity"][name], result["nats"][name]] for name in ("before", "after")]
    print_table(["", "perplexity", "nats a hidden token"], rows, title=f"{result['sizes']['validation']:,} other texts")
    for note in result["notes"]:
        say(f"Note: {note}")
    typer.echo(f"Encoder: {result['folder']}")
