"""One process a folder: a lock that the system takes back when its owner dies."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gatewise.errors import RunLockedError
from gatewise.runs.atomic import cannot_write, make_folder

_WAIT_SECONDS = 0.2


@contextmanager
def held_lock(path: Path) -> Iterator[None]:
    """Hold the lock file at `path` while the block runs, then remove it.

    Raises
    ------
    RunLockedError
        If a living process holds it.
    OutputError
        If the file cannot be made.
    """
    handle = _acquire(path)
    try:
        _sign(handle, path)
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def is_held(path: Path) -> bool:
    """Tell whether a living process of this machine signed the lock file at `path`, without touching the lock.

    Asking for the lock itself would keep its owner out for a moment.
    """
    try:
        owner = int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return False
    return _is_alive(owner)


@contextmanager
def waited_lock(path: Path) -> Iterator[None]:
    """Hold the lock file at `path` while the block runs, after whoever has it now; its folder is made.

    Raises
    ------
    OutputError
        If the folder or the file cannot be made.
    """
    make_folder(path.parent)
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(held_lock(path))
                break
            except RunLockedError:
                time.sleep(_WAIT_SECONDS)
        yield


def share_lock(handle: int, path: Path) -> bool:
    """Mark the open file `handle` as in use, for as long as it or a copy of it is open.

    Returns False when the file is being removed, or is no longer the one at `path`.
    """
    try:
        _share_now(handle)
    except OSError:
        return False
    return _still_there(handle, path)


@contextmanager
def lone_lock(paths: Sequence[Path]) -> Iterator[bool]:
    """Say whether nobody has one of the files at `paths` marked as in use; while the block runs, nobody can."""
    with ExitStack() as files:
        try:
            for path in paths:
                _lock_now(files.enter_context(path.open("r+b")).fileno())
            alone = True
        except OSError:
            alone = False
        yield alone


def _acquire(path: Path) -> int:
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise cannot_write(path, error) from error
        try:
            _lock_now(handle)
        except OSError:
            owner = os.read(handle, 32).decode(errors="replace").strip()
            os.close(handle)
            who = f"process {owner}" if owner else "another process"
            raise RunLockedError(
                f"{path.parent}: {who} is working in this folder: wait until it ends, or choose another folder"
            ) from None
        if _still_there(handle, path):
            return handle
        os.close(handle)  # the last owner removed the file between our opening and our locking: try the new one


def _sign(handle: int, path: Path) -> None:
    """Write who we are, for the message that others get."""
    try:
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
    except OSError as error:
        raise cannot_write(path, error) from error


def _still_there(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _is_alive(_process: int) -> bool:
        return True  # the file of a dead one cannot be told from that of a living one: it counts as held

    def _lock_now(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

    def _share_now(handle: int) -> None:
        """Do nothing: Windows removes no file that is open."""
else:
    import fcntl

    def _is_alive(process: int) -> bool:
        try:
            os.kill(process, 0)  # signal 0 only asks
        except ProcessLookupError:
            return False
        except OSError:
            return True  # it lives and belongs to somebody else
        return process > 0

    def _lock_now(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _share_now(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
