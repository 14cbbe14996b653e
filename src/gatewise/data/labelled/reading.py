"""From settings to `Labelled`: open tables, find columns, clean texts, number classes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gatewise.data.labelled.cleaning import Cleaner, whole
from gatewise.data.labelled.columns import find_columns, find_votes
from gatewise.data.labelled.labelled import AT_HAND, Columns, Labelled, Texts, digest_of
from gatewise.data.labelled.labels import find_classes, numbers_of, plain_codes, read_parts, read_votes, refuse_empty
from gatewise.data.labelled.samples import open_sample
from gatewise.data.tables import Table, open_file, open_own
from gatewise.errors import DataError
from gatewise.registry import cleaning_steps
from gatewise.settings import ClassifyDataSettings


@dataclass
class _Rows:
    """What was taken from the tables, one entry a row; votes are columns."""

    texts: list[str]
    codes: list[str] | None
    votes: list[list[Any]]
    groups: list[str] | None
    fairness: list[str] | None
    parts: list[Any]
    rows: NDArray[np.int64]


def read_labelled(settings: ClassifyDataSettings, split_column: str | None = None) -> Labelled:
    """Read labelled texts from files.

    Parameters
    ----------
    split_column
        Column that says to which part a row belongs.

    Raises
    ------
    DataError
        For everything that is wrong with the data: which file, row and column, what was found and what to do.

    Examples
    --------
    >>> made = read_labelled(ClassifyDataSettings(files="sample:python-docstrings"))
    >>> made.classes[:3], len(made) > 1500
    (('concurrency', 'dates', 'files'), True)
    """
    if not settings.files:
        raise DataError("no data: give files (CSV, TSV, JSON lines or Parquet) or sample:python-docstrings")
    files = (settings.files, settings.validation_files, settings.test_files)
    every = [file for some in files for file in some]
    _refuse_twice(every)
    tables = [_open(file, settings) for file in every]
    columns, notes = find_columns(tables[0], settings)
    settings, more = _with_votes(settings, tables, columns, split_column)
    notes += more
    taken = [_take(table, columns, settings, split_column) for table in tables]
    lengths = [len(rows.texts) for rows in taken]
    if split_column is None and (settings.validation_files or settings.test_files):
        by_file = np.repeat(np.arange(3, dtype=np.int8), [len(some) for some in files])
        given: NDArray[np.int8] | None = np.repeat(by_file, lengths)
    else:
        given = None
    made = _join(taken)
    file = np.repeat(np.arange(len(every), dtype=np.int32), lengths)
    place = Texts(texts=made.texts, clean=[], origin=every, file=file, rows=made.rows, columns=columns)
    if split_column is not None:
        given = read_parts(made.parts, split_column, place.where)
    return _labelled(place, made, settings, given, notes)


def labelled_of(
    texts: Iterable[Any],
    labels: Iterable[Any],
    settings: ClassifyDataSettings | None = None,
    *,
    votes: Any = None,
    groups: Iterable[Any] | None = None,
    fairness: Iterable[Any] | None = None,
) -> Labelled:
    """Take labelled texts at hand: lists, NumPy arrays, or columns of a frame.

    Parameters
    ----------
    votes
        Votes of annotators, (n, C).
    groups, fairness
        A value for each text: rows with equal groups stay in one part; false alarms are counted by fairness.

    Raises
    ------
    DataError
        As :func:`read_labelled`, or if the lengths differ; rows count from 0.

    Examples
    --------
    >>> made = labelled_of(["so good", "so bad"], [1, 0], ClassifyDataSettings(names={"0": "bad", "1": "good"}))
    >>> made.classes, made.labels.tolist()
    (('bad', 'good'), [1, 0])
    """
    settings = settings or ClassifyDataSettings()
    place = _at_hand(texts)
    made = _Rows(
        place.texts,
        plain_codes(list(labels)),
        [] if votes is None else _votes_at_hand(votes, len(place)),
        None if groups is None else _values(groups),
        None if fairness is None else _values(fairness),
        [],
        place.rows,
    )
    for name, given in (("labels", made.codes), ("groups", made.groups), ("fairness", made.fairness)):
        if given is not None and len(given) != len(place):
            raise DataError(f"{len(place)} texts and {len(given)} {name}: give one for each text")
    return _labelled(place, made, settings, None, ())


def read_texts(files: Sequence[str], settings: ClassifyDataSettings, *, label: bool = False) -> Texts:
    """Read texts to predict; the label's column is read where the settings name it and it is there.

    Parameters
    ----------
    label
        Whether there has to be one; it is guessed where the settings do not name it.

    Raises
    ------
    DataError
        If a file cannot be read or has no such column of texts; the message lists the columns.
    """
    files = [files] if isinstance(files, str) else list(files)
    if not files:
        raise DataError("no data: give files (CSV, TSV, JSON lines or Parquet)")
    _refuse_twice(files)
    tables = [_open(file, settings) for file in files]
    columns, notes = find_columns(tables[0], settings, label=label)
    if not label and columns.label is not None and any(columns.label not in table.columns for table in tables):
        columns = replace(columns, label=None)
    bare = settings.model_copy(update={"votes": (), "group": None, "fairness": None})
    taken = [_take(table, columns, bare, None) for table in tables]
    made = _join(taken)
    file = np.repeat(np.arange(len(files), dtype=np.int32), [len(rows.texts) for rows in taken])
    clean, more = _clean(made.texts, settings, empty="keep")
    return Texts(
        texts=made.texts, clean=clean, origin=files, file=file, rows=made.rows, columns=columns, labels=made.codes,
        notes=notes + more,
    )  # fmt: skip


def texts_of(texts: Iterable[Any], settings: ClassifyDataSettings) -> Texts:
    """Take texts at hand, to be predicted.

    Raises
    ------
    DataError
        If there are none, or one of them is no text.
    """
    place = _at_hand(texts)
    clean, notes = _clean(place.texts, settings, empty="keep")
    return replace(place, clean=clean, notes=notes)


def _at_hand(texts: Iterable[Any]) -> Texts:
    if isinstance(texts, str):
        raise DataError("one text was given where a list of texts is wanted: put it into a list")
    listed = list(texts)
    if not listed:
        raise DataError("no texts were given")
    for row, text in enumerate(listed):
        if not isinstance(text, str):
            raise DataError(f"{AT_HAND}, row {row}: {text!r} is no text")
    listed = [whole(str(text)) for text in listed]
    rows = np.arange(len(listed), dtype=np.int64)
    file = np.zeros(len(listed), np.int32)
    return Texts(texts=listed, clean=[], origin=[AT_HAND], file=file, rows=rows, columns=Columns("text"))


def _votes_at_hand(votes: Any, count: int) -> list[list[Any]]:
    """Return votes by column."""
    table = np.asarray(votes, dtype=object)
    if table.ndim != 2 or len(table) != count:
        raise DataError(f"votes: a row for each of the {count} texts and a column for each class (found {table.shape})")
    columns: list[list[Any]] = table.T.tolist()
    return columns


def _refuse_twice(files: Sequence[str]) -> None:
    if twice := [file for file in files if files.count(file) > 1]:
        raise DataError(f"{twice[0]}: the file is given twice")


def _open(file: str, settings: ClassifyDataSettings) -> Table:
    if file.startswith("sample:"):
        return open_sample(file)
    return open_own(settings.reader, file) if settings.reader else open_file(file, settings.separator)


def _with_votes(
    settings: ClassifyDataSettings, tables: Sequence[Table], columns: Columns, split_column: str | None
) -> tuple[ClassifyDataSettings, tuple[str, ...]]:
    """Name the columns of votes where they are to be found, and say so."""
    if settings.votes != ("auto",):
        return settings, ()
    other = {columns.text, columns.label, settings.group, settings.fairness, split_column}
    found = find_votes(tables[0], columns.label or "", other)
    if not all(set(found) <= set(table.columns) for table in tables):
        found = ()
    shown = ", ".join(repr(name) for name in found)
    notes = (f"columns {shown} are taken as the annotators' votes; --votes none leaves them out",) if found else ()
    return settings.model_copy(update={"votes": found}), notes


def _take(table: Table, columns: Columns, settings: ClassifyDataSettings, split_column: str | None) -> _Rows:
    """Read the columns that are used of one table."""
    wanted = {columns.text: "column of the text"}
    if columns.label is not None:
        wanted[columns.label] = "column of the label"
    wanted |= dict.fromkeys(settings.votes, "column of votes")
    for name, what in ((settings.group, "column of the group"), (settings.fairness, "column for fairness"),
                       (split_column, "column of the part")):  # fmt: skip
        if name is not None:
            wanted.setdefault(name, what)
    for name, what in wanted.items():
        table.require(name, what)
    frame = table.read(list(wanted))
    rows = np.array(table.row_numbers(frame.height), dtype=np.int64)
    if (kept := _filled(table, frame)) is not None:
        frame, rows = frame.filter(kept), rows[kept]
    if frame.get_column(columns.text).dtype.is_nested():
        raise DataError(f"{table.name}, column {columns.text!r}: it holds lists or records, and no texts")

    def column(name: str | None) -> list[Any] | None:
        return None if name is None else frame.get_column(name).to_list()

    labels, groups, fairness = column(columns.label), column(settings.group), column(settings.fairness)
    return _Rows(
        texts=["" if text is None else whole(str(text)) for text in frame.get_column(columns.text).to_list()],
        codes=None if labels is None else plain_codes(labels),
        votes=[column(name) or [] for name in settings.votes],
        groups=None if groups is None else _values(groups),
        fairness=None if fairness is None else _values(fairness),
        parts=column(split_column) or [],
        rows=rows,
    )


def _filled(table: Table, frame: pl.DataFrame) -> NDArray[np.bool_] | None:
    """Tell which rows are more than an empty line; None where all are."""
    if not frame.select(pl.all_horizontal(pl.all().is_null()).any()).item():
        return None
    every = table.read(list(table.columns))
    return every.select(~pl.all_horizontal(pl.all().is_null())).to_series().to_numpy()


def _values(values: Iterable[Any]) -> list[str]:
    return ["" if value is None else str(value) for value in values]


def _join(pieces: Sequence[_Rows]) -> _Rows:
    def chain(lists: Iterable[list[Any] | None]) -> list[Any] | None:
        known = [one for one in lists if one is not None]
        return [value for one in known for value in one] if known else None

    return _Rows(
        texts=chain(piece.texts for piece in pieces) or [],
        codes=chain(piece.codes for piece in pieces),
        votes=[chain(columns) or [] for columns in zip(*(piece.votes for piece in pieces), strict=True)],
        groups=chain(piece.groups for piece in pieces),
        fairness=chain(piece.fairness for piece in pieces),
        parts=chain(piece.parts for piece in pieces) or [],
        rows=np.concatenate([piece.rows for piece in pieces]),
    )


def _labelled(
    place: Texts, made: _Rows, settings: ClassifyDataSettings, parts: NDArray[np.int8] | None, notes: tuple[str, ...]
) -> Labelled:
    """Check what was read and number the classes."""
    codes, where = made.codes or [], place.where
    refuse_empty(codes, where)
    ordered, classes = find_classes(codes, settings.names, parts, where)
    named = len(settings.votes) == len(made.votes)
    names = settings.votes if named else [f"votes[{i}]" for i in range(len(made.votes))]
    votes = read_votes(made.votes, names, classes, where) if made.votes else None
    labels = numbers_of(codes, ordered)
    clean, more = _clean(made.texts, settings, empty=settings.empty)
    keep = np.arange(len(clean))
    if settings.empty == "drop":
        keep = np.flatnonzero([bool(text) for text in clean])
        if len(keep) < len(clean) and len(set(labels[keep].tolist())) < len(ordered):
            raise DataError("a class has no text of which cleaning leaves something; clean less, or set empty to keep")

    def kept(values: list[str] | None) -> list[str] | None:
        return None if values is None else [values[i] for i in keep.tolist()]

    texts, clean = kept(made.texts) or [], kept(clean) or []
    groups, fairness = kept(made.groups), kept(made.fairness)
    labels, votes = labels[keep], None if votes is None else votes[keep]
    parts = None if parts is None else parts[keep]
    return Labelled(
        texts=texts, clean=clean, origin=place.origin, file=place.file[keep], rows=place.rows[keep],
        columns=place.columns, labels=labels, notes=notes + more, classes=classes, codes=ordered, votes=votes,
        groups=groups, fairness=fairness, parts=parts,
        digest=digest_of(texts, clean, labels, classes, (votes, groups, fairness, parts)),
    )  # fmt: skip


def _clean(texts: Sequence[str], settings: ClassifyDataSettings, *, empty: str) -> tuple[list[str], tuple[str, ...]]:
    cleaner = Cleaner(cleaning_steps(settings.cleaning))
    clean = [cleaner(text) for text in texts]
    bare = sum(not text.strip() for text in clean)
    if not bare:
        return clean, ()
    clean = [text if text.strip() else "" for text in clean]
    done = "left out" if empty == "drop" else "kept: a model can only answer them with the classes' shares"
    return clean, (f"{bare:,} texts are empty after cleaning and are {done}",)
