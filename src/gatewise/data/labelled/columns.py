"""Which column holds the text and which the label, found by name, else by what stands in them."""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np
import polars as pl

from gatewise.data.labelled.labelled import Columns
from gatewise.data.tables import Table
from gatewise.errors import DataError
from gatewise.settings import ClassifyDataSettings

_TEXT = (
    "text", "tweet", "sentence", "review", "comment", "message", "content", "post", "question", "utterance", "document",
    "comment_text", "tweet_text", "full_text", "description", "body", "headline", "title", "input", "texts",
)  # fmt: skip
_LABEL = (
    "label", "class", "category", "target", "sentiment", "emotion", "labels", "topic", "intent", "rating", "stars",
    "polarity", "stance", "gold", "tag", "subtask_a", "label_coarse", "coarse_label", "class_label",
    "airline_sentiment", "y",
)  # fmt: skip
#: Different values that a column of labels has at most, where its name does not tell.
_MOST_LABELS = 50


def find_columns(
    table: Table, settings: ClassifyDataSettings, *, label: bool = True
) -> tuple[Columns, tuple[str, ...]]:
    """Return the columns of text and label, and a note on each that was guessed.

    Parameters
    ----------
    label
        Whether there has to be a label; otherwise only one that the settings name is taken, where it is there.

    Raises
    ------
    DataError
        If a column is not there, or none or several could be meant; the message lists the columns.
    """
    notes = []
    _refuse_no_header(table)
    taken = {*settings.votes, settings.group, settings.fairness, settings.label} - {None}
    text = settings.text
    if text is None:
        text = _guess_text(table, taken)
        notes.append(f"column {text!r} is taken as the text; --text names another")
    table.require(text, "column of the text")
    if not label:
        named = settings.label if settings.label in table.columns else None
        return Columns(text, named), tuple(notes)
    found = settings.label
    if found is None:
        found = _guess_label(table, {*taken, text})
        notes.append(f"column {found!r} is taken as the label; --label names another")
    table.require(found, "column of the label")
    if found == text:
        raise DataError(f"{table.name}: column {text!r} is given as the text and as the label")
    return Columns(text, found), tuple(notes)


def _refuse_no_header(table: Table) -> None:
    long = [name for name in table.columns if len(name.split()) > 8 or len(name) > 80]
    if long:
        raise DataError(
            f"{table.name}: the first line must name the columns, and holds a text ({long[0][:40]!r} ...); add a header"
        )


def _by_name(columns: Collection[str], known: tuple[str, ...]) -> str | None:
    plain = {re.sub(r"[\s-]+", "_", column.strip().lower()): column for column in reversed(list(columns))}
    return next((plain[name] for name in known if name in plain), None)


def _guess_text(table: Table, taken: Collection[str | None]) -> str:
    free = [column for column in table.columns if column not in taken]
    if named := _by_name(free, _TEXT):
        return named
    lengths = {column: _mean_words(table.sample.get_column(column)) for column in free}
    best = max(lengths, key=lambda column: lengths[column], default=None)
    if best is None or (lengths[best] < 2 and len(free) > 1):
        raise DataError(f"{table.name}: no column looks like texts; name it with --text ({_listed(table.columns)})")
    return best


def _guess_label(table: Table, taken: Collection[str | None]) -> str:
    free = [column for column in table.columns if column not in taken]
    if named := _by_name(free, _LABEL):
        return named
    frame = table.read(free) if free else pl.DataFrame()
    likely = [column for column in free if _may_be_label(frame.get_column(column))]
    if len(likely) == 1:
        return likely[0]
    said = f"several columns could be the label ({_listed(likely)})" if likely else "no column looks like labels"
    others = "" if likely else f" ({_listed(table.columns)})"
    raise DataError(f"{table.name}: {said}; name it with --label{others}")


def _mean_words(column: pl.Series) -> float:
    if column.dtype != pl.String:
        return 0.0
    return float(np.mean([len(value.split()) for value in column.drop_nulls().to_list()] or [0]))


def _may_be_label(column: pl.Series) -> bool:
    """Tell whether a column has few different short values, each of them several times."""
    if column.dtype.is_nested() or column.dtype.is_float():
        return False
    different = column.drop_nulls().n_unique()
    return 2 <= different <= min(_MOST_LABELS, max(2, column.len() // 3)) and _mean_words(column) < 5


def _listed(columns: Collection[str]) -> str:
    shown = list(columns)[:12]
    more = len(columns) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
