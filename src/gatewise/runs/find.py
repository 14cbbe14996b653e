"""Finding run folders below any folder, and what each of them says in one flat row."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gatewise.errors import InputError
from gatewise.runs.folder import RunFolder, holds_run

#: What a row has beside the settings, in this order.
FIRST = ("folder", "status", "task", "name", "seed")
#: How a run may stand: ended in one of three ways; at work, or left by a process that died; with unreadable files.
STATUSES = ("finished", "interrupted", "failed", "running", "unfinished", "broken")
#: Names of leaves, joined: those of settings and metrics are few, and the same for every run.
_JOINED: dict[str, dict[str, str]] = {}
_PARTS = ("train", "validation", "test")


def find_runs(places: Iterable[str | os.PathLike[str]]) -> Iterator[RunFolder]:
    """Yield every run folder at or below some folders, in the order of their names, each once.

    What lies inside a run folder (its folds) is part of that run. Links to folders and hidden folders are not followed.

    Raises
    ------
    InputError
        If a folder is not there.
    """
    given = [os.fspath(place) for place in places]
    for place in given:
        if not os.path.isdir(place):
            raise InputError(f"{place}: there is no such folder: give a folder of runs, of a study or of one run")
    seen = set()
    for place in given:
        for path in _below(place):
            if len(given) > 1:  # one of them may lie in another
                real = os.path.realpath(path)
                if real in seen:
                    continue
                seen.add(real)
            yield RunFolder(path)


def _below(path: str) -> Iterator[str]:
    if holds_run(path):
        yield path
        return
    try:
        with os.scandir(path) as entries:
            folders = [one.path for one in entries if one.name[0] != "." and one.is_dir(follow_symlinks=False)]
    except PermissionError:
        return
    for folder in sorted(folders):
        yield from _below(folder)


def read_row(run: RunFolder) -> dict[str, Any]:
    """Return what one run says as a flat row: where, how it ended, its settings, metrics and baselines.

    A file that is missing or cannot be read leaves its part out; such a run has the status ``broken`` or, while it has
    no result, ``running`` or ``unfinished``.

    Examples
    --------
    >>> read_row(RunFolder("runs/gru"))["metrics.test.mse"]  # doctest: +SKIP
    71.6
    """
    settings, result, status = _read(run)
    row: dict[str, Any] = {"folder": str(run.path), "status": status}
    for key in FIRST[2:]:
        row[key] = settings.pop(key, None) if key in settings else result.get(key)
    _lay(settings, "", row)
    metrics = result.get("metrics") or {}
    for part in _PARTS:
        _lay(metrics.get(part) or {}, f"metrics.{part}.", row)
    for key in ("baselines", "epochs", "seconds"):
        _lay(result.get(key) or {}, f"{key}.", row)
    for key in ("parameters", "exclusive", "leaking", "kernel"):
        if key in result:
            row[key] = result[key]
    verdict = result.get("verdict") or {}
    for key in ("metric", "against", "ratio", "says", "p"):
        if key in verdict:
            row[f"verdict.{key}"] = verdict[key]
    return row


def _read(run: RunFolder) -> tuple[dict[str, Any], dict[str, Any], str]:
    settings: dict[str, Any] = {}
    result: dict[str, Any] = {}
    try:
        settings = run.read_settings()
        if not run.has_result():
            return settings, result, "running" if run.is_in_use else "unfinished"
        result = run.read_result()
    except InputError:
        return settings, result, "broken"
    return settings, result, str(result.get("status") or "broken")


def flatten(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return every leaf of a tree by its dotted path; an empty mapping has none.

    Examples
    --------
    >>> flatten({"model": {"cell": "gru", "head": [8]}, "seed": 1})
    {'model.cell': 'gru', 'model.head': [8], 'seed': 1}
    """
    found: dict[str, Any] = {}
    _lay(tree, "", found)
    return found


def _lay(tree: Mapping[str, Any], prefix: str, found: dict[str, Any]) -> None:
    """Lay a tree's leaves into `found`: a listing does it for thousands of trees, so each name is made once."""
    known = _JOINED.get(prefix)
    if known is None:
        known = _JOINED[prefix] = {}
    for key, value in tree.items():
        name = known.get(key)
        if name is None:
            name = known[key] = prefix + key
        if type(value) is dict:
            _lay(value, name + ".", found)
        else:
            found[name] = value
