"""Run folders with plausible files, made without training anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from gatewise.runs import RunFolder
from gatewise.settings import ForecastSettings

ENVIRONMENT = {
    "python": "3.11.2",
    "packages": {"gatewise": "0.1.0", "torch": "2.13.0"},
    "platform": "Linux 6.1 x86_64",
    "cpu": {"model": "Example CPU", "cores": 2},
    "threads": 1,
    "data_digest": "d1",
}


def make_run(
    path: Path,
    *,
    mse: float | None = 4.0,
    status: str = "finished",
    settings: dict[str, Any] | None = None,
    environment: dict[str, Any] | None = None,
    log: list[dict[str, Any]] | None = None,
    predictions: pl.DataFrame | None = None,
    last_value: float = 5.0,
    **result: Any,
) -> RunFolder:
    """Write one forecasting run; without an MSE it has no result."""
    run = RunFolder.create(path)
    whole = ForecastSettings.from_flat({"files": ["prices.csv"], **(settings or {})})
    run.write_settings(whole.model_dump(mode="json"))
    run.write_environment({**ENVIRONMENT, "fingerprint": path.name, **(environment or {})})
    run.write_log(log if log is not None else [log_row(1), log_row(2)])
    if predictions is not None:
        run.write_predictions(predictions)
    if mse is not None:
        parts = {part: {"mse": mse + step, "mae": mse / 3} for part, step in (("validation", 1.0), ("test", 0.0))}
        run.write_result(
            {
                "format_version": 1, "status": status, "task": "forecast", "name": whole.name, "parameters": 321,
                "epochs": {"run": 2, "best": 2}, "exclusive": False, "leaking": False, "kernel": "native",
                "seconds": {"total": 3.5, "per_epoch": 1.0, "per_step_median": 0.002},
                "metrics": {**parts, "series": {"A": {"mse": mse}}},
                "baselines": {"last_value": {"test": {"mse": last_value, "mae": 2.0}}},
                "verdict": {"metric": "mse", "against": "last_value", "ratio": mse / last_value, "says": "undecided",
                            "p": 0.4},
                **result,
            }
        )  # fmt: skip
    return run


def log_row(epoch: int, loss: float = 1.0, seconds: float = 2.0) -> dict[str, Any]:
    """One row of a log."""
    return {
        "epoch": epoch, "train_loss": loss / epoch, "validation_loss": 1.1 * loss / epoch, "learning_rate": 1e-3,
        "seconds": seconds, "steps": 10, "step_ms_median": 2.0, "best": True,
    }  # fmt: skip
