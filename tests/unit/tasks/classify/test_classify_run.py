"""A whole run in memory or in a folder: empty texts, temperature, baselines, the folder's files and its fingerprint."""

import json

import numpy as np
import polars as pl
import pytest

from class_samples import QUICK, labelled_texts
from encoder_folders import make_encoder
from gatewise.data.labelled import labelled_of
from gatewise.errors import OutputError, SettingsError
from gatewise.runs import RunFolder
from gatewise.settings import ClassifySettings
from gatewise.tasks.classify import beside, reader, run, saved
from gatewise.tasks.classify.baselines import BaselineTexts, Majority
from gatewise.tasks.classify.beside import answer_all
from gatewise.tasks.classify.judge import Settled
from gatewise.tasks.classify.run import fit_classify, prepare, run_classify
from gatewise.training import Brief


def fitted(texts, labels, *, votes=None, **flat):
    """Return what a run finds of texts at hand."""
    settings = ClassifySettings.from_flat({**QUICK, **flat})
    prepared = prepare(settings, labelled_of(texts, labels, settings.data, votes=votes))
    return fit_classify(settings, prepared), prepared


@pytest.fixture(scope="module")
def ordinary():
    texts, labels = labelled_texts(120)
    return fitted(texts, labels, epochs=3, baselines=("tfidf_logistic",), wanted_recall={"1": 0.8}, explained=2)


# --------------------------------------------------------------------------------------------------------------- result


def test_predictions_have_a_row_for_every_text_of_validation_and_test(ordinary):
    outcome, prepared = ordinary
    frame, split = outcome.predictions, prepared.split
    assert frame["part"].to_list() == ["validation"] * len(split.validation) + ["test"] * len(split.test)
    rows = np.concatenate([split.validation, split.test])
    assert frame["text"].to_list() == [prepared.labelled.texts[row] for row in rows]
    assert frame["label"].to_list() == [str(row % 3) for row in rows]
    assert frame["row"].to_list() == rows.tolist()
    probs = frame.select("prob_0", "prob_1", "prob_2").to_numpy()
    np.testing.assert_allclose(probs.sum(axis=1), 1.0)
    assert frame["predicted"].to_list() == [str(number) for number in probs.argmax(axis=1)]
    tuned = (np.log(probs) + outcome.model.offsets).argmax(axis=1)
    assert frame["tuned"].to_list() == [str(number) for number in tuned]


def test_the_temperature_is_in_every_probability(ordinary):
    outcome, prepared = ordinary
    model, frame = outcome.model, outcome.predictions
    assert model.temperature != 1.0
    log_probs = model.log_probs(frame["text"].to_list())
    np.testing.assert_allclose(np.exp(log_probs), frame.select(pl.col("^prob_.*$")).to_numpy(), rtol=1e-5)
    validation = frame["part"].to_numpy() == "validation"
    uncalibrated = log_probs[validation] * model.temperature  # up to a constant in each row
    again = Settled.on(uncalibrated, prepared.labelled.labels[prepared.split.validation])
    assert again.temperature == pytest.approx(model.temperature, rel=1e-3)
    np.testing.assert_allclose(again.offsets, model.offsets, atol=0.01)
    assert outcome.result["calibration"]["temperature"] == model.temperature


def test_baselines_are_settled_on_validation_as_the_network_is(ordinary, monkeypatch):
    outcome, prepared = ordinary
    labelled, split = prepared.labelled, prepared.split
    seen = []
    real = Settled.on.__func__
    monkeypatch.setattr(
        Settled, "on", classmethod(lambda cls, log_probs, target: seen.append(target) or real(cls, log_probs, target))
    )
    inputs = prepared.reader.read(labelled.clean)
    found = answer_all(("tfidf_logistic",), labelled, split, inputs.features)
    assert list(found) == ["majority", "tfidf_logistic"]  # the first is always there
    for target in seen:
        np.testing.assert_array_equal(target, labelled.labels[split.validation])
    for one in found.values():
        np.testing.assert_array_equal(one.target, labelled.labels[split.test])
        assert one.offsets is not None
    made = Majority()
    made.fit(BaselineTexts([labelled.clean[row] for row in split.train]), labelled.labels[split.train], 3)
    expected = made.log_probs(BaselineTexts([labelled.clean[row] for row in split.test]))
    np.testing.assert_allclose(np.exp(found["majority"].log_probs), np.exp(expected), atol=0.2)
    for name, answers in found.items():
        assert outcome.result["baselines"][name]["test"] == answers.metrics


def test_parts_that_are_not_asked_for():
    texts, labels = labelled_texts(60)
    outcome, _ = fitted(texts, labels, test_size=0.0, validation_size=0.0)
    assert set(outcome.result["metrics"]) == {"train"}
    assert (outcome.result["baselines"], outcome.result["verdict"], outcome.result["thresholds"]) == ({}, None, None)
    assert (outcome.model.offsets, outcome.model.temperature) == (None, 1.0)
    assert outcome.predictions.is_empty()


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    texts, labels = labelled_texts(60)
    one, again, other = (fitted(texts, labels, seed=seed)[0] for seed in (0, 0, 1))
    assert one.predictions.equals(again.predictions)
    assert not one.predictions.equals(other.predictions)


