"""The recipes for text, on a file of your own: three seeds of each, trained, judged and timed one after the other.

``GATEWISE_TEXTS=tinyshakespeare.txt:other.txt python -m benchmarks.run text_recipes`` trains on the first 90 % of each
file and judges on its last 10 %. Every seed of "fast" takes about two minutes on two idle cores, of "best" about
fifteen. ``GATEWISE_RECIPES=fast`` and ``GATEWISE_SEEDS=1`` do less; ``GATEWISE_RUNS=folder`` keeps the run folders, and
what they hold is not trained again. What was measured before is kept: a text and recipe that are measured again replace
their row.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

import torch

from benchmarks.timing import installed, machine
from gatewise.data.text import read_corpus, split_text
from gatewise.settings import TEXT_PRESETS, TextSettings
from gatewise.tasks.generate import run_text
from gatewise.tasks.generate.adaptive import dynamic
from gatewise.tasks.generate.saved import load

TITLE = "Text by character: the recipes"
RESULT = Path(__file__).parent / "results" / "text_recipes.json"
SHOWN = (
    "carried_nats_per_char", "cold_nats_per_char", "dynamic_nats_per_char", "carried_bits_per_byte", "carried_accuracy",
)  # fmt: skip


def measure() -> dict[str, Any]:
    """Return figures by text and recipe."""
    files = [Path(name) for name in os.environ.get("GATEWISE_TEXTS", "").split(os.pathsep) if name]
    if not files:
        raise SystemExit("GATEWISE_TEXTS must name one or more text files")
    seeds = int(os.environ.get("GATEWISE_SEEDS", "3"))
    recipes = os.environ.get("GATEWISE_RECIPES", ",".join(TEXT_PRESETS)).split(",")
    before = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.is_file() else {}
    rows = {(row["text"], row["recipe"]): row for row in before.get("rows", [])}
    for file in files:
        for recipe in recipes:
            base = TextSettings(data={"files": [str(file)]}).replace(TEXT_PRESETS[recipe])
            results = [_run(base.replace({"seed": seed}), f"{file.stem}-{recipe}-{seed}") for seed in range(seeds)]
            rows[file.name, recipe] = _row(file.name, recipe, results)
            print(rows[file.name, recipe], flush=True)
    return {
        "machine": machine(),
        "versions": installed("torch"),
        "threads": torch.get_num_threads(),
        "rows": list(rows.values()),
    }


def _run(settings: TextSettings, name: str) -> dict[str, Any]:
    """Return the result of a run; dynamic evaluation is added, from the model that the run left."""
    kept = Path(os.environ.get("GATEWISE_RUNS") or tempfile.mkdtemp()) / name
    rate = settings.dynamic_evaluation
    result = run_text(settings.replace({"dynamic_evaluation": None}), kept, exclusive=True)
    model, _ = load(kept)
    corpus = read_corpus(settings.data)
    test = split_text(corpus, settings.split, settings.data).test
    known = model.vocabulary.total
    made = dynamic(model.network, model.vocabulary.ids(corpus), test, rate or 0.1, training_symbols=known)
    result["metrics"]["test"]["dynamic_nats_per_char"] = -float(made.log_probs.mean())
    figures = {key: round(result["metrics"]["test"][key], 4) for key in SHOWN}
    print(f"{name}: {figures}, {result['seconds']['train']:.0f} s", flush=True)
    return result


def _row(text: str, recipe: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    test = [result["metrics"]["test"] for result in results]
    baselines = {name: parts["test"] for name, parts in results[0]["baselines"].items()}
    return {
        "text": text,
        "recipe": recipe,
        "seeds": len(results),
        "parameters": results[0]["parameters"],
        "seconds": statistics.fmean(result["seconds"]["train"] for result in results),
        **{name: [one[name] for one in test] for name in SHOWN},
        "alone": [result["baselines"].get("network alone", {}).get("test") for result in results],
        "baselines": {name: {key: found.get(key) for key in SHOWN} for name, found in baselines.items()},
    }


def markdown(found: dict[str, Any]) -> str:
    """Return what was measured as a section of docs/benchmarks.md."""
    heads = ("text", "recipe", "seeds", "weights", "training, s", "carried", "cold-256", "alone, carried")
    heads += ("alone, cold-256", "n-gram", "dynamic", "compressor")
    lines = [
        f"First 90 % of each text trains, last 10 % is judged; {found['threads']} threads; {found['versions']}. Nats a "
        "character: *carried* is one pass",
        "over the whole held-out part, *cold* is windows of 256. Mean of the seeds, and from the least to the most of "
        "them. The recipes were chosen on",
        "a slice of tinyshakespeare's training part (docs/text.md). *Alone* is the network without the n-grams",
        "that the recipe mixes in. A compressor goes on learning from the held-out text: it compares with *dynamic*",
        "evaluation, in which a copy of the network does so too.",
        "",
        f"| {' | '.join(heads)} |",
        f"|{'---|' * len(heads)}",
    ]
    for row in found["rows"]:
        ngram = row["baselines"]["ngram"]["carried_nats_per_char"]
        names = [name for name in ("gzip", "xz", "ppm") if name in row["baselines"]]
        packed = {name: row["baselines"][name]["carried_nats_per_char"] for name in names}
        least = min(packed, key=lambda name: packed[name])
        lines.append(
            f"| {row['text']} | {row['recipe']} | {row['seeds']} | {row['parameters']:,} | {row['seconds']:.0f} | "
            f"{_spread(row['carried_nats_per_char'])} | {_spread(row['cold_nats_per_char'])} | "
            f"{_spread([one['carried_nats_per_char'] for one in row['alone']])} | "
            f"{_spread([one['cold_nats_per_char'] for one in row['alone']])} | {ngram:.3f} | "
            f"{_spread(row['dynamic_nats_per_char'])} | {packed[least]:.3f} ({least}) |"
        )
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    mean = f"{statistics.fmean(values):.4f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.4f} to {max(values):.4f})"
