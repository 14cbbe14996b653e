"""Rules that look at the symbols themselves: what may be written at all, and what not again."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gatewise.data.text import Vocabulary
from gatewise.errors import InputError
from gatewise.settings import SamplingSettings
from gatewise.tasks.generate.symbols import known_only

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]


class Constraints:
    """Repetition penalty, n-grams that may not come again, banned texts and allowed characters.

    Each stream has a history: its prompt and what it has written.
    """

    def __init__(
        self, settings: SamplingSettings, forbidden: Floats, banned: list[list[int]], prompts: Sequence[Sequence[int]]
    ) -> None:
        self._penalty, self._window = settings.repetition_penalty, settings.repetition_window
        self._forbidden, self._banned = forbidden, banned
        self._histories = [list(prompt) for prompt in prompts]
        size = settings.no_repeat_ngram_size
        self._ngrams = None if size is None else [Ngrams(size, history) for history in self._histories]

    @classmethod
    def of(
        cls, settings: SamplingSettings, vocabulary: Vocabulary, prompts: Sequence[Sequence[int]]
    ) -> Constraints | None:
        """Return the rules that are set, or None where there are none.

        Raises
        ------
        InputError
            If none of the allowed characters was seen in training.
        """
        forbidden = np.zeros(len(vocabulary))
        if settings.allowed is not None:
            allowed = vocabulary.encode(settings.allowed)
            allowed = allowed[allowed != len(vocabulary)]
            if len(allowed) == 0:
                raise InputError(f"allowed: none of the characters {settings.allowed!r} was seen in training")
            forbidden[:] = -np.inf
            forbidden[allowed] = 0.0
        if vocabulary.unknown is not None:  # it stands for many symbols and is none of them
            forbidden[vocabulary.unknown] = -np.inf
        banned = [ids for text in settings.banned if (ids := known_only(vocabulary, text))]
        idle = settings.repetition_penalty == 1.0 and settings.no_repeat_ngram_size is None
        if idle and not banned and not forbidden.any():
            return None
        return cls(settings, forbidden, banned, prompts)

    def __call__(self, logits: Floats) -> Floats:
        """Return the logits under the rules."""
        scores = logits + self._forbidden
        for row, history in zip(scores, self._histories, strict=True):
            if self._penalty != 1.0:
                penalise(row, history[-self._window :], self._penalty)
            for text in self._banned:
                *first, last = text
                if not first or history[-len(first) :] == first:
                    row[last] = -np.inf
        if self._ngrams is not None:
            for row, ngrams in zip(scores, self._ngrams, strict=True):
                row[ngrams.again()] = -np.inf
        return scores

    def write(self, ids: Ids) -> None:
        """Take down what was chosen."""
        for number, chosen in enumerate(ids.tolist()):
            self._histories[number].append(chosen)
            if self._ngrams is not None:
                self._ngrams[number].add(chosen)

    def select(self, rows: Ids) -> None:
        """Go on with some of the streams only, one or more times each."""
        self._histories = [self._histories[row].copy() for row in rows]
        if self._ngrams is not None:
            self._ngrams = [copy.deepcopy(self._ngrams[row]) for row in rows]


def penalise(scores: Floats, recent: Sequence[int], penalty: float) -> None:
    """Make the recent symbols less likely, in place ``(V,)``.

    Keskar et al. 2019, arXiv:1909.05858, section 4.1, divide the logit; where that would make a symbol likelier,
    because its logit is negative, it is multiplied, as everybody does it since.
    """
    places = np.unique(np.asarray(recent, dtype=np.int64))
    places = places[places < len(scores)]
    found = scores[places]
    scores[places] = np.where(found < 0, found * penalty, found / penalty)


class Ngrams:
    """Runs of `size` symbols that stand in a history."""

    def __init__(self, size: int, history: Sequence[int]) -> None:
        self._before = size - 1
        self._tail: tuple[int, ...] = ()
        self._followed: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for one in history:
            self.add(one)

    def add(self, symbol: int) -> None:
        """Take down the next symbol of the history."""
        if len(self._tail) == self._before:
            self._followed[self._tail].append(symbol)
        self._tail = (*self._tail, symbol)[-self._before :] if self._before else ()

    def again(self) -> list[int]:
        """Return the symbols that would end a run that stands there already."""
        return self._followed[self._tail] if len(self._tail) == self._before and self._tail in self._followed else []
