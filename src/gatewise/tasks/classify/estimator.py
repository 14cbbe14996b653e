"""`TextClassifier`: texts to classes in scikit-learn's shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.exceptions import NotFittedError

from gatewise.data.labelled import Labelled, Texts, labelled_of, read_labelled, read_texts
from gatewise.data.labelled.labels import plain_codes
from gatewise.errors import DataError, InputError, SettingsError, did_you_mean
from gatewise.metrics.classify import per_class
from gatewise.metrics.confusion import confusion
from gatewise.metrics.own import own_metrics
from gatewise.settings import ClassifySettings
from gatewise.tasks.classify import saved
from gatewise.tasks.classify.explain import WordEffect, occlusion
from gatewise.tasks.classify.judge import Answers
from gatewise.tasks.classify.model import ClassifyModel
from gatewise.tasks.classify.run import fit_classify, prepare
from gatewise.tasks.estimator import SettingsEstimator


class TextClassifier(ClassifierMixin, SettingsEstimator):  # type: ignore[misc]
    """Recurrent network over a frozen encoder, or over vectors of words, that says which class a text is of.

    Parameters
    ----------
    **settings
        Every setting of a classification run by its flat name, e.g. ``encoder="minilm"``, ``cell="gru"``,
        ``epochs=3``, ``cleaning=["report"]``. The documentation lists them with their defaults. In Python nothing is
        held out (``test_size=0``) unless asked: whoever calls ``fit`` has usually split already.

    Attributes
    ----------
    classes_ : ndarray
        The classes in the order of ``predict_proba``'s columns, of the type that ``y`` had.
    result_ : dict
        What the run found, as in ``result.json``: metrics, baselines, verdict.
    predictions_ : polars.DataFrame
        A row for every text of the validation and test parts.
    history_ : list of dict
        A row an epoch.

    Raises
    ------
    SettingsError
        If a setting does not exist; values are checked by ``fit``.

    Examples
    --------
    >>> from gatewise import TextClassifier
    >>> texts = ["what a lovely day", "I love this", "how awful", "this is bad"] * 10
    >>> labels = ["good", "good", "bad", "bad"] * 10
    >>> model = TextClassifier(units=8, embedding=16, head=[], epochs=20, near_duplicates="apart").fit(texts, labels)
    >>> model.predict(["a lovely day"]).tolist()
    ['good']
    """

    SETTINGS = ClassifySettings

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Return every parameter with its default: those of a run, but nothing is held out."""
        return {**super().defaults(), "test_size": 0.0}

    def fit(self, X: Any = None, y: Any = None, *, files: Any = None, votes: Any = None, groups: Any = None) -> Self:
        """Train on labelled texts.

        Parameters
        ----------
        X
            Texts: a list, an array or a Series of them.
        y
            Their labels: numbers or names.
        files
            Tables, in the place of `X` and `y`; columns as in the settings ``text`` and ``label``.
        votes : (n, C)
            The annotators' votes for each class, for ``vote_share``.
        groups : (n,)
            Texts of one group stay in one part.

        Raises
        ------
        SettingsError, DataError
            If a setting or the data cannot be used.
        DivergedError
            If the loss does not stay finite.
        """
        given = dict(self.flat_settings())
        if files is not None:
            if X is not None or y is not None:
                raise SettingsError("give texts and labels, or files, not both")
            given["files"] = [str(files)] if isinstance(files, str | Path) else [str(one) for one in files]
        elif X is None or y is None:
            raise SettingsError("give texts and labels, or files")
        settings = ClassifySettings.from_flat(given)
        labelled: Labelled
        if files is not None:
            labelled = read_labelled(settings.data, settings.split.column)
            self.classes_ = np.array(labelled.classes)
        else:
            labels = _labels(y)
            labelled = labelled_of(_texts(X), labels.tolist(), settings.data, votes=votes, groups=groups)
            self.classes_ = _typed(labelled, labels)
        outcome = fit_classify(settings, prepare(settings, labelled))
        self.model_: ClassifyModel = outcome.model
        self.model_.labels = tuple(self.classes_.tolist())
        self.result_: dict[str, Any] = outcome.result
        self.predictions_ = outcome.predictions
        self.history_ = outcome.log
        return self

    def predict(self, X: Any, *, tuned: bool = False) -> NDArray[Any]:
        """Return the class of each text.

        Parameters
        ----------
        tuned
            Decide by the thresholds that were chosen on the validation part, in the place of the likeliest class.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        InputError
            If `X` are no texts, or there are no thresholds.
        """
        model = self._fitted()
        if tuned and model.offsets is None:
            raise InputError("this model has no thresholds: it was trained without a validation part")
        decided: NDArray[Any] = self.classes_[model.decide(model.log_probs(_texts(X)), tuned=tuned)]
        return decided

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of every class, ``(n, C)`` in the order of ``classes_``; rows sum to one."""
        probs: NDArray[np.float64] = np.exp(self.predict_log_proba(X))
        return probs

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the logarithm of ``predict_proba``."""
        return self._fitted().log_probs(_texts(X))

    def explain(self, text: str, label: Any = None) -> tuple[WordEffect, ...]:
        """Return how much each word of a text moved it towards a class.

        Parameters
        ----------
        label
            The class, as ``classes_`` has it or by its name; the predicted one when absent.

        Returns
        -------
        tuple of WordEffect
            ``word``, ``start``, ``end``, and ``effect``: how much the class's log-odds fall when the word is left out.
        """
        model = self._fitted()
        _texts([text])
        if label is None:
            number = int(model.decide(model.log_probs([text]))[0])
        else:
            known = zip(self.classes_.tolist(), model.classes, strict=True)
            number = next((place for place, names in enumerate(known) if label in names), -1)
            if number < 0:
                raise InputError(f"there is no class {label!r}{did_you_mean(str(label), model.classes)}")
        return occlusion(model.log_probs, text, number)

    def evaluate(self, files: Any) -> dict[str, Any]:
        """Return every metric over labelled tables, without training.

        Returns
        -------
        dict
            ``texts`` (how many), ``metrics``, ``per_class``, ``confusion``.

        Raises
        ------
        DataError
            If the tables have no labels, or labels that the model does not know.
        """
        model = self._fitted()
        names = [str(files)] if isinstance(files, str | Path) else [str(one) for one in files]
        read: Texts = read_texts(names, model.settings.data, label=True)
        given = model.settings.data.names
        target = _numbers([given.get(label, label) for label in read.labels or ()], model.classes)
        own = own_metrics(model.settings.metrics, model.settings.task)
        answers = Answers(target, model.log_probs(read.texts), model.offsets, own)
        probs = np.exp(answers.log_probs)
        return {
            "texts": len(target),
            "metrics": answers.metrics,
            "per_class": per_class(target, answers.predicted, probs, model.classes),
            "confusion": confusion(target, answers.predicted, len(model.classes)).tolist(),
            "notes": list(read.notes),
        }

    def save(self, folder: str | Path) -> Path:
        """Save as a model folder: JSON and safetensors, nothing pickled; see ``load``."""
        return saved.save(self._fitted(), Path(folder), self.result_)

    @classmethod
    def load(cls, folder: str | Path, *, encoder: str | None = None) -> TextClassifier:
        """Load a model folder, or the model of a run folder.

        Parameters
        ----------
        encoder
            Where the encoder is now, when it has moved.

        Raises
        ------
        ModelFolderError
            If it is truncated, of another task, of a newer format, or its encoder is another one.
        """
        model, result = saved.load(Path(folder), encoder=encoder)
        made: TextClassifier = cls.of_settings(model.settings)
        made.model_, made.result_, made.classes_ = model, result, np.array(model.labels or model.classes)
        return made

    def _fitted(self) -> ClassifyModel:
        if not hasattr(self, "model_"):
            raise NotFittedError("this TextClassifier is not fitted yet: call fit, or TextClassifier.load")
        return self.model_


