"""What turns the network's logits into the next symbol: for every stream by rules and by its own random numbers.

All functions take scores ``(B, V)`` in float64 and return them with what is left out at -inf. Their order in
:class:`Sampler` is that of transformers' ``generate``: penalty and bans on the logits, then the temperature, then
top_k, top_p, min_p, typical_p, each on what the one before left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gatewise.data.text import Vocabulary
from gatewise.settings import SamplingSettings
from gatewise.settings.sampling import REPORT_TEMPERATURE
from gatewise.tasks.generate.constraints import Constraints

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]

#: Random numbers that a stream draws at once.
_DRAWN_AT_ONCE = 256


class Sampler:
    """Chooses the next symbol of every stream.

    A stream's symbols depend on its own text, logits and random numbers alone. These come from the seed and the
    stream's number and choose by the inverse of the cumulative probability, so that a stream writes the same text alone
    as beside others, though logits may differ in their last bits between batch sizes.

    Parameters
    ----------
    settings
        How symbols are chosen; its seed must be set.
    vocabulary
        The network's symbols.
    prompts
        Numbers of the symbols in each stream's prompt, for the rules that look back.
    streams
        Number of each stream.
    """

    def __init__(
        self,
        settings: SamplingSettings,
        vocabulary: Vocabulary,
        prompts: Sequence[Sequence[int]],
        streams: Sequence[int],
    ) -> None:
        self._settings = settings
        self._constraints = Constraints.of(settings, vocabulary, prompts)
        self._uniforms = [_uniform_numbers(settings.seed or 0, stream) for stream in streams]
        self._drawn, self._next = np.empty((len(streams), 0)), 0

    def __call__(self, logits: NDArray[np.float32]) -> tuple[Ids, Floats]:
        """Return each stream's next symbol, and its natural-log probability by the network as it is.

        Where nothing is left to choose from, the symbol is -1.
        """
        raw = logits.astype(np.float64)
        shifted = raw - raw.max(axis=1, keepdims=True)
        weights = np.exp(shifted)
        log_totals = np.log(weights.sum(axis=1))
        if self._constraints is not None or self._settings.greedy or self._changes:
            scores = raw if self._constraints is None else self._constraints(raw)
            weights = np.exp(self._scores(scores)) if not self._settings.greedy else scores
        ids = weights.argmax(axis=1) if self._settings.greedy else inverse_cdf(weights, self._uniform())
        rows = np.arange(len(ids))
        log_probs = shifted[rows, ids] - log_totals
        if self._constraints is not None:
            ids[scores.max(axis=1) == -np.inf] = -1
            self._constraints.write(ids)
        return ids, log_probs

    def select(self, rows: Ids) -> None:
        """Go on with some of the streams only."""
        self._uniforms = [self._uniforms[row] for row in rows]
        self._drawn = self._drawn[rows]
        if self._constraints is not None:
            self._constraints.select(rows)

    @property
    def _changes(self) -> bool:
        s = self._settings
        return s.sampler == "report" or any((s.temperature, s.top_k, s.top_p, s.min_p, s.typical_p))

    def _scores(self, scores: Floats) -> Floats:
        """Return the scores that the draw takes, the largest of each row at 0."""
        s = self._settings
        if s.sampler == "report":
            scores = report_scores(scores, s.temperature or REPORT_TEMPERATURE)
        elif s.temperature is not None:
            scores = with_temperature(scores, s.temperature)
        if s.top_k is not None:
            scores = keep_top_k(scores, s.top_k)
        if s.top_p is not None:
            scores = keep_top_p(scores, s.top_p)
        if s.min_p is not None:
            scores = keep_min_p(scores, s.min_p)
        if s.typical_p is not None:
            scores = keep_typical(scores, s.typical_p)
        return from_largest(scores)

    def _uniform(self) -> Floats:
        """Return the next random number of every stream, in [0, 1)."""
        if self._next == self._drawn.shape[1]:
            self._drawn, self._next = np.stack([one.random(_DRAWN_AT_ONCE) for one in self._uniforms]), 0
        self._next += 1
        drawn: Floats = self._drawn[:, self._next - 1]
        return drawn


def _uniform_numbers(seed: int, stream: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=(stream,))))


def inverse_cdf(weights: Floats, uniform: Floats) -> Ids:
    """Return for each row the first place where the running sum of its weights passes a share of their sum.

    Examples
    --------
    >>> inverse_cdf(np.array([[1.0, 0.0, 3.0]] * 2), np.array([0.2, 0.25]))
    array([0, 2])
    """
    running = weights.cumsum(axis=1)
    passed = running <= (uniform * running[:, -1])[:, None]
    chosen: Ids = np.minimum(passed.sum(axis=1), weights.shape[1] - 1)
    return chosen


def from_largest(scores: Floats) -> Floats:
    """Return scores less the largest of their row; a row where all is left out stays so."""
    largest = scores.max(axis=1, keepdims=True)
    return scores - np.where(largest == -np.inf, 0.0, largest)


def probabilities(scores: Floats) -> Floats:
    """Return softmax(scores), zeros where all is left out."""
    weights = np.exp(from_largest(scores))
    totals = weights.sum(axis=1, keepdims=True)
    return weights / np.where(totals == 0.0, 1.0, totals)


def with_temperature(scores: Floats, temperature: float) -> Floats:
    """Return the scores divided by a temperature."""
    with np.errstate(over="ignore"):  # beside the likeliest, others may vanish
        return from_largest(scores) / temperature


def report_scores(scores: Floats, temperature: float) -> Floats:
    """Return what the reference report drew from: the probabilities divided by a temperature, taken for logits.

    Its network ended in a softmax, and ``tf.random.categorical`` takes what it is given for unnormalised
    log-probabilities. The likeliest symbol is then at most e^(1 / temperature) times as likely as the others, and how
    sharp the draw is depends on how sure the network is (see :func:`equivalent_temperature`).
    """
    with np.errstate(over="ignore"):
        return np.where(scores == -np.inf, -np.inf, from_largest(probabilities(scores)) / temperature)


def keep_top_k(scores: Floats, k: int) -> Floats:
    """Keep the `k` largest of each row, and what is equal to the last of them."""
    if k >= scores.shape[1]:
        return scores
    least = np.partition(scores, -k, axis=1)[:, -k, None]
    return np.where(scores < least, -np.inf, scores)


def keep_top_p(scores: Floats, p: float) -> Floats:
    """Keep the fewest symbols that have probability `p` together (Holtzman et al. 2020, arXiv:1904.09751)."""
    chances = probabilities(scores)
    return _keep_lowest(scores, chances, -chances, p)


def keep_min_p(scores: Floats, p: float) -> Floats:
    """Keep what is at least `p` times as likely as the likeliest (Nguyen et al. 2024, arXiv:2407.01082)."""
    chances = probabilities(scores)
    return np.where(chances < p * chances.max(axis=1, keepdims=True), -np.inf, scores)


def keep_typical(scores: Floats, p: float) -> Floats:
    """Keep the fewest symbols of probability `p` together whose surprise is nearest to the mean one.

    Meister et al. 2023, arXiv:2202.00666, eq. 10: the surprise is -log p, its mean the entropy.
    """
    chances = probabilities(scores)
    with np.errstate(divide="ignore"):
        surprise = -np.log(chances)
    entropy = (chances * np.where(chances > 0, surprise, 0.0)).sum(axis=1, keepdims=True)
    return _keep_lowest(scores, chances, np.abs(surprise - entropy), p)


def _keep_lowest(scores: Floats, chances: Floats, measure: Floats, p: float) -> Floats:
    """Keep of each row what has the lowest measure, until probability `p` is reached, and what is equal to the last."""
    rows = np.arange(len(scores))[:, None]
    order = measure.argsort(axis=1)
    ordered = chances[rows, order]
    before = ordered.cumsum(axis=1) - ordered
    last = np.maximum((before < p).sum(axis=1, keepdims=True) - 1, 0)
    return np.where(measure <= measure[rows, order[rows, last]], scores, -np.inf)


class Equivalent(NamedTuple):
    """An ordinary temperature, and how far it stays from what it stands for, in nats a symbol."""

    temperature: float
    divergence: float


def equivalent_temperature(log_probs: Iterable[Sequence[float]], temperature: float = REPORT_TEMPERATURE) -> Equivalent:
    """Return the ordinary temperature that comes nearest to the report's sampler over given distributions.

    Nearest is the least mean Kullback-Leibler divergence from the report's distribution to softmax(logits / T). It is
    convex in 1 / T: the best one gives the logits the same mean under both, found by halving.

    Parameters
    ----------
    log_probs
        Natural-log probabilities ``(N, V)`` that a network gave.
    temperature
        What the report's sampler divides probabilities by.

    Examples
    --------
    >>> equivalent_temperature(np.log([[0.7, 0.2, 0.1]])).temperature < 0.1
    True
    """
    logs = np.asarray(log_probs, dtype=np.float64)
    report = probabilities(report_scores(logs, temperature))
    logs = np.where(np.isfinite(logs), logs, -1e9)
    wanted = (report * logs).sum(axis=1).mean()
    low, high = np.log(1e-4), np.log(1e4)  # of 1 / T
    for _ in range(100):
        middle = (low + high) / 2
        mean = (probabilities(np.exp(middle) * logs) * logs).sum(axis=1).mean()
        low, high = (middle, high) if mean < wanted else (low, middle)
    ordinary = np.exp(low) * from_largest(logs)
    ordinary = ordinary - np.log(np.exp(ordinary).sum(axis=1, keepdims=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(report > 0, report * (np.log(report) - ordinary), 0.0)
    return Equivalent(float(np.exp(-low)), float(terms.sum(axis=1).mean()))
