import json

import pytest

from gatewise.errors import InputError
from gatewise.studies import words
from gatewise.studies.compare import compare_study
from study_samples import LAST, RIDGE, STEPS, make, result, rows_of


def by_cell(rnn, gru, lstm):
    return lambda levels, seed: {"rnn": rnn, "gru": gru, "lstm": lstm}[levels["model.cell"]] + STEPS[seed]


def test_levels_carry_every_number_over_seeds(tmp_path):
    tree = compare_study(make(tmp_path / "s", by_cell(120.0, 100.0, 100.0)).path)
    assert json.loads((tmp_path / "s" / "comparison.json").read_text()) == tree
    level = tree["levels"][0]
    assert (level["label"], level["settings"], level["parameters"]) == ("rnn", {"model.cell": "rnn"}, 321)
    assert level["metrics"]["mse"]["values"] == [120.0 + step for step in STEPS]
    assert level["metrics"]["mse"]["mean"] == pytest.approx(120 + 5 / 7)
    assert level["metrics"]["mse"]["std"] == pytest.approx(3.0394, abs=1e-3)
    assert (level["metrics"]["mse"]["min"], level["metrics"]["mse"]["max"]) == (116.0, 125.0)
    assert level["series"]["GOOG"]["mse"]["mean"] == pytest.approx(2 * (120 + 5 / 7))
    assert level["epochs"] == {"run": [10] * 7, "best": [7] * 7}
    assert level["seconds"] == {"per_epoch": None, "per_step_ms": None, "exclusive": False}
    assert [len(level["runs"]) for level in tree["levels"]] == [7, 7, 7]
    assert (tree["seeds"], tree["main"], tree["metric"], tree["leaking"], tree["failed"]) == (
        7,
        "model.cell",
        "mse",
        False,
        [],
    )
    assert tree["baselines"] == {"last_value": LAST, "ridge": RIDGE}


def test_seven_paired_seeds_decide_three_comparisons_and_equal_ones_stay_open(tmp_path):
    noise = (0.4, -0.3, 0.1, -0.2, 0.3, -0.1, -0.2)

    def score(levels, seed):
        base = {"rnn": 120.0, "gru": 100.0, "lstm": 100.0 + noise[seed]}[levels["model.cell"]]
        return base + STEPS[seed] + (0.1 * seed if levels["model.cell"] == "rnn" else 0)

    rows = rows_of(compare_study(make(tmp_path / "s", score).path))
    clear = rows["rnn", "gru"]
    assert (clear["says"], clear["seeds"], clear["seeds_needed"], clear["condition"]) == ("worse", 7, None, {})
    assert clear["difference"] == pytest.approx(20.3)
    assert (clear["p"], clear["p_holm"]) == (pytest.approx(2 / 128), pytest.approx(6 / 128))
    assert clear["interval"][0] < 20.3 < clear["interval"][1]
    assert rows["gru", "lstm"]["says"] == "undecided"
    assert rows["rnn", "lstm"]["says"] == "worse"


def test_six_seeds_cannot_decide_three_comparisons_and_say_how_many_would(tmp_path):
    tree = compare_study(make(tmp_path / "s", by_cell(200.0, 101.0, 100.0), seeds=6).path)
    assert {row["says"] for row in tree["comparisons"]} == {"undecided"}
    assert {row["seeds_needed"] for row in tree["comparisons"]} == {7}
    assert any("6 seeds cannot decide 3 comparisons" in note for note in tree["notes"])


def test_one_seed_has_no_spread_and_decides_nothing(tmp_path):
    tree = compare_study(make(tmp_path / "s", by_cell(200.0, 101.0, 100.0), seeds=1).path)
    assert tree["levels"][0]["metrics"]["mse"]["std"] is None
    assert [(row["says"], row["interval"]) for row in tree["comparisons"]] == [("undecided", None)] * 3
    assert any("one seed cannot tell" in note for note in tree["notes"])
    assert tree["findings"]


def test_a_metric_of_which_more_is_better_turns_the_verdict_round(tmp_path):
    tree = compare_study(make(tmp_path / "s", by_cell(120.0, 100.0, 80.0), metric="pearson", also=["mse"]).path)
    said = {(row["metric"], row["a"], row["b"]): row["says"] for row in tree["comparisons"]}
    assert said["pearson", "rnn", "lstm"] == said["mse", "rnn", "lstm"] == "worse"
    assert any(one["text"].startswith("LSTM has the highest mean test Pearson r") for one in tree["findings"])


