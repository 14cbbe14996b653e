"""TF-IDF of texts, worked out once for all baselines that read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer

from gatewise.errors import InputError


class TfidfWeights:
    """TF-IDF of words and pairs of words beside that of 3 to 5 characters within words, fitted on texts.

    What stands in one text alone is left out, counts enter by ``1 + log``, and both halves have length 1.

    Examples
    --------
    >>> TfidfWeights(["good film", "bad film", "good play"]).matrix(["a bad play"]).shape[0]
    1
    """

    def __init__(self, texts: Sequence[str]) -> None:
        halves: list[dict[str, Any]] = [{"ngram_range": (1, 2)}, {"analyzer": "char_wb", "ngram_range": (3, 5)}]
        self._halves = [fitted for half in halves if (fitted := _vectorizer(texts, **half)) is not None]
        if not self._halves:
            raise InputError("TF-IDF finds nothing to count: the training texts hold no word and no three characters")

    def matrix(self, texts: Sequence[str]) -> csr_matrix:
        """Return the weights of each text, ``(m, features)``."""
        return hstack([half.transform(texts) for half in self._halves], format="csr")


class BaselineTexts(Sequence[str]):
    """Texts that remember their TF-IDF, so that several baselines work it out once.

    Give one to `fit` of each baseline in place of a list, and one for each part to their `log_probs`. It is fitted on
    the texts that are given to `fit`, whatever else is asked later.

    Examples
    --------
    >>> train, test = BaselineTexts(["good film", "bad film", "good play"]), BaselineTexts(["bad play"])
    >>> train.weights() is train.weights(), test.matrix(train.weights()) is test.matrix(train.weights())
    (True, True)
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = list(texts)
        self._weights: TfidfWeights | None = None
        self._made: tuple[TfidfWeights, csr_matrix] | None = None

    @classmethod
    def of(cls, texts: Sequence[str]) -> BaselineTexts:
        """Return the texts themselves when they are such, and a new one otherwise."""
        return texts if isinstance(texts, BaselineTexts) else cls(texts)

    def weights(self) -> TfidfWeights:
        """Return TF-IDF fitted on these texts."""
        if self._weights is None:
            self._weights = TfidfWeights(self._texts)
        return self._weights

    def matrix(self, weights: TfidfWeights) -> csr_matrix:
        """Return what `weights` make of these texts."""
        if self._made is None or self._made[0] is not weights:
            self._made = weights, weights.matrix(self._texts)
        return self._made[1]

    def __len__(self) -> int:
        return len(self._texts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        return self._texts[index]


def _vectorizer(texts: Sequence[str], **how: Any) -> TfidfVectorizer | None:
    """Return fitted TF-IDF of what stands in two texts, or in one where nothing stands in two; None without either."""
    for least in (2, 1):
        if len(texts) < least:
            continue
        try:
            return TfidfVectorizer(sublinear_tf=True, min_df=least, **how).fit(texts)
        except ValueError:  # nothing is left to count
            continue
    return None
