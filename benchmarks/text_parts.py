"""What each part of the recipes for text is worth, on a slice of the training part.

``GATEWISE_TEXTS=tinyshakespeare.txt python -m benchmarks.run text_parts`` cuts the last 10 % off the file, trains on
the first 90 % of what is left and judges on the rest: the held-out tenth is never read. One seed each; about 25 minutes
on two idle cores.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import torch

from benchmarks.timing import installed, machine
from gatewise.settings import TEXT_PRESETS, TextSettings
from gatewise.tasks.generate import run_text

TITLE = "Text by character: what each part of the recipes is worth"
#: Recipe, and what is changed in it.
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "fast": ("fast", {}),
    "fast, vectors of symbols start small": ("fast", {"model.embedding_start": "small"}),
    "fast, n-grams up to 6": ("fast", {"model.ngrams": 6}),
    "fast, share of the n-grams 0.2": ("fast", {"model.ngram_share": 0.2}),
    "fast, share of the n-grams 0.5": ("fast", {"model.ngram_share": 0.5}),
    "fast, 6 epochs": ("fast", {"train.epochs": 6}),
    "best": ("best", {}),
}


def measure() -> dict[str, Any]:
    """Return carried and cold nats a character by variant, mixed and for the network alone."""
    name = os.environ.get("GATEWISE_TEXTS", "")
    if not Path(name).is_file():
        raise SystemExit("GATEWISE_TEXTS must name a text file")
    text = Path(name).read_text(encoding="utf-8")
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "part.txt"
        part.write_text(text[: int(0.9 * len(text))], encoding="utf-8")
        for variant, (recipe, changes) in VARIANTS.items():
            base = TextSettings(data={"files": [str(part)]}).replace(TEXT_PRESETS[recipe])
            settings = base.replace({"dynamic_evaluation": None, "baselines": ["uniform"], **changes})
            result = run_text(settings, None)
            alone = result["baselines"]["network alone"]["test"]
            rows[variant] = {
                protocol: [found[f"{protocol}_nats_per_char"] for found in (result["metrics"]["test"], alone)]
                for protocol in ("carried", "cold")
            }
            print(variant, rows[variant], flush=True)
    return {
        "machine": machine(),
        "versions": installed("torch"),
        "threads": torch.get_num_threads(),
        "text": Path(name).name,
        "rows": rows,
    }


def markdown(found: dict[str, Any]) -> str:
    """Return what was measured as a section of docs/benchmarks.md."""
    lines = [
        f"{found['text']} without its last tenth: 90 % of the rest trains, 10 % judges. Nats a character, one seed; "
        f"{found['versions']}.",
        "",
        "| variant | carried | cold-256 | network alone, carried | network alone, cold-256 |",
        "|---|---|---|---|---|",
    ]
    for variant, row in found["rows"].items():
        figures = (row["carried"][0], row["cold"][0], row["carried"][1], row["cold"][1])
        lines.append(f"| {variant} | {' | '.join(f'{value:.4f}' for value in figures)} |")
    return "\n".join(lines)
