"""Network and baselines are treated alike: what validation decided, the verdict, operating points, agreement."""

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from gatewise.data.labelled import labelled_of
from gatewise.metrics.confusion import DECISIONS
from gatewise.settings import ClassifyDataSettings
from gatewise.tasks.classify.calibration import at_temperature, fit_temperature
from gatewise.tasks.classify.judge import Answers, Judged, Settled, agreement, verdict
from gatewise.tasks.classify.thresholds import choose_offsets, decide

CLASSES = ("hate", "offensive", "neither")


def said(n, seed, *, skill=1.0, sureness=1.0):
    """Return classes of which the first is rare, and log-probabilities of a model with some skill."""
    rng = np.random.default_rng(seed)
    target = rng.choice(3, size=n, p=[0.08, 0.6, 0.32])
    logits = skill * np.eye(3)[target] * 2 + rng.normal(size=(n, 3)) + np.log([0.08, 0.6, 0.32])
    return target.astype(np.int64), log_softmax(sureness * logits, axis=1)


def test_validation_decides_temperature_and_offsets_and_test_gets_them():
    target, log_probs = said(400, 0, sureness=4.0)
    settled = Settled.on(log_probs, target)
    assert settled.temperature == fit_temperature(log_probs, target) > 2
    calm = at_temperature(log_probs, settled.temperature)
    np.testing.assert_array_equal(settled.offsets, choose_offsets(calm, target))
    other_target, other = said(300, 1, sureness=4.0)
    answers = settled.answers(other, other_target)
    np.testing.assert_allclose(answers.log_probs, at_temperature(other, settled.temperature))
    np.testing.assert_array_equal(answers.predicted, other.argmax(axis=1))  # a temperature changes no decision
    np.testing.assert_array_equal(answers.tuned, decide(answers.log_probs, settled.offsets))
    assert (answers.tuned != answers.predicted).any()


def test_an_empty_validation_part_decides_nothing():
    target, log_probs = said(50, 0)
    settled = Settled.on(log_probs[:0], target[:0])
    assert settled == Settled(1.0, None)
    answers = settled.answers(log_probs, target)
    np.testing.assert_allclose(answers.log_probs, log_probs, atol=1e-12)
    assert not any(name.startswith("tuned_") for name in answers.metrics)
    np.testing.assert_array_equal(answers.tuned, answers.predicted)


def test_metrics_of_both_decisions():
    target, log_probs = said(300, 2)
    offsets = np.array([1.5, 0.0, 0.2])
    found = Answers(target, log_probs, offsets).metrics
    plain, tuned = log_probs.argmax(axis=1), (log_probs + offsets).argmax(axis=1)
    assert found["accuracy"] == pytest.approx(accuracy_score(target, plain))
    assert found["f1_macro"] == pytest.approx(f1_score(target, plain, average="macro"))
    assert found["tuned_accuracy"] == pytest.approx(accuracy_score(target, tuned))
    assert found["tuned_f1_macro"] == pytest.approx(f1_score(target, tuned, average="macro"))
    assert "tuned_nats" not in found  # a threshold changes no probability


# -------------------------------------------------------------------------------------------------------------- verdict


def settled_answers(seed, *, skill):
    validation, log_probs = said(300, 100 + seed, skill=skill)
    target, test = said(600, 7, skill=skill)
    return Settled.on(log_probs, validation).answers(test, target)


def test_a_network_that_equals_a_baseline_is_undecided():
    ours = settled_answers(0, skill=1.0)
    for tuned in (False, True):
        found = verdict(ours, {"same": ours, "worse": settled_answers(0, skill=0.2)}, "f1_macro", tuned=tuned)
        assert (found["against"], found["says"], found["ratio"]) == ("same", "undecided", 1.0)
        assert found["p"] > 0.5
        assert found["ours"] == found["theirs"]