def test_levels_are_compared_only_where_all_else_is_equal(tmp_path):
    vary = {"model.cell": ["rnn", "gru"], "model.input_dropout": [0.0, 0.1]}

    def score(levels, seed):
        return (100 + 10 * (levels["model.cell"] == "rnn") + STEPS[seed]) * (
            1 if levels["model.input_dropout"] == 0 else 3
        )

    tree = compare_study(make(tmp_path / "s", score, vary=vary).path)
    assert [(row["condition"], row["a"], row["b"]) for row in tree["comparisons"]] == [
        ({"model.input_dropout": 0.0}, "rnn", "gru"),
        ({"model.input_dropout": 0.1}, "rnn", "gru"),
    ]
    texts = [finding["text"] for finding in tree["findings"]]
    effect = "Input dropout 0.1 in the place of input dropout 0 makes the test MSE 3.00 times as large"
    assert f"{effect}, over all other settings." in texts
    assert any(text.startswith("Input dropout 0.1: GRU has the lowest mean test MSE (302.1)") for text in texts)


def test_levels_are_held_against_the_last_value_and_the_best_baseline(tmp_path):
    tree = compare_study(make(tmp_path / "s", by_cell(200.0, 100.0, 80.0)).path)
    rows = {(row["baseline"], row["label"]): row for row in tree["against_baseline"]}
    assert [rows["last_value", cell]["says"] for cell in ("rnn", "gru", "lstm")] == ["worse", "undecided", "better"]
    assert rows["ridge", "lstm"]["says"] == "better"
    assert rows["last_value", "rnn"]["ratio"] == pytest.approx(2 + 5 / 700)
    low, high = rows["last_value", "rnn"]["interval"]
    assert low < 2 + 5 / 700 < high
    assert tree["findings"][0]["text"] == (
        "One of three settings beats the last value: the nearest, lstm, has a mean test MSE of 0.807 times that of the "
        "last value (100)."
    )


def test_only_times_of_runs_that_were_alone_are_reported(tmp_path):
    def alone(levels):
        return result(1.0, exclusive=True, per_epoch={"rnn": 1.0, "gru": 2.0, "lstm": 3.0}[levels["model.cell"]])

    tree = compare_study(make(tmp_path / "a", by_cell(3.0, 2.0, 1.0), timing=alone).path)
    assert tree["levels"][2]["seconds"] == {"per_epoch": 3.0, "per_step_ms": 2.0, "exclusive": True}
    (text,) = [one["text"] for one in tree["findings"] if "fastest" in one["text"]]
    assert text == (
        "From fastest to slowest: RNN 1 s an epoch (10 s a training), GRU 2 s an epoch (20 s a training) and "
        "LSTM 3 s an epoch (30 s a training)."
    )
    shared = compare_study(make(tmp_path / "b", by_cell(3.0, 2.0, 1.0), timing=lambda levels: result(1.0)).path)
    assert not [one for one in shared["findings"] if "fastest" in one["text"]]


CLAIMS = [
    ({"claim": "figure", "report": 101.0, "where": {"model.cell": "gru"}}, "holds"),
    ({"claim": "figure", "report": [300.0, 102.0], "where": {"model.cell": "gru"}}, "holds"),
    ({"claim": "figure", "report": [50.0, 150.0], "where": {"model.cell": "gru"}}, "holds"),
    ({"claim": "figure", "report": 150.0, "where": {"model.cell": "gru"}}, "does not hold"),
    ({"claim": "figure", "report": 50.0, "where": {"model.cell": "gru"}}, "does not hold"),
    (
        {"claim": "figure", "report": 0.99, "metric": "pearson", "series": "GOOG", "where": {"model.cell": "gru"}},
        "holds",
    ),
    ({"claim": "figure", "report": 0.99, "metric": "pearson", "series": "IBM"}, "not comparable"),
    ({"claim": "best", "report": "lstm"}, "holds"),
    ({"claim": "best", "report": "gru"}, "does not hold"),
    ({"claim": "best", "report": "lstm", "metric": "pearson"}, "holds"),
]


@pytest.mark.parametrize(("claim", "verdict"), CLAIMS)
def test_claims_are_held_against_our_numbers(tmp_path, claim, verdict):
    tree = compare_study(make(tmp_path / "s", by_cell(200.0, 100.0, 80.0), claims=[claim]).path)
    (judged,) = tree["claims"]
    assert (judged["claim"], judged["report"], judged["verdict"]) == (claim["claim"], claim["report"], verdict)


def test_a_figure_is_held_against_where_one_more_run_would_fall(tmp_path):
    claim = {"claim": "c", "report": 100.0, "where": {"model.cell": "gru"}}
    (judged,) = compare_study(make(tmp_path / "s", by_cell(9.0, 100.0, 9.0), claims=[claim]).path)["claims"]
    assert judged["ours"] == pytest.approx(100 + 5 / 7)
    half = 2.4469 * 3.0394 * (1 + 1 / 7) ** 0.5  # Student t with 6 degrees of freedom
    assert judged["interval"] == pytest.approx([100 + 5 / 7 - half, 100 + 5 / 7 + half], abs=1e-2)


