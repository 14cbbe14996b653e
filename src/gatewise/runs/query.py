"""Choosing among rows of runs: conditions as a person types them, order, and the columns worth showing."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from gatewise.errors import InputError, did_you_mean
from gatewise.yaml12 import parse_yaml

Row = Mapping[str, Any]

_SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le, ">=": operator.ge, "!=": operator.ne, "<": operator.lt, ">": operator.gt, "=": operator.eq,
}  # fmt: skip
_CONDITION = re.compile(r"\s*([\w.+ -]+?)\s*(<=|>=|!=|==|<|>|=)\s*(.*)", re.DOTALL)
#: What differs between all runs anyway and says nothing about their settings.
_NOT_SETTINGS = (
    "folder", "status", "name", "seed", "init_seed", "order_seed", "dropout_seed", "study", "error", "task",
    "parameters", "exclusive", "leaking", "kernel", "data.files", "train.checkpoint_seconds",
)  # fmt: skip
_MEASURED = ("metrics.", "baselines.", "epochs.", "seconds.", "verdict.")


def select(rows: Sequence[Row], conditions: Iterable[str]) -> list[Row]:
    """Return the rows for which every condition holds.

    Parameters
    ----------
    conditions
        ``model.cell=gru``, ``metrics.test.mse<5``, ``seed!=3``; a key may be cut to its end while only one column ends
        so (``cell=gru``). A row without the key fails every condition but ``!=``.

    Raises
    ------
    InputError
        If a condition cannot be read, no row has its key, or an order is asked of what has none.

    Examples
    --------
    >>> rows = [{"model.cell": "gru", "metrics.test.mse": 4.0}, {"model.cell": "lstm", "metrics.test.mse": 6.0}]
    >>> [row["model.cell"] for row in select(rows, ["mse<5"])]
    ['gru']
    """
    kept = list(rows)
    for condition in conditions:
        key, test = read_condition(condition, rows)
        kept = [row for row in kept if test(row.get(key))]
    return kept


def read_condition(condition: str, rows: Sequence[Row]) -> tuple[str, Callable[[Any], bool]]:
    """Return the column that a condition is about, and the test of its value; raises as :func:`select`."""
    match = _CONDITION.fullmatch(condition)
    if match is None:
        raise InputError(f"--where {condition!r}: KEY=VALUE is expected, e.g. model.cell=gru or metrics.test.mse<5")
    typed, sign, text = match.groups()
    sign = "=" if sign == "==" else sign
    key = column(typed, rows)
    wanted = parse_yaml(text, where=f"--where {condition}")
    if sign not in ("=", "!=") and not _is_number(wanted):
        raise InputError(f"--where {condition!r}: {sign} needs a number, found {text!r}")

    def test(value: Any) -> bool:
        if sign in ("=", "!="):
            same = value == wanted or (value is not None and _text(value) == text.strip())
            return same == (sign == "=")
        return _is_number(value) and _SIGNS[sign](value, wanted)

    return key, test


def column(typed: str, rows: Iterable[Row]) -> str:
    """Return the column that a person means by its name or the end of it.

    Raises
    ------
    InputError
        If there is none, or several end so.
    """
    known = columns(rows)
    if typed in known or not known:
        return typed
    ends = [name for name in known if name.endswith(f".{typed}")]
    # A metric alone is that of the test part: what one asks for nine times of ten.
    ends = [name for name in ends if name == f"metrics.test.{typed}"] or ends
    if len(ends) == 1:
        return ends[0]
    if ends:
        raise InputError(f"{typed!r} is the end of several columns: write one of {', '.join(ends[:8])}")
    last = dict.fromkeys(name.rpartition(".")[2] for name in known)
    raise InputError(f"no run has {typed!r}{did_you_mean(typed, last)}")


def columns(rows: Iterable[Row]) -> list[str]:
    """Return every column that some row has, in the order of their first rows."""
    found: dict[str, None] = {}
    for row in rows:
        if not row.keys() <= found.keys():
            found.update(dict.fromkeys(row))
    return list(found)


def ordered(rows: Sequence[Row], by: str | None) -> list[Row]:
    """Return the rows in the order of a column, downwards with ``-`` before it; rows without it come last.

    Raises
    ------
    InputError
        As :func:`column`.
    """
    if not by:
        return list(rows)
    key = column(by.removeprefix("-"), rows)
    known = [row for row in rows if row.get(key) is not None]
    numbers = all(_is_number(row[key]) for row in known)
    known.sort(key=(lambda row: row[key]) if numbers else (lambda row: _text(row[key])), reverse=by.startswith("-"))
    return known + [row for row in rows if row.get(key) is None]


def differing(rows: Sequence[Row]) -> list[str]:
    """Return the settings in which the runs differ, seeds and names aside.

    Examples
    --------
    >>> differing([{"model.cell": "gru", "model.units": 8, "seed": 0}, {"model.cell": "lstm", "model.units": 8}])
    ['model.cell']
    """
    found = []
    for name in columns(rows):
        if name in _NOT_SETTINGS or name.startswith(_MEASURED):
            continue
        values = [row.get(name) for row in rows]
        try:
            different = len(set(values)) > 1
        except TypeError:  # lists and trees are compared as text
            different = len(set(map(repr, values))) > 1
        if different:
            found.append(name)
    return found


def headings(names: Sequence[str]) -> list[str]:
    """Return each column's name cut to its end, where that says it all.

    Examples
    --------
    >>> headings(["model.cell", "metrics.test.mse", "metrics.validation.mse"])
    ['cell', 'test.mse', 'validation.mse']
    """
    found = []
    for name in names:
        parts = name.split(".")
        least = 2 if f"{parts[0]}." in _MEASURED else 1
        ends = (".".join(parts[-count:]) for count in range(min(least, len(parts)), len(parts) + 1))
        found.append(next((e for e in ends if sum(o == e or o.endswith(f".{e}") for o in names) == 1), name))
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
