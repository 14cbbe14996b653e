"""A classification run that is killed goes on, in training and in encoding, and ends with the same bits."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from encoder_folders import make_encoder, make_texts
from gatewise.runs import RunFolder
from gatewise.settings import ClassifySettings
from gatewise.tasks.classify import run_classify

PROGRAM = Path(__file__).parents[1] / "classify_program.py"


def stop(folder, flat, number, word, times):
    """Run in a process of its own and send it a signal when it has said a word so many times."""
    command = [sys.executable, str(PROGRAM), str(folder), json.dumps(flat)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    ) as process:
        said = 0
        while said < times:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            said += line == f"{word}\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
    assert "Traceback" not in err
    return process.returncode, out.splitlines()


def outcome(folder):
    """Return what must not differ by a bit."""
    run = RunFolder(folder)
    log = [
        {key: value for key, value in row.items() if key not in ("seconds", "step_ms_median")} for row in run.read_log()
    ]
    result = {k: v for k, v in run.read_result().items() if k not in ("folder", "seconds", "threads", "encoder")}
    return result, log, run.read_predictions().rows(), (run.model_path / "model.safetensors").read_bytes()


@pytest.fixture
def flat(tmp_path, monkeypatch):
    monkeypatch.setenv("GATEWISE_CACHE", str(tmp_path / "cache"))
    texts = list(dict.fromkeys(make_texts(150, longest=30)))
    table = pl.DataFrame({"text": texts, "label": [int("t" in text.split()[0]) for text in texts]})
    table.write_csv(tmp_path / "table.csv")
    make_encoder(tmp_path / "tiny", "bert")
    return {
        "files": [str(tmp_path / "table.csv")], "encoder": str(tmp_path / "tiny"), "encoder_layers": [-2, -1],
        "units": 4, "head": [6], "epochs": 3, "least_steps": 0, "batch_size": 8, "threads": 1, "explained": 1,
        "baselines": ["majority"], "checkpoint_seconds": 0.0, "near_duplicates": "apart", "averaging": 0.5,
    }  # fmt: skip


TUNED = pytest.param({"tune_layers": 1}, marks=pytest.mark.slow)


@pytest.mark.parametrize("more", [{}, TUNED], ids=["frozen", "tuned"])
def test_killed_in_training_and_on(tmp_path, flat, more):
    flat |= more
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert run_classify(ClassifySettings.from_flat(flat), whole)["status"] == "finished"
    assert stop(parts, flat, signal.SIGKILL, "step", 7)[0] == -signal.SIGKILL
    assert not (parts / "result.json").exists()
    code, said = stop(parts, flat, signal.SIGTERM, "step", 9)
    assert (code, said[-1]) == (0, "interrupted")
    assert run_classify(ClassifySettings.from_flat(flat), parts)["status"] == "finished"
    for found, expected in zip(outcome(parts), outcome(whole), strict=True):
        assert found == expected
    assert not list(parts.rglob("checkpoint"))
    assert not list(parts.rglob(".*"))


def test_killed_in_encoding_and_on(tmp_path, flat, monkeypatch):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    monkeypatch.setenv("GATEWISE_CACHE", str(tmp_path / "another"))
    first = run_classify(ClassifySettings.from_flat(flat), whole)
    monkeypatch.setenv("GATEWISE_CACHE", str(tmp_path / "cache"))
    assert stop(parts, flat, signal.SIGKILL, "encoded", 1)[0] == -signal.SIGKILL
    assert not (parts / "result.json").exists()
    again = run_classify(ClassifySettings.from_flat(flat), parts)
    assert again["status"] == "finished"
    assert again["encoder"]["fresh"] <= first["encoder"]["fresh"]
    for found, expected in zip(outcome(parts), outcome(whole), strict=True):
        assert found == expected