def test_the_best_baseline_is_met_and_a_gap_is_seen():
    good, middling, bad = (settled_answers(1, skill=skill) for skill in (2.5, 1.0, 0.0))
    better = verdict(good, {"bad": bad, "middling": middling}, "f1_macro")
    assert (better["against"], better["says"]) == ("middling", "better")
    assert better["ratio"] == pytest.approx(good.metrics["f1_macro"] / middling.metrics["f1_macro"])
    assert better["interval"][0] > 0
    worse = verdict(bad, {"good": good, "middling": middling}, "f1_macro", tuned=True)
    assert (worse["against"], worse["says"], worse["metric"]) == ("good", "worse", "tuned_f1_macro")
    assert worse["theirs"]["value"] == good.metrics["tuned_f1_macro"]
    assert worse["interval"][1] < 0


def test_the_tuned_verdict_takes_the_thresholds_of_both():
    """A baseline whose thresholds do much is the best one only when they are used."""
    target, log_probs = said(600, 7, skill=1.5)
    shifted = log_softmax(log_probs + np.array([-4.0, 0.0, 0.0]), axis=1)
    hidden = Answers(target, shifted, np.array([4.0, 0.0, 0.0]))
    plain = Answers(target, said(600, 7, skill=1.0)[1], np.zeros(3))
    ours = Answers(target, log_probs, np.zeros(3))
    baselines = {"hidden": hidden, "plain": plain}
    assert verdict(ours, baselines, "f1_macro")["against"] == "plain"
    tuned = verdict(ours, baselines, "f1_macro", tuned=True)
    assert (tuned["against"], tuned["ratio"], tuned["says"]) == ("hidden", 1.0, "undecided")


def test_nothing_to_compare():
    ours = settled_answers(0, skill=1.0)
    empty = Answers(ours.target[:0], ours.log_probs[:0], ours.offsets)
    untuned = Answers(ours.target, ours.log_probs)
    assert verdict(ours, {}, "f1_macro") is None
    assert verdict(empty, {"same": empty}, "f1_macro") is None
    assert verdict(untuned, {"same": untuned}, "f1_macro", tuned=True) is None
    assert verdict(untuned, {"same": untuned}, "f1_macro")["says"] == "undecided"


# -------------------------------------------------------------------------------------------------------------- figures


@pytest.fixture(scope="module")
def judged():
    validation, log_probs = said(400, 3)
    settled = Settled.on(log_probs, validation)
    target, test = said(300, 4)
    parts = {"validation": settled.answers(log_probs, validation), "test": settled.answers(test, target)}
    baselines = {"low": settled_answers_of(target, 0.0), "high": settled_answers_of(target, 0.8)}
    wanted = [("hate", "recall", 0.8), ("neither", "precision", 0.9)]
    return Judged(CLASSES, parts, baselines, wanted, settled.temperature, test, {"test": 0.5})


def settled_answers_of(target, skill):
    rng = np.random.default_rng(9)
    logits = skill * np.eye(3)[target] * 2 + rng.normal(size=(len(target), 3))
    return Answers(target, log_softmax(logits, axis=1), np.zeros(3))


def test_tables_of_the_test_part(judged):
    found, test = judged.figures(), judged.parts["test"]
    assert found["metrics"]["test"] == {"loss": 0.5} | test.metrics
    assert found["confusion"]["test"] == confusion_matrix(test.target, test.predicted).tolist()
    assert found["confusion"]["tuned"] == confusion_matrix(test.target, test.tuned).tolist()
    high = judged.baselines["high"]
    expected = {"name": "high", "matrix": confusion_matrix(high.target, high.predicted).tolist()}
    assert found["confusion"]["baseline"] == expected
    assert set(found["baseline_per_class"]) == {"low", "high"}
    hate = found["tuned_per_class"]["test"]["hate"]
    assert hate["recall"] == pytest.approx(((test.tuned == 0) & (test.target == 0)).sum() / (test.target == 0).sum())
    assert found["thresholds"]["chosen_on"] == "validation"
    assert found["thresholds"]["offsets"] == dict(zip(CLASSES, test.offsets.tolist(), strict=True))


