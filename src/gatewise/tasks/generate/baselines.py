"""What a text costs without a network: guessing, counting, n-grams, and three compressors.

All cost next to nothing, and a network has to beat them before anybody should believe in it. Symbols are numbers
0 ... V - 1; the number V (nothing) is a symbol that training never saw. It costs ``log(N + 1)`` nats after N symbols of
training, and no baseline knows a context with it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from gatewise.errors import InputError
from gatewise.models.ngram import KneserNey
from gatewise.tasks.generate.compressors import PPM, Gzip, Xz
from gatewise.tasks.generate.part import Part

__all__ = ["NGram", "PPM", "Gzip", "Part", "TextBaseline", "Uniform", "Unigram", "Xz"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Symbols of context in a cold window.
WINDOW = 256
#: Longest training part that is counted (its end), longest end of it that chooses the order, longest part scored.
MOST_COUNTED, MOST_CHOOSING, MOST_SCORED = 20_000_000, 4_000_000, 5_000_000


class TextBaseline(Protocol):
    """What every text baseline does.

    A new one is a class with this method and list, and one line in ``gatewise.registry.TEXT_BASELINES``.
    """

    #: What a reader of the figures has to know, after `evaluate`.
    notes: list[str]

    def evaluate(self, train: Part, test: Part, byte_lengths: Ints) -> dict[str, float]:
        """Learn from `train` and return the metrics on `test`, by name.

        Parameters
        ----------
        train, test
            Parts of the corpus.
        byte_lengths : (V,)
            Bytes of UTF-8 that each symbol takes.
        """


class SymbolModel(ABC):
    """A baseline that gives every symbol a probability."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def fit(self, train: Ints, symbols: int) -> Self:
        """Learn from the training part.

        Parameters
        ----------
        train : (N,)
            Its symbols.
        symbols
            V.

        Raises
        ------
        InputError
            If there is nothing to learn from, or a number is not 0 ... V.
        """
        if symbols < 1:
            raise InputError("a text baseline needs at least one symbol, found none: is the training part empty?")
        self.symbols = symbols
        train = self._checked(train)
        self.total = int(np.count_nonzero(train < symbols))
        if not self.total:
            raise InputError("a text baseline has nothing to learn from: the training part holds no known symbol")
        self._learn(train)
        return self

    def log_probs(self, ids: Ints, window: int | None = None) -> Floats:
        """Natural log of the probability of each symbol given those before it.

        Parameters
        ----------
        ids : (n,)
            The text.
        window
            None: all symbols before are known, and none before the first. A number W: cold windows of W symbols, at
            0, W, 2 W, ...; symbols 1 ... W of each are predicted from its symbols 0 ... W - 1 alone, and what does not
            fill a window is left out.

        Returns
        -------
        (n,), or (windows, W)
        """
        ids, reach = self._checked(ids), np.arange(len(ids))
        if window is None:
            return self._costs(ids, reach)
        targets, reach = _cold(ids, window)
        return self._costs(ids, reach)[targets]

    def predictions(self, ids: Ints, window: int | None = None) -> Ints:
        """Return the most likely symbol at each place; the arguments and shapes are those of `log_probs`."""
        ids, reach = self._checked(ids), np.arange(len(ids))
        if window is None:
            return self._best(ids, reach)
        targets, reach = _cold(ids, window)
        return self._best(ids, reach)[targets]

    def evaluate(self, train: Part, test: Part, byte_lengths: Ints) -> dict[str, float]:
        """Learn from `train` and return the metrics on `test`, by name; see `TextBaseline`."""
        V = len(byte_lengths)
        self.fit(_joined(train.ids, V), V)
        ids = test.ids
        if ids.size > MOST_SCORED:
            ids = ids[: MOST_SCORED // (ids.shape[1] if ids.ndim == 2 else 1)]
            self.notes.append(f"scored on the first {ids.size:,} symbols of {test.ids.size:,}")
        # A symbol that training never saw has no known length: it gets one byte, the least there is.
        lengths = np.append(byte_lengths, 1)
        if ids.ndim == 2:
            window = ids.shape[1] - 1
            flat, reach = ids.ravel(), np.tile(np.arange(window + 1), len(ids))
            costs, best = self._costs(flat, reach).reshape(ids.shape), self._best(flat, reach).reshape(ids.shape)
            return _metrics("cold", ids[:, 1:], costs[:, 1:], best[:, 1:], lengths)
        found = _metrics("carried", ids, self.log_probs(ids), self.predictions(ids), lengths)
        if len(ids) > WINDOW:
            targets, _ = _cold(ids, WINDOW)
            costs, best = self.log_probs(ids, WINDOW), self.predictions(ids, WINDOW)
            found |= _metrics("cold", ids[targets], costs, best, lengths)
        return found

    def _costs(self, ids: Ints, reach: Ints) -> Floats:
        known = self._log_probs(ids, reach)
        return np.where(ids < self.symbols, known, -math.log(self.total + 1))

    def _checked(self, ids: Ints) -> Ints:
        ids = np.asarray(ids)
        if ids.ndim != 1 or not (np.issubdtype(ids.dtype, np.integer) or not ids.size):
            raise InputError(f"symbols must be whole numbers on one axis, found {ids.dtype} of shape {ids.shape}")
        if ids.size and not (ids.min() >= 0 and ids.max() <= self.symbols):
            raise InputError(f"symbols must be 0 to {self.symbols}, found {ids.min()} to {ids.max()}")
        return ids.astype(np.int64, copy=False)

    @abstractmethod
    def _learn(self, train: Ints) -> None:
        """Learn from known symbols."""

    @abstractmethod
    def _log_probs(self, ids: Ints, reach: Ints) -> Floats:
        """Log-probabilities (n,) of symbols after at most `reach` (n,) before them; anything where nothing stands."""

    @abstractmethod
    def _best(self, ids: Ints, reach: Ints) -> Ints:
        """Return the most likely symbol (n,) after at most `reach` (n,) before each place."""


class Unigram(SymbolModel):
    """Each symbol as likely as it was often in training, with one more of each: ``(c + 1) / (N + V)`` (Laplace)."""

    def _learn(self, train: Ints) -> None:
        counts = np.bincount(train, minlength=self.symbols + 1)[: self.symbols]
        self.probabilities = (counts + 1) / (self.total + self.symbols)

    def _log_probs(self, ids: Ints, reach: Ints) -> Floats:  # noqa: ARG002
        return np.append(np.log(self.probabilities), 0.0)[ids]

    def _best(self, ids: Ints, reach: Ints) -> Ints:  # noqa: ARG002
        return np.full(len(ids), self.probabilities.argmax())


class Uniform(Unigram):
    """Every known symbol as likely as any other: ``1 / V``; its best guess is the first of them."""

    def _learn(self, train: Ints) -> None:  # noqa: ARG002
        self.probabilities = np.full(self.symbols, 1 / self.symbols)


class NGram(SymbolModel):
    """Interpolated modified Kneser-Ney n-grams; see `gatewise.models.ngram`.

    The order, at most 8, is the one that does best on the last tenth of the training part when fitted on the rest; it
    is then fitted on all of the training part.
    """

    highest = 8

    def _learn(self, train: Ints) -> None:
        if len(train) > MOST_COUNTED:
            self.notes.append(f"counted in the last {MOST_COUNTED:,} symbols of the training part's {len(train):,}")
            train = train[-MOST_COUNTED:]
        end = train[-MOST_CHOOSING:]
        rest, held = np.split(end, [len(end) - max(len(end) // 10, 1)])
        #: The chosen order: one more than the symbols of context.
        self.order = 1
        if (rest < self.symbols).any():
            costs = KneserNey(rest, self.symbols, self.highest).mean_nats(held, np.arange(len(held)))
            self.order = int(costs.argmin()) + 1
        self.notes.append(f"order {self.order}, chosen on the training part's end")
        self.model = KneserNey(train, self.symbols, self.order)

    def _log_probs(self, ids: Ints, reach: Ints) -> Floats:
        return self.model.log_probs(ids, reach, self.order)

    def _best(self, ids: Ints, reach: Ints) -> Ints:
        return self.model.predictions(ids, reach, self.order)


def _cold(ids: Ints, window: int) -> tuple[Ints, Ints]:
    """Return the places (windows, W) that cold windows predict, and how many symbols (n,) each place may look back."""
    if window < 1:
        raise InputError(f"a cold window needs at least one symbol, found {window}")
    places = np.arange(max(len(ids) - 1, 0))
    targets = 1 + places[: len(places) // window * window].reshape(-1, window)
    # The last symbol a window predicts is the first that the next one reads.
    return targets, np.concatenate([[0], 1 + places % window])[: len(ids)]


def _joined(ids: Ints, nothing: int) -> Ints:
    """Return windows (n, W + 1) as one text with nothing between them, and a text (n,) as it is."""
    return np.pad(ids, ((0, 0), (0, 1)), constant_values=nothing).ravel() if ids.ndim == 2 else ids


def _metrics(protocol: str, ids: Ints, log_probs: Floats, best: Ints, byte_lengths: Ints) -> dict[str, float]:
    if not ids.size:
        return {}
    nats = -float(log_probs.mean())
    bits = nats / math.log(2)
    return {
        f"{protocol}_nats_per_char": nats,
        f"{protocol}_bits_per_char": bits,
        f"{protocol}_bits_per_byte": bits / float(byte_lengths[ids].mean()),
        f"{protocol}_perplexity": math.exp(nats),
        f"{protocol}_accuracy": float((best == ids).mean()),
    }
