"""``gatewise classify``: which class each text is of, from a trained model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatewise.cli.output import Json, print_json, print_table, say
from gatewise.errors import DataError, InputError, OutputError
from gatewise.harmless import harmless

if TYPE_CHECKING:
    import polars as pl

    from gatewise.tasks.classify.model import ClassifyModel, Floats

Model = Annotated[Path, typer.Argument(metavar="DIR", help="Run folder or model folder.", show_default=False)]
Encoder = Annotated[
    str | None,
    typer.Option("--encoder", metavar="FOLDER", help="Where the model's encoder lies now, when it has moved."),
]

#: Texts that are encoded at once: what an encoder says of them is held in memory.
AT_ONCE = 1000
#: Letters of a text, and words of an explanation, that the table on the terminal shows.
SHOWN, WORDS = 100, 5
_FORMATS = (".csv", ".parquet", ".jsonl")


def classify(
    folder: Model,
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TEXT]...", help="Texts; - reads them from standard input, one a line.", show_default=False
        ),
    ] = None,
    file: Annotated[
        str | None, typer.Option("--file", metavar="FILE", help="A table of texts: CSV, TSV, JSON lines or Parquet.")
    ] = None,
    text: Annotated[
        str | None, typer.Option("--text", metavar="COLUMN", help="Its column of texts; as in training when absent.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write a .csv, .parquet or .jsonl file, all columns kept."),
    ] = None,
    tuned: Annotated[
        bool, typer.Option("--tuned", help="Decide by the thresholds that were chosen on the validation part.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Leave each word out in turn, and say which of them moved the prediction.")
    ] = False,
    top: Annotated[
        int | None,
        typer.Option("--top", min=1, metavar="N", help="Show the N likeliest classes; 3 in tables when absent."),
    ] = None,
    encoder: Encoder = None,
    as_json: Json = False,
) -> None:
    """Classify texts with a trained model: the class of each, and the probabilities of all.

    --out adds the columns predicted and prob_CLASS to those of the table. A text that begins with - stands after --.
    A prediction is a reason to look, no proof: a person decides.

    For example:

      gatewise classify runs/tweets "what a lovely day" "how awful" --explain

      gatewise classify runs/tweets --file new.csv --text tweet --out classified.csv

      gatewise classify runs/tweets - --json < texts.txt
    """
    _check(texts, file, text, out, top, as_json)
    from gatewise.tasks.classify import TextClassifier

    classifier = TextClassifier.load(folder, encoder=encoder)
    model: ClassifyModel = classifier.model_
    if tuned and model.offsets is None:
        raise InputError("--tuned: this model has no thresholds: it was trained without a validation part")
    frame, column, notes = _read(texts or [], file, text, model)
    listed = ["" if one is None else str(one) for one in frame.get_column(column).to_list()]
    log_probs, more = _answer(model, listed)
    decided = [str(model.classes[number]) for number in model.decide(log_probs, tuned=tuned)]
    words = [classifier.explain(one, label) for one, label in zip(listed, decided, strict=True)] if explain else None
    for note in (*notes, *more):
        say(f"Note: {note}")
    if out is not None:
        _write(_with_answers(frame, model.classes, decided, log_probs, words), out)
        say(f"Written: {out}")
    rows = _rows(listed, decided, _likeliest(model.classes, log_probs, top), words)
    if as_json:
        said = {"classes": list(model.classes), "tuned": tuned, "texts": rows, "notes": [*notes, *more]}
        print_json({"folder": folder, **said})
    elif out is None:
        _show(rows, top or 3)


def _check(
    texts: list[str] | None, file: str | None, text: str | None, out: Path | None, top: int | None, as_json: bool
) -> None:
    """Refuse what cannot be meant, before a model is loaded."""
    if not texts and file is None:
        raise typer.BadParameter("give texts, - for standard input, or --file with a table", param_hint="TEXT")
    if texts and file is not None:
        raise InputError("give texts, or a table with --file, not both")
    if text is not None and file is None:
        raise InputError("--text names the column of a table: give --file too")
    if out is None:
        return
    if top is not None and not as_json:
        raise InputError("--top is for what is shown: a file has the probabilities of all classes")
    if out.suffix.lower() not in _FORMATS:
        raise OutputError(f"--out {out}: the name must end in {', '.join(_FORMATS[:-1])} or {_FORMATS[-1]}")
    if out.is_dir() or (file is not None and out.exists() and out.samefile(file)):
        raise OutputError(f"--out {out}: {'this is a folder' if out.is_dir() else 'the table itself is never changed'}")
    from gatewise.runs import atomic

    atomic.make_folder(out.parent)


def _read(
    texts: list[str], file: str | None, text: str | None, model: ClassifyModel
) -> tuple[pl.DataFrame, str, tuple[str, ...]]:
    """Return a table, its column of texts, and what was guessed."""
    import polars as pl

    if file is None:
        lines = [line for one in texts for line in (_standard_input() if one == "-" else [one])]
        if not lines:
            raise DataError("standard input is empty: give a text a line")
        for place, line in enumerate(lines, start=1):
            if not line.isprintable() and any("\ud800" <= one <= "\udfff" for one in line):
                raise DataError(f"text {place} is not UTF-8")
        return pl.DataFrame({"text": lines}, schema={"text": pl.String}), "text", ()
    from gatewise.data.labelled.columns import find_columns
    from gatewise.data.tables import open_file, open_own

    data = model.settings.data
    table = open_own(data.reader, file) if data.reader else open_file(file, data.separator)
    known = text or (data.text if data.text in table.columns else None)
    columns, notes = find_columns(table, data.model_copy(update={"text": known}), label=False)
    frame = table.read(list(table.columns))
    if frame.get_column(columns.text).dtype.is_nested():
        raise DataError(f"{file}: the column {columns.text!r} holds lists or records, and no texts")
    added = {"predicted", "words", *(f"prob_{name}" for name in model.classes)}
    if taken := [name for name in frame.columns if name in added]:
        raise DataError(f"{file}: the column {taken[0]!r} is what would be added: give it another name")
    return frame, columns.text, notes


def _standard_input() -> list[str]:
    raw = sys.stdin.buffer.read()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"standard input: byte {error.start} is not UTF-8") from None
    lines = text.removesuffix("\n").split("\n") if text else []
    return [line.removesuffix("\r") for line in lines]


def _answer(model: ClassifyModel, texts: list[str]) -> tuple[Floats, list[str]]:
    """Return the log-probabilities, and notes on texts that are empty or were cut."""
    import numpy as np

    found, bare, cut, lost = [np.zeros((0, len(model.classes)))], 0, 0, 0
    for start in range(0, len(texts), AT_ONCE):
        if start:
            say(f"{start:,} of {len(texts):,} texts")
        clean, inputs = model.read(texts[start : start + AT_ONCE])
        empty = np.array([not one.strip() for one in clean])
        found.append(model.log_probs_of(inputs, empty))
        bare += int(empty.sum())
        cut, lost = cut + int((inputs.lost > 0).sum()), lost + int(inputs.lost.sum())
    notes = []
    if bare:
        notes.append(f"{bare:,} of {len(texts):,} texts are empty after cleaning: their answer is the classes' shares")
    if cut:
        limit = model.settings.data.max_tokens
        notes.append(f"{cut:,} of {len(texts):,} texts are longer than {limit} tokens: {lost:,} tokens were not read")
    return np.concatenate(found), notes


def _likeliest(classes: tuple[str, ...], log_probs: Floats, top: int | None) -> list[dict[str, float]]:
    """Return the probabilities of each text by class: all in the classes' order, or the likeliest first."""
    import numpy as np

    probs = np.exp(log_probs)
    orders = [range(len(classes))] * len(probs) if top is None else np.argsort(-probs, axis=1, kind="stable")[:, :top]
    return [{classes[number]: float(row[number]) for number in order} for row, order in zip(probs, orders, strict=True)]


