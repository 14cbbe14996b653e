"""Workers on a Ray cluster: one actor a run at a time, which holds the same worker process as the local engine has.

A worker that is lost (its process killed, its machine gone) takes one run with it: the run is done again elsewhere.
Results come back as bytes and are written here, so machines need no common file system.
"""

from __future__ import annotations

import math
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

from gatewise.errors import DataError, GatewiseError, InterruptedRunError
from gatewise.registry.outside import sources
from gatewise.studies.engines import Outcome, Request, processes_of
from gatewise.studies.engines.cluster import (
    check_workers,
    connected,
    import_ray,
    lone_node,
    nodes,
    refuse_other_version,
    room,
)
from gatewise.studies.engines.local import counted_signals
from gatewise.studies.engines.parcel import MOST_BYTES, data_of, hash_of, pack, unpack
from gatewise.studies.engines.remote import RemoteSeat

_TRIES = 3
_LOOK_SECONDS = 0.5  # between looks whether Ctrl-C came
_SAVE_SECONDS = 60.0  # until a worker that is told to stop has saved
_CLOSE_SECONDS = 10.0


class RayEngine:
    """Workers on a Ray of this machine, or on a cluster.

    Parameters
    ----------
    jobs
        Runs at a time; as many as there is room for when absent.
    address
        ``auto``, ``host:port`` or ``ray://host:port``; a Ray that is started here when absent.
    threads
        CPUs of each run, which are its threads too.
    gpus
        GPUs of each run.

    Raises
    ------
    MissingExtraError
        If Ray is not installed.
    """

    def __init__(
        self, jobs: int | None = None, *, address: str | None = None, threads: int = 1, gpus: float = 0
    ) -> None:
        import_ray()
        self._asked, self._address, self._threads, self._gpus = jobs, address, threads, gpus
        self.jobs = jobs or 1
        self.never_alone = ""
        self._connection = ExitStack()

    def __enter__(self) -> Self:
        """Connect, and see that the workers can do what is asked.

        Raises
        ------
        InputError
            If the cluster cannot be reached, has no room for a run, or has another version of gatewise.
        """
        self._ours = self._address is None and not import_ray().is_initialized()
        with ExitStack() as stack:
            self._ray = stack.enter_context(connected(self._address))
            found = nodes(self._ray)
            room_for = room(found, self._threads, self._gpus)
            if not self._ours:
                check_workers(self._ray, found)
            self._connection = stack.pop_all()
        self.jobs = min(self._asked or room_for, room_for)
        self.never_alone = (
            "" if lone_node(found, math.ceil(self._gpus)) else "no Ray node that fits a run has its machine to itself"
        )
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the cluster; a Ray that was started here ends."""
        self._connection.close()

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
        options, threads, seats = self._options(processes_of(requests), alone=alone)
        actor = self._ray.remote(RemoteSeat).options(max_concurrency=2, max_restarts=0, **options)
        path, code = os.environ.get("PYTHONPATH", ""), sources()
        crew = _Crew(self._ray, lambda: actor.remote(threads, runner, path, code), local=self._ours)
        crew.on_start = on_start
        with counted_signals() as signals:
            crew.signals = signals
            try:
                crew.work(requests, on_outcome, then, seats)
            except BaseException:
                crew.stop()
                raise
            finally:
                crew.dismiss()

    def _options(self, processes: int, *, alone: bool) -> tuple[dict[str, Any], int, int]:
        """Return what each actor asks Ray for, its threads, and how many actors there are."""
        if not alone:
            asked = {"num_cpus": self._threads * processes, "num_gpus": self._gpus}
            return asked, self._threads, max(1, self.jobs // processes)
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        gpus = math.ceil(self._gpus)  # whole ones, or others could compute on them too
        node = lone_node(nodes(self._ray), gpus)
        if node is None:
            raise GatewiseError(f"no run can have a machine to itself: {self.never_alone}")
        cpus = int(node["Resources"]["CPU"])
        where = NodeAffinitySchedulingStrategy(node_id=node["NodeID"], soft=False)
        return {"num_cpus": cpus, "num_gpus": gpus, "scheduling_strategy": where}, cpus, 1


@dataclass
class _Call:
    """A question to an actor: for a run, or who is there."""

    actor: Any
    request: Request | None


class _Crew:
    """The actors, what each was asked, and what waits."""

    def __init__(self, ray: Any, hire: Callable[[], Any], *, local: bool) -> None:
        self._ray, self._hire, self._local = ray, hire, local
        self._calls: dict[Any, _Call] = {}
        self._idle: list[Any] = []
        self._waiting: deque[Request] = deque()
        self._lost: Counter[str] = Counter()
        self._hash, self._sent = cache(hash_of), dict[str, Any]()
        self.on_start: Callable[[str], None] | None = None
        self.signals: Sequence[int] = ()

    def work(
        self,
        requests: Sequence[Request],
        on_outcome: Callable[[Outcome], None],
        then: Callable[[Outcome], Sequence[Request]] | None,
        seats: int,
    ) -> None:
        """Do all requests."""
        self._waiting.extend(requests)
        for _ in range(min(seats, len(requests))):
            self._add_actor()
        left = len(requests)
        while left:
            ready, _ = self._ray.wait(list(self._calls), num_returns=1, timeout=_LOOK_SECONDS)
            if self.signals:
                raise InterruptedRunError("stopped")
            if not ready:
                continue
            outcome, keep = self._heard(ready[0])
            self._share_out()  # first, so that a worker does not wait until its last run is written
            if outcome is not None:
                keep()
                outcome.stop_if_disk_full()
                on_outcome(outcome)
                more = then(outcome) if then else ()
                self._waiting.extend(more)
                left += len(more) - 1
                self._share_out()

    def stop(self) -> None:
        """Tell all to save, and keep what they saved; another Ctrl-C does not wait for it."""
        signals, deadline = len(self.signals), time.monotonic() + _SAVE_SECONDS
        busy = {ref: call for ref, call in self._calls.items() if call.request is not None}
        for call in busy.values():
            call.actor.stop.remote()
        while busy and len(self.signals) == signals and time.monotonic() < deadline:
            for ref in self._ray.wait(list(busy), num_returns=1, timeout=_LOOK_SECONDS)[0]:
                call = busy.pop(ref)
                with suppress(GatewiseError, self._ray.exceptions.RayError):  # what cannot be kept is done again
                    self._keep(call.request, self._ray.get(ref)[1])
                    self._idle.append(self._calls.pop(ref).actor)

    def dismiss(self) -> None:
        """Let the actors end."""
        actors = [*self._idle, *(call.actor for call in self._calls.values())]
        closing = [actor.close.remote() for actor in self._idle]
        if closing:
            self._ray.wait(closing, num_returns=len(closing), timeout=_CLOSE_SECONDS)
        for actor in actors:
            self._ray.kill(actor)

    def _add_actor(self) -> None:
        actor = self._hire()
        self._calls[actor.hello.remote()] = _Call(actor, None)

    def _share_out(self) -> None:
        while self._idle and self._waiting:
            self._ask(self._idle.pop(), self._waiting.popleft())

    def _ask(self, actor: Any, request: Request) -> None:
        """Hand a run over, with what was begun of it and what it reads."""
        places = {} if self._local else data_of(request.settings)
        files = {path: (self._hash(path), self._content(path)) for below in places.values() for path in below}
        folder = Path(request.folder)
        begun = pack(folder) if folder.is_dir() else None
        ref = actor.serve.options(num_returns=1).remote(asdict(request), begun, places, files)
        self._calls[ref] = _Call(actor, request)
        if self.on_start is not None:
            self.on_start(request.key)

    def _content(self, path: str) -> Any:
        """Return Ray's reference to a file's content."""
        digest = self._hash(path)
        if digest not in self._sent:
            if os.path.getsize(path) > MOST_BYTES:
                raise DataError(
                    f"{path}: too large to send to a worker (most: {MOST_BYTES / 2**30:.0f} GiB): use a local engine"
                )
            self._sent[digest] = self._ray.put(Path(path).read_bytes())
        return self._sent[digest]

    def _heard(self, ref: Any) -> tuple[Outcome | None, Callable[[], None]]:
        """Take an answer; return how a run ended, if one did, and what writes its folder."""
        call = self._calls.pop(ref)
        try:
            answer = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            return self._lost_one(call, error), lambda: None
        self._idle.append(call.actor)
        if call.request is None:
            refuse_other_version(answer["host"], answer["version"])
            return None, lambda: None
        told, content = answer
        return Outcome(**told), lambda: self._keep(call.request, content)

    def _keep(self, request: Request | None, content: bytes | None) -> None:
        if request is not None and content is not None:
            unpack(content, Path(request.folder))

    def _lost_one(self, call: _Call, error: Exception) -> Outcome | None:
        """Do the run of a lost worker again, by a new one."""
        why = next(iter(str(error).strip().splitlines()), type(error).__name__)
        key = call.request.key if call.request else ""
        self._lost[key] += 1
        self._ray.kill(call.actor)
        if call.request is None:
            if self._lost[key] == _TRIES:
                raise GatewiseError(f"no worker could be started on the Ray cluster: {why}")
            self._add_actor()
            return None
        self._add_actor()
        if self._lost[key] < _TRIES:
            self._waiting.appendleft(call.request)
            return None
        return Outcome(key, error=f"the worker was lost {_TRIES} times: {why}", exit_code=1)
