"""What classes cost without recurrence: counting them, TF-IDF with linear models, the mean of an encoder's states.

All are fitted on the training part alone and take seconds; a recurrent network has to beat them before anybody should
believe in it. Four of the five read words or the encoder's mean without any order but that of neighbouring words.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from gatewise.errors import InputError
from gatewise.tasks.classify.tfidf import BaselineTexts

__all__ = [
    "BaselineTexts",
    "ClassBaseline",
    "EncoderLogistic",
    "Majority",
    "TfidfBalanced",
    "TfidfLogistic",
    "TfidfSVM",
]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Means = NDArray[np.floating[Any]]

#: Inverse strength of the regularisation: of logistic regression on TF-IDF, on the encoder's mean, of the SVM.
TFIDF_C, MEANS_C, SVM_C = 4.0, 0.1, 0.3
#: Parts that the training part is cut into, to see what scores the SVM gives to texts that it was not fitted on.
FOLDS = 3
#: Steps that a linear model may take; about 100 are taken.
MOST_STEPS = 5000


class ClassBaseline(Protocol):
    """What every baseline of classification does.

    A new one is a class with these methods, and one line in ``gatewise.registry.CLASS_BASELINES``.
    """

    #: Whether `means` have to be given.
    needs_means: ClassVar[bool]

    def fit(self, texts: Sequence[str], labels: Ints, classes: int, means: Means | None = None) -> Self:
        """Learn from the training part.

        Parameters
        ----------
        texts
            n cleaned texts; a :class:`BaselineTexts` shares its TF-IDF with the next baseline.
        labels : (n,)
            Number of each text's class.
        classes
            C.
        means : (n, D), optional
            Mean of the encoder's last states over each text.

        Raises
        ------
        InputError
            If a class has no text, or the arrays do not fit one another.
        """

    def log_probs(self, texts: Sequence[str], means: Means | None = None) -> Floats:
        """Return the natural logarithm of each class's probability, ``(m, C)``; the arguments are those of `fit`."""


class Majority:
    """The commonest class; as probabilities, the classes' shares."""

    needs_means: ClassVar[bool] = False

    def fit(self, texts: Sequence[str], labels: Ints, classes: int, means: Means | None = None) -> Self:  # noqa: ARG002
        """Count the classes; see `ClassBaseline`."""
        counts = np.bincount(_checked(len(texts), labels, classes), minlength=classes)
        self._log_shares = np.log(counts / counts.sum())
        return self

    def log_probs(self, texts: Sequence[str], means: Means | None = None) -> Floats:  # noqa: ARG002
        """Return the same row for each text; see `ClassBaseline`."""
        return np.tile(self._log_shares, (len(texts), 1))


class _Tfidf(ABC):
    """A linear model on TF-IDF."""

    needs_means: ClassVar[bool] = False

    def fit(self, texts: Sequence[str], labels: Ints, classes: int, means: Means | None = None) -> Self:  # noqa: ARG002
        """Fit TF-IDF on the texts, and the model on that; see `ClassBaseline`."""
        labels, texts = _checked(len(texts), labels, classes), BaselineTexts.of(texts)
        self._classes, self._weights = classes, texts.weights()
        self._learn(texts.matrix(self._weights), labels)
        return self

    def log_probs(self, texts: Sequence[str], means: Means | None = None) -> Floats:  # noqa: ARG002
        """Return the model's log-probabilities; see `ClassBaseline`."""
        if not len(texts):
            return np.zeros((0, self._classes))
        return self._log_probs(BaselineTexts.of(texts).matrix(self._weights))

    @abstractmethod
    def _learn(self, features: csr_matrix, labels: Ints) -> None: ...

    @abstractmethod
    def _log_probs(self, features: csr_matrix) -> Floats: ...


class TfidfLogistic(_Tfidf):
    """Logistic regression on TF-IDF."""

    class_weight: ClassVar[str | None] = None

    def _learn(self, features: csr_matrix, labels: Ints) -> None:
        model = LogisticRegression(C=TFIDF_C, class_weight=self.class_weight, max_iter=MOST_STEPS)
        self._model = model.fit(features, labels)

    def _log_probs(self, features: csr_matrix) -> Floats:
        return _logistic_log_probs(self._model, features)


