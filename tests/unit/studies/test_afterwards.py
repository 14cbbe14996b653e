import json

import numpy as np
import polars as pl
import pytest

from gatewise.cli.main import run as gatewise
from gatewise.errors import InputError
from gatewise.report.compared import evidence_of
from gatewise.studies.afterwards import MOST_PAIRED, compare_runs
from gatewise.studies.compare import compare_study
from gatewise.studies.folder import StudyFolder
from run_samples import make_run

STEPS = (0.0, 0.3, -0.2, 0.5, 0.1, -0.4, 0.2)


def windows(error, *, rows=60, shift=0.0):
    y = np.arange(rows) + shift
    noise = np.random.default_rng(0).normal(0, 1, rows)
    return pl.DataFrame(
        {
            "part": ["test"] * rows, "window": range(rows), "unique_id": ["A"] * rows, "cutoff": range(rows),
            "ds": range(1, rows + 1), "step": [1] * rows, "y": y, "mean": y + error * noise, "last_value": y - 1.0,
        }
    )  # fmt: skip


def make_seeds(folder, cells, *, seeds=7, **more):
    for cell, mse in cells.items():
        for seed in range(seeds):
            make_run(folder / f"{cell}{seed}", mse=mse + STEPS[seed], settings={"cell": cell, "seed": seed}, **more)
    return folder


def test_runs_are_grouped_up_to_their_seed_and_tested_as_in_a_study(tmp_path):
    make_seeds(tmp_path / "r", {"gru": 4.0, "lstm": 9.0})
    tree = compare_runs([tmp_path / "r"])
    assert [(level["label"], len(level["runs"])) for level in tree["levels"]] == [("gru", 7), ("lstm", 7)]
    assert (tree["differs"], tree["unlike"], tree["environment"], tree["tested"]) == (["model.cell"], [], {}, "seeds")
    row = tree["comparisons"][0]
    assert (row["a"], row["b"], row["says"], row["seeds"]) == ("gru", "lstm", "better", 7)
    assert row["p"] == pytest.approx(2 / 128)
    assert {one["says"] for one in tree["against_baseline"]} == {"better", "worse"}
    assert tree["notes"] == []


def test_seeds_are_paired_by_what_they_are_not_by_their_order(tmp_path):
    for cell, seeds in (("gru", (0, 1, 2)), ("lstm", (2, 3, 0))):
        for seed in seeds:
            make_run(tmp_path / f"{cell}{seed}", mse=10.0 + seed, settings={"cell": cell, "seed": seed})
    row = compare_runs([tmp_path])["comparisons"][0]
    assert (row["seeds"], row["difference"]) == (2, 0.0)


def test_a_whole_study_has_its_own_tests(tmp_path):
    place = StudyFolder(tmp_path / "s")
    runs = []
    for cell, mse in (("gru", 4.0), ("lstm", 9.0)):
        for dropout in (0.0, 0.1):
            for seed in range(6):
                key = f"{cell}{dropout}{seed}"
                make_run(place.run(key).path, mse=mse + dropout + STEPS[seed],
                         settings={"cell": cell, "seed": seed, "input_dropout": dropout})  # fmt: skip
                levels = {"model.cell": cell, "model.input_dropout": dropout}
                label = f"{cell}, input dropout {dropout}"
                runs.append({"label": label, "levels": levels, "seed": seed, "fingerprint": key, "timing": None})
    factors = {"model.cell": ["gru", "lstm"], "model.input_dropout": [0.0, 0.1]}
    place.write_study(
        {"format_version": 1, "name": "s", "question": "", "task": "forecast", "metric": "mse", "main": "model.cell",
         "factors": factors, "seeds": list(range(6)), "claims": [], "runs": runs}
    )  # fmt: skip
    theirs, ours = compare_study(place.path), compare_runs([place.path])
    assert ours["comparisons"] == theirs["comparisons"]
    assert ours["against_baseline"] == theirs["against_baseline"]
    assert [level["label"] for level in ours["levels"]] == [level["label"] for level in theirs["levels"]]


def test_one_run_each_is_judged_over_examples_and_is_no_result_over_seeds(tmp_path):
    make_run(tmp_path / "a", settings={"cell": "gru"}, mse=1.0, predictions=windows(1.0))
    make_run(tmp_path / "b", settings={"cell": "lstm"}, mse=4.0, predictions=windows(2.0))
    tree = compare_runs([tmp_path / "a", tmp_path / "b"])
    row = tree["comparisons"][0]
    assert (tree["tested"], row["says"], row["seeds"]) == ("examples", "better", 1)
    assert "Diebold-Mariano over 60 examples" in row["test"]
    assert row["interval"][0] < row["difference"] < row["interval"][1] < 0
    assert any("not a result over seeds" in note for note in tree["notes"])
    make_run(tmp_path / "c", settings={"cell": "rnn"}, mse=4.0, predictions=windows(2.0, shift=0.0, rows=30))
    rows = compare_runs([tmp_path / "a", tmp_path / "c"], metric="mae")["comparisons"]
    assert (rows[0]["says"], rows[0]["p"]) == ("undecided", None)
    assert "not the same examples" in rows[0]["note"]


