"""Runs that were really trained: listed, compared, exported, removed; a study watched from another process."""

import json
import subprocess
import sys

import polars as pl
import pytest

from gatewise.cli.main import run as gatewise
from gatewise.studies.folder import StudyFolder

SMALL = ["sample:GOOG", "--window", "5", "--units", "4", "--epochs", "2", "--head", "none"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answer(capsys, *args):
    assert gatewise([*args, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_two_trained_runs_are_compared_over_their_windows(here, capsys):
    for cell in ("rnn", "gru"):
        assert gatewise(["fit", "forecast", *SMALL, "--cell", cell, "--out", f"runs/{cell}"]) == 0
    assert gatewise(["fit", "forecast", *SMALL, "--cell", "gru", "--split", "random", "--out", "runs/leaky"]) == 0
    capsys.readouterr()
    tree = answer(capsys, "compare", "runs/rnn", "runs/gru/model")
    row = tree["comparisons"][0]
    assert (tree["differs"], tree["unlike"], tree["tested"]) == (["model.cell"], [], "examples")
    assert (row["seeds"], row["p"] is not None, "Diebold-Mariano" in row["test"]) == (1, True, True)
    other = answer(capsys, "compare", "runs/rnn", "runs/leaky")
    assert {one["what"] for one in other["unlike"]} == {"split", "test"}
    assert other["comparisons"] == []
    found = answer(capsys, "runs", "--where", "cell=gru", "--where", "split.kind!=random")
    assert [row["folder"] for row in found["runs"]] == ["runs/gru"]
    assert answer(capsys, "runs", "export", "--to", "runs.parquet")["runs"] == 3
    assert pl.read_parquet("runs.parquet")["metrics.test.mse"].null_count() == 0
    assert answer(capsys, "runs", "remove", "runs/leaky", "--yes")["removed"] == ["runs/leaky"]
    assert not (here / "runs" / "leaky").exists()


@pytest.mark.slow
def test_a_running_study_is_watched_from_another_process(here, capsys):
    (here / "small.yaml").write_text(
        "name: small\ntask: forecast\ndata: {files: ['sample:GOOG'], window: 5}\nmodel: {units: 4, head: []}\n"
        "train: {epochs: 3}\nvary: {model.cell: [rnn, gru]}\nseeds: 2\n"
    )
    code = "from gatewise.cli.main import main; main()"
    study = subprocess.Popen(
        [sys.executable, "-c", code, "study", "small.yaml"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    place = StudyFolder(here / "studies" / "small")
    while not place.has_study() and study.poll() is None:
        pass
    watch = subprocess.run(
        [sys.executable, "-c", code, "watch", str(place.path)], capture_output=True, text=True, timeout=240
    )
    _, said = study.communicate(timeout=240)
    assert study.returncode == 0, said
    assert watch.returncode == 0, watch.stderr
    lines = watch.stderr.splitlines()
    assert "all runs have ended" in lines[-1]
    assert "4 of 4 runs finished" in lines[-1]
    tree = answer(capsys, "compare", "studies/small")
    assert tree["comparisons"] == place.read_comparison()["comparisons"]
