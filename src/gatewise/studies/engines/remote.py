"""What runs on a Ray worker: a seat of the same worker process as on this machine, in scratch space of its own.

Ray's process only hands over; the runs are done by the very process that the local engine starts, with the same
threads and variables, so the numbers are the same. When Ray's process dies, the worker saves and ends by itself.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import gatewise
from gatewise.errors import GatewiseError, OutputError
from gatewise.registry.outside import look_in
from gatewise.runs import atomic
from gatewise.runs.lock import held_lock, waited_lock
from gatewise.studies.engines import Outcome, Request
from gatewise.studies.engines.parcel import View, hash_of, pack, respell, unpack
from gatewise.studies.engines.process import Seat


class RemoteSeat:
    """Serves one run after another on the machine where it is made.

    Parameters
    ----------
    threads
        Threads of each run.
    runner
        ``module:function`` that does a run; that of the run's task when absent.
    python_path
        Where the study's own modules lie, if this machine sees them.
    code
        The modules that it names by their import path: path below a folder, to the text of the file.
    """

    def __init__(
        self, threads: int, runner: str | None, python_path: str = "", code: Mapping[str, str] | None = None
    ) -> None:
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [python_path, os.environ.get("PYTHONPATH", "")]))
        self._held = ExitStack()
        self._scratch = self._make_scratch()
        for path, text in (code or {}).items():
            place = self._scratch / "code" / path
            atomic.make_folder(place.parent)
            atomic.write_text(place, text)
        if code:
            look_in(self._scratch / "code")
        self._seat = Seat(threads, runner)
        self._seat.start()
        self._known: dict[tuple[str, int, int], str] = {}

    def hello(self) -> dict[str, str]:
        """Say who is there."""
        return {"version": gatewise.__version__, "host": socket.gethostname(), "pid": str(os.getpid())}

    def serve(
        self, request: dict[str, Any], begun: bytes | None, places: Mapping[str, list[str]], files: Mapping[str, Any]
    ) -> tuple[dict[str, Any] | None, bytes | None]:
        """Do one run; return its outcome (None when stopped) and its folder.

        Parameters
        ----------
        request
            A :class:`~gatewise.studies.engines.Request` as a dict.
        begun
            The folder of a run that was begun before.
        places
            What the run reads, from :func:`~gatewise.studies.engines.parcel.data_of`.
        files
            Of each file there its hash and, to be fetched from Ray when it is not here, its content.
        """
        asked = Request(**request)
        folder = self._scratch / "runs" / asked.key
        try:
            view = View(places, "" if self._all_here(files) else self._lay_out(files))
            if begun is not None:
                unpack(begun, folder)
            here = replace(asked, settings=view.settings(asked.settings), folder=str(folder))
            outcome = self._seat.serve(here)

            def spell(text: str) -> str:
                return respell(view.spell(text), str(folder), asked.folder)

            told = None if outcome is None else json.loads(spell(json.dumps(asdict(outcome), ensure_ascii=False)))
            return told, pack(folder, spell)
        except (GatewiseError, OSError) as error:
            return asdict(Outcome.of_error(asked.key, error)), None
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def stop(self) -> None:
        """Tell the worker to save and end; what it saved comes back with the run that it was asked for."""
        self._seat.stop()

    def close(self) -> None:
        """Wait for the worker's end and leave nothing behind."""
        self._seat.close()
        self._held.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _make_scratch(self) -> Path:
        """Make a folder of our own, and remove those of dead ones."""
        home = _home() / "scratch"
        atomic.make_folder(home)
        with waited_lock(home / "lock"):
            for left in filter(Path.is_dir, home.iterdir()):
                with suppress(GatewiseError, OSError), held_lock(left / "lock"):
                    shutil.rmtree(left, ignore_errors=True)
            place = Path(tempfile.mkdtemp(dir=home))
            self._held.enter_context(held_lock(place / "lock"))
        atomic.make_folder(place / "runs")
        return place

    def _all_here(self, files: Mapping[str, Any]) -> bool:
        """Whether this machine has every file in its own place."""
        return all(self._hash_here(path) == digest for path, (digest, _) in files.items())

    def _hash_here(self, path: str) -> str | None:
        try:
            about = os.stat(path)
            key = (path, about.st_mtime_ns, about.st_size)
            if key not in self._known:
                self._known[key] = hash_of(path)
        except (GatewiseError, OSError):
            return None
        return self._known[key]

    def _lay_out(self, files: Mapping[str, Any]) -> str:
        """Lay the files below a folder by their full path, and return it."""
        import ray

        root = self._scratch / "data"
        for path, (digest, content) in files.items():
            kept, place = _home() / "files" / digest, Path(f"{root}{path}")
            if not kept.is_file():
                atomic.make_folder(kept.parent)
                atomic.write_bytes(kept, ray.get(content))
            place.unlink(missing_ok=True)
            atomic.make_folder(place.parent)
            try:
                os.link(kept, place)
            except OSError:
                shutil.copyfile(kept, place)
        return str(root)


def _home() -> Path:
    """Return where workers of this user keep their files on this machine."""
    home = Path(tempfile.gettempdir()) / f"gatewise-{os.getuid() if hasattr(os, 'getuid') else 'workers'}"
    home.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and (home.is_symlink() or home.stat().st_uid != os.getuid()):
        raise OutputError(f"{home}: belongs to somebody else: set TMPDIR to a folder of your own")
    return home
