"""The command line with everything behind it: train, forecast, judge, show; and what nobody should give it."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatewise.cli.main import run

QUICK = [
    "--column=Close", "--window=5", "--cell=gru", "--units=3", "--head=4", "--epochs=2", "--batch-size=16"
]  # fmt: skip


def prices(rows: int = 80, *, start: float = 50.0, newest_first: bool = False) -> str:
    """Return a file of daily prices as a site would give it."""
    first = date(2024, 1, 1)
    lines = [f"{first + timedelta(day)},{start + day % 7 + math.sin(day):.4f},{day}" for day in range(rows)]
    return "\n".join(["Date,Close,Volume", *(reversed(lines) if newest_first else lines)]) + "\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder with two price files."""
    monkeypatch.chdir(tmp_path)
    Path("A.csv").write_text(prices(newest_first=True))
    Path("B.csv").write_text(prices(start=90.0))
    return tmp_path


def document(capsys: pytest.CaptureFixture[str], args: list[str], code: int = 0) -> Any:
    """Run a command with --json and return its document, which is all that stands on standard output."""
    assert run([*args, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_from_files_to_page(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit = ["fit", "forecast", "A.csv", "B.csv", *QUICK, "--out", "run"]
    result = document(capsys, fit)
    assert result["status"] == "finished"
    assert result["folder"] == "run"
    assert result["epochs"]["run"] == 2
    assert set(result["metrics"]) >= {"train", "validation", "test"}
    assert "last_value" in result["baselines"]
    assert result["verdict"]["says"] in ("better", "worse", "undecided")
    assert any("newest" in note for note in result["notes"])
    before = {path: path.stat().st_mtime_ns for path in sorted(Path("run").rglob("*")) if path.is_file()}

    assert document(capsys, fit) == result
    assert run([*fit, "--units", "4"]) == 2
    assert "other settings" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in before} == before

    ahead = document(capsys, ["forecast", "run", "--horizon", "3"])
    assert [row["unique_id"] for row in ahead["forecast"]] == ["A"] * 3 + ["B"] * 3
    scores = document(capsys, ["score", "run", "A.csv", "B.csv"])
    assert scores["windows"] == 75
    assert "last_value" in scores["baselines"]

    page = Path(document(capsys, ["report", "run"])["page"])
    assert "<html" in page.read_text(encoding="utf-8")
    assert document(capsys, [*fit, "--units", "4", "--overwrite"])["parameters"] != result["parameters"]


def test_config_gives_the_same_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("run.yaml").write_text(
        "data: {files: [A.csv], column: Close, window: 5}\n"
        "model: {cell: gru, units: 3, head: [4]}\n"
        "train: {epochs: 1, batch_size: 16, learning_rate: 1e-3}\n"
    )
    line = ["A.csv", *QUICK, "--epochs", "1", "--learning-rate", "1e-3"]
    typed = document(capsys, ["fit", "forecast", *line, "--no-save"])
    read = document(capsys, ["fit", "forecast", "--config", "run.yaml", "--no-save"])
    assert read["metrics"] == typed["metrics"]
    assert not Path("runs").exists()


def test_covariates_are_asked_for_and_filled_in(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fit", "forecast", "A.csv", *QUICK, "--future-covariates", "Volume", "--out", "run"]) == 0
    assert run(["forecast", "run", "--horizon", "2"]) == 2
    capsys.readouterr()
    assert run(["forecast", "run", "--horizon", "2", "--future-template", "--out", "future.csv"]) == 0
    filled = Path("future.csv").read_text().replace(",\n", ",7\n").replace(',""\n', ",7\n")
    Path("future.csv").write_text(filled)
    rows = document(capsys, ["forecast", "run", "--horizon", "2", "--future", "future.csv"])["forecast"]
    assert len(rows) == 2


BAD = {
    "missing file": (None, "there is no"),
    "empty file": ("", "empty"),
    "header only": ("Date,Close\n", "row"),
    "no such column": (prices().replace("Close", "Price"), "Price"),
    "text": (prices().replace("50.", "x50.", 1), "x50."),
    "infinity": (prices().replace(",50.0000", ",inf", 1), "inf"),
    "unreadable date": (prices().replace("2024-01-03", "2024-13-45"), "2024-13-45"),
    "repeated date": (prices().replace("2024-01-03", "2024-01-02"), "2024-01-02"),
    "too short": (prices(6), "needs at least 8"),
    "constant": ("Date,Close\n" + "".join(f"2024-01-{day:02d},5\n" for day in range(1, 29)), "every row"),
    "zeros with mape": (prices(start=0.0).replace(",0.0000,", ",0,"), "mape"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_2_and_nothing_is_written(case: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, said = BAD[case]
    Path("A.csv").unlink()
    if text is not None:
        Path("A.csv").write_text(text)
    before = sorted(Path().iterdir())
    args = [*QUICK, "--loss", "mape"] if case == "zeros with mape" else QUICK
    assert run(["fit", "forecast", "A.csv", *args, "--out", "run", "--json"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "A.csv" in shown.err or case in ("too short", "constant")  # seen in the windows, not in the file
    assert said in shown.err
    assert "Traceback" not in shown.err
    assert sorted(Path().iterdir()) == before


def test_files_that_do_not_share_dates(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("B.csv").write_text(prices(70))
    assert run(["fit", "forecast", "A.csv", "B.csv", *QUICK, "--series", "joint", "--out", "run"]) == 2
    assert "--align" in capsys.readouterr().err or not Path("run").exists()


@pytest.mark.skipif(os.name == "nt", reason="permissions work in another way there")
def test_a_folder_that_cannot_be_written(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("in the way")
    assert run(["fit", "forecast", "A.csv", *QUICK, "--out", "file/run"]) == 2
    assert "file" in capsys.readouterr().err
    assert Path("file").read_text() == "in the way"


@given(
    content=st.one_of(st.binary(max_size=200), st.text("Date,Close\n0123456789-;\t .xe", max_size=300).map(str.encode))
)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_read_or_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes(content)
    assert run(["check", "forecast", str(path), "--window", "2"]) in (0, 2)


def test_a_long_run_ends_cleanly_on_ctrl_c(here: Path) -> None:
    """What was learned is saved, the document says so, and the same command goes on."""
    import signal

    line = [sys.executable, "-m", "gatewise", "fit", "forecast", "A.csv", *QUICK, "--out", "run", "--json"]
    line += ["--epochs", "100000", "--patience", "none"]
    told = {**os.environ, "CI": "1"}  # the log of a CI job gets a line an epoch
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=told) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        assert "epoch 1/" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, said = process.communicate()
    assert process.returncode == 130
    assert json.loads(out)["status"] == "interrupted"
    assert "Traceback" not in said
    assert "the same command goes on" in said
    assert Path("run/settings.json").is_file()
