"""A text run that is killed goes on, and its result and weights have the same bits as one that was not."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gatewise.runs import RunFolder
from gatewise.settings import TextSettings
from gatewise.tasks.generate import run_text
from text_samples import QUICK, sentences

PROGRAM = Path(__file__).parents[1] / "text_program.py"
FORMS = {
    "streams": {"symbol_dropout": 0.1, "recurrent_dropout": 0.1, "averaging": 0.9, "validation_size": 0.0},
    "windows": {"regime": "windows", "split": "windows", "cell": "lstm", "output_dropout": 0.1},
}


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
    last = {key: value for key, value in run.read_samples()[-1].items() if key != "seconds"}
    weights = (run.model_path / "model.safetensors").read_bytes()
    return result, log, run.read_predictions().rows(), last, weights


@pytest.mark.parametrize("form", [pytest.param("streams"), pytest.param("windows", marks=pytest.mark.slow)])
def test_kill_9_and_sigterm_and_on(tmp_path, form):
    (tmp_path / "book.txt").write_text(sentences(900))
    flat = {
        **QUICK, "files": [str(tmp_path / "book.txt")], "epochs": 3, "checkpoint_seconds": 0.0, "sample_length": 8,
        "schedule": "cosine", **FORMS[form],
    }  # fmt: skip
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert run_text(TextSettings.from_flat(flat), whole)["status"] == "finished"
    assert stop(parts, flat, signal.SIGKILL, 7)[0] == -signal.SIGKILL
    assert not (parts / "result.json").exists()
    code, said = stop(parts, flat, signal.SIGTERM, 9)
    assert (code, said[-1]) == (0, "interrupted")
    assert RunFolder(parts).read_result()["status"] == "interrupted"
    assert run_text(TextSettings.from_flat(flat), parts)["status"] == "finished"
    for found, expected in zip(outcome(parts), outcome(whole), strict=True):
        assert found == expected
    assert not list(parts.rglob("checkpoint"))
    assert not list(parts.rglob(".*"))
