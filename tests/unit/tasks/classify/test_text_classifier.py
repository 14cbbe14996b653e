"""`TextClassifier`: scikit-learn's shape, the types of labels, what texts may come in, and clear errors."""

import re

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from class_samples import QUICK, labelled_texts
from gatewise import TextClassifier
from gatewise.errors import DataError, InputError, SettingsError

TEXTS, LABELS = labelled_texts(60)
NAMES = ("bad", "good", "plain")


def fitted(labels=LABELS, texts=TEXTS, **flat):
    return TextClassifier(**{**QUICK, **flat}).fit(texts, labels)


@pytest.fixture(scope="module")
def model():
    return fitted(epochs=4)


# --------------------------------------------------------------------------------------------------------- scikit-learn


def test_parameters_are_kept_and_cloned():
    one = TextClassifier(**QUICK, cell="gru")
    assert one.get_params()["cell"] == "gru"
    copy = clone(one).set_params(units=7, cleaning=("none",))
    assert (copy.get_params()["units"], one.get_params()["units"]) == (7, 4)
    assert not hasattr(copy, "model_")
    assert one.get_params()["test_size"] == 0.0  # in Python nothing is held out unless asked
    assert clone(one.fit(TEXTS, LABELS)).get_params() == one.get_params()
    with pytest.raises(SettingsError, match="cel: unknown setting: did you mean 'cell'"):
        TextClassifier(cel="gru")
    with pytest.raises(SettingsError, match="unknown cell 'grru'"):
        fitted(cell="grru")


def test_it_can_be_cross_validated():
    scores = cross_val_score(TextClassifier(**{**QUICK, "epochs": 12}), TEXTS * 2, LABELS * 2, cv=3)
    assert scores.shape == (3,)
    assert scores.mean() > 0.6  # a third is chance
    found = GridSearchCV(TextClassifier(**QUICK), {"cell": ["gru", "mingru"]}, cv=2).fit(TEXTS, LABELS)
    assert found.best_params_["cell"] in ("gru", "mingru")


def test_it_stands_in_a_pipeline():
    shout = FunctionTransformer(lambda texts: [text.upper() for text in texts])
    pipeline = make_pipeline(shout, TextClassifier(**QUICK)).fit(TEXTS, LABELS)
    alone = fitted(texts=[text.upper() for text in TEXTS])
    np.testing.assert_array_equal(
        pipeline.predict_proba(TEXTS[:9]), alone.predict_proba([t.upper() for t in TEXTS[:9]])
    )


def test_predictions_are_the_likeliest_classes(model):
    probs = model.predict_proba(TEXTS)
    assert probs.shape == (60, 3)
    np.testing.assert_allclose(probs.sum(axis=1), 1.0)
    np.testing.assert_array_equal(model.predict(TEXTS), model.classes_[probs.argmax(axis=1)])
    np.testing.assert_allclose(np.exp(model.predict_log_proba(TEXTS)), probs)
    tuned = model.classes_[(np.log(probs) + model.model_.offsets).argmax(axis=1)]
    np.testing.assert_array_equal(model.predict(TEXTS, tuned=True), tuned)
    assert model.score(TEXTS, LABELS) == pytest.approx(np.mean(model.predict(TEXTS) == LABELS))
    assert len(set(model.predict(TEXTS))) > 1


