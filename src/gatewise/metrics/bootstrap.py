"""How sure is a mean over one text? The block bootstrap, for losses that depend on their neighbours.

Losses of symbols that stand near one another are alike (a rare name costs at every mention), so symbols cannot be drawn
one by one. Drawing whole blocks keeps what lies within them (Kuensch 1989); blocks run on from the text's end to its
start, so that every symbol is drawn as often as any other (Politis & Romano 1992).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatewise.errors import InputError

Floats = NDArray[np.float64]

#: Symbols in a block; fewer in a text that would have fewer than LEAST_BLOCKS of them.
BLOCK = 1000
LEAST_BLOCKS = 20
#: Fewer symbols than this decide nothing.
LEAST_SYMBOLS = 200


@dataclass(frozen=True)
class BootstrapComparison:
    """Whether one model predicts a text better than another.

    ``mean_difference`` is the first model's mean loss minus the second's, in nats a symbol: negative favours the first.
    ``p`` (two-sided) and ``interval`` are None when the text is too short.
    """

    mean_difference: float
    interval: tuple[float, float] | None
    p: float | None
    says: Literal["better", "worse", "undecided"]
    n: int
    block: int
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain values for ``result.json``."""
        return asdict(self) | {"interval": list(self.interval) if self.interval else None}


def bootstrap_means(values: ArrayLike, *, block: int = BLOCK, draws: int = 2000, seed: int = 0) -> Floats:
    """Return the means of texts made of blocks drawn from `values`, with replacement.

    Parameters
    ----------
    values : (n,)
        One value a symbol, in the text's order.
    block
        Symbols in a block; shortened so that the text has at least LEAST_BLOCKS of them.
    draws
        Texts that are drawn.
    seed
        Of the drawing; the same seed draws the same blocks for every text of the same length.

    Returns
    -------
    (draws,)

    Raises
    ------
    InputError
        If a value is NaN or infinite, or there is none.
    """
    each = np.asarray(values, np.float64)
    if not each.size or not np.isfinite(each).all():
        raise InputError("a bootstrap needs finite values, one a symbol: a loss is NaN or infinite, or there is none")
    n, size = len(each), block_length(len(each), block)
    ends = np.concatenate([[0.0], np.cumsum(np.concatenate([each, each[:size]]))])
    blocks = (ends[size:] - ends[:-size])[:n] / size  # mean of the block that begins at each symbol
    generator = np.random.default_rng(seed)
    drawn: Floats = np.empty(draws)
    for row in range(draws):  # one at a time: a long text has more blocks than fit at once
        drawn[row] = blocks[generator.integers(0, n, -(-n // size))].mean()
    return drawn


def block_length(n: int, block: int = BLOCK) -> int:
    """Return the length of the blocks of a text of n symbols."""
    return max(1, min(block, n // LEAST_BLOCKS))


def bootstrap_interval(
    values: ArrayLike, *, block: int = BLOCK, draws: int = 2000, alpha: float = 0.05, seed: int = 0
) -> tuple[float, float]:
    """Return the interval of confidence ``1 - alpha`` of the mean: percentiles of :func:`bootstrap_means`.

    Examples
    --------
    >>> low, high = bootstrap_interval(np.random.default_rng(0).normal(2.0, 1.0, 10_000))
    >>> low < 2.0 < high
    True
    """
    low, high = np.quantile(bootstrap_means(values, block=block, draws=draws, seed=seed), [alpha / 2, 1 - alpha / 2])
    return float(low), float(high)


def compare_log_probs(
    log_probs: ArrayLike,
    reference_log_probs: ArrayLike,
    *,
    block: int = BLOCK,
    draws: int = 2000,
    alpha: float = 0.05,
    seed: int = 0,
) -> BootstrapComparison:
    """Decide whether one model predicts a text better than another does, symbol by symbol.

    Parameters
    ----------
    log_probs, reference_log_probs : (n,)
        Natural logarithm of the probability that each model gave the same right symbols, in the text's order.
    block, draws, seed
        See :func:`bootstrap_means`; the difference is drawn, so that both models meet the same blocks.
    alpha
        Level of the test; the interval has confidence ``1 - alpha``.

    Raises
    ------
    InputError
        If the arrays differ in length or hold a value that is not finite.

    Examples
    --------
    >>> ours = np.log(np.random.default_rng(0).uniform(0.2, 0.9, 5000))
    >>> compare_log_probs(ours, ours - 0.1 * np.random.default_rng(1).uniform(0, 1, 5000)).says
    'better'
    """
    ours, theirs = np.asarray(log_probs, np.float64), np.asarray(reference_log_probs, np.float64)
    if ours.shape != theirs.shape or ours.ndim != 1:
        raise InputError(f"compare models on the same symbols: found shapes {ours.shape} and {theirs.shape}")
    difference = theirs - ours
    n, size = len(difference), block_length(len(difference), block)
    if n < LEAST_SYMBOLS:
        mean = float(difference.mean()) if n else 0.0
        note = f"{n} symbols are too few for a test, which needs {LEAST_SYMBOLS}"
        return BootstrapComparison(mean, None, None, "undecided", n, size, note)
    drawn = bootstrap_means(difference, block=block, draws=draws, seed=seed)
    low, high = np.quantile(drawn, [alpha / 2, 1 - alpha / 2])
    tail = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    says: Literal["better", "worse", "undecided"] = "undecided"
    if low > 0 or high < 0:
        says = "better" if high < 0 else "worse"
    p = min(1.0, 2 * (1 + tail) / (draws + 1))
    return BootstrapComparison(float(difference.mean()), (float(low), float(high)), p, says, n, size)
