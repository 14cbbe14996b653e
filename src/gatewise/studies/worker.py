"""A worker: does one run after another as it is told, so that torch is loaded once and not for every run.

Requests come as JSON lines on standard input, answers go as JSON lines to standard output::

    -> {"settings": {...}, "folder": "runs/3f...", "threads": 1, "exclusive": false}
    <- {"event": "finished", "result": {...}}
    <- {"event": "failed", "error": "...", "kind": "DivergedError", "exit_code": 1}
    <- {"event": "interrupted"}           SIGTERM came; what was learned is saved

Started as ``python -m gatewise.studies.worker [module:function]``. Without a function, the task in a request's settings
names what does the run: ``(settings, folder, *, threads, exclusive, progress) -> result``. When its starter is gone, it
stops as if told to.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from gatewise.errors import GatewiseError, InterruptedRunError, RunLockedError
from gatewise.registry import task_of
from gatewise.runs.atomic import to_json
from gatewise.settings import parse
from gatewise.studies.engines import Outcome

_SAVE_SECONDS = 60.0  # until a worker whose study was killed has saved
_LOOK_SECONDS = 0.2


def main(runner: str | None = None) -> int:
    """Do runs until standard input ends; return the exit code."""
    answer = _answers()
    requests = _Requests()
    while (request := requests.next()) is not None:
        outcome = _outcome(runner, request)
        requests.done()
        answer(outcome)
        if outcome["event"] == "interrupted":
            return InterruptedRunError.exit_code
    return 0


def _outcome(runner: str | None, request: dict[str, Any]) -> dict[str, Any]:
    """Do one run; whatever goes wrong becomes an answer, so that the next run can follow."""
    try:
        result = _do(*_runner(runner, request["settings"]), request)
    except (InterruptedRunError, KeyboardInterrupt):
        return {"event": "interrupted"}
    except Exception as error:  # noqa: BLE001 - a defect in one run must not end the others; it is told in full
        if not isinstance(error, GatewiseError):
            traceback.print_exc()
        told = Outcome.of_error("", error)
        return {"event": "failed", "error": told.error, "kind": told.kind, "exit_code": told.exit_code}
    return {"event": "finished", "result": result}


def _do(function: Any, kind: Any, request: dict[str, Any]) -> Any:
    """Do one run, after the worker of a killed study that may still be saving in its folder."""
    until = time.monotonic() + _SAVE_SECONDS
    while True:
        try:
            return function(
                parse(kind, request["settings"]),
                Path(request["folder"]),
                threads=request["threads"],
                exclusive=request["exclusive"],
                progress=None,
            )
        except RunLockedError:
            if time.monotonic() > until:
                raise
            time.sleep(_LOOK_SECONDS)


def _runner(runner: str | None, settings: dict[str, Any]) -> tuple[Any, Any]:
    """Return the function that does a run and the class of its settings (the task's, or the module's ``SETTINGS``)."""
    if runner is None:
        task = task_of(settings)
        return task.load("runner"), task.load("settings")
    home, name = runner.split(":")
    module = import_module(home)
    return getattr(module, name), getattr(module, "SETTINGS", None) or task_of(settings).load("settings")


def _answers() -> Callable[[dict[str, Any]], None]:
    """Keep standard output for answers alone: what a library prints goes to standard error."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(message: dict[str, Any]) -> None:
        channel.write(to_json(message) + "\n")
        channel.flush()

    return answer


class _Requests:
    """Requests read beside the work, so that the end of standard input is noticed during a run."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._busy = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def next(self) -> dict[str, Any] | None:
        """Return the next request, or None when there will be no more."""
        return self._queue.get()

    def done(self) -> None:
        """Say that the request has been served."""
        self._busy.clear()

    def _read(self) -> None:
        for line in sys.stdin:
            self._busy.set()
            self._queue.put(json.loads(line))
        if self._busy.is_set():  # the starter died in the middle of a run: save and stop
            os.kill(os.getpid(), signal.SIGTERM)
        self._queue.put(None)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
