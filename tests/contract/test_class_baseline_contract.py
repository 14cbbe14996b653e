"""Every registered baseline of classification fits, is honest about what it says, and sees the training part alone."""

import numpy as np
import pytest

from gatewise import registry
from gatewise.errors import InputError
from gatewise.metrics import class_metrics
from gatewise.tasks.classify.tfidf import BaselineTexts

WORDS = (["awful", "terrible", "vile"], ["lovely", "splendid", "kind"], ["plain", "usual", "grey"])
FILLER = ["the", "film", "was", "so", "very", "and", "then", "we", "went", "home"]


def texts_of(classes, n, seed):
    """Return texts whose class shows in a word, classes of which the first is commonest, and means of an encoder."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes).repeat(3), np.minimum(rng.geometric(0.6, n) - 1, classes - 1)])
    texts = [" ".join([*rng.choice(FILLER, 4), rng.choice(WORDS[label]), *rng.choice(FILLER, 2)]) for label in labels]
    means = rng.normal(size=(len(labels), 8)) + 5.0 * np.eye(classes, 8)[labels]
    return texts, labels, means.astype(np.float32)


@pytest.fixture(scope="module", params=[2, 3], ids=["two classes", "three classes"])
def classes(request):
    return request.param


@pytest.fixture(scope="module", params=registry.CLASS_BASELINES.names())
def kind(request):
    return registry.CLASS_BASELINES.load(request.param)


@pytest.fixture(scope="module")
def fitted(kind, classes):
    texts, labels, means = texts_of(classes, 150, 0)
    return kind().fit(texts, labels, classes, means if kind.needs_means else None)


def say(baseline, texts, means):
    return baseline.log_probs(texts, means if baseline.needs_means else None)


def test_it_gives_distributions(fitted, classes):
    texts, _, means = texts_of(classes, 60, 1)
    found = say(fitted, texts, means)
    assert found.shape == (len(texts), classes)
    assert found.dtype == np.float64
    assert np.isfinite(found).all()
    assert np.exp(found).sum(axis=1) == pytest.approx(1.0, abs=1e-9)


def test_it_learns(fitted, kind, classes):
    texts, labels, means = texts_of(classes, 60, 1)
    found = class_metrics(labels, np.exp(say(fitted, texts, means)))
    shares = np.bincount(labels) / len(labels)
    assert found["accuracy"] == pytest.approx(shares[0]) if kind.__name__ == "Majority" else found["accuracy"] > 0.95


def test_unseen_words_an_empty_text_and_no_text(fitted, classes):
    strange = ["", " ", "zzzz qqqq", "\u4f60\u597d", "a"]
    means = np.zeros((5, 8), np.float32)
    assert np.isfinite(say(fitted, strange, means)).all()
    assert say(fitted, [], means[:0]).shape == (0, classes)


def test_a_text_is_judged_alone(fitted, classes):
    texts, _, means = texts_of(classes, 20, 2)
    together = say(fitted, texts, means)
    alone = [say(fitted, [text], mean[None])[0] for text, mean in zip(texts, means, strict=True)]
    assert np.asarray(alone) == pytest.approx(together, abs=1e-9)


def test_it_sees_the_training_part_alone_and_is_the_same_twice(kind, fitted, classes):
    texts, labels, means = texts_of(classes, 150, 0)
    test, _, test_means = texts_of(classes, 30, 3)
    expected = say(fitted, test, test_means)
    train, other = BaselineTexts(texts), BaselineTexts(["awful lovely plain"] * 50)
    say(fitted, other, np.full((50, 8), 99.0))  # what is judged must leave no trace
    again = kind().fit(train, labels, classes, means if kind.needs_means else None)
    say(again, other, np.full((50, 8), 99.0))
    assert (say(again, test, test_means) == expected).all()
    shuffled = kind().fit(texts, (labels + 1) % classes, classes, means if kind.needs_means else None)
    assert not np.allclose(say(shuffled, test, test_means), expected)  # the labels do reach it


@pytest.mark.parametrize("labels", [[0, 0, 1], [0, 0, 0, 0], [0, 1, 2, 0]], ids=["short", "one class", "third class"])
def test_labels_that_do_not_fit_are_refused(kind, labels):
    with pytest.raises(InputError, match=r"each training text|each of the 2 classes"):
        kind().fit(["good film"] * 4, np.array(labels), 2, np.zeros((4, 8)))


def test_two_texts_are_enough(kind):
    baseline = kind().fit(["good film", "bad play"], np.array([0, 1]), 2, np.eye(2))
    assert np.isfinite(say(baseline, ["good", "play"], np.eye(2))).all()
