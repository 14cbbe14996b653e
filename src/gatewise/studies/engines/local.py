"""Workers on this machine: each its own process with its own threads, fed with runs until none is left."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

from gatewise.errors import InterruptedRunError
from gatewise.runs.environment import cores
from gatewise.studies.engines import Outcome, Request, processes_of
from gatewise.studies.engines.process import Seat


class LocalEngine:
    """Worker processes on this machine; their threads together never exceed its cores.

    Parameters
    ----------
    jobs
        Runs at a time; as many as there are cores for when absent, and never more.
    threads
        Threads of each run.
    """

    never_alone = ""

    def __init__(self, jobs: int | None = None, *, threads: int = 1) -> None:
        self._threads = threads
        room = max(1, cores() // threads)
        self.jobs = min(jobs or room, room)

    def __enter__(self) -> Self:
        """Do nothing: the machine is at hand."""
        return self

    def __exit__(self, *error: object) -> None:
        """Do nothing: the workers end with their runs."""

    def do(
        self,
        requests: Sequence[Request],
        on_outcome: Callable[[Outcome], None],
        *,
        on_start: Callable[[str], None] | None = None,
        then: Callable[[Outcome], Sequence[Request]] | None = None,
        alone: bool = False,
        runner: str | None = None,
    ) -> None:
        """Do all requests, see :meth:`gatewise.studies.engines.Engine.do`."""
        at_once = max(1, self.jobs // processes_of(requests))
        workers, threads = (1, cores()) if alone else (at_once, self._threads)
        run_pool(requests, on_outcome, on_start=on_start, then=then, workers=workers, threads=threads, runner=runner)


def run_pool(
    requests: Sequence[Request],
    on_outcome: Callable[[Outcome], None],
    *,
    workers: int,
    threads: int = 1,
    runner: str | None = None,
    on_start: Callable[[str], None] | None = None,
    then: Callable[[Outcome], Sequence[Request]] | None = None,
) -> None:
    """Do all requests and report each as it ends, in the caller's own thread.

    Parameters
    ----------
    workers
        Processes at a time.
    threads
        Threads of each.
    runner, on_start, then
        See :meth:`gatewise.studies.engines.Engine.do`.

    Raises
    ------
    InterruptedRunError
        After Ctrl-C or SIGTERM, when every worker has saved and ended.
    """
    pool = _Pool(requests, [Seat(threads, runner) for _ in range(min(workers, len(requests)))])
    with handled_by(signal.default_int_handler):  # SIGTERM is like Ctrl-C
        try:
            pool.start()
            waiting = len(requests)
            while waiting:
                event = pool.events.get()
                if isinstance(event, Request):
                    if on_start is not None:
                        on_start(event.key)
                    continue
                event.stop_if_disk_full()
                on_outcome(event)
                waiting += pool.add(then(event) if then else ()) - 1
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
    """One thread a seat: it hands over a run, waits for the answer, takes the next."""

    def __init__(self, requests: Sequence[Request], seats: Sequence[Seat]) -> None:
        self.events: queue.SimpleQueue[Request | Outcome] = queue.SimpleQueue()
        self._pending: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self.add(requests)
        self._seats = seats
        self._lanes = [threading.Thread(target=self._lane, args=(seat,), daemon=True) for seat in seats]

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
        for seat in self._seats:
            seat.stop()
        self.finish()

    def join(self) -> None:
        """Wait until the workers have ended; a second Ctrl-C does not wait for them to save."""
        try:
            self._join()
        except KeyboardInterrupt:
            for seat in self._seats:
                seat.kill()
            self._join()

    def _join(self) -> None:
        for lane in self._lanes:
            if lane.ident is not None:
                lane.join()

    def _lane(self, seat: Seat) -> None:
        try:
            while (request := self._pending.get()) is not None:
                self.events.put(request)
                outcome = seat.serve(request)
                if outcome is None:
                    return
                self.events.put(outcome)
        finally:
            seat.close()


@contextmanager
def counted_signals() -> Iterator[list[int]]:
    """Give a list that grows by each Ctrl-C and SIGTERM while the block runs.

    Nothing is raised: inside of compiled code, where a library waits, an exception may be lost.
    """
    found: list[int] = []
    with handled_by(lambda number, _frame: found.append(number)):
        yield found


@contextmanager
def handled_by(handler: Callable[[int, Any], None]) -> Iterator[None]:
    """Handle Ctrl-C and SIGTERM by `handler` while the block runs (only the main thread may say so)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, former in before.items():
            # None: the handler was not set from Python, and cannot be put back from here
            signal.signal(number, signal.SIG_DFL if former is None else former)
