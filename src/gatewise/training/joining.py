"""How the processes of one training find each other: helpers started here, or all started by torchrun or by hand.

Process 0 does the whole run; the others do of it what training needs: read, make the network, train. By torchrun or by
hand every process is told who it is by torch's variables (RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT).
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import timedelta
from typing import TYPE_CHECKING

import torch
from torch import distributed as dist

from gatewise.errors import GatewiseError, SettingsError
from gatewise.runs.environment import cores
from gatewise.settings import TrainSettings
from gatewise.training.distributed import PREPARING, SILENCE, Group, active
from gatewise.training.helpers import Helpers

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store, TCPStore

#: Longest wait for the others, who prepare after process 0.
_NOT_TOGETHER = timedelta(minutes=30)
#: Longest wait until the others know that there is nothing to train.
_PARTING = timedelta(seconds=30)
_OVER = "over"


class HelperDone(Exception):  # noqa: N818 - not an error: this process has helped to train, and has nothing to judge
    """Ends the work of a helper once a training is done."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class Run:
    """A run of several processes, seen from one of them.

    Attributes
    ----------
    rank
        Which one this is; process 0 does the run.
    helps
        Whether this one does nothing of the run but train.
    fingerprint
        Of settings and data, which must be the same in all.
    helper, request
        Module that helpers on this machine run, and what they read from standard input; None where there can be none.
    """

    def __init__(self, settings: TrainSettings, fingerprint: str, helper: str | None, request: str) -> None:
        self.settings, self.processes = settings, settings.processes
        self.fingerprint, self.helper, self.request = fingerprint, helper, request
        self.rank = int(os.environ.get("RANK", 0))
        self.helps = self.rank > 0 and helper is not None
        self._store: Store | None = None
        self._helpers: Helpers | None = None
        self._group: Group | None = None
        if _started_together():
            self._store = self._meet()

    def wait_for_first(self) -> bool:
        """Wait, as a helper, until process 0 trains; return False when it has nothing to train.

        Raises
        ------
        GatewiseError
            If it is gone, or does another run.
        """
        assert self._store is not None
        try:
            self._store.wait(["first"], PREPARING)
            said: str = self._store.get("first").decode()
        except RuntimeError as error:
            raise GatewiseError("process 0 ended before it came to train") from error
        if said not in (self.fingerprint, _OVER):
            text = "it has other settings or other data than process 0"
            self._store.set(f"ready/{self.rank}", text)
            raise SettingsError(f"process {self.rank} of {self.processes}: {text}")
        if said == _OVER:
            self._store.set(f"over/{self.rank}", "")
        return said != _OVER

    def join(self) -> Group:
        """Meet the others and return the group; the same one at every further training of the run."""
        from torch.distributed import PrefixStore  # type: ignore[attr-defined]

        if self._group is None:
            if self._store is None:
                self._store = self._start_helpers()
            if self.rank == 0:
                self._store.set("first", self.fingerprint)
                self._wait_for_helpers(self._store)
            else:
                self._store.set(f"ready/{self.rank}", "")
            on_gpu = self.settings.device.startswith("cuda")
            with _loopback(self._helpers is not None):
                dist.init_process_group(
                    "cpu:gloo,cuda:nccl" if on_gpu else "gloo",
                    store=PrefixStore("group", self._store),
                    rank=self.rank,
                    world_size=self.processes,
                    timeout=SILENCE,
                )
            self._group = Group(self.rank, self.processes, self._store, self._gone, self.helps)
        self._group.meet()
        return self._group

    def close(self, *, failed: bool) -> None:
        """Part from the others."""
        if self._group is None and self._store is not None and self.rank == 0 and not failed:
            self._store.set("first", _OVER)
            with suppress(RuntimeError):  # they read it before the store goes with this process
                self._store.wait([f"over/{rank}" for rank in range(1, self.processes)], _PARTING)
        if self._group is not None:
            with suppress(RuntimeError):  # of one that is gone
                dist.destroy_process_group()
        if self._helpers is not None:
            self._helpers.stop()

    def _meet(self) -> Store:
        """Return the store of processes that were started together."""
        from torch.distributed import PrefixStore, rendezvous  # type: ignore[attr-defined]

        if self.settings.device.startswith("cuda"):
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
        try:
            store, _, _ = next(rendezvous("env://", timeout=_NOT_TOGETHER))
        except (ValueError, RuntimeError) as error:
            raise GatewiseError(f"process {self.rank} of {self.processes} did not find process 0: {error}") from error
        return PrefixStore(f"run/{_count()}", store)

    def _start_helpers(self) -> Store:
        """Start helpers on this machine and return the store that they find."""
        from torch.distributed import PrefixStore  # type: ignore[attr-defined]

        assert self.helper is not None
        store = local_store()
        found = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(store.port)}
        with _loopback(True) as variables:
            self._helpers = Helpers(
                self.helper,
                self.request,
                processes=self.processes,
                threads=threads_of_each(self.settings),
                variables=found | variables,
            )
        return PrefixStore("run/0", store)

    def _wait_for_helpers(self, store: Store) -> None:
        until = time.monotonic() + _NOT_TOGETHER.total_seconds()
        for rank in range(1, self.processes):
            while not store.check([f"ready/{rank}"]):
                dead = self._helpers.dead() if self._helpers else None
                if dead or time.monotonic() > until:
                    raise GatewiseError(dead or f"process {rank} of {self.processes} did not come")
                time.sleep(0.02)
            if said := store.get(f"ready/{rank}").decode():
                raise SettingsError(f"process {rank} of {self.processes}: {said}")

    def _gone(self) -> str:
        if self._helpers is not None:
            return self._helpers.gone()
        return "process 0 is gone" if self.processes == 2 and self.rank else "another process of this training is gone"


