"""``gatewise watch``: a running study, seen from another terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gatewise.cli.output import Json, print_json


def watch(
    folder: Annotated[Path, typer.Argument(metavar="STUDYDIR", help="Folder of the study.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Look at a study that runs in another terminal, until it ends. Closing this stops nothing.

    It reads the study's folder alone: what runs, at which epoch, with which validation loss, and how long is left.
    With --json it looks once.

    For example:

      gatewise watch studies/stocks-cells
    """
    show(folder, as_json=as_json)


def show(folder: Path, *, as_json: bool) -> None:
    """Show a study until no process works on it, or print once where it stands."""
    from gatewise.studies.folder import StudyFolder
    from gatewise.studies.state import StudyView
    from gatewise.studies.watch import watch_study

    if as_json:
        print_json(StudyView(StudyFolder(folder)).look().to_json())
    else:
        watch_study(folder)
