"""From a folder of data to the files that the parts read, by name or by content."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from gatewise.errors import InputError
from gatewise.studies.bundle.settings import OwnData, SourceSettings
from gatewise.studies.claims_settings import spoken

#: A README is a text, and no data.
_NOT_DATA = ("readme*", "licen*", "*_licen*", "changelog*", "contributing*")


@dataclass(frozen=True)
class Found:
    """What the parts that read some data are given.

    Attributes
    ----------
    files : found in the folder; empty when packaged data stand in.
    set : further settings that these data need.
    said : which data these are, in words.
    stand_in : what stands in for the report's own data; empty when these are its own.
    missing : why there is nothing to read; empty when there is.
    """

    files: tuple[Path, ...] = ()
    set: dict[str, Any] | None = None
    said: str = ""
    stand_in: str = ""
    missing: str = ""


def check_folder(folder: Path | None) -> Path | None:
    """Return the folder of data when it is one.

    Raises
    ------
    InputError
        If it is not there, or is no folder.
    """
    if folder is not None and not folder.is_dir():
        what = "is a file" if folder.is_file() else "is not there"
        raise InputError(f"{folder}: {what}: --data names the folder that holds the data")
    return folder


def find_data(source: SourceSettings, folder: Path | None) -> Found:
    """Look for some data in a folder; without one, or without success, packaged data stand in."""
    files = _look(source, folder) if folder is not None else ()
    if files:
        said = f"{spoken(source.title)} ({', '.join(file.name for file in files)})"
        own = source.own is not None and len(files) == max(1, len(source.names)) and _all_own(files, source.own)
        return Found(files, said=said, stand_in="" if own else spoken(source.stand_in) or said)
    if source.otherwise:
        said = spoken(source.otherwise_is)
        return Found(set=dict(source.otherwise), said=said, stand_in=said)
    where = "no folder of data is given" if folder is None else f"{folder} has no {_wanted(source)}"
    return Found(missing=f"{spoken(source.title)}: {where}")


def _wanted(source: SourceSettings) -> str:
    columns = f"table with the columns {', '.join(source.columns)}" if source.columns else f"file *{source.suffix}"
    return " or ".join([*([" and ".join(source.names)] if source.names else []), columns])


def _look(source: SourceSettings, folder: Path) -> tuple[Path, ...]:
    """Return the files by their names, otherwise by what is in them."""
    inside = sorted(path for path in folder.iterdir() if path.is_file())
    named = [next((path for path in inside if fnmatch(path.name.lower(), one.lower())), None) for one in source.names]
    known = tuple(path for path in named if path is not None)
    if known and len(known) == len(named):
        return known
    fitting = [path for path in inside if path.suffix.lower() == source.suffix and not _is_about(path)]
    if source.columns:
        return tuple(path for path in fitting if set(source.columns) <= set(_columns(path)))
    return tuple(sorted(fitting, key=lambda path: path.stat().st_size, reverse=True)[:1])


def _is_about(path: Path) -> bool:
    return any(fnmatch(path.name.lower(), pattern) for pattern in _NOT_DATA)


def _columns(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file), [])
    except (UnicodeDecodeError, csv.Error):
        return []


def _all_own(files: tuple[Path, ...], own: OwnData) -> bool:
    return all(_is_own(path, own) for path in files)


def _is_own(path: Path, own: OwnData) -> bool:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error):
        return False
    if len(rows) != own.rows:
        return False
    if own.column is None:
        return True
    values = sorted(str(row.get(own.column)) for row in rows)  # a file may have its newest row first
    return (values[0], values[-1]) == (own.first, own.last)
