"""What a row of a table of metrics says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Metric:
    """One row of a table of metrics.

    ``needs`` names the function's arguments, in order: for forecasts among ``y``, ``yhat``, ``last``, ``scale`` and
    ``groups``; for text among ``log_probs``, ``right``, ``confidence`` and ``byte_lengths``; for classes among
    ``table`` (truth against prediction), ``target`` and ``probs``. ``unit`` is empty for a pure number; "target" stands
    for the unit of the series.
    """

    name: str
    label: str
    unit: str
    direction: Literal["lower", "higher"]
    summary: str
    function: Callable[..., Any]
    needs: tuple[str, ...] = ("y", "yhat")
