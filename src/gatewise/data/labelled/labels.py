"""From what stands in the columns of labels, votes and parts to numbers, with the rows of whatever is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.data.labelled.labelled import Floats, Ints
from gatewise.errors import DataError, did_you_mean

#: Says where a row stands: "tweets.csv, row 7".
Where = Callable[[int], str]

_WHOLE = re.compile(r"[+-]?\d+")
_POINT_ZERO = re.compile(r"([+-]?\d+)\.0+")
_SPELLED = {"train": 0, "validation": 1, "valid": 1, "val": 1, "dev": 1, "test": 2}


def plain_codes(values: Sequence[Any]) -> list[str]:
    """Return labels as text without spaces around; a whole number that a table stored as 1.0 is 1.

    Examples
    --------
    >>> plain_codes([1.0, 2.0, None]), plain_codes([" spam", "ham"])
    (['1', '2', ''], ['spam', 'ham'])
    """
    texts = ["" if _is_missing(value) else str(value).strip() for value in values]
    if any("." in text for text in texts) and all(_POINT_ZERO.fullmatch(text) for text in texts if text):
        return [_POINT_ZERO.sub(r"\1", text) for text in texts]
    return texts


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float | np.floating) and bool(np.isnan(value)))


def refuse_empty(codes: Sequence[str], where: Where) -> None:
    """Refuse rows without a label."""
    if rows := [row for row, code in enumerate(codes) if not code]:
        raise DataError(f"{several(rows, where)} no label: give one or leave the row out")


def several(rows: Sequence[int], where: Where, *, verb: str = "has", plural: str = "have") -> str:
    """Begin a sentence about rows: the first of them in full, the number of the others."""
    first = where(rows[0])
    if len(rows) == 1:
        return f"{first} {verb}"
    file = first.rpartition(", row ")[0]
    shown = [where(row).removeprefix(f"{file}, row ") for row in rows[:5]]
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    return f"{file}, rows {', '.join(shown)}{more} {plural}"


def find_classes(
    codes: Sequence[str], names: Mapping[str, str], parts: NDArray[np.int8] | None, where: Where
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the codes in their order, and the names of the classes.

    Codes are sorted as numbers where all are whole numbers, else as text; names keep that order.

    Raises
    ------
    DataError
        If there is one class only, names and codes do not match, or a part that was given has a label which the
        training part does not have.
    """
    train = (
        set(codes) if parts is None else {code for code, part in zip(codes, parts.tolist(), strict=True) if part == 0}
    )
    if parts is not None and not train:
        raise DataError("no row belongs to the training part")
    if strange := [row for row, code in enumerate(codes) if code not in train]:
        said = several(strange, where)
        raise DataError(
            f"{said} the label {codes[strange[0]]!r}, which no row of the training part has"
            f"{did_you_mean(codes[strange[0]], in_order(train))}"
        )
    if len(train) < 2:
        raise DataError(f"every text has the label {next(iter(train), '')!r}: there is nothing to tell apart")
    ordered = in_order(train)
    if names:
        _match(ordered, names)
    classes = tuple(names.get(code, code) for code in ordered)
    return ordered, classes


def in_order(codes: set[str]) -> tuple[str, ...]:
    """Return codes sorted as numbers where all are whole numbers, else as text.

    Examples
    --------
    >>> in_order({"10", "9", "-1"}), in_order({"b", "a", "10"})
    (('-1', '9', '10'), ('10', 'a', 'b'))
    """
    if all(_WHOLE.fullmatch(code) and len(code) < 19 for code in codes):
        return tuple(sorted(codes, key=lambda code: (int(code), code)))
    return tuple(sorted(codes))


def _match(codes: Sequence[str], names: Mapping[str, str]) -> None:
    shown = ", ".join(codes[:12])
    if unknown := [code for code in names if code not in codes]:
        raise DataError(f"names: no text has the label {unknown[0]!r}; the labels are {shown}")
    if nameless := [code for code in codes if code not in names]:
        raise DataError(f"names: the label {nameless[0]!r} has no name; the labels are {shown}")
    given = [names[code].strip() for code in codes]
    if not all(given):
        raise DataError(f"names: the name of {codes[given.index('')]!r} is empty")
    if twice := [name for name in given if given.count(name) > 1]:
        raise DataError(f"names: {twice[0]!r} names two labels; every class needs a name of its own")


def read_votes(columns: Sequence[Sequence[Any]], names: Sequence[str], classes: Sequence[str], where: Where) -> Floats:
    """Return the votes for each class: float64 (n, C).

    Raises
    ------
    DataError
        If there are not as many columns as classes, or a row holds something else than numbers from 0, or only zeros.
    """
    if len(columns) != len(classes):
        raise DataError(
            f"votes: {len(columns)} columns ({', '.join(names)}) for {len(classes)} classes "
            f"({', '.join(classes[:12])}); give one for each class, in the order of the classes"
        )
    made = np.empty((len(columns[0]), len(columns)))
    for place, (name, column) in enumerate(zip(names, columns, strict=True)):
        for row, value in enumerate(column):
            try:
                made[row, place] = float("nan" if value is None else value)
            except (TypeError, ValueError):
                made[row, place] = np.nan
            if not 0 <= made[row, place] < np.inf:
                raise DataError(f"{where(row)}, column {name!r}: {value!r} is no number of votes")
    if (none := np.flatnonzero(made.sum(axis=1) == 0)).size:
        raise DataError(f"{several(none.tolist(), where)} no votes at all: leave the row out, or the votes")
    return made


def read_parts(values: Sequence[Any], column: str, where: Where) -> NDArray[np.int8]:
    """Return 0 train, 1 validation or 2 test for each row.

    Raises
    ------
    DataError
        If a value is spelled in another way.
    """
    spelled = [str(value if value is not None else "").strip() for value in values]
    numbers = [_SPELLED.get(word.lower(), -1) for word in spelled]
    if -1 in numbers:
        row = numbers.index(-1)
        raise DataError(
            f"{where(row)}, column {column!r}: {spelled[row]!r} is no part; write train, validation (or valid, "
            "val, dev) or test"
        )
    return np.array(numbers, dtype=np.int8)


def numbers_of(codes: Sequence[str], ordered: Sequence[str]) -> Ints:
    """Return the number of each code's class."""
    place = {code: number for number, code in enumerate(ordered)}
    return np.array([place[code] for code in codes], dtype=np.int64)
