"""How well labelled texts are classified: six seeds of the default settings over MiniLM, beside the baselines.

``GATEWISE_TWEETS=davidson_labeled_data.csv python -m benchmarks.run tweets_scores`` trains with six seeds, each on a
split of its own (63 % trains, 7 % chooses, 30 % judges; near-duplicates stay in one part).
``GATEWISE_RARE=0`` names the class whose recall is wanted, ``GATEWISE_VOTES=hate_speech,offensive_language,neither``
the columns of the annotators' votes. ``GATEWISE_TUNED=3`` trains the first three seeds once more with the preset
``tuned`` (three layers of the encoder are trained too, twenty minutes each on one core). ``GATEWISE_RUNS=folder`` keeps
the run folders: what they hold is not trained again.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

import torch

from benchmarks.timing import installed, machine
from gatewise.settings import CLASSIFY_PRESETS, ClassifySettings
from gatewise.tasks.classify import run_classify

TITLE = "Labelled texts: scores"
SEEDS = 6
#: What the defaults are held against, on the same splits.
VARIANTS = {
    "cross-entropy, no lean towards rare classes": {"train.loss": "cross_entropy"},
    "labels alone, no votes": {"train.vote_share": 0.0},
}
#: Metrics by their names in results, and over a column.
SHOWN = {
    "accuracy": "accuracy",
    "f1_macro": "macro-F1",
    "tuned_accuracy": "accuracy, thresholds",
    "tuned_f1_macro": "macro-F1, thresholds",
}


def measure() -> dict[str, Any]:
    """Return the figures of every seed."""
    file = os.environ.get("GATEWISE_TWEETS")
    if not file:
        raise SystemExit("GATEWISE_TWEETS must name a table of labelled texts")
    rare = os.environ.get("GATEWISE_RARE", "")
    votes = [name for name in os.environ.get("GATEWISE_VOTES", "").split(",") if name]
    base = ClassifySettings(
        data={"files": [file], "votes": votes},
        encoder={"name": "minilm"},
        wanted_recall={rare: 0.8} if rare else {},
        explained=0,
    )
    kept = Path(os.environ.get("GATEWISE_RUNS") or tempfile.mkdtemp())
    rows = [_run(base.replace(_seeds(seed)), kept / f"tweets-{seed}") for seed in range(SEEDS)]
    bare = {"baselines": ["majority"], "wanted_recall": {}}
    variants = {
        name: [
            _run(base.replace({**changes, **bare, **_seeds(seed)}), kept / f"{number}-{seed}") for seed in range(SEEDS)
        ]
        for number, (name, changes) in enumerate(VARIANTS.items())
    }
    with_layers = base.replace({**CLASSIFY_PRESETS["tuned"], **bare})
    tuned = [
        _run(with_layers.replace(_seeds(seed)), kept / f"tuned-{seed}")
        for seed in range(int(os.environ.get("GATEWISE_TUNED", "0")))
    ]
    return {
        "machine": machine(),
        "versions": installed("torch", "transformers"),
        "threads": torch.get_num_threads(),
        "file": Path(file).name,
        "settings": base.model_dump(mode="json", include={"encoder", "model", "train"}),
        "rare": rare,
        "rows": rows,
        "variants": variants,
        "tuned": tuned,
    }


def _seeds(seed: int) -> dict[str, int]:
    return {"seed": seed, "split.seed": 42 + seed}


def _run(settings: ClassifySettings, folder: Path) -> dict[str, Any]:
    result = run_classify(settings, folder)
    rare = min(result["per_class"]["test"], key=lambda name: result["per_class"]["test"][name]["support"])
    row = {
        "sizes": result["sizes"],
        "network": {name: result["metrics"]["test"].get(name) for name in SHOWN},
        "baselines": {
            name: {metric: one["test"].get(metric) for metric in SHOWN} for name, one in result["baselines"].items()
        },
        "rare": {
            "class": rare,
            "argmax": result["per_class"]["test"][rare],
            "tuned": result["tuned_per_class"]["test"][rare],
        },
        "points": result["operating_points"],
        "verdict": result["verdict"],
        "tuned_verdict": result["tuned_verdict"],
    }
    print(folder.name, row["network"], flush=True)
    return row


def markdown(found: dict[str, Any]) -> str:
    """Return what was measured as a section of docs/benchmarks.md."""
    rows = found["rows"]
    sizes = rows[0]["sizes"]
    lines = [
        f"{found['file']}: {sizes['train']:,} texts train, {sizes['validation']:,} choose epoch, temperature and "
        f"thresholds, {sizes['test']:,} judge; {len(rows)} seeds, each with a split of its own; MiniLM (22.7 M "
        f"weights), frozen; the default settings; {found['versions']}. Mean, and from the least to the most.",
        "",
        f"| | {' | '.join(SHOWN.values())} |",
        f"|---|{'---|' * len(SHOWN)}",
        f"| **network** | {' | '.join(_spread([row['network'][name] for row in rows]) for name in SHOWN)} |",
    ]
    for name, made in found["variants"].items():
        lines.append(f"| {name} | {' | '.join(_spread([row['network'][key] for row in made]) for key in SHOWN)} |")
    if tuned := found["tuned"]:
        cells = [_spread([row["network"][name] for row in tuned]) for name in SHOWN]
        lines.append(f"| network, last layers trained ({len(tuned)} splits) | {' | '.join(cells)} |")
        cells = [_spread([row["network"][name] for row in rows[: len(tuned)]]) for name in SHOWN]
        lines.append(f"| network, frozen, the same {len(tuned)} splits | {' | '.join(cells)} |")
    for baseline in rows[0]["baselines"]:
        cells = [_spread([row["baselines"][baseline][name] for row in rows]) for name in SHOWN]
        lines.append(f"| {baseline} | {' | '.join(cells)} |")
    better = [sum(row[name]["says"] == "better" for row in rows) for name in ("verdict", "tuned_verdict")]
    best = {row[name]["against"] for name in ("verdict", "tuned_verdict") for row in rows}
    lines += [
        "",
        f"By macro-F1 it is better than the best baseline of its split ({', '.join(sorted(best))}; paired bootstrap "
        f"over its texts, 95 %) in {better[0]} of {len(rows)} splits, and with thresholds, which both chose on "
        f"validation, in {better[1]}.",
        "",
        f"The rarest class: F1 {_spread([row['rare']['argmax']['f1'] for row in rows])}; with thresholds "
        f"{_spread([row['rare']['tuned']['f1'] for row in rows])} (precision "
        f"{_spread([row['rare']['tuned']['precision'] for row in rows])}, recall "
        f"{_spread([row['rare']['tuned']['recall'] for row in rows])}).",
    ]
    if points := [row["points"][0] for row in rows if row["points"]]:
        lines.append(
            f"A threshold that reaches a recall of {points[0]['value']:.0%} of it on validation has on the test part a "
            f"recall of {_spread([one['test']['recall'] for one in points])} and a precision of "
            f"{_spread([one['test']['precision'] for one in points])}."
        )
    if tuned:
        argmax, decided = (_spread([row["rare"][how]["f1"] for row in tuned]) for how in ("argmax", "tuned"))
        lines.append(f"With the last layers trained, F1 of the rarest class is {argmax}, with thresholds {decided}.")
    return "\n".join(lines)


def _spread(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    return f"{statistics.fmean(known):.3f} ({min(known):.3f}-{max(known):.3f})"
