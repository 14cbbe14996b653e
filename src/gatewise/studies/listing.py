"""Runs of any folders as rows: what their own files say, and what the study around them knows of them."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gatewise.errors import InputError
from gatewise.runs.find import find_runs, read_row
from gatewise.runs.query import Row, columns, differing
from gatewise.studies.folder import StudyFolder

#: Where commands look when no folder is given.
PLACES = ("runs", "studies")
_MOST_COLUMNS = 6


def list_runs(places: Sequence[str | os.PathLike[str]] = (), *, aside: bool = False) -> list[dict[str, Any]]:
    """Return a flat row for every run at or below some folders, failed ones of studies included.

    Parameters
    ----------
    places
        Folders of runs, of studies or of one run; ``runs`` and ``studies`` of the current folder when empty.
    aside
        Whether the short runs that studies time alone and the trials of their searches are listed too.

    Raises
    ------
    InputError
        If a folder is not there.

    Examples
    --------
    >>> [row["metrics.test.mse"] for row in list_runs(["studies/stocks-cells"])]  # doctest: +SKIP
    [71.6, 70.9]
    """
    given = list(places) or [place for place in PLACES if Path(place).is_dir()]
    with _collecting_nothing():
        return _list(given, aside=aside)


def _list(given: Sequence[str | os.PathLike[str]], *, aside: bool) -> list[dict[str, Any]]:
    studies = _Studies()
    rows = []
    for run in find_runs(given):
        study = studies.around(run.path)
        if study is not None and study.is_aside(run.path) and not aside:
            continue
        row = read_row(run)
        if study is not None:
            row["study"] = study.name
            if row["status"] not in ("finished", "running") and run.path.name in study.failures:
                row |= {"status": "failed", "error": study.failures[run.path.name]}
        rows.append(row)
    found = {row["folder"] for row in rows}
    for study in studies.inside(given):
        rows += [row for row in study.lost() if row["folder"] not in found]
    return rows


@contextmanager
def _collecting_nothing() -> Iterator[None]:
    """Keep the garbage collector from looking through a growing heap of rows again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class _Studies:
    """The studies that runs belong to, each read once."""

    def __init__(self) -> None:
        self._known: dict[Path, _Study | None] = {}

    def around(self, run: Path) -> _Study | None:
        """Return the study whose folder a run lies in, as ``STUDY/runs/RUN``."""
        return self._at(run.parent.parent)

    def inside(self, places: Iterable[str | os.PathLike[str]]) -> Iterator[_Study]:
        """Yield the studies that lie at or below some folders, those whose every run is gone included."""
        for place in map(Path, places):
            for path in (place, *sorted(one for one in place.iterdir() if one.is_dir())):
                self._at(path)
            known = [study for path, study in self._known.items() if study and place in (path, *path.parents)]
            yield from known

    def _at(self, path: Path) -> _Study | None:
        if path not in self._known:
            place = StudyFolder(path)
            self._known[path] = _Study(place) if place.has_study() else None
        return self._known[path]


class _Study:
    """What a study knows of its runs."""

    def __init__(self, place: StudyFolder) -> None:
        self.place, self.failures = place, place.read_failures()
        try:
            self._tree = place.read_study()
        except InputError:  # of another version: its runs can be listed all the same
            self._tree = {}
        self.name = str(self._tree.get("name") or place.path.name)

    def is_aside(self, run: Path) -> bool:
        """Whether a run is timed alone or a trial, not one of those that are compared."""
        return self.place.run(run.name).path != run

    def lost(self) -> Iterator[dict[str, Any]]:
        """Yield the runs that failed and left no folder."""
        for run in self._tree.get("runs") or ():
            error = self.failures.get(run["fingerprint"])
            if error is not None:
                yield {
                    "folder": str(self.place.run(run["fingerprint"]).path),
                    "status": "failed",
                    "task": self._tree.get("task"),
                    "name": f"{run['label']}, seed {run['seed']}",
                    "seed": run["seed"],
                    **{name: value for name, value in run["levels"].items() if "." in name},
                    "study": self.name,
                    "error": error,
                }


def shown_columns(rows: Sequence[Row]) -> list[str]:
    """Return the columns that tell runs apart: how they ended, what differs in their settings, how good they are."""
    known = set(columns(rows))
    several = {row.get("study") for row in rows} - {None}
    chosen = ["study"] * (len(several) > 1) + ["name", "status", "seed"]
    chosen += differing([row for row in rows if row["status"] != "failed"])[:_MOST_COLUMNS]
    chosen += [*first_metrics(rows), "epochs.run", "seconds.total", "folder"]
    return [name for name in dict.fromkeys(chosen) if name in known]


def first_metrics(rows: Sequence[Row]) -> list[str]:
    """Return the test metric that the rows of each task are judged by."""
    judged: dict[Any, str] = {}
    for row in rows:
        found = row.get("verdict.metric") or next((key[13:] for key in row if key.startswith("metrics.test.")), None)
        if found is not None:
            judged.setdefault(row.get("task"), f"metrics.test.{found}")
    return list(judged.values())
