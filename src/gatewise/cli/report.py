"""``gatewise report``: the page, made from run folders alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gatewise.cli.output import Json, Language, print_json


def report(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Study folder or run folder.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where the report goes; page.html in the folder when absent."),
    ] = None,
    kind: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="html|md|pdf|latex",
            help="A page, Markdown with its figures, a printed PDF, or LaTeX with BibTeX for a paper.",
        ),
    ] = "html",
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Make the report of a study or a run: one HTML file that opens without a network, or files of another format.

    For example:

      gatewise report studies/stocks-cells --out page.html

      gatewise report studies/stocks-cells --language fa

      gatewise report studies/stocks-cells --format latex
    """
    from gatewise.report import write_report

    page, *others = write_report(folder, out, language=language, kind=kind)
    if as_json:
        print_json({"folder": folder, "page": page, "bytes": page.stat().st_size, "files": [page, *others]})
    else:
        typer.echo(page)
