"""Finding run folders below any folder, and what each of them says in one flat row."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gatewise.errors import InputError
from gatewise.runs.folder import RunFolder

#: What a row has beside the settings, in this order.
FIRST = ("folder", "status", "task", "name", "seed")
#: How a run may stand: ended in one of three ways; at work, or left by a process that died; with unreadable files.
STATUSES = ("finished", "interrupted", "failed", "running", "unfinished", "broken")
_PARTS = ("train", "validation", "test")


def find_runs(places: Iterable[str | os.PathLike[str]]) -> Iterator[RunFolder]:
    """Yield every run folder at or below some folders, in the order of their names, each once.

    What lies inside a run folder (its folds) is part of that run. Links to folders and hidden folders are not followed.

    Raises
    ------
    InputError
        If a folder is not there.
    """
    seen = set()
    for place in places:
        if not os.path.isdir(place):
            raise InputError(f"{place}: there is no such folder: give a folder of runs, of a study or of one run")
        for path in _below(os.fspath(place)):
            if (real := os.path.realpath(path)) not in seen:
                seen.add(real)
                yield RunFolder(path)


def _below(path: str) -> Iterator[str]:
    if RunFolder(path).has_settings():
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
    row |= {key: settings.get(key, result.get(key)) for key in FIRST[2:]}
    row |= flatten({key: value for key, value in settings.items() if key not in row})
    row |= flatten({"metrics": {part: (result.get("metrics") or {}).get(part) or {} for part in _PARTS}})
    row |= flatten({key: result.get(key) or {} for key in ("baselines", "epochs", "seconds")})
    row |= {key: result[key] for key in ("parameters", "exclusive", "leaking", "kernel") if key in result}
    verdict = result.get("verdict") or {}
    row |= {f"verdict.{key}": verdict[key] for key in ("metric", "against", "ratio", "says", "p") if key in verdict}
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


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return every leaf of a tree by its dotted path; an empty mapping has none.

    Examples
    --------
    >>> flatten({"model": {"cell": "gru", "head": [8]}, "seed": 1})
    {'model.cell': 'gru', 'model.head': [8], 'seed': 1}
    """
    found: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            found |= flatten(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found
