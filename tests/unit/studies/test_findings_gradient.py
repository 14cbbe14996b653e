"""A factor that sets a dropout or the learning rate is told with what the gradient did."""

import pytest

from gatewise.studies.compare import compare_study
from gatewise.studies.retold import retold_findings
from gatewise.wording import speaking
from study_samples import STEPS, make, result

DROPOUT = {"model.cell": ["rnn", "gru"], "model.input_dropout": [0.0, 0.1]}
GROUP = {"kind": {"slow": {"train.learning_rate": 1e-4}, "fast": {"train.learning_rate": 1e-2}}}


def study(tmp_path, first, last=lambda levels, seed: 1.0, *, gain=2.0, vary=DROPOUT, **rest):
    """A study whose second level of the last factor makes the error `gain` times as large."""

    def score(levels, seed):
        base = {"rnn": 120.0, "gru": 100.0, None: 100.0}[levels.get("model.cell")] + STEPS[seed]
        found = result(base * (gain if second(levels) else 1.0) * (1 + 0.001 * seed))
        return {**found, "gradient_norm": {"first": first(levels, seed), "last": last(levels, seed), "most": 9.0}}

    return make(tmp_path / "s", score, vary=vary, **rest)


def second(levels):
    return levels.get("model.input_dropout") == 0.1 or levels.get("kind") == "fast" or levels.get("model.units") == 16


def whys(place):
    return [one["why"] for one in compare_study(place.path)["findings"] if "why" in one]


def test_a_clear_difference_of_the_gradient_stands_beneath_the_effect(tmp_path):
    place = study(tmp_path, lambda levels, seed: (1 + seed) * (3.0 + 0.1 * (seed % 2) if second(levels) else 1.0))
    assert compare_study(place.path)["gradient"] == ["model.input_dropout"]
    assert whys(place) == [
        "what goes with it, seen beside it and not shown to be its cause: in the first epoch the gradient with input "
        "dropout 0.1 is 3.04 times that with input dropout 0 (3.00 to 3.10 over the seeds); its norm before clipping, "
        "median over steps."
    ]
    with speaking("fa"):
        told = [one for one in retold_findings(place, place.read_comparison()) if "why" in one]
    assert "در ایپاک نخست گرادیان" in told[0]["why"]
    assert "۳٫۰۴" in told[0]["why"]


def test_one_seed_within_a_quarter_is_enough_to_say_nothing_and_then_the_last_epoch_is_asked(tmp_path):
    def first(levels, seed):
        return (1.24 if seed == 3 else 2.0) if second(levels) else 1.0

    assert whys(study(tmp_path / "a", first)) == []
    (why,) = whys(study(tmp_path / "b", first, lambda levels, seed: 0.5 if second(levels) else 1.0))
    assert "in the last epoch the gradient with input dropout 0.1 is 0.500 times that" in why


@pytest.fixture(autouse=True)
def _folders(tmp_path):
    for name in "abc":
        (tmp_path / name).mkdir()


def test_nothing_is_said_of_other_factors_of_what_is_undecided_or_of_runs_without_norms(tmp_path):
    def first(levels, seed):
        return 3.0 if second(levels) else 1.0

    units = {"model.cell": ["rnn", "gru"], "model.units": [8, 16]}
    assert whys(study(tmp_path / "a", first, vary=units)) == []
    assert whys(study(tmp_path / "b", first, gain=1.0)) == []
    assert whys(study(tmp_path / "c", lambda levels, seed: None)) == []


def test_a_group_that_is_compared_is_told_with_the_best(tmp_path):
    place = study(tmp_path, lambda levels, seed: 5.0 if second(levels) else 1.0, vary=GROUP, compare="kind")
    tree = compare_study(place.path)
    assert tree["gradient"] == ["kind"]
    (finding,) = [one for one in tree["findings"] if "why" in one]
    assert finding["text"].startswith("Slow has the lowest mean test MSE")
    assert "in the first epoch the gradient with slow is 0.200 times that with fast" in finding["why"]


def test_of_levels_that_are_not_shown_to_be_worse_nothing_is_said(tmp_path):
    noise = (0.4, -0.3, 0.1, -0.2, 0.3, -0.1, -0.2)
    vary = {"model.input_dropout": [0.0, 0.1, 0.2]}

    def score(levels, seed):
        rate = levels["model.input_dropout"]
        found = result({0.0: 100.0, 0.1: 100.1 + noise[seed], 0.2: 200.0}[rate] + STEPS[seed])
        return {**found, "gradient_norm": {"first": {0.0: 1.0, 0.1: 9.0, 0.2: 4.0}[rate], "last": 1.0, "most": 9.0}}

    (why,) = whys(make(tmp_path / "s", score, vary=vary))
    assert "with input dropout 0 is 0.250 times that with input dropout 0.2" in why
    assert "0.1" not in why
