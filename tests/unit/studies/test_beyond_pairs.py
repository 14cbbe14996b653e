"""What a study says beyond pairs: data sets, interactions, costs, test examples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gatewise.errors import InputError
from gatewise.metrics import compare_losses
from gatewise.metrics.confusion import DECISIONS, confusion
from gatewise.studies import datasets, examples, pareto
from gatewise.studies.compare import compare_study
from study_samples import STEPS, forecast_study, interacting, make, result

CELLS = {"model.cell": ["rnn", "gru", "lstm"]}

# Demšar 2006, table 6: AUC of C4.5, with m, with cf, with both on 14 data sets. In `voting` the two last are printed
# alike (0.975) but ranked 2 and 3, so they differ in a figure that is not printed.
DEMSAR = [
    [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
    [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
    [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
    [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
    [0.972, 0.981, 0.9751, 0.975], [0.957, 0.978, 0.946, 0.970],
]  # fmt: skip


# ---- data sets


def test_demsars_example():
    found = datasets.rank(DEMSAR, better="higher")
    assert found.average == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    # He does not correct for ties: chi-squared 9.28, F 3.69. Ours is what SciPy gives.
    plain = 12 * 14 / 20 * (found.average @ found.average - 4 * 25 / 4)
    assert plain == pytest.approx(9.28, abs=0.03)
    assert 13 * plain / (14 * 3 - plain) == pytest.approx(3.69, abs=0.02)
    expected = stats.friedmanchisquare(*np.transpose(DEMSAR))
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p == pytest.approx(expected.pvalue, abs=0.008)
    assert found.f_p == pytest.approx(found.p, abs=0.01)
    # Nemenyi: 2.569 sqrt(4 5 / (6 14)) = 1.25 at 0.05 and 1.12 at 0.10, where the first is told from two others.
    assert found.critical_difference == pytest.approx(1.25, abs=0.005)
    assert found.groups == [(3, 1, 2, 0)]
    loose = datasets.rank(DEMSAR, better="higher", alpha=0.10)
    assert loose.critical_difference == pytest.approx(1.12, abs=0.005)
    assert loose.groups == [(3, 1, 2), (2, 0)]
    assert found.nemenyi(0, 3) < 0.10 < found.nemenyi(0, 2)
    # Against a control: z = 2.416, 2.342, 0.512, p = 0.016, 0.019, 0.607.
    assert [found.against(0, j) for j in (3, 1, 2)] == pytest.approx([0.016, 0.019, 0.607], abs=0.002)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000), st.floats(0.1, 10), st.floats(-5, 5))
def test_ranks_know_no_unit_and_follow_their_columns(seed, scale, shift):
    scores = np.random.default_rng(seed).normal(size=(5, 3))
    found = datasets.rank(scores)
    assert datasets.rank(scores * scale + shift).average == pytest.approx(found.average)
    turned = datasets.rank(scores[:, ::-1])
    assert turned.average[::-1] == pytest.approx(found.average)
    assert turned.statistic == pytest.approx(found.statistic)
    assert datasets.rank(-scores, better="higher").average == pytest.approx(found.average)
    assert found.statistic == pytest.approx(stats.friedmanchisquare(*scores.T).statistic)


def test_few_data_sets_are_permuted():
    # The same order on three data sets: 6 of the 216 ways to order them are so extreme.
    found = datasets.rank([[1.0, 2.0, 3.0]] * 3)
    assert found.p == pytest.approx(6 / 216, abs=0.005)
    with pytest.raises(InputError, match="two data sets"):
        datasets.rank([[1.0, 2.0]])


def test_levels_are_ranked_over_the_files_of_a_factor(tmp_path):
    windows = {"A": 5, "B": 6, "C": 7, "D": 8}  # the digest is made up, so something else must tell runs apart
    prices = {name: {"data.files": [f"sample:{name}"], "data.window": window} for name, window in windows.items()}
    vary = {**CELLS, "prices": prices}

    def score(levels, seed):
        scale = {"A": 1, "B": 50, "C": 3, "D": 900}[levels["prices"]]
        return scale * ({"rnn": 120.0, "gru": 100.0, "lstm": 110.0}[levels["model.cell"]] + STEPS[seed])

    tree = compare_study(make(tmp_path / "s", score, seeds=3, vary=vary).path)
    found = tree["datasets"]
    assert (found["factor"], found["datasets"]) == ("prices", ["A", "B", "C", "D"])
    assert found["levels"] == ["rnn", "gru", "lstm"]
    assert found["average"] == [3.0, 1.0, 2.0]
    assert found["p"] <= 0.01
    rows = {(row["a"], row["b"]): row for row in found["pairs"]}
    assert rows["rnn", "gru"]["says"] == "worse"
    assert rows["gru", "lstm"]["says"] == "undecided"  # ranks one apart: the critical difference is 1.66
    assert found["groups"] == [["gru", "lstm"], ["lstm", "rnn"]]
    assert any(
        one["text"] == "Over 4 data sets GRU has the best average rank (1.00), ranked apart from RNN."
        for one in tree["findings"]
    )


def test_a_factor_may_be_named_as_the_data_sets_and_others_are_not(tmp_path):
    def score(levels, seed):
        return 100.0 + STEPS[seed] + {"rnn": 1.0, "gru": 0.0, "lstm": 2.0}[levels["model.cell"]]

    vary = {**CELLS, "data.window": [5, 10]}
    assert compare_study(make(tmp_path / "s", score, seeds=2, vary=vary).path)["datasets"] is None
    tree = compare_study(make(tmp_path / "t", score, seeds=2, vary=vary, datasets="data.window", reference="gru").path)
    assert tree["datasets"]["datasets"] == ["5", "10"]
    assert [(row["a"], row["b"]) for row in tree["datasets"]["pairs"]] == [("rnn", "gru"), ("lstm", "gru")]
    assert tree["datasets"]["post_hoc"] == "normal, Holm"


# ---- interactions


def test_an_interaction_is_a_ratio_of_ratios_and_is_said(tmp_path):
    vary = {"model.cell": ["gru", "rnn"], "model.input_dropout": [0.0, 0.1]}
    tree = compare_study(make(tmp_path / "s", interacting, vary=vary).path)
    (row,) = tree["interactions"]
    assert (row["factors"], row["levels"], row["against"]) == (
        ["model.cell", "model.input_dropout"],
        ["rnn", 0.1],
        ["gru", 0.0],
    )
    assert (row["scale"], row["decided"], row["seeds"], row["p"]) == ("ratio", True, 7, 2 / 128)
    assert row["size"] == pytest.approx(1.5)
    assert row["effects"] == pytest.approx([1.8, 1.2])
    text = (
        "RNN in the place of GRU multiplies the test MSE by 1.800 (input dropout 0.1) and by 1.200 (input dropout 0): "
        "what it does depends on input dropout."
    )
    assert any(one["text"] == text for one in tree["findings"])


def test_factors_that_add_up_do_not_interact(tmp_path):
    noise = (0.01, -0.02, 0.03, -0.01, 0.02, -0.03, 0.0)

    def score(levels, seed):
        factor = {"rnn": 1.2, "gru": 1.0}[levels["model.cell"]] * {0.0: 1.0, 0.1: 2.0}[levels["model.input_dropout"]]
        both = levels == {"model.cell": "rnn", "model.input_dropout": 0.1}
        return (100 + STEPS[seed]) * factor * (1 + noise[seed] * both)

    vary = {"model.cell": ["gru", "rnn"], "model.input_dropout": [0.0, 0.1]}
    tree = compare_study(make(tmp_path / "s", score, vary=vary).path)
    assert not tree["interactions"][0]["decided"]
    assert not any("depends on" in one["text"] for one in tree["findings"])


def test_corners_that_were_not_run_make_no_interaction(tmp_path):
    vary = {"model.cell": ["gru", "rnn"], "model.input_dropout": [0.0, 0.1]}
    gone = [("rnn, input dropout 0.1", seed) for seed in range(7)]
    assert compare_study(make(tmp_path / "s", interacting, vary=vary, skip=gone).path)["interactions"] == []
    some = [("rnn, input dropout 0.1", seed) for seed in range(3)]
    assert compare_study(make(tmp_path / "t", interacting, vary=vary, skip=some).path)["interactions"][0]["seeds"] == 4


def test_scores_are_added_to(tmp_path):
    def score(levels, seed):
        made = result(interacting(levels, seed))
        made["metrics"]["test"]["pearson"] = 0.5 + interacting(levels, seed) / 1000
        return made

    vary = {"model.cell": ["gru", "rnn"], "model.input_dropout": [0.0, 0.1]}
    (row,) = compare_study(make(tmp_path / "s", score, vary=vary, metric="pearson").path)["interactions"]
    assert row["scale"] == "difference"
    assert row["size"] == pytest.approx(0.140, abs=0.01)


# ---- cost


def test_a_front_of_hand():
    points = [("a", 1.0, 9.0), ("b", 2.0, 5.0), ("c", 3.0, 6.0), ("d", 4.0, 4.0), ("e", 4.0, 4.0), ("f", 1.0, 9.5)]
    assert pareto.front(points) == ["a", "b", "d", "e"]
    assert pareto.front([(name, cost, -value) for name, cost, value in points], higher=True) == ["a", "b", "d", "e"]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=12), st.floats(0.5, 3))
def test_no_point_on_a_front_is_beaten_and_every_other_is(pairs, scale):
    points = [(str(number), float(cost), float(value)) for number, (cost, value) in enumerate(pairs)]
    names = set(pareto.front(points))
    for name, cost, value in points:
        beaten = any(c <= cost and v <= value and (c, v) != (cost, value) for _, c, v in points)
        assert (name not in names) == beaten
    assert set(pareto.front([(name, scale * cost, value) for name, cost, value in points])) == names


def test_only_times_of_runs_that_were_alone_make_a_front(tmp_path):
    seconds = {"rnn": 1.0, "gru": 2.0, "lstm": 4.0}

    def score(levels, seed):
        made = result({"rnn": 120.0, "gru": 100.0, "lstm": 101.0}[levels["model.cell"]] + STEPS[seed])
        return {**made, "parameters": {"rnn": 10, "gru": 30, "lstm": 40}[levels["model.cell"]]}

    def timing(alone):
        return lambda levels: result(1.0, exclusive=alone, per_epoch=seconds[levels["model.cell"]])

    tree = compare_study(make(tmp_path / "s", score, timing=timing(True)).path)
    assert tree["pareto"]["fronts"] == {"seconds": ["rnn", "gru"], "parameters": ["rnn", "gru"]}
    assert [point["seconds"] for point in tree["pareto"]["points"]] == [10.0, 20.0, 40.0]
    said = (
        "By test MSE and seconds of a training, no setting beats rnn and gru in both: rnn asks for the least, and gru"
    )
    assert any(one["text"].startswith(said) for one in tree["findings"])
    shared = compare_study(make(tmp_path / "t", score, timing=timing(False)).path)
    assert set(shared["pareto"]["fronts"]) == {"parameters"}


# ---- test examples


def test_what_seeds_and_what_windows_say_is_kept_apart(tmp_path):
    noise = np.random.default_rng(3).normal(size=200)

    def errors(levels, seed):
        if levels["model.cell"] == "gru":
            return noise
        if levels["model.cell"] == "rnn":  # worse in every window
            return noise * (1.5 + 0.01 * seed)
        wild = np.zeros(200)  # worse in one window alone, with every seed
        wild[7] = 10.0 + 0.1 * seed
        return noise + wild

    tree = compare_study(forecast_study(tmp_path / "s", errors).path)
    rows = {row["b"]: row for row in tree["examples"]["rows"]}
    assert set(rows) == {"rnn", "lstm"}
    assert (rows["rnn"]["seeds_say"], rows["rnn"]["says"], rows["rnn"]["holds"]) == ("better", "better", "both")
    assert (rows["lstm"]["seeds_say"], rows["lstm"]["says"], rows["lstm"]["holds"]) == ("better", "undecided", "seeds")
    assert (rows["rnn"]["n"], rows["rnn"]["seeds"]) == (200, 7)
    # These windows know nothing of one another, so the test is near a t test of their mean losses.
    losses = [
        np.mean([errors({"model.cell": cell}, seed) ** 2 for seed in range(7)], axis=0) for cell in ("gru", "rnn")
    ]
    assert rows["rnn"]["p"] == pytest.approx(compare_losses(*losses, horizon=6).p)
    assert np.log(rows["rnn"]["p"]) == pytest.approx(np.log(stats.ttest_rel(*losses).pvalue), rel=0.3)
    texts = [one["text"] for one in tree["findings"]]
    assert "That GRU is better than RNN holds over seeds and over test windows." in texts
    assert any(
        text.startswith("That GRU is better than LSTM holds over seeds, but not over test windows") for text in texts
    )


def test_windows_may_tell_what_few_seeds_cannot(tmp_path):
    noise = np.random.default_rng(3).normal(size=200)

    def errors(levels, seed):
        return noise * {"gru": 1.0, "rnn": 1.5, "lstm": 1.6}[levels["model.cell"]]

    tree = compare_study(forecast_study(tmp_path / "s", errors, seeds=2).path)
    assert {row["holds"] for row in tree["examples"]["rows"]} == {"examples"}
    assert any("holds over these test windows, but not over seeds" in one["text"] for one in tree["findings"])


def test_levels_of_other_windows_are_not_compared_over_them(tmp_path):
    def errors(levels, seed):
        noise = np.random.default_rng(3).normal(size=200)
        return noise if levels["model.cell"] == "gru" else noise[: 100 + seed]

    tree = compare_study(forecast_study(tmp_path / "s", errors).path)
    assert tree["examples"] == {"rows": [], "left_out": 0, "beyond": 0, "unlike": 2}
    said = "2 pairs were not compared over test examples: their predictions are not of the same test part."
    assert said in tree["notes"]


def test_runs_without_predictions_and_metrics_of_no_example_say_nothing(tmp_path):
    tree = compare_study(make(tmp_path / "s", lambda levels, seed: 1.0 + seed, metric="pearson").path)
    assert tree["examples"] == {"rows": [], "left_out": 0, "beyond": 0, "unlike": 0}
    other = compare_study(make(tmp_path / "t", lambda levels, seed: 1.0 + seed).path)
    assert other["examples"] == {"rows": [], "left_out": 0, "beyond": 0, "unlike": 0}


def test_too_many_runs_are_left_out_and_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(examples, "MOST_READ", 20)
    noise = np.random.default_rng(3).normal(size=50)
    place = forecast_study(tmp_path / "s", lambda levels, seed: noise * (1 + 0.1 * len(levels["model.cell"])))
    tree = compare_study(place.path)
    assert tree["examples"] == {"rows": [], "left_out": 1, "beyond": 0, "unlike": 0}
    assert any(note.startswith("One condition was not compared over test examples") for note in tree["notes"])
    monkeypatch.setattr(examples, "MOST_READ", 240)
    monkeypatch.setattr(examples, "MOST_OTHERS", 1)
    tree = compare_study(place.path)
    assert (len(tree["examples"]["rows"]), tree["examples"]["beyond"]) == (1, 1)
    assert any(note.startswith("One pair was not compared over test examples") for note in tree["notes"])


def test_the_bootstrap_over_texts_averages_seeds_and_leaves_only_the_texts_to_chance():
    generator = np.random.default_rng(0)
    target = generator.integers(0, 3, 400)
    ours = [np.where(generator.random(400) < 0.85, target, 0) for _ in range(3)]
    theirs = [np.where(generator.random(400) < 0.75, target, 0) for _ in range(3)]
    drawn = examples.bootstrap_mean_difference(target, ours, theirs, "f1_macro", classes=3, draws=500)
    measure = DECISIONS["f1_macro"]
    whole = [np.mean([measure(confusion(target, one, 3)) for one in side]) for side in (ours, theirs)]
    assert drawn[0] == pytest.approx(whole[0] - whole[1])
    assert len(drawn) == 501
    assert drawn[1:].mean() == pytest.approx(drawn[0], abs=0.01)
    turned = examples.bootstrap_mean_difference(target, theirs, ours, "f1_macro", classes=3, draws=500)
    assert turned == pytest.approx(-drawn)
    # One seed: as wide as the bootstrap of a run that stands alone.
    from gatewise.metrics import compare_metric

    alone = examples.bootstrap_mean_difference(target, ours[:1], theirs[:1], "f1_macro", classes=3, draws=2000)
    expected = compare_metric(target, ours[0], theirs[0], "f1_macro").interval
    assert np.quantile(alone[1:], [0.025, 0.975]) == pytest.approx(expected, abs=0.012)


def test_symbols_of_texts_are_drawn_in_blocks():
    generator = np.random.default_rng(0)
    where, base = np.arange(5000), np.log(generator.uniform(0.2, 0.9, 5000))
    ours = [(where, base + 0.1 * generator.uniform(size=5000)) for _ in range(3)]
    theirs = [(where, base) for _ in range(3)]
    found = examples._of_symbols(ours, theirs)
    assert found.difference == pytest.approx(-0.05, abs=0.005)
    assert found.interval[1] < 0.0
    assert found.p < 0.01
    assert examples._of_symbols(ours, [(where + 1, base)]) is None


def test_texts_are_compared_with_mcnemar_beside(tmp_path):
    generator = np.random.default_rng(1)
    labels = [str(value) for value in generator.integers(0, 2, 300)]
    which = [("f", row) for row in range(300)]

    def said(right):
        return [label if generator.random() < right else "0" for label in labels]

    ours, theirs = ([(labels, said(right), which) for _ in range(3)] for right in (0.95, 0.6))
    found = examples._of_texts(ours, theirs, "accuracy", 0.05)
    assert found.difference > 0.1
    assert found.interval[0] > 0.0
    assert (found.mcnemar["seeds"], found.mcnemar["decided"]) == (3, 3)
    assert examples._of_texts(ours, [(labels, said(0.5), which[::-1])], "accuracy", 0.05) is None


def test_all_of_it_is_found_in_persian_too(tmp_path):
    noise = np.random.default_rng(3).normal(size=200)
    scale = {"gru": 1.0, "rnn": 1.5, "lstm": 1.3}
    place = forecast_study(
        tmp_path / "s", lambda levels, seed: noise * scale[levels["model.cell"]] * (1 + 0.01 * seed), language="fa"
    )
    texts = [one["text"] + " ".join(one["evidence"]) for one in compare_study(place.path)["findings"]]
    assert any("هم روی بذرها و هم روی پنجره‌های آزمون برقرار است" in text for text in texts)
    vary = {"model.cell": ["gru", "rnn"], "model.input_dropout": [0.0, 0.1]}
    texts = [
        one["text"]
        for one in compare_study(make(tmp_path / "t", interacting, vary=vary, language="fa").path)["findings"]
    ]
    assert any("بستگی دارد" in text for text in texts)
