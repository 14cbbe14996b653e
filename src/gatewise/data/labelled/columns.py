"""Which column holds the text and which the label, found by name, else by what stands in them."""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gatewise.data.labelled.labelled import Columns
from gatewise.data.labelled.labels import in_order, plain_codes
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
    named = () if settings.votes == ("auto",) else settings.votes
    taken = {*named, settings.group, settings.fairness, settings.label} - {None}
    text = settings.text
    if text is None:
        text = _guess_text(table, taken)
        notes.append(f"column {text!r} is taken as the text; --text names another")
    table.require(text, "column of the text")
    if not label:
        there = settings.label if settings.label in table.columns else None
        return Columns(text, there), tuple(notes)
    found = settings.label
    if found is None:
        found = _guess_label(table, {*taken, text})
        notes.append(f"column {found!r} is taken as the label; --label names another")
    table.require(found, "column of the label")
    if found == text:
        raise DataError(f"{table.name}: column {text!r} is given as the text and as the label")
    return Columns(text, found), tuple(notes)


def find_votes(table: Table, label: str, other: Collection[str | None]) -> tuple[str, ...]:
    """Return the columns of a table that hold annotators' votes for its labels; none where there are none.

    They are neighbours, as many as there are classes, and hold whole numbers. Where one of them has the most votes, it
    is the label's in 19 rows of 20 at least; and in some row the annotators do not agree (columns of ones and zeros
    say nothing that the label does not).

    Parameters
    ----------
    other
        Columns that are something else.
    """
    codes = plain_codes(table.read([label]).get_column(label).to_list())
    order = {code: number for number, code in enumerate(in_order(set(codes) - {""}))}
    free = [name for name in table.columns if name not in other and _counts(table.sample.get_column(name)) is not None]
    if not 2 <= len(order) <= len(free):
        return ()
    read = {name: _counts(one) for name, one in ((name, table.read([name]).get_column(name)) for name in free)}
    truth = np.array([order.get(code, -1) for code in codes])
    for first in range(len(free) - len(order) + 1):
        names = free[first : first + len(order)]
        columns = [column for name in names if (column := read[name]) is not None]
        if len(columns) < len(order):
            continue
        votes = np.stack(columns, axis=1)
        most, every = votes.max(axis=1), votes.sum(axis=1)
        clear = (votes == most[:, None]).sum(axis=1) == 1
        agrees = votes.argmax(axis=1)[clear] == truth[clear]
        if every.min() >= 1 and (every > most).any() and clear.mean() > 0.5 and agrees.mean() >= 0.95:
            return tuple(names)
    return ()


def _counts(column: pl.Series) -> NDArray[np.int64] | None:
    """Return whole numbers from 0, or None where a column holds something else."""
    if column.dtype.is_nested() or not len(column):
        return None
    numbers = column.cast(pl.Int64, strict=False)
    if numbers.null_count() or (column.dtype.is_float() and bool((column != numbers).any())):
        return None
    found: NDArray[np.int64] = numbers.to_numpy()
    return found if found.min() >= 0 else None


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
