"""Make probabilities as sure as they are right: one temperature, found on validation."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from gatewise.errors import InputError

Floats = NDArray[np.float64]

#: Least and greatest temperature that is looked for.
COLDEST, HOTTEST = 0.05, 20.0


def fit_temperature(log_probs: ArrayLike, target: ArrayLike) -> float:
    """Return the temperature that makes the log loss least.

    Parameters
    ----------
    log_probs : (n, C)
        Natural logarithm of each class's probability (logits will do), on texts that training did not see.
    target : (n,)
        Number of each text's class.

    Returns
    -------
    float
        Above 1 where the probabilities were too sure, below 1 where they were not sure enough; from 0.05 to 20. The
        loss with it is never greater than without. 1 when there are no texts.

    Raises
    ------
    InputError
        If the arrays do not fit one another or a value is not finite.

    Notes
    -----
    Guo et al. 2017 (arXiv:1706.04599), section 4.2, eq. 9. The loss is convex in ``1 / temperature``, so that a search
    along one axis finds its minimum.

    Examples
    --------
    >>> sure = np.log([[0.99, 0.01]] * 10)
    >>> round(fit_temperature(sure, [0] * 8 + [1] * 2), 2)  # right in 80 %: ln(99) / T = ln(4)
    3.31
    """
    logits, y = np.asarray(log_probs, np.float64), np.asarray(target)
    if logits.ndim != 2 or y.shape != (len(logits),):
        raise InputError(f"each text needs one class and one row (found shapes {y.shape} and {logits.shape})")
    if not np.isfinite(logits).all():
        raise InputError("a log-probability is NaN or infinite")
    if not len(y):
        return 1.0

    def loss(inverse: float) -> float:
        return float(-log_softmax(logits * inverse, axis=1)[np.arange(len(y)), y].mean())

    found = minimize_scalar(loss, bounds=(1 / HOTTEST, 1 / COLDEST), method="bounded", options={"xatol": 1e-7})
    return 1.0 / float(found.x) if found.fun < loss(1.0) else 1.0


def at_temperature(log_probs: ArrayLike, temperature: float) -> Floats:
    """Return the log-probabilities ``(n, C)`` at a temperature; 1 changes nothing, and the likeliest class stays so.

    Examples
    --------
    >>> np.exp(at_temperature(np.log([[0.8, 0.2]]), 2.0)).round(3).tolist()
    [[0.667, 0.333]]
    """
    return np.asarray(log_softmax(np.asarray(log_probs, np.float64) / temperature, axis=1))
