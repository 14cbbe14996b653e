"""``gatewise check forecast``: what would be read, and what would be refused."""

from __future__ import annotations

from typing import Any

import typer

from gatewise.cli.fit import Config, Files
from gatewise.cli.options import settings_from, with_settings
from gatewise.cli.output import Json, print_json, say


@with_settings("data", "split")
def forecast(files: Files = None, config: Config = None, as_json: Json = False, **options: Any) -> None:
    """Say how data files would be read: series, dates, frequency, gaps, duplicates, scale, and what would be refused.

    Nothing is trained and nothing is written. The exit code is 2 when the files would be refused. With --config, the
    loss counts too: MAPE takes no zeros.

    For example:

      gatewise check forecast GOOG.csv AAPL.csv --column Close

      gatewise check forecast sales.csv --gaps ffill --json
    """
    settings = settings_from(options, files or (), config)
    if not settings.data.files:
        raise typer.BadParameter("give one or more data files, or a --config that names them", param_hint="FILES")
    from gatewise.data import check_files, divides_by_truth

    report = check_files(settings.data, nonzero=divides_by_truth(settings.train), split=settings.split)
    if as_json:
        print_json(report.to_json())
    else:
        typer.echo(report.to_text())
    if report.refused:
        say("These files would be refused as they are.")
        raise typer.Exit(2)