def _rows(texts: list[str], decided: list[str], probs: list[dict[str, float]], words: Any) -> list[dict[str, Any]]:
    rows = [
        {"text": text, "predicted": label, "probabilities": given}
        for text, label, given in zip(texts, decided, probs, strict=True)
    ]
    if words is None:
        return rows
    return [{**row, "words": [one._asdict() for one in effects]} for row, effects in zip(rows, words, strict=True)]


def _show(rows: list[dict[str, Any]], top: int) -> None:
    """Print a table; the words that moved a prediction most, either way, come first."""
    heads = ["text", "class", "probabilities"]
    if "words" in rows[0]:
        heads.append("words, and the fall of the log-odds without each")
    print_table(heads, [[_short(row["text"]), harmless(row["predicted"]), *_cells(row, top)] for row in rows])


def _cells(row: dict[str, Any], top: int) -> list[str]:
    likeliest = sorted(row["probabilities"].items(), key=lambda pair: -pair[1])[:top]
    cells = [", ".join(f"{harmless(name)} {p:.3f}" for name, p in likeliest)]
    if "words" in row:
        strongest = sorted(row["words"], key=lambda one: -abs(one["effect"]))[:WORDS]
        cells.append(", ".join(f"{_short(one['word'])} {one['effect']:+.2f}" for one in strongest))
    return cells


def _short(text: str) -> str:
    line = " ".join(text.split())
    return harmless(line if len(line) <= SHOWN else line[: SHOWN - 1] + "…")


def _with_answers(
    frame: pl.DataFrame, classes: tuple[str, ...], decided: list[str], log_probs: Floats, words: Any
) -> pl.DataFrame:
    import numpy as np
    import polars as pl

    probs = np.exp(log_probs)
    added = [pl.Series("predicted", decided, pl.String)]
    added += [pl.Series(f"prob_{name}", probs[:, number]) for number, name in enumerate(classes)]
    if words is not None:
        from gatewise.runs.atomic import to_json

        added.append(pl.Series("words", [to_json([one._asdict() for one in each]) for each in words], pl.String))
    return frame.with_columns(added)


def _write(frame: pl.DataFrame, out: Path) -> None:
    """Write a table whole or not at all."""
    from gatewise.runs import atomic

    kind = out.suffix.lower()[1:]
    nested = [name for name, dtype in frame.schema.items() if dtype.is_nested()]
    if kind == "csv" and nested:
        raise OutputError(f"--out {out}: the column {nested[0]!r} holds lists or records: write .parquet or .jsonl")
    with atomic.replacing(out) as new:
        getattr(frame, {"csv": "write_csv", "parquet": "write_parquet", "jsonl": "write_ndjson"}[kind])(new)
