"""`gatewise bench` and what `gatewise cells` says of size and speed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from gatewise.cells import create_cell, list_cells
from gatewise.cli.main import run
from gatewise.registry import KERNELS

SMALL = ["--batch", "2", "--steps", "3", "--inputs", "2", "--units", "8", "--rounds", "1", "--threads", "1"]


def test_a_cell_beside_torch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "gru", *SMALL, "--sweep", "--keras", "--out", str(tmp_path / "new"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "new" / "bench.json").read_text()) == said
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"bench.json", "roofline.svg", "growth.svg"}
    assert said["what"] == "Training pass, B 2, T 3, I 2, H 8, 1 thread"
    assert min(said["limits"].values()) > 0
    (cell,) = said["cells"]
    assert cell["kernel"] in KERNELS.names()
    assert cell["flops_per_pass"] == 6 * 2 * 3 * 24 * (2 + 8)
    for who in ("gatewise", "torch"):
        numbers = cell[who]
        assert set(numbers) == {"milliseconds", "low", "high", "gflops", "of_sgemm", "peak_bytes"}
        assert all(value > 0 for name, value in numbers.items() if name != "peak_bytes")
        assert (numbers["peak_bytes"] is not None) == (sys.platform == "linux")
    assert all(value > 0 for value in cell["step"].values())
    assert {row["varied"] for row in said["growth"]} == {"steps", "batch", "units", "layers"}
    assert all(row["milliseconds"] > 0 for row in said["growth"])


def test_the_table_names_what_torch_does_not_have_and_what_is_absent(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatewise.bench.contestants.TORCH_NAMES", {})
    monkeypatch.setattr("gatewise.bench.run.peak_memory", lambda *_, **__: {})
    monkeypatch.setitem(sys.modules, "keras", None)  # importing it fails, as where it is not installed
    line = ["bench", "gru", *SMALL, "--layers", "2", "--forward-only", "--keras", "--cell-option", "reset=before"]
    assert run(line) == 0
    shown = capsys.readouterr()
    assert "Forward pass, B 2, T 3, I 2, H 8, 2 layers, 1 thread" in shown.out
    assert "sgemm" in shown.out
    assert "Keras is not installed" in shown.err
    assert "without the cell options" in shown.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--units 0", "units must be a whole number of at least 1 (found 0)"),
        ("--rounds 0", "rounds must be a whole number of at least 1 (found 0)"),
        ("--threads 0", "threads must be a whole number of at least 1 (found 0)"),
        ("grru", "unknown cell 'grru': did you mean 'gru'?"),
        ("--cell-option rest=before gru", "the cell 'gru' has no option 'rest': did you mean 'reset'?"),
        ("--cell-option reset gru", "--cell-option: 'reset' is not KEY=VALUE"),
        ("--cell-option reset=never gru", "reset must be one of after, before (found 'never')"),
    ],
)
def test_bad_input_is_one_sentence(words: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", *words.split()]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert said in shown.err
    assert shown.err.count("\n") == 1


def test_cells_are_described(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cells", "--json"]) == 0
    rows: dict[str, Any] = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(rows) == list_cells()
    assert (rows["rnn"]["state_size"], rows["lstm"]["state_size"]) == (512, 1024)
    assert (rows["rnn"]["parallel"], rows["mlstm"]["parallel"]) == (False, True)
    for name, row in rows.items():
        assert row["parameters"] == type(create_cell(name, input_size=4, units=4)).parameter_formula(512, 512)
        assert row["kernel"] in KERNELS.names()


def test_cells_are_measured(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from gatewise.bench.contestants import Sizes

    monkeypatch.setattr("gatewise.bench.facts.TIMED", Sizes(2, 3, 8, 8))
    monkeypatch.setattr("gatewise.bench.facts._ROUNDS", 1)
    assert run(["cells", "--measure", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert all(row["training_milliseconds"] > 0 and row["step_microseconds"] > 0 for row in rows)
    assert run(["cells", "--measure"]) == 0
    assert "training, ms" in capsys.readouterr().out
