"""Where runs are done: what an engine is asked and what it answers.

A study hands all runs that are missing to an engine and hears of each as it ends. ``local`` has worker processes on
this machine, ``ray`` has them on a Ray cluster. Numbers do not depend on the engine: a run has its threads to itself,
and whatever happened to its workers, it ends once, with a result or with an error in words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from gatewise.errors import DiskFullError, GatewiseError, InputError, UnknownNameError
from gatewise.runs.atomic import DISK_FULL, cannot_write

ENGINES = ("local", "ray")


@dataclass(frozen=True)
class Request:
    """A run to do: its settings as a plain tree, and where.

    Attributes
    ----------
    exclusive : it is timed, so it must have its machine to itself; see `alone` of :meth:`Engine.do`.
    """

    key: str
    settings: dict[str, Any]
    folder: str
    exclusive: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a run ended: with a result, or with an error in words.

    Attributes
    ----------
    kind : name of the error's class; empty when the worker was lost.
    """

    key: str
    result: dict[str, Any] | None = None
    error: str | None = None
    kind: str = ""
    exit_code: int = 0

    @classmethod
    def of_error(cls, key: str, error: Exception) -> Self:
        """Return how a run ended that raised `error`."""
        if isinstance(error, GatewiseError):
            return cls(key, error=str(error), kind=type(error).__name__, exit_code=error.exit_code)
        kind, text = type(error).__name__, f"{type(error).__name__}: {error}"
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            full = cannot_write(Path(error.filename or "what a run leaves"), error)
            return cls.of_error(key, full)
        if isinstance(error, MemoryError) or "OutOfMemory" in kind or "can't allocate memory" in text:
            text = f"out of memory (fewer jobs, a smaller batch or fewer units need less): {text}"
        return cls(key, error=text, kind=kind, exit_code=1)

    def stop_if_disk_full(self) -> None:
        """Raise the error when it is one that all runs would meet; see :meth:`Engine.do`."""
        if self.kind == DiskFullError.__name__:
            raise DiskFullError(self.error)


class Engine(Protocol):
    """Does runs. As a context manager it gets its machines ready, and gives them back."""

    @property
    def jobs(self) -> int:
        """Runs at a time, at most."""

    @property
    def never_alone(self) -> str:
        """Why no run can have a machine to itself, so that no times are taken; empty when one can."""

    def __enter__(self) -> Self:
        """Get ready; whatever cannot work is said here, before a study writes anything."""

    def __exit__(self, *error: object) -> None:
        """Give the machines back."""

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
        """Do all requests; what is told is told in the caller's own thread.

        Parameters
        ----------
        on_outcome
            Called once for each request, as it ends; what it raises stops the engine and is passed on.
        on_start
            Called with the key of a run that begins.
        then
            Gives the requests that follow from how a run ended: they join those that wait (a search's next trial).
        alone
            One run at a time, which has a machine to itself, with all its cores.
        runner
            ``module:function`` that does a run; that of the run's task when absent
            (see :mod:`gatewise.studies.worker`).

        Raises
        ------
        InterruptedRunError
            After Ctrl-C or SIGTERM, when every worker has saved and ended.
        DiskFullError
            If a run found the disk full: the others would too, and none of them has failed.
        """


def processes_of(requests: Sequence[Request]) -> int:
    """Return the most processes that one of the runs trains with, each of which needs the threads of a run."""
    return max((int(one.settings.get("train", {}).get("processes", 1)) for one in requests), default=1)


def create_engine(
    name: str = "local",
    *,
    jobs: int | None = None,
    address: str | None = None,
    cpus_per_run: int = 1,
    gpus_per_run: float = 0,
) -> Engine:
    """Return the engine called `name`; it connects to nothing yet.

    Parameters
    ----------
    jobs
        Runs at a time; as many as there is room for when absent, and never more.
    address
        Ray's cluster: ``auto``, ``host:port`` or ``ray://host:port``; a Ray of this machine alone when absent.
    cpus_per_run
        Cores of each run, which are its threads too. The last digits of a run's numbers depend on it.
    gpus_per_run
        GPUs of each run.

    Raises
    ------
    InputError
        If there is no such engine, a number is out of range, or an option is one that the engine does not have.
    MissingExtraError
        If Ray is not installed.

    Examples
    --------
    >>> create_engine("local", jobs=1).jobs
    1
    """
    if jobs is not None and jobs < 1:
        raise InputError(f"jobs: at least 1 is needed (found {jobs})")
    if cpus_per_run < 1:
        raise InputError(f"cpus per run: at least 1 is needed (found {cpus_per_run})")
    if gpus_per_run < 0:
        raise InputError(f"gpus per run: 0 or more are needed (found {gpus_per_run:g})")
    if name == "local":
        if address is not None:
            raise InputError(f"address {address}: the local engine has none; ask for the engine ray")
        if gpus_per_run:
            raise InputError("gpus per run: the local engine shares out no GPUs; ask for the engine ray")
        from gatewise.studies.engines.local import LocalEngine

        return LocalEngine(jobs, threads=cpus_per_run)
    if name == "ray":
        from gatewise.studies.engines.ray import RayEngine

        return RayEngine(jobs, address=address, threads=cpus_per_run, gpus=gpus_per_run)
    raise UnknownNameError("engine", name, ENGINES)
