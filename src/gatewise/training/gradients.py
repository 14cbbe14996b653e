"""How large the gradient is: looked at in some steps of an epoch, so that looking costs next to nothing."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import nn

#: So many steps of an epoch are looked at, and of a short epoch every fourth: a look takes up to 3 % of a step.
_MOST_LOOKS, _EVERY = 16, 4


def is_sampled(step: int, steps: int) -> bool:
    """Say whether a step (counted from 0) of an epoch of `steps` is looked at; those that are lie evenly.

    Examples
    --------
    >>> [step for step in range(10) if is_sampled(step, 10)]
    [0, 4, 7]
    """
    looks = min(_MOST_LOOKS, -(-steps // _EVERY))
    return step * looks % steps < looks


def clip(network: nn.Module, limit: float | None, *, look: bool) -> list[float]:
    """Clip the whole gradient to a norm, if there is a limit; return the norm before that, if it is to be looked at.

    A norm that is too large for its numbers' type is not returned.
    """
    if limit is not None:
        norm = nn.utils.clip_grad_norm_(network.parameters(), limit)
    elif look:
        grads = [weight.grad for weight in network.parameters() if weight.grad is not None]
        norm = nn.utils.get_total_norm(grads)
    if not look:
        return []
    value = float(norm)
    return [value] if math.isfinite(value) else []


def median(norms: Sequence[float]) -> float | None:
    """Return the median of an epoch's norms; None where none is known."""
    return statistics.median(norms) if norms else None


def summary(history: Iterable[Mapping[str, Any]]) -> dict[str, float] | None:
    """Return the first, the last and the largest norm of the epochs in a log; None where none is known.

    Examples
    --------
    >>> summary([{"gradient_norm": 2.0}, {"gradient_norm": 5.0}, {"gradient_norm": 1.0}])
    {'first': 2.0, 'last': 1.0, 'most': 5.0}
    """
    known = [float(row["gradient_norm"]) for row in history if row.get("gradient_norm") is not None]
    return {"first": known[0], "last": known[-1], "most": max(known)} if known else None