def _texts(X: Any) -> list[str]:
    """Return the texts that `X` is.

    Raises
    ------
    DataError
        If `X` is no list of texts, or one of them is no text.
    """
    if isinstance(X, str):
        raise DataError("a list of texts is expected, not one text: put it into a list")
    if isinstance(X, Mapping) or hasattr(X, "columns") or not isinstance(X, Iterable):
        raise DataError(f"a list, an array or a Series of texts is expected (found {type(X).__name__})")
    texts = list(X)
    for row, one in enumerate(texts):
        if not isinstance(one, str):
            raise DataError(f"text {row}: a text is expected (found {type(one).__name__})")
        try:
            one.encode()
        except UnicodeEncodeError as error:
            raise DataError(
                f"text {row}: character {error.start} is half of a pair and no letter: decode the text anew"
            ) from None
    return texts


def _labels(y: Any) -> NDArray[Any]:
    """Return the labels as an array.

    Raises
    ------
    DataError
        If `y` is no list of labels.
    """
    labels = np.asarray(y)
    if labels.ndim != 1:
        raise DataError(f"labels are a list, an array or a Series with one for each text (found shape {labels.shape})")
    return labels


def _typed(labelled: Labelled, labels: NDArray[Any]) -> NDArray[Any]:
    """Return the classes in their order, of the type that the labels had; names where codes were given names."""
    if labelled.classes != labelled.codes:
        return np.array(labelled.classes)
    known = dict(zip(plain_codes(labels.tolist()), labels, strict=True))
    return np.array([known[code] for code in labelled.codes])


def _numbers(labels: Sequence[str], classes: Sequence[str]) -> NDArray[np.int64]:
    numbers = {name: number for number, name in enumerate(classes)}
    unknown = sorted(set(labels) - set(classes))
    if unknown:
        raise DataError(f"the model knows no class {unknown[0]!r}{did_you_mean(unknown[0], classes)}")
    return np.array([numbers[name] for name in labels], np.int64)
