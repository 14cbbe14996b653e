"""Baselines of classification: what each is made of, and that TF-IDF is worked out once."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from gatewise.errors import InputError
from gatewise.metrics import class_metrics
from gatewise.tasks.classify import tfidf
from gatewise.tasks.classify.baselines import EncoderLogistic, Majority, TfidfBalanced, TfidfLogistic, TfidfSVM
from gatewise.tasks.classify.tfidf import BaselineTexts, TfidfWeights

TEXTS = ["good film", "bad film", "good play", "bad play", "good good film", "odd"] * 5
LABELS = np.array([1, 0, 1, 0, 1, 0] * 5)


def rare(n=600, seed=0):
    """Return texts of which one in ten is of class 1; a word says so in most of them, and in some others too."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 10 == 0).astype(int)
    told = np.where(labels, rng.random(n) < 0.7, rng.random(n) < 0.15)
    return [f"{'ugly' if one else 'nice'} day number {rng.integers(9)}" for one in told], labels


def test_the_majority_says_the_shares():
    log_probs = Majority().fit(["a"] * 4, np.array([0, 1, 1, 1]), 2).log_probs(["x", "y"])
    assert np.exp(log_probs).tolist() == [pytest.approx([0.25, 0.75])] * 2


def test_tfidf_is_that_of_words_and_characters_beside_one_another():
    matrix = TfidfWeights(TEXTS).matrix(["good bad film"]).toarray()
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2).fit(TEXTS)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=2).fit(TEXTS)
    expected = np.hstack([one.transform(["good bad film"]).toarray() for one in (words, characters)])
    assert matrix == pytest.approx(expected)


def test_where_nothing_stands_in_two_texts_one_is_enough():
    assert TfidfWeights(["alpha", "beta"]).matrix(["alpha"]).nnz > 0
    assert TfidfWeights(["a", "b c"]).matrix(["b"]).nnz > 0  # no word of two letters: characters alone
    with pytest.raises(InputError, match="no word and no three characters"):
        TfidfWeights(["", " "])


def test_three_baselines_count_once(monkeypatch):
    made = []

    class Counted(TfidfWeights):
        def __init__(self, texts):
            made.append("fit")
            super().__init__(texts)

        def matrix(self, texts):
            made.append("matrix")
            return super().matrix(texts)

    monkeypatch.setattr(tfidf, "TfidfWeights", Counted)
    train, test = BaselineTexts(TEXTS), BaselineTexts(TEXTS[:7])
    for kind in (TfidfLogistic, TfidfBalanced, TfidfSVM):
        baseline = kind().fit(train, LABELS, 2)
        shared = baseline.log_probs(test)
        assert (kind().fit(TEXTS, LABELS, 2).log_probs(TEXTS[:7]) == shared).all()
    assert made.count("fit") == 1 + 3  # once for all that share, once for each that does not
    assert made.count("matrix") == 2 + 6
    assert (list(test), test[0], test[:2], len(test)) == (TEXTS[:7], TEXTS[0], TEXTS[:2], 7)


def test_texts_asked_by_another_fit_are_counted_anew():
    test = BaselineTexts(["good film", "vile tale"])
    first, second = TfidfWeights(TEXTS), TfidfWeights(["vile tale", "vile day"])
    assert test.matrix(first).shape[1] != test.matrix(second).shape[1]
    assert test.matrix(first).toarray() == pytest.approx(first.matrix(list(test)).toarray())


def test_balanced_calls_more_of_the_rare_class():
    texts, labels = rare()
    plain, balanced = (
        kind().fit(texts, labels, 2).log_probs(texts).argmax(axis=1) for kind in (TfidfLogistic, TfidfBalanced)
    )
    assert balanced.sum() > plain.sum()


def test_probabilities_of_the_machine_are_calibrated_on_texts_it_was_not_fitted_on():
    rng = np.random.default_rng(1)
    texts = [" ".join(rng.choice([f"word{k}" for k in range(300)], 8)) for _ in range(600)]  # nothing to be learned
    labels = rng.integers(0, 3, 600)
    machine = TfidfSVM().fit(texts[:400], labels[:400], 3)
    assert class_metrics(labels[400:], np.exp(machine.log_probs(texts[400:])))["nats"] < np.log(3) + 0.05


def test_the_machine_without_enough_texts_of_a_class():
    baseline = TfidfSVM().fit(["good film", "good play", "bad film", "odd"], np.array([0, 0, 1, 2]), 3)
    assert baseline.log_probs(["good", "odd"]).argmax(axis=1).tolist() == [0, 2]


def test_the_encoder_is_needed_where_it_is_read():
    means = np.random.default_rng(0).normal(size=(30, 4)) * [1, 1, 1000, 0] + LABELS[:, None] * [2, 0, 0, 0]
    baseline = EncoderLogistic().fit(TEXTS, LABELS, 2, means)
    assert (baseline.log_probs(TEXTS, means).argmax(axis=1) == LABELS).mean() > 0.8
    with pytest.raises(InputError, match="name a pretrained encoder"):
        EncoderLogistic().fit(TEXTS, LABELS, 2)
    with pytest.raises(InputError, match="30 texts and 2 means"):
        baseline.log_probs(TEXTS, means[:2])