# --------------------------------------------------------------------------------------------------------------- labels


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (LABELS, np.array([0, 1, 2])),
        (np.array(LABELS, np.uint8), np.array([0, 1, 2], np.uint8)),
        ([label - 1 for label in LABELS], np.array([-1, 0, 1])),
        ([(2, 10, 1)[label] for label in LABELS], np.array([1, 2, 10])),
        ([float(label) for label in LABELS], np.array([0.0, 1.0, 2.0])),
        ([label > 0 for label in LABELS], np.array([False, True])),
        ([NAMES[label] for label in LABELS], np.array(NAMES)),
        (np.array([NAMES[label] for label in LABELS], object), np.array(NAMES)),
        ([("a ", "b", "c")[label] for label in LABELS], np.array(["a ", "b", "c"])),
        (pl.Series(LABELS), np.array([0, 1, 2])),
    ],
    ids=["int", "uint8", "negative", "order", "float", "bool", "str", "object", "spaces", "polars"],
)
def test_classes_have_the_type_of_the_labels_and_keep_it_on_disk(labels, classes, tmp_path):
    before = fitted(labels)
    np.testing.assert_array_equal(before.classes_, classes)
    assert before.classes_.dtype == classes.dtype
    assert before.predict(TEXTS[:3]).dtype == classes.dtype
    assert before.score(TEXTS, labels) > 0
    before.save(tmp_path / "model")
    after = TextClassifier.load(tmp_path / "model")
    assert type(after.classes_.tolist()[0]) is type(classes.tolist()[0])
    np.testing.assert_array_equal(after.predict(TEXTS), before.predict(TEXTS))
    assert after.score(TEXTS, labels) == before.score(TEXTS, labels)
    assert after.explain(TEXTS[0], classes[1]) == before.explain(TEXTS[0], classes[1])


def test_codes_with_names_become_names(tmp_path):
    model = fitted(names={0: "bad", 1: "good", 2: "plain"})
    assert model.classes_.tolist() == list(NAMES)
    assert set(model.predict(TEXTS)) <= set(NAMES)
    pl.DataFrame({"words": TEXTS, "label": LABELS}).write_csv(tmp_path / "codes.csv")
    pl.DataFrame({"words": TEXTS, "label": [NAMES[label] for label in LABELS]}).write_csv(tmp_path / "names.csv")
    assert model.evaluate(tmp_path / "codes.csv") == model.evaluate(tmp_path / "names.csv")
    assert model.evaluate([tmp_path / "codes.csv"])["metrics"]["accuracy"] == pytest.approx(
        np.mean(model.predict(TEXTS) == [NAMES[label] for label in LABELS])
    )


def test_files_give_names_and_their_columns_are_remembered(tmp_path):
    pl.DataFrame({"words": TEXTS, "mood": LABELS}).write_csv(tmp_path / "a.csv")
    model = TextClassifier(**QUICK, text="words", label="mood").fit(files=tmp_path / "a.csv")
    assert model.classes_.tolist() == ["0", "1", "2"]
    assert model.evaluate(tmp_path / "a.csv")["texts"] == 60
    model.save(tmp_path / "model")
    after = TextClassifier.load(tmp_path / "model")
    assert after.classes_.tolist() == ["0", "1", "2"]
    assert after.evaluate(tmp_path / "a.csv") == model.evaluate(tmp_path / "a.csv")


# ---------------------------------------------------------------------------------------------------------------- texts


@pytest.mark.parametrize("kind", [tuple, iter, np.array, pl.Series, lambda texts: np.array(texts, object)])
def test_texts_in_any_container(model, kind):
    expected = model.predict_proba(TEXTS[:7])
    np.testing.assert_array_equal(model.predict_proba(kind(TEXTS[:7])), expected)


def test_pandas():
    pandas = pytest.importorskip("pandas")
    index = range(100, 160)
    model = fitted(pandas.Series(LABELS, index=index), pandas.Series(TEXTS, index=index))
    np.testing.assert_array_equal(model.predict_proba(TEXTS), fitted().predict_proba(TEXTS))
    words = pandas.Series([NAMES[label] for label in LABELS], dtype="category")
    assert fitted(words, pandas.Series(TEXTS, dtype="string")).classes_.tolist() == list(NAMES)
    with pytest.raises(DataError, match=r"Series of texts is expected .found DataFrame"):
        model.predict(pandas.DataFrame({"text": TEXTS}))
    with pytest.raises(DataError, match="text 1: a text is expected"):
        model.predict(pandas.Series(["a", None]))


def test_no_texts_have_no_answers(model):
    assert model.predict([]).tolist() == []
    assert model.predict_proba([]).shape == (0, 3)


def test_batches_change_nothing(model, monkeypatch):
    expected = model.predict_log_proba(TEXTS)
    monkeypatch.setattr("gatewise.tasks.classify.model._AT_ONCE", 7)
    np.testing.assert_allclose(model.predict_log_proba(TEXTS), expected, rtol=1e-4, atol=1e-6)


