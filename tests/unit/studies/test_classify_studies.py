"""Studies of classification: their files, claims about one class, and what their findings say."""

import hashlib

import pytest

from gatewise.encoders import encoder_digests
from gatewise.errors import DataError, SettingsError
from gatewise.settings import EncoderSettings
from gatewise.studies import digests
from gatewise.studies.compare import compare_study
from gatewise.studies.file import resolve
from gatewise.studies.folder import StudyFolder
from gatewise.studies.library import list_studies, load_study
from gatewise.studies.plan import plan_study
from gatewise.studies.settings import ClassifyStudy
from gatewise.tasks.classify.run import long_enough

STEPS = (0.0, 0.003, -0.002, 0.005, 0.001, -0.004, 0.002, 0.0015)
CLASSES = ["hate", "offensive", "neither"]


def result(f1, *, hate=0.4, baselines=None, **more):
    classes = {name: {"precision": 0.5, "recall": 0.33, "f1": 0.9, "support": 1000} for name in CLASSES}
    classes["hate"] |= {"f1": hate, "support": 396}
    found = {"f1_macro": f1, "accuracy": f1 + 0.16, "tuned_f1_macro": f1 + 0.02, "nats": 0.3, "loss": 0.3}
    scores = baselines or {"majority": 0.29, "tfidf_logistic": 0.703, "tfidf_balanced": 0.731}
    return {
        "format_version": 1, "status": "finished", "name": "run", "task": "classify", "parameters": 99,
        "leaking": False, "epochs": {"run": 3, "best": 3}, "exclusive": False, "threads": 1, "classes": CLASSES,
        "seconds": {"per_epoch": 1.0, "per_step_median": 0.001}, "metrics": {"test": found},
        "per_class": {"test": classes}, "notes": [],
        "baselines": {name: {"test": {"f1_macro": one, "accuracy": 0.89}} for name, one in scores.items()}, **more,
    }  # fmt: skip


def compared(folder, score, **tree):
    file = {"name": "small", "task": "classify", "question": "Which?", "data": {"files": ["a.csv"]}, "seeds": 8}
    made = resolve({**file, "vary": {"model.cell": ["gru", "lstm"]}, **tree})
    planned = plan_study(made, lambda data: "digest")
    place = StudyFolder(folder / "study")
    place.path.mkdir()
    place.write_study(planned.to_json())
    for run in planned.runs:
        place.run(run.fingerprint).path.mkdir(parents=True)
        place.run(run.fingerprint).write_result(score(run.levels, run.seed))
    return compare_study(place.path)


def texts(tree):
    return [finding["text"] for finding in tree["findings"]]


def test_the_encoders_study_asks_what_the_report_asked():
    paper = load_study("tweets-encoders", preset="paper", files=["tweets.csv"])
    assert isinstance(paper, ClassifyStudy)
    assert (paper.model.units, paper.model.pooling, paper.model.head) == (384, ("last_padded",), (512,))
    assert (paper.train.batch_size, paper.train.epochs, paper.train.learning_rate) == (8, 3, 5e-4)
    assert paper.train.restore_best is False
    assert (paper.split.kind, paper.split.test, paper.split.validation) == ("random", 0.3, 0.1)
    assert (paper.data.cleaning, paper.encoder.layers) == (("report",), (-1,))
    states = {level.label: level.changes.get("encoder.states", "encoder") for level in paper.factors[0].levels}
    assert states == {"BERT": "encoder", "HateBERT": "encoder", "T5 decoder": "decoder", "T5 encoder": "encoder"}
    zero = next(claim for claim in paper.claims if claim.claim == "T5-small, F1 of hate")
    assert (zero.report, zero.metric, zero.of_class) == (0.0, "f1", "hate")


def test_the_cleaning_study_takes_each_step_out_in_turn():
    study = load_study("tweets-cleaning")
    steps = {level.label: level.changes["data.cleaning"] for level in study.factors[0].levels}
    from gatewise.registry import CLEANING_PRESETS, cleaning_steps

    whole = CLEANING_PRESETS["tweets"]
    taken = {step for names in steps.values() for step in whole if set(whole) - set(cleaning_steps(names)) == {step}}
    assert taken == set(whole)
    assert steps["no cleaning"] == ["none"]