def test_failed_and_missing_runs_are_counted_and_pairs_keep_to_the_seeds_that_both_have(tmp_path):
    place = make(tmp_path / "s", by_cell(200.0, 100.0, 80.0), skip={("gru", 3)})
    failed = next(run for run in place.read_study()["runs"] if (run["label"], run["seed"]) == ("gru", 3))
    place.write_failures({failed["fingerprint"]: "the loss became NaN at step 3"})
    tree = compare_study(place.path)
    assert tree["failed"] == [{"run": "gru, seed 3", "error": "the loss became NaN at step 3"}]
    assert [row["seeds"] for row in tree["comparisons"]] == [6, 7, 6]
    assert "1 of 21 runs are missing from these numbers." in tree["notes"]
    assert tree["findings"][-1]["text"] == "One run failed and is not in these numbers."


def test_a_leaking_split_and_the_notes_of_the_runs_are_told(tmp_path):
    tree = compare_study(make(tmp_path / "s", lambda levels, seed: result(9.0, leaking=True, notes=["sorted"])).path)
    assert tree["leaking"] is True
    assert any("random and leaks" in note for note in tree["notes"])
    assert tree["notes"].count("sorted") == 1


def test_every_finding_has_evidence_and_reads_as_a_sentence(tmp_path):
    tree = compare_study(make(tmp_path / "s", by_cell(200.0, 100.0, 80.0)).path)
    for finding in tree["findings"]:
        assert finding["evidence"]
        assert finding["text"][0].isupper()
        assert finding["text"].endswith(".")


def test_what_is_not_a_study_or_has_no_results_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"holds no study\.json"):
        compare_study(tmp_path)
    skip = {(cell, seed) for cell in ("rnn", "gru", "lstm") for seed in range(7)}
    with pytest.raises(InputError, match="no run of this study has finished"):
        compare_study(make(tmp_path / "s", by_cell(1.0, 1.0, 1.0), skip=skip).path)
    (tmp_path / "s" / "study.json").write_text('{"format_version": 99}')
    with pytest.raises(InputError, match="format 99 of another version"):
        compare_study(tmp_path / "s")
    (tmp_path / "s" / "study.json").write_text("{half")
    with pytest.raises(InputError, match="not readable as JSON"):
        compare_study(tmp_path / "s")


def test_the_best_level_is_told_with_what_it_beats_and_what_is_open(tmp_path):
    noise = (0.4, -0.3, 0.1, -0.2, 0.3, -0.1, -0.2)

    def score(levels, seed):
        return {"rnn": 200.0, "gru": 100.5 + noise[seed], "lstm": 100.5}[levels["model.cell"]] + STEPS[seed]

    tree = compare_study(make(tmp_path / "s", score).path)
    (best,) = [one for one in tree["findings"] if "lowest" in one["text"]]
    needed = rows_of(tree)["gru", "lstm"]["seeds_needed"]
    more = "" if needed is None else f"; about {needed} seeds would decide"
    assert best["text"] == (
        "GRU has the lowest mean test MSE (101.2), better than RNN, but whether it is better than LSTM is undecided "
        f"with 7 seeds{more}."
    )
    assert best["evidence"][0].startswith("GRU less RNN: -99.5 (95 % interval -99.75 to -99.25), p 0.0469 after Holm")
    assert best["evidence"][1].startswith("GRU less LSTM: ")


def test_a_factor_is_judged_only_where_both_of_its_levels_were_run(tmp_path):
    vary = {"model.cell": ["rnn", "gru"], "model.input_dropout": [0.0, 0.1]}
    skip = {("rnn, input dropout 0.1", seed) for seed in range(7)}

    def score(levels, seed):
        base = 1000.0 if levels["model.cell"] == "rnn" else 100.0
        return (base + STEPS[seed]) * (1 if levels["model.input_dropout"] == 0 else 2)

    tree = compare_study(make(tmp_path / "s", score, vary=vary, skip=skip).path)
    assert any("makes the test MSE 2.00 times as large" in one["text"] for one in tree["findings"])


def test_conditions_that_tell_nothing_apart_are_said_in_one_sentence(tmp_path):
    vary = {"model.cell": ["rnn", "gru"], "model.units": [8, 16, 32]}

    def score(levels, seed):
        gru = levels["model.cell"] == "gru"
        if levels["model.units"] == 32:
            return (1.0 if gru else 2.0) + STEPS[seed] / 1000
        return 2.0 + (0.2 if gru else 0.3) * (seed % 2) + STEPS[seed] / 1000

    tree = compare_study(make(tmp_path / "s", score, vary=vary).path)
    alone, together = [one for one in tree["findings"] if "lowest" in one["text"]]
    assert alone["text"].startswith("Units 32: GRU has the lowest mean test MSE")
    assert together["text"].startswith(
        "Which of RNN and GRU is best is undecided with 7 seeds under two of the other settings: "
        "GRU has the lowest mean test MSE in two of them; about "
    )
    assert [line.split(": ")[0] for line in together["evidence"]] == ["units 8", "units 16"]


def test_long_times_are_written_without_exponents():
    assert words.span([12.34, 168.2]) == "12 to 168"
    assert words.span([1.204, 1.2]) == "1.2"
