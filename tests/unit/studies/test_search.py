"""Equal tuning budgets: what is asked, what is counted, and that a kill changes nothing."""

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import search_runner
from gatewise.errors import GatewiseError, InputError, InterruptedRunError, MissingExtraError, SettingsError
from gatewise.settings import ForecastSettings
from gatewise.studies import run_study
from gatewise.studies.engines import Outcome
from gatewise.studies.file import resolve
from gatewise.studies.folder import StudyFolder
from gatewise.studies.plan import plan_study


class Here:
    """An engine in this process, which does what waits in an order of its own: as if many runs went on side by side."""

    never_alone = ""

    def __init__(self, order=0):
        self.jobs, self._order, self.alone = 8, random.Random(order), []

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def do(self, requests, on_outcome, *, on_start=None, then=None, alone=False, runner=None):
        waiting = list(requests)
        self.alone.append((alone, {request.exclusive for request in requests}))
        while waiting:
            request = waiting.pop(self._order.randrange(len(waiting)))
            outcome = self._outcome(request)
            on_outcome(outcome)
            waiting += then(outcome) if then else ()

    def _outcome(self, request):
        settings = ForecastSettings.model_validate(request.settings)
        try:
            result = search_runner.run(settings, Path(request.folder), threads=1, exclusive=False, progress=None)
        except GatewiseError as error:
            return Outcome(request.key, error=str(error), kind=type(error).__name__, exit_code=error.exit_code)
        return Outcome(request.key, result=json.loads(json.dumps(result)))


RATE = {"low": 1e-5, "high": 1e-1, "log": True}


def tree(search=None, **rest):
    search = {
        "trials": 12,
        "settings": {"train.learning_rate": RATE, "model.input_dropout": [0.0, 0.1]},
        **(search or {}),
    }
    file = {"name": "small", "data": {"files": ["sample:A"]}, "vary": {"model.cell": ["rnn", "gru"]}, "seeds": 2}
    return {**file, "train": {"learning_rate": 1e-3, "epochs": 30}, "search": search, **rest}


def do(folder, search=None, *, yes=False, **rest):
    return run_study(resolve(tree(search, **rest)), folder, engine=Here(), digest=lambda data: "digest", yes=yes)


def do_with_workers(folder, jobs):
    return run_study(resolve(tree()), folder, jobs=jobs, runner="search_runner:run", digest=lambda data: "digest")


def told(folder):
    """Return everything that the search recorded."""
    return StudyFolder(folder).read_search()


def best_by_hand(level):
    known = [trial for trial in level["trials"] if trial["value"] is not None]
    return min(known, key=lambda trial: trial["value"])


def wrong(search=None, **rest):
    with pytest.raises(SettingsError) as caught:
        plan_study(resolve(tree(search, **rest)), lambda data: "digest")
    return str(caught.value)


def test_every_level_has_equally_many_trials_and_its_final_seeds_have_the_best_values(tmp_path):
    out = do(tmp_path / "s")
    found = told(tmp_path / "s")
    assert [level["labels"] for level in found["levels"]] == [["rnn"], ["gru"]]
    chosen = {}
    for level in found["levels"]:
        assert [trial["number"] for trial in level["trials"]] == list(range(12))
        assert level["best"]["values"] == best_by_hand(level)["values"]
        chosen[level["labels"][0]] = level["best"]["values"]
    assert chosen["rnn"]["train.learning_rate"] < 3e-4 < chosen["gru"]["train.learning_rate"]  # each its own valley
    planned = StudyFolder(tmp_path / "s").read_study()["runs"]
    assert len(out["runs"]) == 4
    for run in planned:
        result = StudyFolder(tmp_path / "s").run(run["fingerprint"]).read_result()
        rate, seed = chosen[run["label"]], run["seed"]
        assert result["metrics"]["validation"]["mse"] == pytest.approx(
            best_by_hand(next(one for one in found["levels"] if one["labels"] == [run["label"]]))["value"]
            + 1e-3 * (seed - found["seed"])
        ), rate
    calls = (tmp_path / "s" / "calls").read_text().splitlines()
    assert {line.split()[2] for line in calls if line.startswith("trials")} == {"1000"}  # no final seed
    assert {line.split()[2] for line in calls if line.startswith("runs")} == {"0", "1"}
    assert not list((tmp_path / "s").glob("trials/*/model"))  # numbers are kept, networks are not
    assert list((tmp_path / "s").glob("runs/*/model"))


