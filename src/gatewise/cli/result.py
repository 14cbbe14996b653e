"""How a result reads on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gatewise.cli.output import print_table
from gatewise.harmless import harmless

#: Of a text network's many metrics, those that are read first, with a name that fits over a column.
_TEXT_HEADS = {
    "carried_nats_per_char": "nats/char carried",
    "cold_nats_per_char": "nats/char cold",
    "carried_bits_per_char": "bits/char carried",
    "carried_bits_per_byte": "bits/byte carried",
    "carried_accuracy": "accuracy carried",
    "cold_accuracy": "accuracy cold",
}
#: The same of a classifier.
_CLASS_HEADS = {
    "accuracy": "accuracy",
    "f1_macro": "macro-F1",
    "tuned_f1_macro": "macro-F1 tuned",
    "f1_weighted": "weighted F1",
    "average_precision": "PR-AUC",
    "matthews": "Matthews",
    "nats": "nats",
    "ece": "ECE",
}


def show_metrics(part: str, network: Mapping[str, Any], baselines: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the network's metrics with the baselines beneath; nothing when nothing was held out."""
    heads = [name for name, value in network.items() if isinstance(value, int | float | None)]
    known = _CLASS_HEADS if "f1_macro" in heads else _TEXT_HEADS
    shown = [name for name in known if name in heads] or heads
    if shown:
        rows = {"network": network, **baselines}
        names = [known.get(name, name) for name in shown]
        print_table([part, *names], [[name, *(row.get(head) for head in shown)] for name, row in rows.items()])


def show_classes(per_class: Mapping[str, Mapping[str, Any]]) -> None:
    """Print precision, recall and F1 of every class."""
    heads = ("precision", "recall", "f1", "support", "average_precision")
    names = ["class", "precision", "recall", "F1", "texts", "PR-AUC"]
    print_table(names, [[harmless(name), *(row.get(head) for head in heads)] for name, row in per_class.items()])


def show_confusion(title: str, matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> None:
    """Print a confusion matrix: a row for each true class, a column for what was said."""
    names = [harmless(name) for name in classes]
    rows = [[name, *(f"{count:,}" for count in row)] for name, row in zip(names, matrix, strict=True)]
    print_table([title, *(f"said {name}" for name in names)], rows)


def verdict_text(verdict: dict[str, Any]) -> str:
    """Return the verdict as a sentence."""
    from gatewise.metrics.names import metric_phrase

    says = {"better": "better than", "worse": "worse than", "undecided": "not clearly different from"}
    metric, ratio, p = verdict.get("metric", ""), verdict.get("ratio"), verdict.get("p")
    label = metric_phrase(metric)
    numbers = [f"{label} ratio {ratio:.3f}"] if ratio is not None else []
    if p is not None:
        numbers.append(f"p = {p:.3g}" if p >= 0.001 else "p < 0.001")
    said = says.get(verdict.get("says", ""), "undecided against")
    return f"Verdict: the network is {said} {verdict.get('against')} ({', '.join(numbers)})."
