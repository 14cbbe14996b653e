"""Workers on this machine: each its own process with its own threads, fed with runs until none is left.

A worker that dies (killed, out of memory, a crash in compiled code) takes one run with it: the run is tried once more
in a fresh worker, goes on from its checkpoint, and counts as failed only when that dies too.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any

from gatewise.errors import DivergedError, InterruptedRunError

#: Variables that numerical libraries read when they are loaded, so they are set before the worker starts.
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "POLARS_MAX_THREADS",
)
_TRIES = 2
_LAST_WORDS = 2000  # characters


@dataclass(frozen=True)
class Request:
    """A run to do: its settings as a plain tree, and where."""

    key: str
    settings: dict[str, Any]
    folder: str
    exclusive: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a run ended: with a result, or with an error in words."""

    key: str
    result: dict[str, Any] | None = None
    error: str | None = None
    exit_code: int = 0
    diverged: bool = False


def run_pool(
    requests: Sequence[Request],
    on_outcome: Callable[[Outcome], None],
    *,
    workers: int,
    threads: int = 1,
    runner: str | None = None,
    then: Callable[[Outcome], Sequence[Request]] | None = None,
) -> None:
    """Do all requests and report each as it ends, in the caller's own thread.

    Parameters
    ----------
    workers
        Processes at a time.
    threads
        Threads of each.
    runner
        ``module:function`` that does a run; that of the run's task when absent (see :mod:`gatewise.studies.worker`).
    then
        Gives the requests that follow from how a run ended: they join those that wait (a search's next trial).

    Raises
    ------
    InterruptedRunError
        After Ctrl-C or SIGTERM, when every worker has saved and ended.
    """
    pool = _Pool(requests, min(workers, len(requests)), threads, runner)
    with _sigterm_as_ctrl_c():
        try:
            pool.start()
            waiting = len(requests)
            while waiting:
                outcome = pool.outcomes.get()
                on_outcome(outcome)
                waiting += pool.add(then(outcome) if then else ()) - 1
            pool.finish()
        except KeyboardInterrupt:
            pool.stop()
            raise InterruptedRunError("stopped") from None
        except BaseException:
            pool.stop()
            raise
        finally:
            pool.join()


class _Pool:
    """One thread a worker process: it hands over a run, waits for the answer, takes the next."""

    def __init__(self, requests: Sequence[Request], workers: int, threads: int, runner: str | None) -> None:
        self.outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._pending: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self.add(requests)
        self._threads, self._runner = threads, runner
        self._lanes = [threading.Thread(target=self._lane, daemon=True) for _ in range(workers)]
        self._alive: set[_Worker] = set()
        self._guard = threading.Lock()
        self._stopping = False

    def start(self) -> None:
        for lane in self._lanes:
            lane.start()

    def add(self, requests: Sequence[Request]) -> int:
        """Let requests wait for a free worker; return how many."""
        for request in requests:
            self._pending.put(request)
        return len(requests)

    def finish(self) -> None:
        """Say that no more requests will come."""
        for _ in self._lanes:
            self._pending.put(None)

    def stop(self) -> None:
        """Tell the workers to save and end; no new ones are started."""
        with self._guard:
            self._stopping = True
            for worker in self._alive:
                worker.terminate()
        self.finish()

    def join(self) -> None:
        """Wait until the workers have ended; a second Ctrl-C does not wait for them to save."""
        try:
            self._join()
        except KeyboardInterrupt:
            with self._guard:
                for worker in self._alive:
                    worker.kill()
            self._join()

    def _join(self) -> None:
        for lane in self._lanes:
            if lane.ident is not None:
                lane.join()

    def _lane(self) -> None:
        worker: _Worker | None = None
        try:
            while (request := self._pending.get()) is not None:
                outcome, worker = self._serve(request, worker)
                if outcome is None:
                    return
                self.outcomes.put(outcome)
        finally:
            self._release(worker)

    def _serve(self, request: Request, worker: _Worker | None) -> tuple[Outcome | None, _Worker | None]:
        """Do one run, in a fresh worker when the last one is gone; no outcome when the pool is stopping."""
        ends = ""
        for _ in range(_TRIES):
            try:
                worker = worker or self._hire()
            except OSError as error:
                return Outcome(request.key, error=f"no worker could be started: {error}", exit_code=1), None
            if worker is None:
                return None, None
            answer = worker.ask(request)
            if self._stopping and (answer is None or answer["event"] == "interrupted"):
                return None, worker
            if answer is not None and answer["event"] == "finished":
                return Outcome(request.key, result=answer["result"]), worker
            if answer is not None and answer["event"] == "failed":
                told = {"error": answer["error"], "exit_code": answer["exit_code"]}
                return Outcome(request.key, **told, diverged=answer.get("kind") == DivergedError.__name__), worker
            self._release(worker)
            ends, worker = worker.last_words(), None
        return Outcome(request.key, error=f"the worker died {_TRIES} times: {ends}", exit_code=1), None

    def _hire(self) -> _Worker | None:
        with self._guard:
            if self._stopping:
                return None
            worker = _Worker(self._threads, self._runner)
            self._alive.add(worker)
            return worker

    def _release(self, worker: _Worker | None) -> None:
        if worker is not None:
            worker.close()
            with self._guard:
                self._alive.discard(worker)


class _Worker:
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
    held = dict.fromkeys(_THREAD_VARIABLES, str(threads))
    return {**os.environ, **held, "PYTHONUNBUFFERED": "1"}


def _how_it_ended(code: int) -> str:
    if code == -getattr(signal, "SIGKILL", 9):
        return "killed by the system or by hand (often: out of memory; fewer jobs or a smaller batch need less)"
    if code < 0:
        with suppress(ValueError):
            return f"ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C while the block runs (only the main thread may say so)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_signal: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