def test_votes_stand_beside_mistakes_and_in_the_agreement():
    texts, labels = labelled_texts(90)
    votes = np.eye(3)[labels] * 3
    votes[::2] += 1
    outcome, _ = fitted(texts, labels, votes=votes, explained=5, vote_share=0.5)
    assert set(outcome.result["agreement"]) == {"unanimous", "contested"}
    assert all(len(mistake["votes"]) == 3 for mistake in outcome.result["mistakes"])


def test_mistakes_name_words_that_stand_where_they_are_said(ordinary):
    outcome, _ = ordinary
    wrong = outcome.predictions.filter((pl.col("part") == "test") & (pl.col("label") != pl.col("predicted")))
    mistakes = outcome.result["mistakes"]
    assert len(mistakes) == min(2, len(wrong))
    for mistake in mistakes:
        row = wrong.filter(row=mistake["row"]).row(0, named=True)
        assert (mistake["text"], mistake["label"], mistake["predicted"]) == (
            row["text"],
            row["label"],
            row["predicted"],
        )
        assert mistake["prob"] == pytest.approx(row[f"prob_{mistake['predicted']}"])
        assert {mistake["text"][start:end] for start, end, _ in mistake["words"]} <= set(mistake["text"].split())


def test_what_was_cut_off_is_counted_and_said():
    texts, labels = labelled_texts(60)
    long = [" ".join(["sun"] * 12)] * 3
    outcome, _ = fitted([*texts, *long], [*labels, 0, 1, 2], max_tokens=10)
    assert outcome.result["cut"]["texts"] == 3
    assert outcome.result["cut"]["tokens"] == 6
    read = sum(len(text.split()) for text in texts) + 30
    assert outcome.result["cut"]["share"] == pytest.approx(6 / (6 + read))
    assert any("3 of 63 texts are longer" in note for note in outcome.result["notes"])


# ---------------------------------------------------------------------------------------------------------- empty texts


def with_empty(count=90):
    """Return texts of which cleaning leaves nothing in every sixth row, and classes."""
    texts, labels = labelled_texts(count)
    return [" " * (1 + row) if row % 6 == 1 else text for row, text in enumerate(texts)], labels


def test_empty_texts_get_the_classes_shares_and_never_train(monkeypatch):
    texts, labels = with_empty()
    trained = []
    real = run.ClassifyTask
    monkeypatch.setattr(run, "ClassifyTask", lambda *args, **rest: trained.append(rest) or real(*args, **rest))
    outcome, prepared = fitted(texts, labels, seed=1)
    empty = {row for row, text in enumerate(texts) if not text.strip()}
    assert not empty & set(trained[0]["train"].tolist())
    assert not empty & set(trained[0]["validation"].tolist())
    train = prepared.split.train
    assert empty & set(train.tolist())
    shares = np.bincount(np.array(labels)[train], minlength=3) / len(train)
    bare = outcome.predictions.filter(pl.col("text").str.strip_chars() == "")
    assert len(bare)
    np.testing.assert_allclose(bare.select(pl.col("^prob_.*$")).to_numpy(), np.tile(shares, (len(bare), 1)))
    assert outcome.result["empty"] == len(empty)
    assert any("classes' shares" in note for note in outcome.result["notes"])


@pytest.mark.parametrize("cleaning", [("tweets",), ("none",), ("repeats",)])
def test_predicting_takes_the_same_texts_for_empty_as_training(cleaning):
    texts, labels = labelled_texts(60)
    outcome, _ = fitted(texts, labels, cleaning=cleaning)
    found = np.exp(outcome.model.log_probs(["", "   ", "sun awful"]))
    np.testing.assert_allclose(found[:2], np.tile(outcome.model.prior, (2, 1)))
    assert np.abs(found[2] - outcome.model.prior).max() > 1e-4


def test_empty_texts_may_be_left_out():
    texts, labels = with_empty()
    outcome, prepared = fitted(texts, labels, empty="drop")
    assert outcome.result["empty"] == 0
    assert len(prepared.labelled) == sum(bool(text.strip()) for text in texts)


# ------------------------------------------------------------------------------------------------------ refused at once


@pytest.mark.parametrize(
    ("flat", "said"),
    [
        ({"wanted_recall": {"hate": 0.8}}, "there is no class 'hate'"),
        ({"wanted_precision": {"00": 0.8}}, "there is no class '00'"),
        ({"harmless": "nobody"}, "there is no class 'nobody'"),
    ],
)
def test_settings_that_do_not_fit_the_classes(flat, said):
    texts, labels = labelled_texts(60)
    with pytest.raises(SettingsError, match=said):
        fitted(texts, labels, **flat)


