"""A forecasting run that is killed goes on, and its result and weights have the same bits as one that was not."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gatewise.runs import RunFolder
from gatewise.settings import ForecastSettings
from gatewise.tasks.forecast import run_forecast

PROGRAM = Path(__file__).parents[1] / "forecast_program.py"
FLAT = {
    "cell": "lstm", "units": 4, "head": [8], "window": 6, "epochs": 6, "batch_size": 16, "learning_rate": 0.01,
    "input_dropout": 0.1, "recurrent_dropout": 0.1, "transform": "standard", "schedule": "cosine", "threads": 1,
    "checkpoint_seconds": 0.0, "baselines": ["last_value", "ridge"],
}  # fmt: skip


def stop(folder, flat, number, steps):
    """Run in a process of its own and send it a signal when it has made so many steps."""
    command = [sys.executable, str(PROGRAM), str(folder), json.dumps(flat)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    ) as process:
        for _ in range(steps):
            assert process.stdout.readline() == "step\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
    assert "Traceback" not in err
    return process.returncode, out.splitlines()


def outcome(folder):
    """Return what must not differ by a bit."""
    run = RunFolder(folder)
    timed = ("folder", "seconds", "threads")
    log = [
        {key: value for key, value in row.items() if key not in ("seconds", "step_ms_median")} for row in run.read_log()
    ]
    result = {key: value for key, value in run.read_result().items() if key not in timed}
    return result, log, run.read_predictions().rows(), (run.model_path / "model.safetensors").read_bytes()


@pytest.fixture
def flat(tmp_path):
    y = 50 + np.random.default_rng(0).normal(size=110).cumsum()
    pl.DataFrame({"y": y}).write_csv(tmp_path / "data.csv")
    return {**FLAT, "files": [str(tmp_path / "data.csv")]}


@pytest.mark.parametrize(
    "folds", [{}, pytest.param({"split": "walk_forward", "folds": 2}, marks=pytest.mark.slow)], ids=["one", "folds"]
)
def test_kill_9_and_sigterm_and_on(tmp_path, flat, folds):
    flat |= folds
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert run_forecast(ForecastSettings.from_flat(flat), whole)["status"] == "finished"
    assert stop(parts, flat, signal.SIGKILL, 3)[0] == -signal.SIGKILL
    assert not (parts / "result.json").exists()
    code, said = stop(parts, flat, signal.SIGTERM, 9)
    assert (code, said[-1]) == (0, "interrupted")
    assert RunFolder(parts).read_result()["status"] == "interrupted"
    assert stop(parts, flat, signal.SIGKILL, 5)[0] == -signal.SIGKILL
    assert run_forecast(ForecastSettings.from_flat(flat), parts)["status"] == "finished"
    for found, expected in zip(outcome(parts), outcome(whole), strict=True):
        assert found == expected
    assert not list(parts.rglob("checkpoint"))
    assert not list(parts.rglob(".*"))
