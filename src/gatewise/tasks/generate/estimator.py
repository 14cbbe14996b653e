"""`TextGenerator`: writing text in scikit-learn's shape."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError

from gatewise.data.text import Corpus, TextSplit, corpus_of, read_corpus
from gatewise.errors import DataError, SettingsError
from gatewise.settings import SamplingSettings, TextSettings, flat_fields, parse
from gatewise.tasks.estimator import SettingsEstimator
from gatewise.tasks.generate import judge, reading, saved
from gatewise.tasks.generate.evaluation import carried, cold
from gatewise.tasks.generate.generation import Stream
from gatewise.tasks.generate.int8 import Int8Cost
from gatewise.tasks.generate.model import TextModel
from gatewise.tasks.generate.result import Generated
from gatewise.tasks.generate.run import fit_text

#: A text longer than this is no file's name.
_LONGEST_NAME = 4096
#: What ``partial_fit`` does with its text.
_ALL_TRAINS = {
    "split.kind": "position", "split.test": 0.0, "split.validation": 0.0, "train.restore_best": False,
    "train.minutes": None,
}  # fmt: skip
#: What a trained network cannot change.
_FIXED = ("model.", "data.symbols", "data.lower", "data.normalize")


class TextGenerator(SettingsEstimator):
    """Recurrent network that learns to write like a text, symbol by symbol.

    Parameters
    ----------
    **settings
        Every setting of a text run by its flat name, e.g. ``cell="gru"``, ``units=512``, ``epochs=5``,
        ``symbols="bytes"``. ``help(gatewise.settings)`` and the documentation list them with their defaults.

    Attributes
    ----------
    result_ : dict
        What the run found, as in ``result.json``: metrics, baselines, verdict.
    predictions_ : polars.DataFrame
        A row for every symbol of the held-out part.
    history_ : list of dict
        A row an epoch.
    samples_ : list of dict
        What was written while it learned.

    Raises
    ------
    SettingsError
        If a setting does not exist; values are checked by ``fit``.

    Examples
    --------
    >>> from gatewise import TextGenerator
    >>> text = "the cat sat on the mat. " * 200
    >>> writer = TextGenerator(units=16, window=16, epochs=1, baselines=["unigram"], sample_length=0).fit(text)
    >>> len(writer.generate("the ", length=10, seed=1)[0].text)
    10
    """

    SETTINGS = TextSettings

    def fit(self, X: Any = None, y: Any = None, *, files: Any = None) -> Self:  # noqa: ARG002
        """Train on a text.

        Parameters
        ----------
        X
            The text; several texts as a list, a document each; or a path of a file or folder, or a list of paths. A
            plain string that names a file is taken for the file.
        y
            Not used; scikit-learn gives it to every estimator.
        files
            Paths or globs, in the place of `X`.

        Raises
        ------
        SettingsError, DataError
            If a setting or the text cannot be used.
        DivergedError
            If the loss does not stay finite.
        """
        settings, corpus = self._read(X, files)
        self._take_run(fit_text(settings, corpus))
        return self

    def partial_fit(
        self,
        X: Any = None,
        y: Any = None,  # noqa: ARG002
        *,
        files: Any = None,
        epochs: int = 1,
        new_characters: str = "error",
    ) -> Self:
        """Go on training on more text; before ``fit`` it is ``fit``.

        All of the new text trains and nothing of it judges: ``evaluate`` on a text that neither call has seen says what
        was gained. Where training fails, the model stays as it was.

        Parameters
        ----------
        epochs
            Passes over the new text.
        new_characters
            "error" refuses a text with characters that the model has never seen, "add" makes room for them, "unknown"
            lets them stand for nothing known.

        Raises
        ------
        DataError
            If the text has new characters and they are refused; a model with an unknown symbol has one for them.
        SettingsError
            If a setting of the network or of its symbols is another one than in ``fit``.
        """
        if not hasattr(self, "model_"):
            return self.fit(X, files=files)
        if new_characters not in ("error", "add", "unknown"):
            raise SettingsError(f"new_characters: 'error', 'add' or 'unknown' is expected (found {new_characters!r})")
        settings, corpus = self._read(X, files)
        _refuse_other_network(self.model_.settings, settings)
        settings = settings.replace({**_ALL_TRAINS, "train.epochs": epochs})
        known = self.model_.vocabulary
        new = tuple(sorted(set(corpus.symbols) - set(known.symbols)))
        if new and new_characters == "error" and known.unknown is None:
            shown = ", ".join(repr(symbol) for symbol in new[:10])
            raise DataError(
                f"the text has {len(new)} characters that the model has never seen ({shown}"
                f"{', ...' if len(new) > 10 else ''}): set new_characters to add, to unknown, or fit anew"
            )
        model = self.model_.extended(new if new_characters == "add" else ())
        whole = np.array([[0, len(corpus)]], np.int64)
        split = TextSplit(train=whole, validation=whole[:0], test=whole[:0], kind="position")
        self._take_run(fit_text(settings, corpus, split=split, begin_with=model))
        return self

    def generate(self, prompts: str | Sequence[str] = "", **sampling: Any) -> list[Generated]:
        """Write texts.

        Parameters
        ----------
        prompts
            What the texts begin with; an empty prompt starts from what the network has learned of beginnings.
        **sampling
            Fields of :class:`gatewise.settings.SamplingSettings`: ``length``, ``temperature``, ``top_p``, ``seed`` ...

        Returns
        -------
        list of Generated
            ``text`` (without the prompt), ``symbols``, ``log_probs`` of each of them, ``finish_reason``.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        SettingsError, InputError
            If a setting or a prompt cannot be used.
        """
        model = self._fitted()
        asked = [prompts] if isinstance(prompts, str) else list(prompts)
        return model.generate(asked, parse(SamplingSettings, sampling))

    def stream(self, prompt: str = "", **sampling: Any) -> Stream:
        """Write one text and yield it piece by piece; arguments and errors as of :meth:`generate`."""
        return self._fitted().stream(prompt, parse(SamplingSettings, sampling))

    def use_int8(self) -> Int8Cost:
        """Write with int8 weights from now on, and return what that costs; scores keep the weights as they are."""
        return self._fitted().use_int8()

    def predict(self, X: Any) -> list[str]:
        """Return the likeliest symbol after each text of `X`."""
        texts = [X] if isinstance(X, str) else list(X)
        return [self._fitted().vocabulary.decode([int(self.next_probs(text).argmax())]) for text in texts]

    def log_probs(self, text: str) -> NDArray[np.float64]:
        """Return the natural logarithm of the probability of each symbol, given all before it.

        Parameters
        ----------
        text
            Cleaned as in training; the first symbol is predicted from nothing.

        Returns
        -------
        (n,)
            One number a symbol (a character, unless the model was trained on bytes or graphemes).
        """
        model = self._fitted()
        return reading.log_probs(model.network, model.vocabulary, text)

    def next_probs(self, text: str = "") -> NDArray[np.float64]:
        """Return how likely each symbol is after `text`, ``(V,)`` in the order of ``symbols_``; they sum to 1."""
        model = self._fitted()
        return reading.next_probs(model.network, model.vocabulary, text)

    @property
    def symbols_(self) -> tuple[str, ...]:
        """The symbols that the model knows, by their numbers."""
        return self._fitted().vocabulary.symbols

    def score(self, X: Any = None, y: Any = None) -> float:  # noqa: ARG002
        """Return the mean natural-log probability of a symbol of `X` (0 is perfect, less is worse).

        Without `X` it is that of the held-out part.
        """
        self._fitted()
        if X is None:
            test = self.result_["metrics"].get("test")
            if not test:
                raise DataError("nothing was held out (test_size=0): give score() a text")
            found = test.get("carried_nats_per_char", test.get("cold_nats_per_char"))
            return -float(found)
        texts = [X] if isinstance(X, str) else list(X)
        found = np.concatenate([self.log_probs(text) for text in texts])
        if not len(found):
            raise DataError("there is no symbol to score: the text is empty")
        return float(found.mean())

    def evaluate(self, X: Any = None, *, files: Any = None) -> dict[str, Any]:
        """Return every metric over a text (or files, as in ``fit``), without training.

        Returns
        -------
        dict
            ``symbols`` (how many), ``metrics`` under both protocols, ``unseen`` (how many symbols training never saw).
        """
        model = self._fitted()
        _, corpus = self._read(X, files)
        ids, whole = model.vocabulary.ids(corpus), np.array([[0, len(corpus)]], np.int64)
        known = model.vocabulary.total
        predictions = {
            "carried": carried(model.network, ids, whole, training_symbols=known),
            "cold": cold(model.network, ids, whole, training_symbols=known, window=judge.COLD_WINDOW),
        }
        made = {name: one for name, one in predictions.items() if len(one)}
        return {
            "symbols": len(corpus),
            "unseen": int((predictions["carried"].target == len(model.vocabulary)).sum()),
            "metrics": judge.part_metrics(model.vocabulary, made),
        }

    def save(self, folder: str | Path) -> Path:
        """Save as a model folder: JSON and safetensors, nothing pickled; see ``load``."""
        return saved.save(self._fitted(), Path(folder), self.result_)

    @classmethod
    def load(cls, folder: str | Path) -> TextGenerator:
        """Load a model folder, or the model of a run folder.

        Raises
        ------
        ModelFolderError
            If it is truncated, of another task, or of a newer format.
        """
        model, result = saved.load(Path(folder))
        writer: TextGenerator = cls.of_settings(model.settings)
        writer.model_, writer.result_ = model, result
        return writer

    def _take_run(self, outcome: Any) -> None:
        self.model_: TextModel = outcome.model
        self.result_: dict[str, Any] = outcome.result
        self.predictions_ = outcome.predictions
        self.history_ = outcome.log
        self.samples_ = outcome.samples

    def _fitted(self) -> TextModel:
        if not hasattr(self, "model_"):
            raise NotFittedError("this TextGenerator is not fitted yet: call fit, or TextGenerator.load")
        return self.model_

    def _read(self, X: Any, files: Any) -> tuple[TextSettings, Corpus]:
        """Return settings and corpus; the settings name the files when `X` or `files` does."""
        if (X is None) == (files is None):
            raise SettingsError("give a text, or files" + ("" if X is None else ", not both"))
        named = _paths(X) if files is None else _names(files)
        settings = TextSettings.from_flat({**self.flat_settings(), **({"files": named} if named else {})})
        return settings, read_corpus(settings.data) if named else corpus_of(_texts(X), settings.data)


def _refuse_other_network(before: TextSettings, now: TextSettings) -> None:
    for name, path in flat_fields(TextSettings).items():
        if path.startswith(_FIXED) and before.at(path) != now.at(path):
            raise SettingsError(
                f"{name}: the model was trained with {before.at(path)!r}, and a trained network cannot change it "
                f"(found {now.at(path)!r}): fit anew"
            )


def _names(files: Any) -> list[str]:
    """Return names and globs as text."""
    return [str(files)] if isinstance(files, str | Path) else [str(one) for one in files]


def _paths(X: Any) -> list[str]:
    """Return the paths that `X` names; none when it is text."""
    if isinstance(X, Path):
        return [str(X)]
    if isinstance(X, str):
        is_name = len(X) < _LONGEST_NAME and "\n" not in X and (X.startswith("sample:") or os.path.exists(X))
        return [X] if is_name and X else []
    if isinstance(X, Sequence) and X and all(isinstance(one, Path) for one in X):
        return [str(one) for one in X]
    if isinstance(X, Sequence) and X and all(isinstance(one, str) and _paths(one) for one in X):
        return list(X)
    return []


def _texts(X: Any) -> str | list[str]:
    """Return the text or texts that `X` is."""
    if isinstance(X, str):
        return X
    try:
        texts = list(X)
    except TypeError:
        texts = [X]
    if wrong := next((one for one in texts if not isinstance(one, str)), None):
        raise DataError(f"a text, a list of texts or a path is expected (found {type(wrong).__name__})")
    return texts
