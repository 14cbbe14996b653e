"""The study folder: the only place that knows the names of its files.

::

    study.json            the study in full, with every planned run
    runs/<fingerprint>/   the run folders
    timing/<fingerprint>/ short runs that had the machine to themselves
    trials/<fingerprint>/ runs of the search, without their models
    search.json           every trial of the search, and what each level's best values are
    failures.json         what went wrong with which run; absent when nothing did
    diverged.json         those of them whose loss was no longer finite
    comparison.json       levels, tests, findings
    lock                  there while a process works in the folder
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gatewise.errors import InputError
from gatewise.runs import RunFolder, atomic
from gatewise.runs.lock import held_lock, is_held

FORMAT_VERSION = 1


class StudyFolder:
    """One study's files, read and written. Making the object touches nothing.

    Parameters
    ----------
    path
        Where the study lives.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Make the folder and keep other studies out of it while the block runs.

        Raises
        ------
        RunLockedError
            If a living process works in the folder.
        OutputError
            If the folder cannot be made or written.
        """
        atomic.make_folder(self.path)
        with held_lock(self.path / "lock"):
            atomic.remove_unfinished(self.path)
            yield

    @property
    def is_in_use(self) -> bool:
        """Whether a living process of this machine works in the folder; only looks."""
        return is_held(self.path / "lock")

    @property
    def written_at(self) -> float | None:
        """When the study was last written, in seconds since 1970; None when there is none."""
        path = self.path / "study.json"
        return path.stat().st_mtime if path.is_file() else None

    def working(self) -> Iterator[RunFolder]:
        """Yield the folders of runs, trials and timing runs in which a process works right now; only looks."""
        for part in ("trials", "runs", "timing"):
            place = self.path / part
            if place.is_dir():
                folders = (RunFolder(place / name) for name in sorted(os.listdir(place)))
                yield from (run for run in folders if run.is_in_use)

    def has_study(self) -> bool:
        """Whether a study lives here."""
        return (self.path / "study.json").is_file()

    @property
    def is_compared(self) -> bool:
        """Whether the study came to its comparison."""
        return (self.path / "comparison.json").is_file()

    def run(self, fingerprint: str) -> RunFolder:
        """Return the folder of a run."""
        return RunFolder(self.path / "runs" / fingerprint)

    def timing(self, fingerprint: str) -> RunFolder:
        """Return the folder of a timing run."""
        return RunFolder(self.path / "timing" / fingerprint)

    def trial(self, fingerprint: str) -> RunFolder:
        """Return the folder of a run of the search."""
        return RunFolder(self.path / "trials" / fingerprint)

    def count_trials(self) -> int:
        """Return how many runs of the search there are."""
        home = self.path / "trials"
        return sum(1 for one in home.iterdir() if one.is_dir()) if home.is_dir() else 0

    def write_search(self, tree: Mapping[str, Any]) -> None:
        """Write every trial of the search so far."""
        atomic.write_json(self.path / "search.json", dict(tree))

    def read_search(self) -> dict[str, Any] | None:
        """Return every trial of the search so far; None when nothing was searched."""
        return self._read("search.json")

    def write_study(self, tree: Mapping[str, Any]) -> None:
        """Write the study in full."""
        atomic.write_json(self.path / "study.json", dict(tree))

    def read_study(self) -> dict[str, Any]:
        """Return the study in full.

        Raises
        ------
        InputError
            If the folder holds no study, or one of a newer version.
        """
        tree = self._read("study.json")
        if tree is None:
            raise InputError(f"{self.path}: holds no study.json: give the folder that `gatewise study` printed")
        _refuse_other_format(self.path / "study.json", tree)
        return tree

    def write_failures(self, failures: Mapping[str, str], diverged: Collection[str] = ()) -> None:
        """Write why runs failed, by fingerprint; no file when none did.

        Parameters
        ----------
        diverged
            Those of them whose loss was no longer finite: that is an answer about their settings.
        """
        for name, tree in (
            ("failures.json", dict(failures)),
            ("diverged.json", {key: failures[key] for key in failures if key in diverged}),
        ):
            if tree:
                atomic.write_json(self.path / name, tree)
            else:
                atomic.remove(self.path / name)

    def read_failures(self) -> dict[str, str]:
        """Return why runs failed, by fingerprint."""
        return self._read("failures.json") or {}

    def read_diverged(self) -> dict[str, str]:
        """Return what was said of the runs that failed because their loss was no longer finite, by fingerprint."""
        return self._read("diverged.json") or {}

    def write_comparison(self, tree: Mapping[str, Any]) -> None:
        """Write levels, tests and findings."""
        atomic.write_json(self.path / "comparison.json", dict(tree))

    def read_comparison(self) -> dict[str, Any]:
        """Return levels, tests and findings.

        Raises
        ------
        InputError
            If the study was not compared yet.
        """
        tree = self._read("comparison.json")
        if tree is None:
            raise InputError(f"{self.path}: holds no comparison.json: run the study to its end first")
        return tree

    def _read(self, name: str) -> dict[str, Any] | None:
        path = self.path / name
        return atomic.read_json(path) if path.is_file() else None


class BundleFolder:
    """The files of a study made of studies::

        studies.json          its parts, what each reads, and what came of the claims
        parts/NAME/           the study folder of a part
        lock                  there while a process works in the folder

    Parameters
    ----------
    path
        Where it lives.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Make the folder and keep others out of it while the block runs.

        Raises
        ------
        RunLockedError
            If a living process works in the folder.
        """
        atomic.make_folder(self.path)
        with held_lock(self.path / "lock"):
            yield

    @property
    def is_bundle(self) -> bool:
        """Whether this is the folder of a study made of studies."""
        return (self.path / "studies.json").is_file()

    def part(self, name: str) -> StudyFolder:
        """Return the folder of a part."""
        return StudyFolder(self.path / "parts" / name)

    def parts(self) -> list[StudyFolder]:
        """Return the folders of the parts that have begun."""
        inside = sorted((self.path / "parts").iterdir()) if (self.path / "parts").is_dir() else []
        return [StudyFolder(path) for path in inside if path.is_dir()]

    def write(self, tree: Mapping[str, Any]) -> None:
        """Write parts and claims."""
        atomic.write_json(self.path / "studies.json", dict(tree))

    def read(self) -> dict[str, Any]:
        """Return parts and claims.

        Raises
        ------
        InputError
            If the folder holds none, or they are of a newer version.
        """
        path = self.path / "studies.json"
        if not path.is_file():
            raise InputError(f"{self.path}: holds no studies.json: give the folder that `gatewise study` printed")
        tree: dict[str, Any] = atomic.read_json(path)
        _refuse_other_format(path, tree)
        return tree


def _refuse_other_format(path: Path, tree: Mapping[str, Any]) -> None:
    if tree.get("format_version") != FORMAT_VERSION:
        raise InputError(
            f"{path}: format {tree.get('format_version')} of another version of gatewise "
            f"(this one reads {FORMAT_VERSION}): update gatewise or run the study again"
        )
