"""The last few results of slow work, so that a study does not do the same work again for each of its runs."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["Recent", "digest"]

Made = TypeVar("Made")


class Recent(Generic[Made]):
    """The last few results of a piece of work that depends on nothing but its key.

    It is kept in this process alone. Make the key of what the work reads (:func:`digest`), not of where it was read
    from: a file that has changed then gives another key.

    Parameters
    ----------
    most
        Results that are kept; the one that was not asked for longest goes first.

    Examples
    --------
    >>> squares = Recent[int](most=2)
    >>> squares.get("three", lambda: 9), squares.get("three", lambda: 1 / 0)
    (9, 9)
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: OrderedDict[str, Made] = OrderedDict()
        self._guard = threading.Lock()

    def get(self, key: str, make: Callable[[], Made]) -> Made:
        """Return what was made for a key, making it where it is not there; nobody may change it."""
        with self._guard:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]
        made = make()
        with self._guard:
            self._made[key] = made
            while len(self._made) > self._most:
                self._made.popitem(last=False)
        return made


def digest(*parts: Any) -> str:
    """Return 64 hex digits over texts and arrays, in their order and each apart from the next.

    Examples
    --------
    >>> digest("ab", "c") == digest("a", "bc"), digest(["ab", "c"]) == digest(["ab", "c"])
    (False, True)
    """
    found = hashlib.sha256()
    for part in parts:
        for piece in _pieces(part):
            found.update(memoryview(piece).nbytes.to_bytes(8, "little"))
            found.update(piece)
        found.update(b"\xff" * 8)  # no piece is that long, so parts stay apart
    return found.hexdigest()


def _pieces(part: Any) -> Iterable[Buffer]:
    if isinstance(part, str):
        return [part.encode("utf-8", "surrogatepass")]
    if isinstance(part, np.ndarray):
        return [f"{part.dtype} {part.shape}".encode(), np.ascontiguousarray(part).data]
    return (one.encode("utf-8", "surrogatepass") for one in part)
