"""Reaching a Ray: one that is started for this study alone, or a cluster by its address."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import gatewise
from gatewise.errors import GatewiseError, InputError, MissingExtraError
from gatewise.runs.environment import cores

_TCP_SECONDS = 3.0
_ANSWER_SECONDS = 7.0
_HELLO_SECONDS = 30.0


def import_ray() -> Any:
    """Return the module, with its usage statistics off.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise MissingExtraError("the engine ray", "ray") from None
    return ray


@contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """Give the module ray, connected to the cluster at `address`, or to one of this machine alone.

    Raises
    ------
    InputError
        If nobody answers at the address, or not as a Ray of the same version would.
    """
    ray = import_ray()
    if address is not None:
        _check(address)
    if ray.is_initialized():  # by who calls us: it is theirs to end
        if address is not None:
            raise InputError(f"address {address}: this process is connected to a Ray already: leave the address out")
        yield ray
        return
    with redirect_stdout(sys.stderr):  # Ray writes what its workers met to standard output, which is for answers
        yield from _connected(ray, address)


def _connected(ray: Any, address: str | None) -> Iterator[Any]:
    quiet = {"log_to_driver": False, "configure_logging": False}
    with warnings.catch_warnings(), _hushed():
        warnings.simplefilter("ignore")  # Ray's own tips
        if address is None:
            here = "127.0.0.1"  # or Ray would listen to the whole network, and do what anybody asks
            ray.init(address="local", _node_ip_address=here, num_cpus=cores(), include_dashboard=False, **quiet)
        else:
            try:
                ray.init(address=address, **quiet)
            except Exception as error:  # Ray has no narrower one in common for what it meets there
                raise _unreachable(address, str(error)) from error
    try:
        yield ray
    finally:
        ray.shutdown()


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep off the terminal what Ray's core writes past Python: that it heeds a variable, that it serves no metrics."""
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def nodes(ray: Any) -> list[dict[str, Any]]:
    """Return the machines that can work."""
    return [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]


def room(found: list[dict[str, Any]], cpus: int, gpus: float) -> int:
    """Return how many runs fit on the machines at a time.

    Raises
    ------
    InputError
        If not even one does.
    """
    fits = sum(
        min(int(have.get("CPU", 0) // cpus), int(have.get("GPU", 0) / gpus) if gpus else sys.maxsize)
        for have in (node["Resources"] for node in found)
    )
    if not fits:
        most = {kind: max((node["Resources"].get(kind, 0) for node in found), default=0) for kind in ("CPU", "GPU")}
        asked = f"{cpus} CPUs" + (f" and {gpus:g} GPUs" if gpus else "")
        raise InputError(
            f"a run asks for {asked}, and no machine of the Ray cluster has them (most: {most['CPU']:g} CPUs, "
            f"{most['GPU']:g} GPUs)"
        )
    return fits


def lone_node(found: list[dict[str, Any]], gpus: float = 0) -> dict[str, Any] | None:
    """Return the largest machine with so many GPUs that Ray knows once only: who has all of its CPUs has it alone."""
    hosts = Counter(node["NodeManagerHostname"] for node in found)
    fits = [node for node in found if node["Resources"].get("GPU", 0) >= gpus]
    alone = [node for node in fits if hosts[node["NodeManagerHostname"]] == 1]
    return max(alone, key=lambda node: (node["Resources"]["CPU"], node["NodeID"]), default=None)


def check_workers(ray: Any, found: list[dict[str, Any]]) -> None:
    """Ask every machine for its gatewise.

    Raises
    ------
    InputError
        If one has none, or another version.
    """
    asked = {_ask(ray, node["NodeID"], _version()): node["NodeManagerHostname"] for node in found}
    ready, _ = ray.wait(list(asked), num_returns=len(asked), timeout=_HELLO_SECONDS)
    for ref in ready:  # who did not answer is busy or gone: its runs would be done by others
        refuse_other_version(asked[ref], ray.get(ref))


def refuse_other_version(host: str, version: str) -> None:
    """Refuse a worker of another version, whose numbers might be others; see :func:`check_workers`."""
    if version != gatewise.__version__:
        has = f"gatewise {version}" if version else "no gatewise"
        raise InputError(
            f"the Ray worker {host} has {has}, and this study needs {gatewise.__version__}: "
            f"pip install gatewise=={gatewise.__version__} there"
        )


def _version() -> Callable[[], str]:
    def version() -> str:  # inside, so that Ray sends the function itself and not the name of its module
        try:
            import gatewise
        except ImportError:
            return ""
        return gatewise.__version__

    return version


def _ask(ray: Any, node: str, function: Callable[[], str]) -> Any:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    where = NodeAffinitySchedulingStrategy(node_id=node, soft=False)
    return ray.remote(num_cpus=0, max_retries=0)(function).options(scheduling_strategy=where).remote()


def _check(address: str) -> None:
    """Refuse an address where no Ray answers; Ray itself would wait for minutes, and cannot be interrupted."""
    if address != "auto":
        _check_port(address)
    script = "import sys, ray; ray.init(address=sys.argv[1], log_to_driver=False, logging_level='CRITICAL')"
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter
            [sys.executable, "-W", "ignore", "-c", script, address],
            capture_output=True,
            text=True,
            timeout=_ANSWER_SECONDS,
            check=False,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise _unreachable(address, f"no Ray answered within {_ANSWER_SECONDS:g} s") from None
    if done.returncode:
        raise _unreachable(address, next(iter(done.stderr.strip().splitlines()[-1:]), ""))


def _check_port(address: str) -> None:
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not host or not port.isdigit():
        raise InputError(f"address {address}: auto, host:port or ray://host:port is needed")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_TCP_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise _unreachable(address, f"nobody listens there ({error})") from None


def _unreachable(address: str, why: str) -> GatewiseError:
    return InputError(
        f"address {address}: no Ray cluster can be reached: {why}. Is it running (`ray status` on its head), and is "
        "the port that of `ray start --head` (6379), or of its client server (ray://host:10001) from outside?"
    )
