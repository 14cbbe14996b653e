"""A training that is killed goes on, and ends with the same bits as one that was not."""

import importlib.util
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gatewise.runs import RunFolder

PROGRAM = Path(__file__).parents[1] / "toy_training.py"
SETTINGS = {"epochs": 8, "learning_rate": 0.01, "checkpoint_seconds": 0.0, "threads": 1, "schedule": "cosine"}


@pytest.fixture(scope="module")
def toy():
    spec = importlib.util.spec_from_file_location("toy_training_program", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def start_and_signal(folder, number, batches, **changes):
    """Train in a process of its own and send it a signal when it has asked for so many batches."""
    command = [sys.executable, str(PROGRAM), str(folder), json.dumps({**SETTINGS, **changes})]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for _ in range(batches):
            assert process.stdout.readline() == "batch\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
    assert "Traceback" not in err
    return process.returncode, out


def rows(folder):
    timed = ("seconds", "step_ms_median")
    return [{key: value for key, value in row.items() if key not in timed} for row in RunFolder(folder).read_log()]


def test_kill_9_at_several_moments(toy, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    expected = toy.fit(str(whole), SETTINGS, toy.ToyTask())
    for batches in (1, 9, 20):  # at the first step; across an epoch's end; late
        code, _ = start_and_signal(parts, signal.SIGKILL, batches)
        assert code == -signal.SIGKILL
    assert 3 <= len(rows(parts)) < 8  # it did get somewhere, and was not done
    assert toy.fit(str(parts), SETTINGS, toy.ToyTask()) == expected
    assert rows(parts) == rows(whole)
    assert not (parts / "lock").exists()
    assert not list(parts.rglob(".*"))


def test_sigterm_saves_and_ends_cleanly(toy, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    # no checkpoint within an epoch but the one that the signal asks for
    code, out = start_and_signal(parts, signal.SIGTERM, 10, checkpoint_seconds=1e9)
    said = json.loads(out.splitlines()[-1])
    assert (code, said["status"]) == (0, "interrupted")
    assert said["steps"] >= 10
    assert sorted(path.name for path in parts.iterdir()) == ["checkpoint", "log.jsonl"]
    left = toy.ToyTask()
    asked = []
    left.batch = lambda key: (asked.append(1), toy.ToyTask.batch(left, key))[1]
    assert toy.fit(str(parts), SETTINGS, left) == toy.fit(str(whole), SETTINGS, toy.ToyTask())
    assert len(asked) == 8 * 6 - said["steps"]  # no step was lost, none was made twice
