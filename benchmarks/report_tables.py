"""The tables of the report beside ours, at the report's own settings: an hour of training or more, resumable.

`GATEWISE_DATA=FOLDER python -m benchmarks.run report_tables`; the folder holds GOOG.csv and AAPL.csv, daily closes
from 2010 to 2018. The studies are kept in `studies/paper` (or `GATEWISE_STUDIES`) and only what is missing is trained.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.timing import installed, machine

TITLE = "The report's tables beside ours"
#: Seeds of each setting: more would say more, at some hours each.
SEEDS = {"stocks-cells": 3, "stocks-losses": 3, "stocks-optimizers": 2, "stocks-dropout": 2}


def measure() -> dict[str, Any]:
    """Run the paper presets of the four studies, and take what they found."""
    data = Path(os.environ["GATEWISE_DATA"])
    studies = Path(os.environ.get("GATEWISE_STUDIES", "studies/paper"))
    gatewise = str(Path(sys.executable).with_name("gatewise"))
    tables = {}
    for name, seeds in SEEDS.items():
        folder = studies / name.removeprefix("stocks-")
        command = [gatewise, "study", name, "--preset", "paper", "--seeds", str(seeds), "--out", str(folder)]
        subprocess.run(
            [*command, str(data / "GOOG.csv"), str(data / "AAPL.csv")], check=True, stdout=subprocess.DEVNULL
        )
        found = json.loads((folder / "comparison.json").read_text(encoding="utf-8"))
        kept = ("seeds", "claims", "baselines", "findings")
        tables[name] = {key: found[key] for key in kept} | {
            "levels": [
                {key: level[key] for key in ("label", "metrics", "parameters", "epochs", "seconds")}
                for level in found["levels"]
            ],
            "machine": machine(),
        }
    return {"machine": machine(), "versions": installed("torch"), "tables": tables}


def markdown(found: dict[str, Any]) -> str:
    """Return what was measured as a section of docs/benchmarks.md."""
    lines = [
        "GOOG and AAPL closes, 2010 to 2018, window 30, the close two rows on, the report's random split (which leaks:",
        "neighbouring windows overlap), 512 units, batch 8. Figures are of the test part; ± is the standard deviation",
        f"over seeds. {found['versions']}. So few seeds show whether the figures come again; they decide nothing.",
        "Trained by the code before kernels of our own (results version 1); with these, trainings of the same seed",
        "differ by rounding, which grows, and take the times of the sections above.",
    ]
    for name, table in found["tables"].items():
        lines += ["", f"### {name} ({table['seeds']} seeds)", "", f"On {table['machine']}.", "", *_levels(table), ""]
        if table["claims"]:
            lines += ["| the report says | report | ours | verdict |", "|---|---|---|---|"]
            lines += [
                f"| {claim['claim']} | {_said(claim['report'])} | {_said(claim['ours'])} | {claim['verdict']} |"
                for claim in table["claims"]
            ]
    return "\n".join(lines)


def _levels(table: dict[str, Any]) -> list[str]:
    lines = ["| setting | MSE | MAPE | Pearson r | epochs | ms a step |", "|---|---|---|---|---|---|"]
    for level in table["levels"]:
        epochs = "/".join(f"{run:g}" for run in level["epochs"]["run"])
        step = level["seconds"]["per_step_ms"]
        shown = [_spread(level["metrics"].get(metric)) for metric in ("mse", "mape", "pearson")]
        time = f"{step:.1f}" if step and level["seconds"]["exclusive"] else "-"
        lines.append(f"| {level['label']} | {' | '.join(shown)} | {epochs} | {time} |")
    last = table["baselines"]["last_value"]
    lines.append(f"| **last value** | {last['mse']:.4g} | {last['mape']:.4g} | {last['pearson']:.5f} | - | - |")
    return lines


def _spread(metric: dict[str, Any] | None) -> str:
    if metric is None:  # a forecast that is the same everywhere correlates with nothing
        return "-"
    spread = "" if metric.get("std") is None else f" ± {metric['std']:.2g}"
    return f"{metric['mean']:.5g}{spread}"


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_said(one) for one in value)
    return f"{value:.5g}" if isinstance(value, float) else str(value)