def local_store() -> TCPStore:
    """Return a store that only this machine can reach: one that torch opens by itself listens to the whole network."""
    from torch.distributed import TCPStore  # type: ignore[attr-defined]

    door = socket.create_server(("127.0.0.1", 0))
    port = door.getsockname()[1]
    return TCPStore("127.0.0.1", port, is_master=True, wait_for_workers=False, master_listen_fd=door.detach())


def only_helps(settings: TrainSettings) -> bool:
    """Return whether this process does nothing of a run but train, which another one does the rest of."""
    return settings.processes > 1 and os.environ.get("RANK", "0") != "0"


@contextmanager
def more_to_train() -> Iterator[None]:
    """Let a helper that has helped in the block go on behind it, unless the training was interrupted."""
    try:
        yield
    except HelperDone as done:
        if done.status != "finished":
            raise


_RUN: ContextVar[Run | None] = ContextVar("run", default=None)
_COUNTED = [0]


@contextmanager
def several_processes(
    settings: TrainSettings, fingerprint: str = "", *, helper: str | None = None, request: str = ""
) -> Iterator[Run | None]:
    """Let the trainings in the block share one group of processes, when the settings ask for several.

    Raises
    ------
    SettingsError
        If there cannot be as many.
    """
    check_processes(settings, helper)
    if settings.processes == 1:
        yield None
        return
    run = Run(settings, fingerprint, helper, request)
    token = _RUN.set(run)
    failed = True
    try:
        yield run
        failed = False
    finally:
        _RUN.reset(token)
        run.close(failed=failed)


@contextmanager
def joined(settings: TrainSettings) -> Iterator[Group | None]:
    """Train with the other processes while the block runs; with None where one trains alone."""
    if settings.processes == 1:
        yield None
    elif (run := _RUN.get()) is not None:
        with active(group := run.join()):
            yield group
    else:  # a program of one's own, started several times
        with several_processes(settings), joined(settings) as found:
            yield found


def check_processes(settings: TrainSettings, helper: str | None) -> None:
    """Refuse a number of processes that cannot be.

    Raises
    ------
    SettingsError
        Saying what there is.
    """
    asked, together = settings.processes, _started_together()
    if together != (asked if together else 0):
        raise SettingsError(
            f"processes: {together} were started together, and {asked} are asked for: ask for {together}"
        )
    if asked == 1:
        return
    if not dist.is_available():
        raise SettingsError(f"processes: this torch comes without torch.distributed, which {asked} need: set it to 1")
    if helper is None and not together:
        raise SettingsError(
            f"processes: data at hand cannot be given to {asked} processes: train from files with gatewise fit, or "
            "start this program with torchrun"
        )
    here = _on_this_machine(asked)
    if settings.device.startswith("cuda"):
        if here > torch.cuda.device_count():
            raise SettingsError(f"processes: {here} on this machine, which has {torch.cuda.device_count()} GPUs")
    elif here > cores() and settings.threads is None:
        raise SettingsError(
            f"processes: {here} on this machine, which has {cores()} cores; with threads=1 they run all the same, "
            "slower than fewer would"
        )


def threads_of_each(settings: TrainSettings) -> int:
    """Return the CPU threads of each process: all together no more than there are cores, unless the settings say."""
    return settings.threads or max(1, min(torch.get_num_threads(), cores() // _on_this_machine(settings.processes)))


def _on_this_machine(processes: int) -> int:
    return int(os.environ.get("LOCAL_WORLD_SIZE", 1)) if _started_together() else processes


def _started_together() -> int:
    """Return how many processes torch's variables speak of; 0 without them."""
    return int(os.environ.get("WORLD_SIZE", 0)) if "RANK" in os.environ else 0


def _count() -> int:
    """Return a number that is the same in all processes, and another one at every call."""
    _COUNTED[0] += 1
    return _COUNTED[0] - 1


@contextmanager
def _loopback(local: bool) -> Iterator[dict[str, str]]:
    """Let gloo talk within this machine only, whatever the machine's name resolves to."""
    name = "GLOO_SOCKET_IFNAME"
    if not local or name in os.environ or not os.path.isdir("/sys/class/net/lo"):
        yield {}
        return
    os.environ[name] = "lo"
    try:
        yield {name: "lo"}
    finally:
        del os.environ[name]
