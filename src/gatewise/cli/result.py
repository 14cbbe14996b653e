"""How a result reads on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatewise.cli.output import print_table

#: Of a text network's many metrics, those that are read first, with a name that fits over a column.
_TEXT_HEADS = {
    "carried_nats_per_char": "nats/char carried",
    "cold_nats_per_char": "nats/char cold",
    "carried_bits_per_char": "bits/char carried",
    "carried_bits_per_byte": "bits/byte carried",
    "carried_accuracy": "accuracy carried",
    "cold_accuracy": "accuracy cold",
}


def show_metrics(part: str, network: Mapping[str, Any], baselines: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the network's metrics with the baselines beneath; nothing when nothing was held out."""
    heads = [name for name, value in network.items() if isinstance(value, int | float | None)]
    shown = [name for name in _TEXT_HEADS if name in heads] or heads
    if shown:
        rows = {"network": network, **baselines}
        names = [_TEXT_HEADS.get(name, name) for name in shown]
        print_table([part, *names], [[name, *(row.get(head) for head in shown)] for name, row in rows.items()])


def verdict_text(verdict: dict[str, Any]) -> str:
    """Return the verdict as a sentence."""
    says = {"better": "better than", "worse": "worse than", "undecided": "not clearly different from"}
    metric, ratio, p = verdict.get("metric", ""), verdict.get("ratio"), verdict.get("p")
    label = metric.replace("_", " ") if "_" in metric else metric.upper()
    numbers = [f"{label} ratio {ratio:.3f}"] if ratio is not None else []
    if p is not None:
        numbers.append(f"p = {p:.3g}" if p >= 0.001 else "p < 0.001")
    said = says.get(verdict.get("says", ""), "undecided against")
    return f"Verdict: the network is {said} {verdict.get('against')} ({', '.join(numbers)})."
