"""How a result reads on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatewise.cli.output import print_table


def show_metrics(part: str, network: Mapping[str, Any], baselines: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the network's metrics with the baselines beneath; nothing when nothing was held out."""
    heads = [name for name, value in network.items() if isinstance(value, int | float | None)]
    if heads:
        rows = {"network": network, **baselines}
        print_table([part, *heads], [[name, *(row.get(head) for head in heads)] for name, row in rows.items()])


def verdict_text(verdict: dict[str, Any]) -> str:
    """Return the verdict as a sentence."""
    says = {"better": "better than", "worse": "worse than", "undecided": "not clearly different from"}
    metric, ratio, p = verdict.get("metric", ""), verdict.get("ratio"), verdict.get("p")
    numbers = [f"{metric.upper()} ratio {ratio:.3f}"] if ratio is not None else []
    if p is not None:
        numbers.append(f"p = {p:.3g}" if p >= 0.001 else "p < 0.001")
    said = says.get(verdict.get("says", ""), "undecided against")
    return f"Verdict: the network is {said} {verdict.get('against')} ({', '.join(numbers)})."
