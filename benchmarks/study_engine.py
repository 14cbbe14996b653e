"""The study engine at 10,000 finished runs: listed, planned, compared, reported; each in a process of its own.

The runs are made, not trained: files of the shapes that forecasting runs write, with small predictions and logs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.timing import installed, machine

TITLE = "A study of 10,000 runs"
#: 5 x 5 x 5 x 4 combinations of levels with 20 seeds each.
VARY = {
    "model.cell": ["rnn", "gru", "lstm", "mingru", "minlstm"],
    "model.units": [16, 32, 64, 128, 256],
    "train.learning_rate": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2],
    "model.input_dropout": [0.0, 0.1, 0.2, 0.3],
}
SEEDS, EPOCHS, ROWS, VARIANTS = 20, 20, 400, 40
#: What `gatewise study` does before it trains; without what this file loads besides.
FIND_MISSING = """
import sys
from gatewise.studies import load_study, plan_study
from gatewise.studies.folder import StudyFolder
runs, place = plan_study(load_study(sys.argv[1])).runs, StudyFolder(sys.argv[2])
if missing := [run.label for run in runs if not place.run(run.fingerprint).is_finished]:
    sys.exit(f"{len(missing)} of {len(runs)} runs are not found finished")
"""
REACH = {"list": 2.0, "missing": 3.0, "report": 30.0}


def measure() -> dict[str, Any]:
    """Make the study, then time what a person does with it."""
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        study, folder = make(home)
        runs = folder / "runs"
        first = next(iter(sorted(runs.iterdir())))
        command = {
            "list": ["runs", str(folder), "--limit", "0"],
            "list --json": ["runs", str(folder), "--json"],
            "missing": None,
            "study with nothing missing": ["study", str(study), "--out", str(folder)],
            "report": ["report", str(folder)],
            "compare": ["compare", str(folder)],
            "export": ["runs", "export", str(folder), "--to", str(home / "runs.parquet")],
        }
        found = {name: _timed(words, study, folder) for name, words in command.items()}
        return {
            "machine": machine(),
            "versions": installed("polars", "torch"),
            "runs": len(list(runs.iterdir())),
            "files_mib": sum(file.stat().st_size for file in first.rglob("*")) * len(list(runs.iterdir())) / 2**20,
            "page_mib": (folder / "page.html").stat().st_size / 2**20,
            "measured": found,
        }


def _timed(words: list[str] | None, study: Path, folder: Path) -> dict[str, float]:
    """Run one command in a new process; return its seconds, of the clock and of a core, and the most memory it had."""
    if words is None:
        command = [sys.executable, "-c", FIND_MISSING, str(study), str(folder)]
    else:
        command = [str(Path(sys.executable).with_name("gatewise")), *words]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    cpu = used.ru_utime + used.ru_stime
    return {"seconds": seconds, "cpu_seconds": cpu, "peak_mib": used.ru_maxrss / 2**10}


def make(home: Path, *, vary: dict[str, Any] | None = None, seeds: int = SEEDS) -> tuple[Path, Path]:
    """Write data, a study file, and the folder of its finished runs; return the last two."""
    from gatewise.studies import load_study, plan_study
    from gatewise.studies.folder import StudyFolder

    generator = np.random.default_rng(0)
    prices = 100.0 * np.exp(np.cumsum(generator.normal(0.0005, 0.01, ROWS)))
    pl.DataFrame({"ds": range(ROWS), "A": prices}).write_csv(home / "prices.csv")
    tree = {
        "name": "many", "question": "Which of all these?", "task": "forecast", "seeds": seeds,
        "data": {"files": ["prices.csv"], "column": "A", "window": 20}, "train": {"epochs": EPOCHS},
        "vary": vary or VARY,
    }  # fmt: skip
    study, folder = home / "many.yaml", home / "many"
    study.write_text(json.dumps(tree), encoding="utf-8")
    plan = plan_study(load_study(study))
    place = StudyFolder(folder)
    folder.mkdir()
    place.write_study(plan.to_json())
    tables = [_predictions(prices, seed) for seed in range(VARIANTS)]
    effect = {label: generator.normal(0.0, 0.3) for label in dict.fromkeys(run.label for run in plan.runs)}
    for number, run in enumerate(plan.runs):
        path = place.run(run.fingerprint).path
        path.mkdir(parents=True)
        mse = 4.0 + effect[run.label] + float(generator.normal(0.0, 0.3))
        log = [_row(epoch, mse) for epoch in range(1, EPOCHS + 1)]
        (path / "settings.json").write_text(json.dumps(run.settings.model_dump(mode="json"), indent=2))
        (path / "environment.json").write_text(json.dumps(_environment(run.fingerprint), indent=2))
        (path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log))
        (path / "predictions.parquet").write_bytes(tables[number % VARIANTS])
        (path / "result.json").write_text(json.dumps(_result(run.settings.name, path, mse, generator), indent=2))
    return study, folder


def _row(epoch: int, mse: float) -> dict[str, Any]:
    loss = mse * (1 + 3 * np.exp(-epoch / 3))
    return {
        "epoch": epoch, "train_loss": 0.9 * loss, "validation_loss": loss, "learning_rate": 1e-3, "seconds": 0.5,
        "steps": 40, "step_ms_median": 3.1, "best": True,
    }  # fmt: skip


def _environment(fingerprint: str) -> dict[str, Any]:
    from gatewise.runs import environment

    if not hasattr(_environment, "kept"):
        _environment.kept = environment(threads=1)  # type: ignore[attr-defined]
    return {**_environment.kept, "torch_threads": 1, "fingerprint": fingerprint, "kernel": "native"}  # type: ignore[attr-defined]


def _predictions(prices: np.ndarray, seed: int) -> bytes:
    """Return the table of one run's forecasts of the test part."""
    at = np.arange(int(0.8 * ROWS), ROWS)
    frame = pl.DataFrame(
        {
            "part": ["validation"] * (len(at) // 2) + ["test"] * (len(at) - len(at) // 2),
            "window": at,
            "unique_id": ["A"] * len(at),
            "cutoff": at - 1,
            "ds": at,
            "step": [1] * len(at),
            "y": prices[at],
            "mean": prices[at - 1] + np.random.default_rng(seed).normal(0.0, 1.0, len(at)),
            "last_value": prices[at - 1],
        }
    )
    import io

    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def _result(name: str, path: Path, mse: float, generator: np.random.Generator) -> dict[str, Any]:
    def metrics(value: float) -> dict[str, float]:
        return {
            "mse": value, "rmse": value**0.5, "mae": value**0.5 * 0.8, "mape": value / 3, "smape": value / 3,
            "mase": value / 5, "r2": 1 - value / 40, "pearson": 1 - value / 80, "hit_rate": 0.5, "hit_rate_base": 0.53,
            "wape": value / 60,
        }  # fmt: skip

    baselines = {"last_value": 4.2, "drift": 4.3, "window_mean": 9.0, "ridge": 4.1}
    return {
        "format_version": 1, "status": "finished", "task": "forecast", "name": name, "folder": str(path),
        "parameters": 12_345, "leaking": False, "trained": 1, "epochs": {"run": EPOCHS, "best": EPOCHS},
        "seconds": {"total": 12.0, "data": 0.1, "train": 10.0, "per_epoch": 0.5, "per_step_median": 0.0031},
        "exclusive": False, "threads": 1, "kernel": "native",
        "metrics": {
            **{part: metrics(mse * share) for part, share in (("train", 0.9), ("validation", 1.1), ("test", 1.0))},
            "series": {"A": metrics(mse)}, "steps": {"1": metrics(mse)},
        },
        "baselines": {key: {"test": metrics(value)} for key, value in baselines.items()},
        "intervals": {"80": {"coverage": 0.79, "width": 5.0}, "95": {"coverage": 0.94, "width": 8.0}},
        "lag": {"offset": 1, "shift": 1, "channels": {"A": {"shift": 1, "skill": float(generator.normal())}}},
        "verdict": {
            "metric": "mse", "against": "ridge", "ratio": mse / 4.1, "says": "undecided", "p": 0.3,
            "interval": [-0.2, 0.4], "test": "Diebold-Mariano over 40 times, errors up to 1 rows ahead", "note": "",
        },
        "notes": [],
    }  # fmt: skip


def markdown(found: dict[str, Any]) -> str:
    """Return what was measured as a section of docs/benchmarks.md."""
    lines = [
        f"{found['runs']:,} finished runs ({found['files_mib']:,.0f} MiB of files, in the system's cache): "
        f"{' x '.join(str(len(levels)) for levels in VARY.values())} combinations of levels with {SEEDS} seeds. "
        f"{found['versions']}. Each command in a new process; where its seconds are far more than those of a core, the "
        f"machine had other work. The page is {found['page_mib']:.2f} MiB.",
        "",
        "| what | seconds | of a core | most memory, MiB | to reach |",
        "|---|---|---|---|---|",
    ]
    for name, one in found["measured"].items():
        reach = f"< {REACH[name]:g} s" if name in REACH else ""
        lines.append(f"| {name} | {one['seconds']:.2f} | {one['cpu_seconds']:.2f} | {one['peak_mib']:,.0f} | {reach} |")
    return "\n".join(lines)