class TfidfBalanced(TfidfLogistic):
    """Logistic regression on TF-IDF in which a text weighs as much more as its class is rarer."""

    class_weight: ClassVar[str | None] = "balanced"


class TfidfSVM(_Tfidf):
    """Linear support vector machine on TF-IDF, its scores made probabilities by a logistic regression over them.

    The regression sees the scores of texts that the machine was not fitted on (Platt 1999, section 2.2): each part of
    three is scored by a machine that was fitted on the others. A class of fewer than three texts cannot be in all of
    them; the softmax of the scores serves then.
    """

    def _learn(self, features: csr_matrix, labels: Ints) -> None:
        self._model, self._calibration = _svm(features, labels), None
        if np.bincount(labels).min() < FOLDS:
            return
        fold, scores = _folds(labels), np.zeros((len(labels), self._model.coef_.shape[0]))
        for number in range(FOLDS):
            there = fold == number
            scores[there] = _scores(_svm(features[~there], labels[~there]), features[there])
        self._calibration = LogisticRegression(C=100.0, max_iter=MOST_STEPS).fit(scores, labels)

    def _log_probs(self, features: csr_matrix) -> Floats:
        scores = _scores(self._model, features)
        if self._calibration is not None:
            return _logistic_log_probs(self._calibration, scores)
        return np.asarray(log_softmax(np.hstack([-scores, scores]) if scores.shape[1] == 1 else scores, axis=1))


class EncoderLogistic:
    """Logistic regression on the mean of the encoder's last states, standardised: the encoder without recurrence."""

    needs_means: ClassVar[bool] = True

    def fit(self, texts: Sequence[str], labels: Ints, classes: int, means: Means | None = None) -> Self:
        """Standardise the means and fit on them; see `ClassBaseline`."""
        labels, means = _checked(len(texts), labels, classes), _given(means, len(texts))
        self._classes, self._scaler = classes, StandardScaler().fit(means)
        self._model = LogisticRegression(C=MEANS_C, max_iter=MOST_STEPS).fit(self._scaler.transform(means), labels)
        return self

    def log_probs(self, texts: Sequence[str], means: Means | None = None) -> Floats:
        """Return the model's log-probabilities; see `ClassBaseline`."""
        means = _given(means, len(texts))
        if not len(means):
            return np.zeros((0, self._classes))
        return _logistic_log_probs(self._model, self._scaler.transform(means))


def _svm(features: csr_matrix, labels: Ints) -> LinearSVC:
    return LinearSVC(C=SVM_C, max_iter=MOST_STEPS, random_state=0).fit(features, labels)


def _scores(model: LinearSVC, features: csr_matrix) -> Floats:
    """Return the distance from each class's border, ``(n, C)``; from the only one, ``(n, 1)``, of two classes."""
    scores = np.asarray(model.decision_function(features), np.float64)
    return scores.reshape(len(scores), -1)


def _folds(labels: Ints) -> Ints:
    """Return the fold of each text: those of a class go round in their order, so that every fold has every class."""
    fold = np.zeros(len(labels), np.int64)
    for number in np.unique(labels):
        rows = np.flatnonzero(labels == number)
        fold[rows] = np.arange(len(rows)) % FOLDS
    return fold


def _logistic_log_probs(model: LogisticRegression, features: Any) -> Floats:
    """Return log-probabilities without the detour over probabilities, which may be 0."""
    scores = np.asarray(model.decision_function(features), np.float64).reshape(features.shape[0], -1)
    if scores.shape[1] == 1:
        scores = np.hstack([np.zeros_like(scores), scores])
    return np.asarray(log_softmax(scores, axis=1))


def _checked(texts: int, labels: Ints, classes: int) -> Ints:
    labels = np.asarray(labels)
    if labels.shape != (texts,):
        raise InputError(f"each training text needs one class (found {texts} texts and labels of {labels.shape})")
    counts = np.bincount(labels, minlength=classes)
    if len(counts) > classes or not counts.all():
        raise InputError(f"a baseline needs a text of each of the {classes} classes (found {counts.tolist()} of each)")
    return labels


def _given(means: Means | None, texts: int) -> Floats:
    if means is None:
        raise InputError("this baseline reads the mean of an encoder's states: name a pretrained encoder")
    if len(means) != texts:
        raise InputError(f"each text needs its encoder's mean (found {texts} texts and {len(means)} means)")
    return np.asarray(means, np.float64)