BAD_TEXTS = {
    "one text": ("so kind", "put it into a list"),
    "missing": (["so kind", None], "text 1: a text is expected (found NoneType)"),
    "number": ([3], "text 0: a text is expected (found int)"),
    "bytes": ([b"a"], "text 0: a text is expected (found bytes)"),
    "nothing": (None, "found NoneType"),
    "mapping": ({"a": "b"}, "found dict"),
    "table": (np.array([["a"], ["b"]]), "text 0: a text is expected (found ndarray)"),
    "frame": (pl.DataFrame({"text": ["a"]}), "found DataFrame"),
    "half a pair": (["fine", "so \ud83d kind"], "text 1: character 3 is half of a pair"),
}


@pytest.mark.parametrize("case", BAD_TEXTS)
def test_what_is_no_list_of_texts(model, case):
    texts, said = BAD_TEXTS[case]
    for call in (model.predict, model.predict_proba, lambda some: TextClassifier(**QUICK).fit(some, LABELS)):
        if texts is None and call not in (model.predict, model.predict_proba):
            continue
        with pytest.raises(DataError, match=re.escape(said)):
            call(texts)


# --------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("labels", "more", "said"),
    [
        (LABELS[1:], {}, "60 texts and 59 labels"),
        ([1] * 60, {}, "nothing to tell apart"),
        ([None, *LABELS[1:]], {}, "row 0 has no label"),
        ([[label] for label in LABELS], {}, "found shape (60, 1)"),
        (LABELS, {"votes": [[1, 0, 0]] * 30}, "a row for each of the 60 texts"),
        (LABELS, {"votes": [[1, 0]] * 60}, "2 columns"),
        (LABELS, {"votes": [[1, -2, 0]] * 60}, "-2 is no number of votes"),
        (LABELS, {"groups": ["a"] * 59}, "60 texts and 59 groups"),
    ],
)
def test_labels_that_do_not_fit(labels, more, said):
    with pytest.raises(DataError, match=re.escape(said)):
        TextClassifier(**QUICK).fit(TEXTS, labels, **more)


def test_what_stands_beside_texts_and_labels():
    with pytest.raises(SettingsError, match="not both"):
        TextClassifier(**QUICK).fit(TEXTS, LABELS, files="a.csv")
    for given in ((TEXTS,), (None, LABELS), ()):
        with pytest.raises(SettingsError, match="give texts and labels, or files"):
            TextClassifier(**QUICK).fit(*given)


def test_before_it_is_fitted(tmp_path):
    one = TextClassifier(**QUICK)
    for call in (lambda: one.predict(TEXTS), lambda: one.explain("a"), lambda: one.save(tmp_path / "model")):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            call()
    assert not (tmp_path / "model").exists()


def test_no_thresholds_without_validation():
    with pytest.raises(InputError, match="no thresholds"):
        fitted(validation_size=0).predict(TEXTS, tuned=True)


def test_a_class_that_is_not_there(model, tmp_path):
    for label in (7, "7"):
        with pytest.raises(InputError, match=re.escape(f"there is no class {label!r}")):
            model.explain("so kind", label)
    assert model.explain("sun awful", 1) == model.explain("sun awful", "1")
    pl.DataFrame({"text": TEXTS, "label": ["zzz", *LABELS[1:]]}, strict=False).write_csv(tmp_path / "a.csv")
    with pytest.raises(DataError, match="the model knows no class 'zzz'"):
        model.evaluate(tmp_path / "a.csv")
    pl.DataFrame({"text": TEXTS}).write_csv(tmp_path / "b.csv")
    with pytest.raises(DataError, match="no column looks like labels"):
        model.evaluate(tmp_path / "b.csv")


def test_explanations_fall_where_the_word_matters():
    model = fitted(epochs=30, learning_rate=0.03)
    assert model.score(TEXTS, LABELS) > 0.9
    effects = {one.word: one.effect for one in model.explain("sun moon awful house", 0)}
    assert max(effects, key=effects.get) == "awful"