# --------------------------------------------------------------------------------------------------------------- folder


@pytest.fixture
def table(tmp_path):
    texts, labels = labelled_texts(60)
    pl.DataFrame({"text": texts, "label": labels}).write_csv(tmp_path / "data.csv")
    return tmp_path / "data.csv"


def settings_of(table, **flat):
    return ClassifySettings.from_flat({**QUICK, "files": [str(table)], "text": "text", "label": "label", **flat})


def test_a_run_folder_holds_what_the_run_found(table, tmp_path):
    result = run_classify(settings_of(table), tmp_path / "run")
    place = RunFolder(tmp_path / "run")
    assert place.read_result() == json.loads(json.dumps(result))
    assert ClassifySettings.model_validate(place.read_settings()) == settings_of(table)
    assert [row["epoch"] for row in place.read_log()] == [1]
    assert {"validation_accuracy", "validation_f1_macro"} <= set(place.read_log()[0])
    assert not place.checkpoint_path.exists()
    model, kept = saved.load(tmp_path / "run")
    frame = place.read_predictions()
    probs = np.exp(model.log_probs(frame["text"].to_list()))
    np.testing.assert_allclose(probs, frame.select(pl.col("^prob_.*$")).to_numpy(), rtol=1e-5)
    assert kept["metrics"] == place.read_result()["metrics"]


def test_a_finished_run_is_not_trained_again_and_other_data_are_refused(table, tmp_path, monkeypatch):
    first = run_classify(settings_of(table), tmp_path / "run")
    monkeypatch.setattr(run, "train", None)
    assert run_classify(settings_of(table), tmp_path / "run") == json.loads(json.dumps(first))
    for other in ({"units": 5}, {"cleaning": ("none",)}):
        with pytest.raises(OutputError, match=next(iter(other))):
            run_classify(settings_of(table, **other), tmp_path / "run")
    table.write_text(table.read_text() + "one more,1\n")
    with pytest.raises(OutputError, match="other content"):
        run_classify(settings_of(table), tmp_path / "run")


def test_nothing_is_written_without_a_folder(table, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    assert run_classify(settings_of(table), None)["folder"] is None
    assert sorted(tmp_path.rglob("*")) == before


def test_an_encoder_that_changed_is_another_run(table, tmp_path):
    encoder = make_encoder(tmp_path / "bert")
    settings = settings_of(table, encoder=str(encoder), encoder_layers=(-1,))
    result = run_classify(settings, tmp_path / "run")
    assert result["encoder"]["fresh"] > 50  # words that it does not know make some texts equal
    assert result["encoder"]["texts"] == 60
    assert run_classify(settings, None)["encoder"]["fresh"] == 0
    make_encoder(tmp_path / "bert", width=12)
    with pytest.raises(OutputError, match="other content"):
        run_classify(settings, tmp_path / "run")


def test_baselines_learn_from_some_texts_of_every_class_where_there_are_many(monkeypatch):
    seen = []
    real = Majority.fit

    def fit(self, texts, labels, classes, means=None):
        seen.append(np.bincount(labels, minlength=classes).tolist())
        return real(self, texts, labels, classes, means)

    monkeypatch.setattr(Majority, "fit", fit)
    monkeypatch.setattr(beside, "MOST_TEXTS", 12)
    texts, labels = labelled_texts(90)
    outcome, prepared = fitted(texts, labels)
    assert [len(seen), max(seen[0]) - min(seen[0]) <= 1, 12 <= sum(seen[0]) <= 14] == [1, True, True]
    count = len(prepared.split.train)
    assert f"the baselines learn from 12 of the {count} training texts, some of every class" in outcome.result["notes"]


def test_a_run_that_is_refused_while_it_encodes_leaves_no_folder(tmp_path, monkeypatch):
    texts, labels = labelled_texts(60)
    table = tmp_path / "t.csv"
    pl.DataFrame({"text": texts, "label": labels}).write_csv(table)
    monkeypatch.setenv("GATEWISE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GATEWISE_CACHE_LIMIT_GB", "0.000001")
    encoder = make_encoder(tmp_path / "encoder", "bert")
    settings = ClassifySettings.from_flat({**QUICK, "files": [str(table)], "encoder": str(encoder)})
    with pytest.raises(SettingsError, match="the cache may hold"):
        run_classify(settings, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert not list((tmp_path / "cache" / "encoders" / "states").glob("[0-9a-f]*/"))


def test_a_long_encoding_is_announced_with_size_and_time(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GATEWISE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(reader, "_WORTH_SAYING", 0.0)
    texts, labels = labelled_texts(60)
    settings = ClassifySettings.from_flat({**QUICK, "encoder": str(make_encoder(tmp_path / "encoder", "bert"))})
    prepared = prepare(settings, labelled_of(texts, labels, settings.data))
    for said in (1, 0):  # the second time all is in the cache
        fit_classify(settings, prepared, progress=Brief())
        assert capsys.readouterr().err.count("go through the encoder") == said