def test_where_more_is_better_the_most_is_chosen(tmp_path):
    do(tmp_path / "s", {"metric": "pearson"})
    for level in told(tmp_path / "s")["levels"]:
        assert level["best"]["values"] == max(level["trials"], key=lambda trial: trial["value"] or 0)["values"]
        later = [trial["value"] or 0 for trial in level["trials"][10:]]
        assert max(later) > 0.9 * max(trial["value"] or 0 for trial in level["trials"])  # the sampler looks there too


def test_levels_begin_with_the_files_own_values_and_the_same_proposals(tmp_path):
    do(tmp_path / "s")
    rnn, gru = ([trial["values"] for trial in level["trials"]] for level in told(tmp_path / "s")["levels"])
    assert rnn[0] == {"train.learning_rate": 1e-3, "model.input_dropout": 0.0}
    assert rnn[:10] == gru[:10]  # until the sampler has learned something
    assert rnn != gru


@pytest.fixture
def workers(monkeypatch):
    """Let worker processes find the runner that stands beside the tests."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))


@pytest.mark.parametrize("number", [5, 25])
def test_a_killed_study_goes_on_and_ends_with_the_same_to_the_last_bit(tmp_path, workers, number):
    """Killed in its search, or among its final runs."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    do(whole)
    killed.mkdir()
    (killed / "orders").write_text(f"kill {number} {signal.SIGKILL.value}")
    (tmp_path / "study.json").write_text(json.dumps(tree()))
    script = (
        "import json\nfrom gatewise.studies import run_study\nfrom gatewise.studies.file import resolve\n"
        f"study = resolve(json.load(open({str(tmp_path / 'study.json')!r})))\n"
        f"run_study(study, {str(killed)!r}, runner='search_runner:run', digest=lambda data: 'digest')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    before = {path: path.stat().st_mtime_ns for path in killed.glob("*/*/result.json")}
    assert 0 < len(before) < 26
    do(killed)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    for name in ("search.json", "study.json", "comparison.json"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()


def test_a_stopped_search_says_where_it_stands_and_goes_on(tmp_path, workers):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "orders").write_text(f"kill 4 {signal.SIGTERM.value}")
    with pytest.raises(InterruptedRunError, match=r"small: stopped in its search with \d of 24 trials done, all saved"):
        do_with_workers(tmp_path / "s", 2)
    do_with_workers(tmp_path / "s", 2)
    do(tmp_path / "whole")
    assert told(tmp_path / "s") == told(tmp_path / "whole")


def test_the_choice_does_not_depend_on_the_order_in_which_levels_come_along(tmp_path):
    for order in (1, 2):
        run_study(resolve(tree()), tmp_path / str(order), engine=Here(order), digest=lambda data: "digest")
    assert told(tmp_path / "1") == told(tmp_path / "2")


def test_nothing_is_done_twice_and_more_trials_go_on_from_those_there(tmp_path):
    do(tmp_path / "s")
    first = (tmp_path / "s" / "calls").read_text()
    do(tmp_path / "s")
    assert (tmp_path / "s" / "calls").read_text() == first
    old = told(tmp_path / "s")
    do(tmp_path / "s", {"trials": 14}, yes=True)
    new = told(tmp_path / "s")
    assert [level["trials"][:12] for level in new["levels"]] == [level["trials"] for level in old["levels"]]


def test_a_trial_that_diverges_counts_and_is_said(tmp_path):
    out = do(tmp_path / "s", {"sampler": "random"})
    for level, shown in zip(
        told(tmp_path / "s")["levels"], StudyFolder(tmp_path / "s").read_comparison()["search"]["levels"], strict=True
    ):
        states = [trial["state"] for trial in level["trials"]]
        assert states.count("diverged") > 0
        assert len(states) == 12
        assert (shown["trials"], shown["diverged"], shown["failed"]) == (12, states.count("diverged"), 0)
    assert out["failed"] == []
    notes = StudyFolder(tmp_path / "s").read_comparison()["notes"]
    assert any("of 12 trials" in note and "they count in its budget" in note for note in notes)


def test_a_trial_that_failed_counts_when_the_search_goes_on(tmp_path):
    """A worker was lost; after a kill the search must not ask for it again, or all that follows would change."""
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "orders").write_text("refuse gru")
    do(tmp_path / "s", {"trials": 4})
    tree = told(tmp_path / "s")
    rnn = tree["levels"][0]
    failed = {"state": "failed", "value": None, "error": "the worker died", "exit_code": 1}
    rnn["trials"][2].update(failed)
    rnn["best"] = None  # not at its end
    StudyFolder(tmp_path / "s").write_search(tree)
    shutil.rmtree(tmp_path / "s" / "trials" / rnn["trials"][2]["fingerprint"])
    do(tmp_path / "s", {"trials": 4})
    again = told(tmp_path / "s")["levels"][0]
    assert again["trials"][2] == rnn["trials"][2]
    assert again["best"] is not None
    assert StudyFolder(tmp_path / "s").read_comparison()["search"]["levels"][0]["failed"] == 1


def test_a_level_without_a_finished_trial_is_counted_as_failed_and_tried_again(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "orders").write_text("refuse gru")
    out = do(tmp_path / "s")
    error = "no trial of its search finished; the first one: A.csv, row 3: not a number"
    assert out["failed"] == [{"run": f"gru, seed {seed}", "error": error} for seed in (0, 1)]
    assert len(out["runs"]) == 2
    names = [run["fingerprint"] for run in StudyFolder(tmp_path / "s").read_study()["runs"]]
    assert [name.startswith("unsearched-") for name in names] == [False, False, True, True]
    (tmp_path / "s" / "orders").unlink()
    again = do(tmp_path / "s")
    assert (again["failed"], len(again["runs"])) == ([], 4)


def test_when_no_trial_of_any_level_finishes_the_study_fails_as_its_runs_would(tmp_path):
    with pytest.raises(InputError, match=r"all 4 runs failed; the first one: no trial .* has no mape"):
        do(tmp_path / "s", {"metric": "mape"})


def test_fail_fast_stops_at_a_failed_trial(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "orders").write_text("refuse gru")
    with pytest.raises(GatewiseError, match=r"gru, trial 1: A\.csv, row 3: not a number"):
        run_study(resolve(tree()), tmp_path / "s", engine=Here(), digest=lambda data: "d", fail_fast=True)


def test_successive_halving_gives_more_epochs_to_fewer_and_says_what_that_does(tmp_path):
    do(tmp_path / "s", {"halving": {"reduction": 3, "least_epochs": 2}})
    found = told(tmp_path / "s")
    for level in found["levels"]:
        assert level["rungs"] == [{"epochs": 2, "trials": 12}, {"epochs": 6, "trials": 4}, {"epochs": 18, "trials": 2},
                                  {"epochs": None, "trials": 1}]  # fmt: skip
        by_rung = [[trial for trial in level["trials"] if trial["rung"] == rung] for rung in range(4)]
        assert [{trial["epochs"] for trial in rung if trial["state"] == "finished"} for rung in by_rung] == [
            {2},
            {6},
            {18},
            {30},
        ]
        for lower, upper in itertools.pairwise(by_rung):
            ranked = sorted((one for one in lower if one["value"] is not None), key=lambda one: one["value"])
            assert [one["number"] for one in upper] == [one["number"] for one in ranked[: len(upper)]]
        assert level["best"]["number"] == by_rung[3][0]["number"]
        finished = [one for one in level["trials"] if one["state"] == "finished"]
        assert sum(one["epochs"] for one in finished) < 12 * 30 / 2
    shown = StudyFolder(tmp_path / "s").read_comparison()
    assert any(
        note.startswith("Successive halving: all trials began with 2 epochs and one in 3") for note in shown["notes"]
    )
    assert shown["search"]["levels"][0]["epochs"] == sum(one["epochs"] for one in found["levels"][0]["trials"])


def test_a_grid_is_tried_whole_and_needs_no_optuna(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    settings = {"train.learning_rate": [1e-4, 1e-3], "model.units": {"low": 16, "high": 48, "step": 16}}
    do(tmp_path / "s", {"trials": None, "sampler": "grid", "settings": settings})
    values = [tuple(trial["values"].values()) for trial in told(tmp_path / "s")["levels"][0]["trials"]]
    assert values == [(rate, units) for rate in (1e-4, 1e-3) for units in (16, 32, 48)]


def test_without_optuna_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'gatewise\[search\]'"):
        do(tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_levels_that_amount_to_the_same_run_are_searched_once(tmp_path):
    groups = {"a": {"train.epochs": 3}, "b": {"train.epochs": {"by model.cell": {"rnn": 3, "gru": 5}}}}
    do(tmp_path / "s", {"trials": 3}, vary={"model.cell": ["rnn", "gru"], "plan": groups})
    assert [level["labels"] for level in told(tmp_path / "s")["levels"]] == [
        ["rnn, a", "rnn, b"],
        ["gru, a"],
        ["gru, b"],
    ]
    assert len(StudyFolder(tmp_path / "s").read_comparison()["search"]["levels"]) == 4


def test_levels_that_ask_for_the_same_run_at_the_same_time_share_it(tmp_path):
    """Their whole runs differ in epochs; the first rung of halving is the same run."""
    search = {"trials": 6, "halving": {"least_epochs": 2}}
    do(tmp_path / "s", search, vary={"train.epochs": [20, 30]}, model={"cell": "gru"})
    short, long = told(tmp_path / "s")["levels"]
    assert [trial["fingerprint"] for trial in short["trials"][:6]] == [
        trial["fingerprint"] for trial in long["trials"][:6]
    ]
    calls = (tmp_path / "s" / "calls").read_text().splitlines()
    names = {trial["fingerprint"] for level in (short, long) for trial in level["trials"]}
    assert sum(line.startswith("trials") for line in calls) == len(names)


def test_a_setting_may_be_searched_at_some_levels_only(tmp_path):
    settings = {
        "train.learning_rate": RATE,
        "model.input_dropout": {"values": [0.0, 0.1], "when": {"model.cell": "gru"}},
    }
    do(tmp_path / "s", {"trials": 4, "settings": settings})
    rnn, gru = told(tmp_path / "s")["levels"]
    assert (list(rnn["space"]), list(gru["space"])) == (
        ["train.learning_rate"], ["train.learning_rate", "model.input_dropout"],
    )  # fmt: skip


def test_timing_runs_have_the_chosen_values(tmp_path):
    settings = {"model.units": {"low": 16, "high": 64, "step": 16}}
    do(tmp_path / "s", {"trials": 3, "settings": settings}, timing={"epochs": 2}, train={"learning_rate": 1e-3})
    place = StudyFolder(tmp_path / "s")
    names = {run["timing"] for run in place.read_study()["runs"]}
    assert {path.name for path in (tmp_path / "s" / "timing").iterdir()} == names
    assert len(names) == 2


def test_the_comparison_says_budget_choice_worth_and_edges(tmp_path):
    rate = {"low": 1e-3, "high": 2e-2, "log": True}  # the valley of the rnn lies below
    search = {"settings": {"train.learning_rate": rate, "model.input_dropout": {"low": 0.0, "high": 0.5}}}
    do(tmp_path / "s", search)
    shown = StudyFolder(tmp_path / "s").read_comparison()
    rnn, gru = shown["search"]["levels"]
    assert (rnn["trials"], rnn["epochs"], rnn["seconds"]) == (12, 12 * 30, 12 * 0.5)
    assert rnn["searched"] == {"train.learning_rate": "0.001 to 0.02, log", "model.input_dropout": "0 to 0.5"}
    assert rnn["edges"].get("train.learning_rate") == "low"
    assert "model.input_dropout" not in rnn["edges"]  # none goes below 0
    assert gru["edges"] == {}
    assert gru["own"] == told(tmp_path / "s")["levels"][1]["trials"][0]["value"]
    assert gru["value"] <= min(gru["own"], gru["median"])
    assert gru["best_so_far"] == sorted(gru["best_so_far"], reverse=True)
    frame = "Settings were chosen by MSE on the validation part; no choice looked at the test part."
    assert any(note.startswith(frame) for note in shown["notes"])
    assert any("rnn: the best learning rate 0.001" in note and "low edge" in note for note in shown["notes"])
    texts = [finding["text"] for finding in shown["findings"]]
    assert any(
        text.startswith("Each of 2 levels was given the same tuning budget, 12 trials judged by MSE") for text in texts
    )
    assert any(text.endswith("they took 360 epochs each.") for text in texts)
    assert any(text.startswith("The choice was worth most for gru: beside the file's own values") for text in texts)


def test_a_study_that_no_longer_searches_shows_no_search(tmp_path):
    do(tmp_path / "s", {"trials": 2})
    without = {key: value for key, value in tree().items() if key != "search"}
    run_study(resolve(without), tmp_path / "s", engine=Here(), digest=lambda data: "digest", yes=True)
    assert StudyFolder(tmp_path / "s").read_comparison()["search"] is None


def test_optuna_is_quiet(tmp_path, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        do(tmp_path / "s", {"trials": 12})
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("search", "says"),
    [
        (
            {"settings": {"train.lerning_rate": RATE}},
            "search.settings.train.lerning_rate: unknown setting: did you mean 'train.l",
        ),
        ({"settings": {"model.cell": ["rnn", "gru"]}}, "is varied by model.cell; a setting is a factor or is searched"),
        ({"settings": {"train.learning_rate": {"low": 1, "high": 0.1}}}, "low must be below high (found 1 and 0.1)"),
        ({"settings": {"train.learning_rate": {"low": 0, "high": 0.1, "log": True}}}, "with log begins above 0"),
        ({"settings": {"train.learning_rate": {"low": 1e-3}}}, "values are expected: a list ([0.0, 0.1]) or a range"),
        ({"settings": {"model.units": {"low": 16, "high": 50, "step": 16}}}, "in steps of 16, 50 is never reached"),
        (
            {"settings": {"model.units": [16, "many"]}},
            "search.settings.model.units: model.units: input should be a valid int",
        ),
        ({"settings": {"model.units": [16]}}, "at least two values that differ"),
        (
            {"settings": {"model.input_dropout": {"low": 0.0, "high": 1.5}}},
            "search.settings.model.input_dropout: model.inp",
        ),
        ({"settings": {}}, "search.settings: "),
        ({"settings": {"seed": [1, 2]}}, "choosing the luckiest seed is not tuning"),
        ({"settings": {"split.validation": [0.1, 0.2]}}, "would move the validation part"),
        ({"settings": {"data.horizon": [1, 2]}}, "errors on different questions cannot be compared"),
        (
            {"settings": {"train.learning_rate": {**RATE, "when": {"model.cel": ["gru"]}}}},
            ".when: 'model.cel' is not varied: did",
        ),
        (
            {"settings": {"train.learning_rate": {**RATE, "when": {"model.cell": ["lstm"]}}}},
            "model.cell has no level 'lstm'",
        ),
        ({"metric": "msee"}, "search.metric: unknown metric 'msee': did you mean 'mse'?"),
        ({"trials": 0}, "search.trials: "),
        (
            {"sampler": "grid", "trials": None},
            "search.settings.train.learning_rate: a grid needs a list of values or a step",
        ),
        ({"sampler": "grid", "settings": {"model.input_dropout": [0.0, 0.1]}}, "the grid has 2 settings (found 12)"),
        ({"halving": {"least_epochs": 30}}, "30 are no fewer than the 30 epochs of a whole run"),
        ({"halving": {}, "settings": {"train.epochs": [10, 20]}}, "cannot be searched with halving"),
    ],
)
def test_what_cannot_be_searched_is_said_before_anything_runs(search, says):
    assert says in wrong(search)


def test_a_search_needs_a_validation_part_and_a_clock_is_no_epoch():
    assert "split.validation is 0" in wrong(split={"validation": 0.0})
    assert "these runs train by the clock" in wrong({"halving": {}}, train={"minutes": 1})


def test_a_search_of_text_cannot_be_judged_by_what_only_the_test_part_has():
    text = {"task": "generate", "model": {}, "train": {}}
    assert "longest_copy is not measured on the validation part" in wrong({"metric": "longest_copy"}, **text)
    assert "is measured on the training part" in wrong({"metric": "prequential_perplexity"}, **text)


def test_what_a_level_ignores_is_not_searched_there():
    momentum = {"values": [0.5, 0.9]}
    said = wrong({"settings": {"train.momentum": momentum}}, vary={"train.optimizer": ["adam", "sgd"]})
    assert "the combination adam: search.settings.train.momentum: changes nothing here: it counts only with" in said
    both = {"train.optimizer": ["adam", "sgd"], "train.momentum": momentum}
    plan_study(resolve(tree({"settings": both})), lambda data: "digest")  # it counts for some of what is searched
    told = {"train.momentum": {**momentum, "when": {"train.optimizer": "sgd"}}}
    made = plan_study(resolve(tree({"settings": told}, vary={"train.optimizer": ["adam", "sgd"]})), lambda data: "d")
    assert made.search_size["trials"] == [0, 12]


def test_what_the_budget_holds_equal_is_not_searched():
    said = wrong({"settings": {"train.patience": [1, 2], "model.layers": [1, 2]}}, budget={"epochs": 9})
    assert "search.settings.train.patience: cannot be searched: the budget holds it equal for all" in said
    assert "model.layers" not in said
    assert "search.settings.model.units: cannot be searched" in wrong(
        {"settings": {"model.units": [16, 32], "model.input_dropout": [0.0, 0.1]}}, budget={"parameters": 5000}
    )
    assert "these runs train by the clock" in wrong({"halving": {}}, budget={"minutes": 1})


def test_trials_of_equal_minutes_are_alone_as_their_runs_are(tmp_path):
    engine = Here()
    run_study(
        resolve(tree({"trials": 2}, budget={"minutes": 1})), tmp_path / "s", engine=engine, digest=lambda data: "d"
    )
    assert engine.alone == [(True, {True})] * 2  # search and final runs


def test_seeds_of_one_kind_of_chance_are_not_the_seeds_of_trials(tmp_path):
    do(tmp_path / "s", {"trials": 2}, seeds={"initialisation": [5, 6]})
    found = [json.loads(path.read_text()) for path in (tmp_path / "s").glob("trials/*/settings.json")]
    assert {(one["seed"], one["init_seed"], one["order_seed"]) for one in found} == {(1000, None, None)}
    warnings = plan_study(resolve(tree(seeds={"split": 3}, split={"kind": "random"})), lambda data: "d").warnings
    assert any("the search sees the validation part of the first one" in warning for warning in warnings)


def test_all_that_is_wrong_is_said_at_once():
    said = wrong({"metric": "msee", "settings": {"model.cell": ["rnn", "gru"], "seed": [1, 2], "train.epoch": [1, 2]}})
    assert len(said.splitlines()) == 5


def test_the_plan_counts_the_search_and_warns_of_its_seed():
    planned = plan_study(resolve(tree({"seed": 1, "halving": {"least_epochs": 10}})), lambda data: "digest")
    assert planned.to_json()["search"] == {"trials": [12, 12], "runs": 2 * (12 + 4), "epochs": 2 * (12 * 10 + 4 * 30)}
    assert planned.design[-1] == (
        "Before its final seeds every setting gets 12 trials on validation: 32 more runs, of 480 epochs at most in all."
    )
    assert any("the search's seed 1 is one of the final seeds" in warning for warning in planned.warnings)


def test_a_search_that_has_ended_is_not_asked_again(tmp_path, monkeypatch):
    """Not even Optuna is: another version of it may propose other values."""
    do(tmp_path / "s")
    before = told(tmp_path / "s")
    shutil.rmtree(tmp_path / "s" / "trials")
    monkeypatch.setattr("gatewise.studies.search.trials._sampler", None)
    do(tmp_path / "s")
    assert told(tmp_path / "s") == before
    with pytest.raises(TypeError):
        do(tmp_path / "s", {"seed": 5}, yes=True)


def test_few_texts_get_no_more_epochs_than_a_rung_has(tmp_path):
    class Asked(Here):
        def do(self, requests, *args, **rest):
            self.requests = list(requests)
            raise InputError("enough")

    engine = Asked()
    study = resolve(tree({"halving": {"least_epochs": 1}}, task="classify", train={"epochs": 4}))
    with pytest.raises(InputError, match="enough"):
        run_study(study, tmp_path / "s", engine=engine, digest=lambda data: "digest")
    trains = [request.settings["train"] for request in engine.requests]
    assert {(train["epochs"], train["least_steps"]) for train in trains} == {(1, 0)}
