"""How everything here is timed: contestants take turns, and the median of their rounds counts."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

Contestants = Mapping[str, Callable[[], object]]

#: Calls before anything counts: the first ones build kernels, fill caches and wake threads.
WARM_UP = 3
#: A round of one contestant lasts at least this long, so that the clock and its interruptions weigh little.
ROUND_SECONDS = 0.03


class Timing(NamedTuple):
    """Milliseconds of one call: the median of the rounds, and the quarter of them below and above."""

    median: float
    low: float
    high: float


def alternate(
    contestants: Contestants, *, rounds: int = 15, repeat: int | None = 5, warm_up: int = WARM_UP
) -> dict[str, float]:
    """Return the median milliseconds of one call of each contestant; see :func:`take_turns`."""
    found = take_turns(contestants, rounds=rounds, repeat=repeat, warm_up=warm_up)
    return {name: timing.median for name, timing in found.items()}


def take_turns(
    contestants: Contestants, *, rounds: int, repeat: int | None = None, warm_up: int = WARM_UP
) -> dict[str, Timing]:
    """Return how long one call of each contestant takes.

    Every round calls each contestant `repeat` times in a row, one contestant after the other, so that a machine whose
    speed drifts is as unfair to one as to the next.

    Parameters
    ----------
    contestants
        What to call, by name.
    rounds
        Rounds that count.
    repeat
        Calls of a contestant in a round; enough for 30 ms when absent.
    warm_up
        Calls of each contestant before the first round, at least one.

    Examples
    --------
    >>> sorted(take_turns({"a": lambda: None, "b": lambda: None}, rounds=3))
    ['a', 'b']
    """
    calls = dict.fromkeys(contestants, repeat or 1)
    for name, call in contestants.items():
        quickest = min(_seconds(call, 1) for _ in range(max(1, warm_up)))
        if repeat is None:
            calls[name] = max(1, math.ceil(ROUND_SECONDS / max(quickest, 1e-7)))
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, call in contestants.items():
            seconds[name].append(_seconds(call, calls[name]) / calls[name])
    return {name: _timing([1000 * value for value in found]) for name, found in seconds.items()}


def _seconds(call: Callable[[], object], times: int) -> float:
    start = time.perf_counter()
    for _ in range(times):
        call()
    return time.perf_counter() - start


def _timing(milliseconds: list[float]) -> Timing:
    if len(milliseconds) == 1:
        return Timing(*milliseconds * 3)
    low, median, high = statistics.quantiles(milliseconds, n=4, method="inclusive")
    return Timing(median, low, high)
