"""The run folder: the only place that knows the names of its files.

::

    settings.json         the complete settings of the run
    environment.json      versions, machine, threads, git
    log.jsonl             a row an epoch
    samples.jsonl         what a text run wrote while it learned, a row a sample
    predictions.parquet   a row a forecast value, or a symbol of the held-out text
    result.json           the outcome; there only when the run has ended
    model/                the saved model
    folds/                one run folder a fold, when the split has several
    checkpoint/           where a stopped run goes on; gone when the run has finished
    lock                  there while a process works in the folder
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gatewise.errors import InputError, OutputError
from gatewise.runs import atomic
from gatewise.runs.lock import held_lock, is_held

if TYPE_CHECKING:
    import polars as pl

_SETTINGS = "settings.json"
_ENVIRONMENT = "environment.json"
_LOG = "log.jsonl"
_SAMPLES = "samples.jsonl"
_PREDICTIONS = "predictions.parquet"
_RESULT = "result.json"
_MODEL = "model"
_CHECKPOINT = "checkpoint"
_LOCK = "lock"
_PAGE = "page.html"  # made from the folder by the report; goes with the run that it shows
_FOLDS = "folds"
_ALL = (_RESULT, _PREDICTIONS, _LOG, _SAMPLES, _CHECKPOINT, _FOLDS, _MODEL, _ENVIRONMENT, _SETTINGS)


class RunFolder:
    """One run's files, read and written.

    Making the object touches nothing; :meth:`create` makes the folder.

    Parameters
    ----------
    path
        Where the run lives.

    Examples
    --------
    >>> folder = RunFolder.create("runs/first")  # doctest: +SKIP
    >>> with folder.lock():  # doctest: +SKIP
    ...     folder.write_settings({"name": "first"})
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def __repr__(self) -> str:
        return f"RunFolder({str(self.path)!r})"

    @classmethod
    def create(
        cls, path: str | os.PathLike[str], *, exists: Literal["resume", "error", "replace"] = "resume"
    ) -> RunFolder:
        """Make the folder, or take the one that is there.

        Parameters
        ----------
        exists
            What to do when a run is there already: go on with it, refuse, or remove its files and begin again. Files
            that are not a run's are never touched.

        Raises
        ------
        OutputError
            If the folder cannot be made or written, holds other things than a run, or holds a run and `exists` is
            ``"error"``.
        """
        folder = cls(path)
        atomic.make_folder(folder.path)
        if not os.access(folder.path, os.W_OK | os.X_OK):
            raise atomic.cannot_write(folder.path, PermissionError(errno.EACCES, "no permission"))
        held = {entry.name for entry in folder.path.iterdir() if not entry.name.endswith(atomic.UNFINISHED)}
        ours = held.intersection(_ALL)
        if held - {_LOCK} and not ours:
            raise OutputError(f"{folder.path} holds {min(held)!r} and no run: choose an empty or a new folder")
        if ours and exists == "error":
            raise OutputError(f"{folder.path} holds a run already: choose another folder, or ask to replace it")
        if ours and exists == "replace":
            with folder.lock():
                folder.remove_run()
        return folder

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes out while the block runs; what a killed one left half-written is removed first.

        Raises
        ------
        RunLockedError
            If a living process works in the folder; the message names its process id.
        OutputError
            If the folder cannot be written.
        """
        try:
            with held_lock(self.path / _LOCK):
                for place in (self.path, self.path / _CHECKPOINT):
                    atomic.remove_unfinished(place)
                yield
        except OutputError:
            with suppress(OSError):
                self.path.rmdir()  # when nothing could be written, no empty folder stays behind
            raise

    @property
    def is_finished(self) -> bool:
        """Whether the run came to its end; its result can then be read."""
        return self.read_finished() is not None

    def read_finished(self) -> dict[str, Any] | None:
        """Return the outcome of a run that came to its end, None of any other; raises as :meth:`read_settings`."""
        result = self.read_result() if self.has_result() else None
        return result if result is not None and result.get("status") == "finished" else None

    def has_result(self) -> bool:
        """Whether the run has ended, in whatever way."""
        return os.path.isfile(os.path.join(self.path, _RESULT))

    @property
    def is_in_use(self) -> bool:
        """Whether a living process works in the folder; only looks."""
        return is_held(self.path / _LOCK)

    @property
    def last_change(self) -> float | None:
        """When the run last wrote an epoch or its settings, in seconds since 1970; None when it wrote neither."""
        times = [path.stat().st_mtime for name in (_LOG, _SETTINGS) if (path := self.path / name).is_file()]
        return max(times, default=None)

    def size(self) -> int:
        """Return the bytes of the run's files."""
        owned = [path for name in (*_ALL, _PAGE) if (path := self.path / name).exists()]
        files = [file for path in owned for file in ([path] if path.is_file() else path.rglob("*"))]
        return sum(file.stat().st_size for file in files if file.is_file())

    @property
    def model_path(self) -> Path:
        """Folder of the saved model."""
        return self.path / _MODEL

    @property
    def checkpoint_path(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / _CHECKPOINT

    def fold_path(self, fold: int) -> Path:
        """Run folder of one fold."""
        return self.path / _FOLDS / str(fold)

    def remove_run(self) -> None:
        """Remove the run's files; the caller holds the lock."""
        for name in (*_ALL, _PAGE):
            atomic.remove(self.path / name)

    def remove(self) -> None:
        """Remove the run, and its folder when nothing else lies in it.

        Raises
        ------
        RunLockedError
            If a process works in the folder.
        OutputError
            If a file may not be removed.
        """
        with self.lock():
            self.remove_run()
        with suppress(OSError):
            self.path.rmdir()

    def remove_checkpoints(self) -> None:
        """Remove the checkpoints, those of folds too, once the result is written."""
        atomic.remove(self.checkpoint_path)
        for checkpoint in sorted(self.path.glob(f"{_FOLDS}/*/{_CHECKPOINT}")):
            atomic.remove(checkpoint)

    def write_settings(self, settings: Mapping[str, Any]) -> None:
        """Write the complete settings (``ForecastSettings.model_dump(mode="json")``)."""
        atomic.write_json(self.path / _SETTINGS, dict(settings))

    def read_settings(self) -> dict[str, Any]:
        """Return the settings as a plain tree.

        Raises
        ------
        InputError
            If they are missing or cannot be read.
        """
        return self._read_json(_SETTINGS)

    def has_settings(self) -> bool:
        """Whether settings were written: the folder then belongs to a run."""
        return (self.path / _SETTINGS).is_file()

    def has_environment(self) -> bool:
        """Whether it was written what the run ran on."""
        return (self.path / _ENVIRONMENT).is_file()

    def write_environment(self, environment: Mapping[str, Any]) -> None:
        """Write what the run ran on (see :func:`gatewise.runs.environment`)."""
        atomic.write_json(self.path / _ENVIRONMENT, dict(environment))

    def read_environment(self) -> dict[str, Any]:
        """Return what the run ran on; raises as :meth:`read_settings`."""
        return self._read_json(_ENVIRONMENT)

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Write the outcome."""
        atomic.write_json(self.path / _RESULT, dict(result))

    def read_result(self) -> dict[str, Any]:
        """Return the outcome; raises as :meth:`read_settings`."""
        return self._read_json(_RESULT)

    def append_log(self, row: Mapping[str, Any]) -> None:
        """Add one row to the log; a failure leaves the log as it was.

        Raises
        ------
        OutputError
            If the row cannot be written.
        """
        path = self.path / _LOG
        line = (atomic.to_json(dict(row)) + "\n").encode()
        try:
            with path.open("ab+") as file:
                file.seek(0)
                end = _end_of_whole_lines(file.read())
                file.truncate(end)
                try:
                    file.write(line)
                    file.flush()
                except OSError:
                    os.truncate(path, end)
                    raise
        except OSError as error:
            raise atomic.cannot_write(path, error) from error

    def write_log(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Put `rows` in the place of the whole log, as a run that goes on from a checkpoint does."""
        self._write_rows(_LOG, rows)

    def read_log(self) -> list[dict[str, Any]]:
        """Return the rows of the log; none when there is no log.

        A last line without its end (the process was killed while it wrote) does not count.

        Raises
        ------
        InputError
            If another line is not JSON.
        """
        return self._read_rows(_LOG)

    def write_samples(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write what a text run has written while it learned."""
        self._write_rows(_SAMPLES, rows)

    def read_samples(self) -> list[dict[str, Any]]:
        """Return what a text run has written while it learned; none when it wrote nothing. Raises as `read_log`."""
        return self._read_rows(_SAMPLES)

    def _write_rows(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        atomic.write_text(self.path / name, "".join(atomic.to_json(dict(row)) + "\n" for row in rows))

    def _read_rows(self, name: str) -> list[dict[str, Any]]:
        path = self.path / name
        if not path.is_file():
            return []
        content = path.read_bytes()
        rows = []
        for number, line in enumerate(content[: _end_of_whole_lines(content)].splitlines(), start=1):
            try:
                rows.append(dict(json.loads(line)))
            except (ValueError, TypeError):
                raise InputError(
                    f"{path}, line {number}: not a JSON row: remove the line, or run again into a new folder"
                ) from None
        return rows

    def write_predictions(self, frame: pl.DataFrame) -> None:
        """Write the table of predictions, whole or not at all."""
        with atomic.replacing(self.path / _PREDICTIONS) as new:
            frame.write_parquet(new)

    def read_predictions(self) -> pl.DataFrame:
        """Return the table of predictions; raises as :meth:`read_settings`."""
        import polars as pl

        path = self._existing(_PREDICTIONS)
        try:
            return pl.read_parquet(path)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise InputError(f"{path}: not a readable Parquet file ({error}): run again into a new folder") from error

    def _existing(self, name: str) -> Path:
        path = self.path / name
        if not path.is_file():
            held = "the folder does not exist" if not self.path.is_dir() else f"it holds no {name}"
            raise InputError(f"{self.path}: {held}: give the folder of a run that has got that far")
        return path

    def _read_json(self, name: str) -> dict[str, Any]:
        path = os.path.join(self.path, name)
        return atomic.read_json(path if os.path.isfile(path) else self._existing(name))


def holds_run(path: str) -> bool:
    """Whether the folder at `path` belongs to a run; quick enough to be asked of ten thousand."""
    return os.path.isfile(f"{path}/{_SETTINGS}")


def _end_of_whole_lines(content: bytes) -> int:
    """Return how many bytes at the start are whole lines."""
    return content.rfind(b"\n") + 1
