"""Processes that help one on the same machine to train: started, watched, and ended with it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import IO

from gatewise.runs.environment import THREAD_VARIABLES

#: Seconds until a helper whose connection broke is gone.
_PATIENCE = 5.0
_LAST_WORDS = 2000  # characters


class Helpers:
    """Helper processes, ranks 1 to ``processes - 1``.

    Parameters
    ----------
    module
        What each of them runs: ``python -m module``.
    request
        What it reads from its standard input.
    threads
        CPU threads of each.
    variables
        Further environment, e.g. where process 0 is found.
    """

    def __init__(
        self, module: str, request: str, *, processes: int, threads: int, variables: Mapping[str, str]
    ) -> None:
        self.processes = processes
        self._alive: dict[int, subprocess.Popen[str]] = {}
        self._words: dict[int, IO[str]] = {}
        for rank in range(1, processes):
            told = dict.fromkeys(THREAD_VARIABLES, str(threads))
            ranks = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes, "LOCAL_WORLD_SIZE": processes}
            told |= {name: str(value) for name, value in ranks.items()} | dict(variables)
            words = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - `stop` closes it
            self._words[rank] = words
            process = self._alive[rank] = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", module],
                stdin=subprocess.PIPE,
                stdout=words,
                stderr=words,
                text=True,
                env={**os.environ, **told},
                start_new_session=True,  # Ctrl-C is for process 0, which tells the others
            )
            assert process.stdin is not None
            with suppress(BrokenPipeError):  # one that died at once is found by `dead`
                process.stdin.write(request)
                process.stdin.close()

    def dead(self) -> str | None:
        """Say which helper has died and how; None when all live or have ended well."""
        for rank, process in self._alive.items():
            if process.poll():
                how = f"was killed by signal {-process.returncode}" if process.returncode < 0 else "failed"
                words = self._words[rank]
                words.seek(0)
                said = words.read()[-_LAST_WORDS:].strip().removeprefix("Error: ")
                return f"process {rank} of {self.processes} {how}" + (f": {said}" if said else "")
        return None

    def gone(self) -> str:
        """Say who is gone, when the others cannot be reached."""
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            if (found := self.dead()) is not None:
                return found
            time.sleep(0.02)
        return f"one of processes 1 to {self.processes - 1} does not answer"

    def stop(self) -> None:
        """End all of them; they have nothing to save."""
        for process in self._alive.values():
            process.kill()
            process.wait()
        for words in self._words.values():
            words.close()
