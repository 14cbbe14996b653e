"""What the model cards of all tasks share: front matter that a hub reads, the verdict in words, numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml


def front_matter(
    config: Mapping[str, Any],
    rows: Mapping[str, Mapping[str, Any]],
    shown: Sequence[str],
    *,
    kind: str,
    dataset: Mapping[str, str],
    tags: Sequence[str],
    base_model: str | None = None,
) -> str:
    """Return the YAML front matter, with the baselines' figures beside the model's.

    Parameters
    ----------
    rows
        Who (the model, then baselines) to metrics of the test part.
    shown
        The metrics that are listed.
    kind
        Pipeline tag of the hub.
    base_model
        Name on the hub of the pretrained network that it stands on.
    """
    metrics = [
        {"type": name, "value": float(f"{values[name]:.6g}"), "name": f"test {name} of {who}"}
        for who, values in rows.items()
        for name in shown
        if values.get(name) is not None
    ]
    found = {"task": {"type": kind}, "dataset": dict(dataset), "metrics": metrics}
    tree = {
        "library_name": "gatewise",
        "license": "other",
        "pipeline_tag": kind,
        **({"base_model": base_model} if base_model else {}),
        "tags": [*tags, "recurrent-neural-network", config["settings"]["model"]["cell"]],
        "model-index": [{"name": title(config), "results": [found]}],
    }
    return str(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True))


def title(config: Mapping[str, Any]) -> str:
    """Return the run's name on one line."""
    return " ".join(str(config["settings"]["name"]).split())


def metric_rows(rows: Mapping[str, Mapping[str, Any]], shown: Sequence[str]) -> str:
    """Return the lines of a Markdown table: a head, and one line for each of `rows`."""
    head = f"| | {' | '.join(shown)} |\n|---|{'|'.join('---' for _ in shown)}|\n"
    lines = (f"| {who} | {' | '.join(number(values.get(name)) for name in shown)} |" for who, values in rows.items())
    return head + "\n".join(lines)


def verdict_sentence(result: Mapping[str, Any]) -> str:
    """Say whether the model beats the baseline."""
    verdict = result.get("verdict")
    if not verdict:
        return "Nothing was held out, so nothing is known about how good it is."
    ratio = "" if verdict.get("ratio") is None else f" ({verdict['metric']} x {verdict['ratio']:.3f})"
    against = f"the baseline {verdict['against']} on the held-out part{ratio}"
    return {
        "better": f"It is **better** than {against}.",
        "worse": f"It is **worse** than {against}: use the baseline.",
        "undecided": f"Whether it beats {against} is **undecided**.",
    }[verdict["says"]]


def number(value: float | None) -> str:
    """Write a number with six digits, a dash where there is none."""
    return "-" if value is None else f"{value:.6g}"
