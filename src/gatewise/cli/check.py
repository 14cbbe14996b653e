"""``gatewise check``: what would be read, and what would be refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatewise.cli.fit import Config, files_of
from gatewise.cli.options import settings_from, with_settings
from gatewise.cli.output import Json, print_json, say
from gatewise.settings import (
    ClassifyDataSettings,
    ClassifySettings,
    ForecastDataSettings,
    TextDataSettings,
    TextSettings,
)
from gatewise.settings.classify import FROM_SCRATCH

if TYPE_CHECKING:
    from gatewise.data.labelled import LabelledReport
    from gatewise.data.series import DataReport
    from gatewise.data.text import TextReport


@with_settings("data", "split")
def forecast(
    files: files_of(ForecastDataSettings) = None,  # type: ignore[valid-type]
    config: Config = None,
    as_json: Json = False,
    **options: Any,
) -> None:
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
    from gatewise.data.series import check_files, divides_by_truth

    _show(check_files(settings.data, nonzero=divides_by_truth(settings.train), split=settings.split), as_json)


@with_settings("data", "split", kind=TextSettings)
def generate(
    files: files_of(TextDataSettings) = None,  # type: ignore[valid-type]
    config: Config = None,
    as_json: Json = False,
    **options: Any,
) -> None:
    """Say how texts would be read: symbols, documents, parts, look-alike letters, and what would be refused.

    Nothing is trained. Texts of 64 MB and more are encoded to the cache folder, where training finds them. The exit
    code is 2 when the texts would be refused.

    For example:

      gatewise check generate book.txt --lower

      gatewise check generate poems/ "more/*.txt.gz" --documents blank_line --split document --json
    """
    # Drawn windows train in regime windows alone; a check trains nothing, so it need not be told.
    settings = settings_from({"regime": "windows", **options}, files or (), config, kind=TextSettings)
    if not settings.data.files:
        raise typer.BadParameter("give one or more texts, or a --config that names them", param_hint="FILES")
    from gatewise.data.text import check_text

    _show(check_text(settings.data, settings.split), as_json)


@with_settings("data", "split", kind=ClassifySettings)
def classify(
    files: files_of(ClassifyDataSettings) = None,  # type: ignore[valid-type]
    encoder: Annotated[
        str | None,
        typer.Option("--encoder", metavar="TEXT", help="Count the tokens of this pretrained encoder, not words."),
    ] = None,
    config: Config = None,
    as_json: Json = False,
    **options: Any,
) -> None:
    """Say how labelled texts would be read: classes, lengths, duplicates, words, cleaning, and what would be refused.

    Shown are the classes, the share of texts that is cut off at several lengths, what is typical of each class and what
    gives it away, near-duplicates and those with other labels, how far annotators agree, and each step of cleaning on
    the texts themselves. Nothing is trained and nothing is written. The exit code is 2 when they would be refused.

    For example:

      gatewise check classify tweets.csv --text tweet --label class --names 0=hate,1=offensive,2=neither

      gatewise check classify sample:python-docstrings --cleaning report,-emoji_token --json
    """
    given = options if encoder is None else {**options, "encoder": encoder}
    settings = settings_from(given, files or (), config, kind=ClassifySettings)
    if not settings.data.files:
        raise typer.BadParameter("give one or more tables, or a --config that names them", param_hint="FILES")
    from gatewise.data.labelled import check_labelled

    _show(check_labelled(settings.data, settings.split, _tokenize(settings)), as_json)


def _tokenize(settings: ClassifySettings) -> Any:
    """Return a pretrained encoder's way from texts to tokens; None where words or characters are learned."""
    if settings.encoder.name in FROM_SCRATCH:
        return None
    from gatewise.encoders import find_encoder
    from gatewise.encoders.tokens import Tokenizer

    source = find_encoder(settings.encoder.name, revision=settings.encoder.revision, download=settings.encoder.download)
    return Tokenizer(source, settings.data.max_tokens).tokenize


def _show(report: DataReport | TextReport | LabelledReport, as_json: bool) -> None:
    """Print a report; what would be refused ends the command with exit code 2."""
    if as_json:
        print_json(report.to_json())
    else:
        typer.echo(report.to_text())
    if report.refused:
        say("These files would be refused as they are.")
        raise typer.Exit(2)
