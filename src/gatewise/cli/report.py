"""``gatewise report``: the page, made from run folders alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gatewise.cli.output import Json, print_json


def report(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Study folder or run folder.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where the page goes; page.html in the folder when absent."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make the page of a study or a run: one HTML file that opens without a network.

    For example:

      gatewise report studies/stocks-cells --out page.html
    """
    from gatewise.report import make_report

    page = make_report(folder, out)
    if as_json:
        print_json({"folder": folder, "page": page, "bytes": page.stat().st_size})
    else:
        typer.echo(page)
