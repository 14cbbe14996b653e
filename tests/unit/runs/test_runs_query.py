import os

import polars as pl
import pytest

from gatewise.errors import InputError, OutputError, SettingsError
from gatewise.runs import RunFolder
from gatewise.runs.find import find_runs, read_row
from gatewise.runs.lock import held_lock, is_held
from gatewise.runs.query import column, columns, differing, headings, ordered, select
from gatewise.runs.tables import frame, latex_table, write_table
from run_samples import make_run

ROWS = [
    {"folder": "a", "model.cell": "gru", "model.head": [8], "seed": 0, "metrics.test.mse": 4.0, "metrics.train.mse": 1},
    {"folder": "b", "model.cell": "lstm", "model.head": [], "seed": 1, "metrics.test.mse": 6.0, "metrics.train.mse": 1},
    {"folder": "c", "model.cell": "lstm", "model.head": [], "seed": 2, "error": "no memory"},
]


def chosen(*conditions):
    return "".join(row["folder"] for row in select(ROWS, conditions))


def test_runs_are_found_nested_and_their_folds_are_not_runs(tmp_path):
    make_run(tmp_path / "x" / "y" / "one")
    make_run(tmp_path / "two")
    make_run(tmp_path / "two" / "folds" / "0")
    make_run(tmp_path / ".hidden" / "three")
    os.symlink(tmp_path / "two", tmp_path / "link")
    found = [run.path for run in find_runs([tmp_path, tmp_path / "two"])]
    assert found == [tmp_path / "two", tmp_path / "x" / "y" / "one"]
    with pytest.raises(InputError, match="no such folder"):
        list(find_runs([tmp_path / "absent"]))


def test_a_row_holds_settings_metrics_and_baselines_flat(tmp_path):
    row = read_row(make_run(tmp_path / "r", settings={"cell": "gru", "seed": 3, "head": [8, 4]}))
    assert (row["status"], row["task"], row["seed"], row["model.cell"]) == ("finished", "forecast", 3, "gru")
    assert (row["model.head"], row["metrics.test.mse"], row["metrics.validation.mse"]) == ([8, 4], 4.0, 5.0)
    assert (row["baselines.last_value.test.mse"], row["epochs.best"], row["seconds.total"]) == (5.0, 2, 3.5)
    assert (row["verdict.says"], row["parameters"]) == ("undecided", 321)
    assert not any(name.startswith("metrics.series") for name in row)


def test_status_says_how_a_run_stands(tmp_path):
    assert read_row(make_run(tmp_path / "i", status="interrupted"))["status"] == "interrupted"
    left = make_run(tmp_path / "u", mse=None)
    assert read_row(left)["status"] == "unfinished"
    with left.lock():
        assert left.is_in_use
        assert read_row(left)["status"] == "running"
    (left.path / "lock").write_text("999999999\n")  # of a process that is gone
    assert read_row(left)["status"] == "unfinished"
    (left.path / "result.json").write_text("{")
    assert read_row(left)["status"] == "broken"


def test_looking_at_a_lock_does_not_take_it(tmp_path):
    assert not is_held(tmp_path / "lock")
    (tmp_path / "lock").write_text("")
    assert not is_held(tmp_path / "lock")
    with held_lock(tmp_path / "lock"):
        assert is_held(tmp_path / "lock")


def test_conditions_choose(tmp_path):
    assert chosen("model.cell=gru") == chosen("cell=gru") == chosen("cell == gru") == "a"
    assert chosen("cell!=gru") == "bc"
    assert chosen("mse<5") == chosen("metrics.test.mse<=4") == "a"
    assert chosen("mse>5", "seed>=1") == "b"
    assert chosen("seed=0") == "a"
    assert chosen("head=[8]") == "a"
    assert chosen("mse!=4") == "bc"  # a run without it is not 4 either
    assert chosen("error=no memory") == "c"


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("mse", "KEY=VALUE is expected"),
        ("cel=gru", "did you mean 'cell'"),
        ("cell<gru", "< needs a number, found 'gru'"),
        ("train.mse~4", "KEY=VALUE is expected"),
    ],
)
def test_a_condition_that_cannot_be_read_is_said(condition, says):
    with pytest.raises(InputError, match=says):
        select(ROWS, [condition])
    with pytest.raises(SettingsError):
        select(ROWS, ["cell={"])


def test_a_column_is_named_by_its_end_while_that_is_one(tmp_path):
    rows = [{"data.seed": 1, "split.seed": 2, "metrics.test.mse": 1, "baselines.drift.test.mse": 2}]
    assert column("mse", rows) == "metrics.test.mse"
    assert column("drift.test.mse", rows) == "baselines.drift.test.mse"
    with pytest.raises(InputError, match=r"several columns: write one of data\.seed, split\.seed"):
        column("seed", rows)
    assert column("anything", []) == "anything"


def test_order_puts_what_has_no_value_last():
    def order(key):
        return "".join(row["folder"] for row in ordered(ROWS, key))

    assert (order("mse"), order("-mse"), order("-cell"), order(None)) == ("abc", "bac", "bca", "abc")


def test_only_settings_that_differ_are_named():
    assert differing(ROWS) == ["model.cell", "model.head"]
    assert differing(ROWS[1:]) == []
    assert columns(ROWS)[-1] == "error"
    assert headings(["data.seed", "split.seed", "seconds.total"]) == ["data.seed", "split.seed", "seconds.total"]


def test_tables_come_back_as_they_were_written(tmp_path):
    write_table(tmp_path / "new" / "runs.parquet", ROWS)
    table = pl.read_parquet(tmp_path / "new" / "runs.parquet")
    assert table["metrics.test.mse"].to_list() == [4.0, 6.0, None]
    assert table["model.head"].to_list() == ["[8]", "[]", "[]"]
    assert table["seed"].dtype == pl.Int64
    write_table(tmp_path / "runs.csv", ROWS, ["model.cell", "metrics.test.mse"])
    assert pl.read_csv(tmp_path / "runs.csv").rows() == [("gru", 4.0), ("lstm", 6.0), ("lstm", None)]
    with pytest.raises(InputError, match=r"ends in \.csv"):
        write_table(tmp_path / "runs.xlsx", ROWS)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(OutputError):
        write_table(tmp_path / "folder.csv", ROWS)
    mixed = frame([{"x": 1, "y": True}, {"x": 0.5, "y": None}, {"x": None, "y": False}], ["x", "y"])
    assert mixed.rows() == [(1.0, True), (0.5, None), (None, False)]


def test_latex_is_escaped():
    table = latex_table([{"name": r"a_b & 50% \x {~^}", "seed": 1}, {"name": None, "seed": None}], ["name", "seed"])
    assert r"a\_b \& 50\% \textbackslash{}x \{\textasciitilde{}\textasciicircum{}\} & 1 \\" in table
    assert "-- & -- \\\\" in table
    assert table.startswith("\\begin{tabular}{lr}\n\\toprule")


def test_removing_takes_the_runs_own_files_alone(tmp_path):
    run = make_run(tmp_path / "r")
    assert run.size() > 1000
    (run.path / "notes.txt").write_text("mine")
    run.remove()
    assert [path.name for path in run.path.iterdir()] == ["notes.txt"]
    other = make_run(tmp_path / "o")
    other.remove()
    assert not other.path.exists()
    assert not RunFolder(tmp_path / "o").has_settings()
