"""``gatewise probe`` from the command line, with workers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatewise.cli.main import run

SMALL = ["probe", "rnn", "--tasks", "parity", "--seeds", "2", "--units", "4", "--steps", "2", "--jobs", "2"]


def test_probe_shows_a_table_and_goes_on_from_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["--out", str(tmp_path / "probe")]
    assert run([*SMALL, *out]) == 0
    shown = capsys.readouterr()
    assert "guessing" in shown.out
    assert "2 steps of 64 strings" in shown.out
    assert "[4/4] rnn: finished" in shown.err
    assert run([*SMALL, *out, "--json"]) == 0
    again = capsys.readouterr()
    assert "0 runs to do, 4 finished before" in again.err
    found = json.loads(again.out)
    assert found["rows"][0]["cell"] == "rnn"
    assert found["rows"][0]["tasks"]["parity"]["seeds"] == [0, 1]
    assert found == json.loads((tmp_path / "probe" / "probe.json").read_text())


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["lstmm"], "unknown cell 'lstmm': did you mean 'lstm'?"),
        (["--tasks", "party"], "unknown probe task 'party': did you mean 'parity'?"),
        (["--tasks", ""], "unknown probe task ''"),
        (["--preset", "fast"], "unknown preset 'fast'"),
        (["--seeds", "0"], "--seeds"),
        (["--units", "0"], "--units"),
        (["--steps", "0"], "--steps"),
        (["--jobs", "0"], "--jobs"),
    ],
)
def test_bad_input_is_told_once(
    args: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["probe", *args]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert says in " ".join(shown.err.split())
    assert "Traceback" not in shown.err
    assert list(tmp_path.iterdir()) == []