def test_operating_points_are_chosen_on_validation_and_shown_on_test(judged):
    hate, neither = judged.figures()["operating_points"]
    for point, number, what in ((hate, 0, "recall"), (neither, 2, "precision")):
        assert point["reached"]
        assert point["validation"][what] >= point["value"]
        test = judged.parts["test"]
        called = np.exp(test.log_probs)[:, number] >= point["threshold"]
        is_class = test.target == number
        assert point["test"]["recall"] == pytest.approx((called & is_class).sum() / is_class.sum())
        assert point["test"]["precision"] == pytest.approx((called & is_class).sum() / called.sum())
        assert point["test"]["called"] == pytest.approx(called.mean())


def test_a_class_that_validation_lacks_has_no_operating_point(judged):
    validation = judged.parts["validation"]
    some = validation.target != 0
    few = Answers(validation.target[some], validation.log_probs[some], validation.offsets)
    parts = {"validation": few, "test": judged.parts["test"]}
    rows = Judged(CLASSES, parts, {}, judged.wanted).figures()["operating_points"]
    assert [row["class"] for row in rows] == ["neither"]


def test_without_validation_nothing_was_tuned(judged):
    test = judged.parts["test"]
    found = Judged(CLASSES, {"test": Answers(test.target, test.log_probs)}, judged.baselines, judged.wanted).figures()
    assert (found["thresholds"], found["operating_points"], found["tuned_per_class"]) == (None, [], {})
    assert "tuned" not in found["confusion"]
    assert found["tuned_verdict"] is None
    assert found["verdict"] is not None


def test_calibration_before_and_after(judged):
    calibration = judged.figures()["calibration"]
    assert calibration["temperature"] == judged.temperature
    assert calibration["ece"] == judged.figures()["metrics"]["test"]["ece"]
    assert calibration["ece_before"] != calibration["ece"]
    for bins in (calibration["bins"], calibration["bins_before"]):
        assert sum(one["n"] for one in bins) == 300


# ------------------------------------------------------------------------------------------------------------ agreement


def test_agreement_of_annotators():
    votes = [[3, 0, 0], [2, 1, 0], [0, 0, 3], [0, 3, 0], [1, 1, 1], [0, 2, 1]]
    labels = [0, 0, 2, 1, 0, 1]
    settings = ClassifyDataSettings(votes=("v",))
    labelled = labelled_of([f"text {row}" for row in range(6)], labels, settings, votes=votes)
    rows = np.array([0, 2, 4, 5])
    log_probs = np.log(np.array([[0.8, 0.1, 0.1], [0.2, 0.2, 0.6], [0.1, 0.8, 0.1], [0.1, 0.8, 0.1]]))
    found = agreement(labelled, rows, Answers(labelled.labels[rows], log_probs))
    assert (found["unanimous"]["texts"], found["unanimous"]["accuracy"]) == (2, 1.0)
    assert (found["contested"]["texts"], found["contested"]["accuracy"]) == (2, 0.5)
    only = agreement(labelled, rows[:2], Answers(labelled.labels[rows[:2]], log_probs[:2]))
    assert list(only) == ["unanimous"]
    bare = labelled_of(["a", "b"], [0, 1])
    assert agreement(bare, np.array([0, 1]), Answers(bare.labels, log_probs[:2])) is None


def test_intervals_hold_what_was_measured_and_narrow_with_more_texts():
    draw = np.random.default_rng(0)
    widths = []
    for count in (300, 4800):
        target = draw.integers(0, 3, count)
        log_probs = np.log(0.8 * draw.dirichlet([1, 1, 1], count) + 0.2 * np.eye(3)[target])
        found = Answers(target, log_probs, np.array([0.0, 0.5, 0.0]))
        intervals = found.intervals()
        assert set(intervals) == {*DECISIONS, *(f"tuned_{name}" for name in DECISIONS)}
        for name, (low, high) in intervals.items():
            assert low <= found.metrics[name] <= high
        widths.append(intervals["f1_macro"][1] - intervals["f1_macro"][0])
    assert widths[1] < widths[0] / 2