def test_the_size_study_plans_one_level_a_size_and_reads_the_data_for_each_once():
    asked = []
    planned = plan_study(load_study("tweets-size"), lambda data: asked.append(data) or "digest")
    assert [run.settings.split.train_size for run in planned.runs[::8]] == [100, 200, 400, 800]
    assert len(asked) == 4


def test_the_data_are_read_once_for_each_encoder(monkeypatch):
    asked = []
    monkeypatch.setattr(digests, "classify_digest", lambda settings: asked.append(settings.encoder.name) or "digest")
    plan_study(load_study("tweets-encoders"))
    assert asked == ["minilm", "words", "characters", "random-bert", "random-t5", "random-t5"]  # T5 once for each state


@pytest.mark.parametrize("name", [one["name"] for one in list_studies() if one["name"].startswith("tweets-")])
def test_a_quick_study_has_the_seeds_to_decide_and_says_how_long_it_trains(name):
    study = load_study(name)
    assert plan_study(study, lambda data: "digest").warnings == ()
    assert {"learning_rate", "epochs", "least_steps"} <= study.train.model_fields_set


def test_a_small_training_part_of_the_size_study_is_not_trained_less():
    for preset in ("quick", "paper"):
        study = load_study("tweets-size", preset=preset, files=["tweets.csv"])
        planned = plan_study(study, lambda data: "digest").runs[:: len(study.seeds)]
        trained = {
            run.settings.split.train_size: long_enough(run.settings, run.settings.split.train_size) for run in planned
        }
        steps = {size: train.epochs * -(-size // train.batch_size) for size, train in trained.items()}
        assert steps[100] >= 240  # ten times the epochs
        assert min(steps[size] for size in steps if size > 300) >= study.train.least_steps


def test_a_claim_may_be_about_one_class(tmp_path):
    claims = [
        {"claim": "F1 of hate", "report": 0.4, "metric": "f1", "of_class": "hate", "where": {"model.cell": "gru"}},
        {"claim": "none is found", "report": 0.0, "metric": "f1", "of_class": "hate", "where": {"model.cell": "lstm"}},
        {"claim": "no such class", "report": 0.5, "metric": "f1", "of_class": "irony"},
    ]

    def score(levels, seed):
        return result(0.74, hate=0.0 if levels["model.cell"] == "lstm" else 0.4 + STEPS[seed])

    tree = compared(tmp_path, score, claims=claims)
    assert [row["verdict"] for row in tree["claims"]] == ["holds", "holds", "not comparable"]
    assert tree["claims"][0]["ours"] == pytest.approx(0.4 + sum(STEPS) / 8)
    assert "LSTM never finds hate: F1 is 0 with every seed." in texts(tree)


@pytest.mark.parametrize(
    "claim", [{"metric": "f1_macro", "of_class": "hate"}, {"metric": "f1"}, {"metric": "recal", "of_class": "hate"}]
)
def test_a_claim_with_a_metric_that_it_cannot_have_is_refused(claim):
    with pytest.raises(SettingsError, match="unknown metric"):
        resolve({"name": "a", "task": "classify", "claims": [{"claim": "x", "report": 0.1, **claim}]})


def test_a_classifier_is_held_against_the_best_baseline_first(tmp_path):
    tree = compared(tmp_path, lambda levels, seed: result(0.72 + STEPS[seed]))
    assert list(dict.fromkeys(row["baseline"] for row in tree["against_baseline"])) == [
        "tfidf_balanced", "tfidf_logistic",
    ]  # fmt: skip
    assert {row["says"] for row in tree["against_baseline"]} == {"worse", "better"}
    first, second = texts(tree)[:2]
    assert first == (
        "None of two settings beats balanced logistic regression on TF-IDF: the nearest, gru, has a mean test macro-F1 "
        "of 0.7208 against 0.731."
    )
    assert second.startswith("Two of two settings beat logistic regression on TF-IDF: the best, gru, has a mean test")


def test_findings_say_which_is_best_and_which_class_is_found_worst(tmp_path):
    tree = compared(tmp_path, lambda levels, seed: result(0.76 - 0.02 * (levels["model.cell"] == "gru") + STEPS[seed]))
    said = texts(tree)
    assert any(text.startswith("LSTM has the highest mean test macro-F1 (0.7608), shown to be") for text in said)
    assert any(
        text.startswith("The class that is found worst is hate: lstm, best over all classes, has an F1 of 0.4 on it")
        and "396 of the test texts" in text
        for text in said
    )


@pytest.mark.parametrize(("gain", "says"), [(0.015, "raises the test macro-F1 by 0.015"), (0.0, "is undecided")])
def test_another_factor_adds_to_a_score(tmp_path, gain, says):
    ways = {"one way": {"model.bidirectional": False}, "both ways": {"model.bidirectional": True}}

    def score(levels, seed):
        both = levels["reading"] == "both ways"
        return result(0.72 + STEPS[seed] + both * (gain or STEPS[-seed]))

    tree = compared(tmp_path, score, vary={"model.cell": ["gru", "lstm"], "reading": ways})
    (text,) = [text for text in texts(tree) if "both ways in the place of one way" in text.lower()]
    assert says in text
    assert "times as large" not in text


def test_levels_with_other_baselines_are_held_against_their_own(tmp_path):
    scores = {100: 0.4, 400: 0.7}

    def score(levels, seed):
        size = levels["split.train_size"]
        return result(scores[size] + 0.05 + STEPS[seed], baselines={"tfidf_logistic": scores[size]})

    tree = compared(tmp_path, score, vary={"split.train_size": list(scores)})
    assert [(row["value"], row["says"]) for row in tree["against_baseline"]] == [(0.4, "better"), (0.7, "better")]
    assert "against 0.4" in texts(tree)[0]  # of the level that is furthest above its own
    assert any("compare each with its own baseline" in note for note in tree["notes"])
    assert not any("windows" in note for note in tree["notes"])


def test_levels_that_give_the_same_stand_in_one_sentence(tmp_path):
    names = ["rnn", "gru", "lstm", "mingru"]
    tree = compared(
        tmp_path, lambda levels, seed: result(0.7 + (levels["model.cell"] == "gru") * STEPS[seed]),
        vary={"model.cell": names},
    )  # fmt: skip
    assert [text for text in texts(tree) if "the same" in text] == [
        "RNN, LSTM and MINGRU give the same test macro-F1 with every seed."
    ]


def test_classes_that_the_same_level_never_finds_stand_in_one_sentence(tmp_path):
    def score(levels, seed):
        found = result(0.74 + STEPS[seed])
        for name in ("hate", "neither") if levels["model.cell"] == "lstm" else ():
            found["per_class"]["test"][name]["f1"] = 0.0
        return found

    said = texts(compared(tmp_path, score))
    assert [text for text in said if "never" in text] == ["LSTM never finds hate and neither: F1 is 0 with every seed."]


def test_of_seeds_that_nobody_would_run_no_number_is_said(tmp_path):
    alike = (0.011, -0.009, 0.01, -0.01)
    tree = compared(tmp_path, lambda levels, seed: result(0.7 + (levels["model.cell"] == "gru") * alike[seed % 4]))
    assert tree["comparisons"][0]["seeds_needed"] > 100
    assert any(text.endswith("; only more than 100 seeds would decide.") for text in texts(tree))


def test_many_levels_that_are_undecided_are_not_all_named(tmp_path):
    sizes = [100 * number for number in range(1, 10)]
    tree = compared(tmp_path, lambda levels, seed: result(0.7 + STEPS[-seed]), vary={"split.train_size": sizes})
    (said,) = [text for text in texts(tree) if "highest mean test macro-F1" in text]
    assert said.startswith("Training size 100 has the highest")
    assert "any of the eight others is undecided" in said


def test_timing_makes_as_many_epochs_as_are_timed():
    tree = {"name": "small", "task": "classify", "data": {"files": ["a.csv"]}, "vary": {"model.cell": ["gru", "lstm"]}}
    planned = plan_study(resolve({**tree, "timing": {"epochs": 1}}), lambda data: "digest")
    assert {(run.settings.train.epochs, run.settings.train.least_steps) for run in planned.timing} == {(1, 0)}
    assert {run.settings.train.least_steps for run in planned.runs} == {1200}


def test_a_file_of_vectors_is_part_of_the_digest(tmp_path):
    (tmp_path / "v.txt").write_text("a 1 2\n")
    found = encoder_digests(EncoderSettings(name="words", vectors=str(tmp_path / "v.txt")))
    assert found == [hashlib.sha256(b"a 1 2\n").hexdigest()]
    assert encoder_digests(EncoderSettings(name="characters")) == []
    with pytest.raises(DataError, match=r"gone\.txt: the word vectors cannot be read"):
        encoder_digests(EncoderSettings(name="words", vectors=str(tmp_path / "gone.txt")))
