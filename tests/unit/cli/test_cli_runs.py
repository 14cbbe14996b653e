import json

import polars as pl
import pytest

from gatewise.cli.main import run as gatewise
from gatewise.studies.folder import StudyFolder
from run_samples import make_run


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make_study(folder, name="cells"):
    place = StudyFolder(folder)
    runs = [
        {"label": cell, "levels": {"model.cell": cell}, "seed": seed, "fingerprint": f"{cell}{seed}", "timing": None}
        for cell in ("gru", "lstm")
        for seed in (0, 1)
    ]
    for run in runs[:3]:
        cell, seed = run["label"], run["seed"]
        make_run(place.run(run["fingerprint"]).path, mse=4.0 + seed + (cell == "lstm"),
                 settings={"cell": cell, "seed": seed, "name": f"{cell}, seed {seed}"})  # fmt: skip
    make_run(place.timing("gru0").path, settings={"name": "gru, timing"})
    place.write_study({"format_version": 1, "name": name, "task": "forecast", "runs": runs})
    place.write_failures({"lstm1": "out of memory"})
    return place


def listed(capsys, *args):
    assert gatewise(["runs", *args, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_runs_and_studies_here_are_listed_with_what_differs(here, capsys):
    make_run(here / "runs" / "first", settings={"cell": "rnn"})
    make_study(here / "studies" / "cells")
    found = listed(capsys)
    assert found["count"] == 5
    assert [row["status"] for row in found["runs"]] == ["finished"] * 4 + ["failed"]
    assert found["runs"][-1]["error"] == "out of memory"
    assert found["columns"][:5] == ["name", "status", "seed", "model.cell", "metrics.test.mse"]
    assert {row.get("study") for row in found["runs"]} == {None, "cells"}
    assert listed(capsys, "--all")["count"] == 6
    assert gatewise(["runs"]) == 0
    out = capsys.readouterr().out
    assert "test.mse" in out
    assert "units" not in out


def test_runs_are_filtered_sorted_and_cut(here, capsys):
    make_study(here / "s")
    assert [row["seed"] for row in listed(capsys, "s", "--where", "cell=gru", "--sort", "-seed")["runs"]] == [1, 0]
    assert [row["folder"] for row in listed(capsys, "s", "--where", "mse<5")["runs"]] == ["s/runs/gru0"]
    assert listed(capsys, "s", "--status", "failed")["count"] == 1
    assert listed(capsys, "s", "--task", "generate") == {"count": 0, "columns": [], "runs": []}
    cut = listed(capsys, "s", "--limit", "1")
    assert (cut["count"], len(cut["runs"])) == (4, 1)
    assert gatewise(["runs", "list", "s", "--limit", "1", "--columns", "cell,mse"]) == 0
    told = capsys.readouterr()
    assert told.out.split()[:2] == ["cell", "test.mse"]
    assert "1 of 4 runs" in told.err


def test_a_long_list_is_plain_lines_and_harmless(here, capsys, monkeypatch):
    monkeypatch.setattr("gatewise.cli.runs._MOST_LAID_OUT", 1)
    make_run(here / "runs" / "a", settings={"name": "red \x1b[31m"})
    make_run(here / "runs" / "b")
    assert gatewise(["runs", "--limit", "0"]) == 0
    out = capsys.readouterr().out
    assert "\\x1b[31m" in out
    assert len(out.splitlines()) == 3


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["absent"], "no such folder"),
        (["--status", "faild"], "did you mean 'failed'"),
        (["--task", "forcast"], "did you mean 'forecast'"),
        (["runs", "--where", "nothing=1"], "no run has 'nothing'"),
        (["export", "runs", "--to", "x.doc"], "ends in .csv"),
        (["export", "runs", "--to", "x.csv", "--where", "seed=7"], "no run to export"),
        (["remove"], "say which runs"),
        (["remove", "runs"], "--yes removes without asking"),
    ],
)
def test_wrong_use_is_exit_2_and_changes_nothing(here, capsys, args, says):
    make_run(here / "runs" / "a")
    before = sorted(here.rglob("*"))
    assert gatewise(["runs", *args]) == 2
    told = capsys.readouterr()
    assert says in told.err
    assert told.out == ""
    assert sorted(here.rglob("*")) == before


def test_removing_shows_what_goes_and_leaves_the_rest(here, capsys):
    make_study(here / "s")
    (here / "s" / "runs" / "notes.txt").write_text("mine")
    assert gatewise(["runs", "remove", "s", "--where", "cell=gru", "--yes", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["removed"] == ["s/runs/gru0", "s/runs/gru1"]
    assert found["bytes"] > 0
    assert sorted(path.name for path in (here / "s" / "runs").iterdir()) == ["lstm0", "notes.txt"]
    assert (here / "s" / "study.json").is_file()
    assert gatewise(["runs", "remove", "s", "--where", "cell=gru", "--yes"]) == 0
    assert "No run to remove" in capsys.readouterr().err


def test_a_run_in_use_is_not_removed(here, capsys):
    run = make_run(here / "runs" / "a", mse=None)
    with run.lock():
        assert gatewise(["runs", "remove", "runs", "--yes"]) == 2
    assert "a process is working in this run" in capsys.readouterr().err
    assert run.has_settings()


def test_runs_of_a_study_at_work_are_not_removed(here, capsys):
    place = make_study(here / "s")
    with place.lock():
        assert gatewise(["runs", "remove", "s", "--where", "cell=gru", "--yes"]) == 2
    assert "this study is running" in capsys.readouterr().err
    assert place.run("gru0").is_finished


def test_the_question_can_be_answered_with_no(here, capsys, monkeypatch):
    run = make_run(here / "runs" / "a")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda text, abort, err: (_ for _ in ()).throw(__import__("typer").Abort()))
    assert gatewise(["runs", "remove", "runs"]) == 130
    assert run.has_settings()


def test_exports_hold_every_column_and_row(here, capsys):
    make_study(here / "s")
    assert gatewise(["runs", "export", "s", "--to", "out/runs.csv"]) == 0
    assert capsys.readouterr().out.strip() == "out/runs.csv"
    table = pl.read_csv("out/runs.csv")
    assert table.height == 4
    assert {"model.cell", "train.loss", "metrics.test.mse", "baselines.last_value.test.mse"} <= set(table.columns)
    assert gatewise(["runs", "export", "s", "--to", "t.tex", "--columns", "cell,mse", "--status", "finished"]) == 0
    assert (here / "t.tex").read_text().splitlines()[4] == r"gru & 4 \\"