def test_classes_are_judged_by_mcnemar_and_the_bootstrap(tmp_path):
    rng = np.random.default_rng(0)
    label = rng.choice(["x", "y"], 400)
    for name, share, cell in (("a", 0.1, "gru"), ("b", 0.4, "lstm")):
        wrong = rng.random(400) < share
        said = np.where(wrong, np.where(label == "x", "y", "x"), label)
        frame = pl.DataFrame({"part": ["test"] * 400, "file": ["/data/t.csv"] * 400, "row": range(400),
                              "label": label, "predicted": said})  # fmt: skip
        run = make_run(tmp_path / name, settings={"cell": cell}, predictions=frame)
        settings = run.read_settings()
        run.write_settings({**settings, "task": "classify"})
        result = run.read_result()
        run.write_result({**result, "task": "classify", "metrics": {"test": {"f1_macro": 1 - share}}, "baselines": {}})
    row = compare_runs([tmp_path])["comparisons"][0]
    assert (row["says"], row["metric"]) == ("better", "f1_macro")
    assert row["mcnemar"]["p_median"] < 0.001


@pytest.mark.parametrize(
    ("change", "what", "said"),
    [
        ({"environment": {"data_digest": "d2"}}, "data", "not the same"),
        ({"settings": {"cell": "lstm", "files": ["other.csv"]}, "environment": {"data_digest": None}}, "data", "other"),
        ({"settings": {"cell": "lstm", "split": "random"}}, "split", "random"),
        ({"last_value": 6.0}, "test", "last_value mse 6"),
    ],
)
def test_other_data_split_or_test_part_are_warned_of_and_not_tested_unless_told(tmp_path, change, what, said):
    make_run(tmp_path / "a", settings={"cell": "gru"}, predictions=windows(1.0))
    make_run(tmp_path / "b", predictions=windows(2.0), **{"settings": {"cell": "lstm"}, **change})
    tree = compare_runs([tmp_path])
    assert what in [one["what"] for one in tree["unlike"]]
    assert any(said in note for note in tree["notes"])
    assert (tree["tested"], tree["comparisons"]) == (None, [])
    assert any("--anyway" in note for note in tree["notes"])
    told = compare_runs([tmp_path], anyway=True)
    assert told["tested"] == "examples"
    assert told["comparisons"][0]["says"] == "better"


def test_other_tasks_and_metrics_are_refused(tmp_path):
    run = make_run(tmp_path / "a")
    with pytest.raises(InputError, match="has no test mze: did you mean 'mse'"):
        compare_runs([tmp_path], metric="mze")
    make_run(tmp_path / "b").write_settings({**run.read_settings(), "task": "generate"})
    with pytest.raises(InputError, match="of several tasks"):
        compare_runs([tmp_path])
    with pytest.raises(InputError, match="no finished run"):
        compare_runs([make_run(tmp_path / "u" / "c", mse=None).path.parent])
    for name in ("mse", "mae"):
        place = StudyFolder(tmp_path / name)
        made = make_run(place.run("f").path)
        row = {"label": "one", "levels": {}, "seed": 0, "fingerprint": "f", "timing": None}
        place.write_study({"format_version": 1, "name": name, "metric": name, "main": None, "runs": [row]})
    with pytest.raises(InputError, match=r"different metrics \(mse, mae\): choose one with --metric"):
        compare_runs([tmp_path / "mse", tmp_path / "mae"])
    assert compare_runs([tmp_path / "mse", tmp_path / "mae"], metric="mae")["metric"] == "mae"
    assert made.is_finished


def test_model_folders_know_their_run_and_unfinished_runs_are_left_out(tmp_path):
    run = make_run(tmp_path / "a")
    run.model_path.mkdir()
    make_run(tmp_path / "b", mse=None)
    tree = compare_runs([run.model_path, tmp_path / "b"])
    assert tree["levels"][0]["runs"] == [str(run.path)]
    assert tree["left_out"] == [str(tmp_path / "b")]


def test_environments_are_told_where_they_differ(tmp_path):
    make_run(tmp_path / "a", settings={"cell": "gru"})
    make_run(tmp_path / "b", settings={"cell": "gru", "seed": 1}, environment={"threads": 2})
    tree = compare_runs([tmp_path])
    assert tree["environment"] == {"threads": {"1": 1, "2": 1}}
    assert any(note == "They ran on different things, threads: 1 (1), 2 (1)." for note in tree["notes"])


def test_many_settings_are_held_against_the_best_alone(tmp_path):
    for units in range(1, MOST_PAIRED + 2):
        for seed in range(2):
            make_run(
                tmp_path / f"{units}-{seed}", mse=5.0 + units + STEPS[seed], settings={"units": units, "seed": seed}
            )
    tree = compare_runs([tmp_path])
    assert len(tree["comparisons"]) == MOST_PAIRED
    assert {row["b"] for row in tree["comparisons"]} == {"units 1"}


def test_the_command_prints_writes_a_page_and_refuses(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_seeds(tmp_path / "r", {"gru": 4.0, "lstm": 9.0}, predictions=windows(1.0))
    assert gatewise(["compare", "r", "--page", "out/page.html"]) == 0
    out = capsys.readouterr().out
    assert "They differ in: model.cell." in out
    assert "gru less lstm" in out
    page = (tmp_path / "out" / "page.html").read_text()
    assert "Pairs, seed by seed" in page
    assert gatewise(["compare", "r", "--json"]) == 0
    tree = json.loads(capsys.readouterr().out)
    assert evidence_of(tree).levels[0].label == "gru"
    assert gatewise(["compare", "absent"]) == 2
    assert "no such folder" in capsys.readouterr().err
