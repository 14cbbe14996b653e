"""A worker process, and the seat in which one follows another when it dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from typing import IO, Any

from gatewise.runs.environment import THREAD_VARIABLES
from gatewise.studies.engines import Outcome, Request

_TRIES = 3
_LAST_WORDS = 2000  # characters


class Seat:
    """Serves one run after another, each in the same process as long as that lives.

    A worker that dies (killed, out of memory, a crash in compiled code) takes one run with it: the run goes on
    from its checkpoint in a fresh one, and counts as failed when three have died over it.
    """

    def __init__(self, threads: int, runner: str | None) -> None:
        self._threads, self._runner = threads, runner
        self._worker: Worker | None = None
        self._guard = threading.Lock()
        self._stopping = False

    def start(self) -> None:
        """Start the worker before there is something to do: it takes a moment."""
        with suppress(OSError):  # told when there is
            self._hire()

    def serve(self, request: Request) -> Outcome | None:
        """Do one run; no outcome when the seat was stopped meanwhile."""
        ends = ""
        for _ in range(_TRIES):
            try:
                worker = self._hire()
            except OSError as error:
                return Outcome(request.key, error=f"no worker could be started: {error}", exit_code=1)
            if worker is None:
                return None
            answer = worker.ask(request)
            if self._stopping and (answer is None or answer["event"] == "interrupted"):
                return None
            if answer is not None and answer["event"] == "finished":
                return Outcome(request.key, result=answer["result"])
            if answer is not None and answer["event"] == "failed":
                return Outcome(request.key, **{key: answer[key] for key in ("error", "kind", "exit_code")})
            self.close()
            ends = worker.last_words()
        return Outcome(request.key, error=f"the worker died {_TRIES} times: {ends}", exit_code=1)

    def stop(self) -> None:
        """Tell the worker to save and end; no other is started."""
        with self._guard:
            self._stopping = True
            if self._worker is not None:
                self._worker.terminate()

    def kill(self) -> None:
        """End the worker at once."""
        with self._guard:
            if self._worker is not None:
                self._worker.kill()

    def close(self) -> None:
        """Wait for the worker's end, which follows from there being nothing more to do."""
        if self._worker is not None:
            self._worker.close()
            with self._guard:
                self._worker = None

    def _hire(self) -> Worker | None:
        with self._guard:
            if self._stopping:
                return None
            if self._worker is None:
                self._worker = Worker(self._threads, self._runner)
            return self._worker


class Worker:
    """A worker process and the two ends of talking with it."""

    def __init__(self, threads: int, runner: str | None) -> None:
        self._threads = threads
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - a file, because nobody reads along; closed with the worker
        self._last_words = ""
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter and this package
            [sys.executable, "-P", "-m", "gatewise.studies.worker", *([runner] if runner else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=worker_environment(threads),
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C on the terminal reaches the study alone, which tells its workers once
        )

    def ask(self, request: Request) -> dict[str, Any] | None:
        """Hand over a run and wait for its answer; None when the worker died."""
        message = {
            "settings": request.settings,
            "folder": request.folder,
            "threads": self._threads,
            "exclusive": request.exclusive,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except OSError:
            return None
        line = self._process.stdout.readline()
        try:
            answer: dict[str, Any] = json.loads(line)
        except ValueError:  # nothing, or half a line
            return None
        return answer

    def terminate(self) -> None:
        """Ask it to save and end."""
        with suppress(OSError):
            self._process.terminate()

    def kill(self) -> None:
        """End it at once."""
        with suppress(OSError):
            self._process.kill()

    def close(self) -> None:
        """Wait for its end, which follows from the end of its standard input."""
        if self._errors.closed:
            return
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with suppress(OSError):
                stream.close()
        code = self._process.wait()
        self._errors.seek(0)
        said = self._errors.read()[-_LAST_WORDS:].decode("utf-8", errors="replace").strip()
        self._errors.close()
        self._last_words = _how_it_ended(code) + (f"; it said last: {said}" if said else "")

    def last_words(self) -> str:
        """Say how it ended and what it wrote last; after :meth:`close`."""
        return self._last_words


def worker_environment(threads: int) -> dict[str, str]:
    """Return this process's variables with every library held to `threads` threads.

    How threads wait is left as it is: a passive wait costs the small products of a recurrent step half their speed,
    and a worker of several threads always has the machine to itself.
    """
    held = dict.fromkeys(THREAD_VARIABLES, str(threads))
    return {**os.environ, **held, "PYTHONUNBUFFERED": "1"}


def _how_it_ended(code: int) -> str:
    if code == -getattr(signal, "SIGKILL", 9):
        return "killed by the system or by hand (often: out of memory; fewer jobs or a smaller batch need less)"
    if code < 0:
        with suppress(ValueError):
            return f"ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
