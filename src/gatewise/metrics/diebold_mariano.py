"""Are two forecasts of the same rows equally accurate? The test of Diebold & Mariano (1995) on the windows of one run.

Losses of neighbouring windows are correlated when the forecast reaches several rows ahead, so the variance of their
mean is a long-run (HAC) one, and the small-sample correction of Harvey, Leybourne & Newbold (1997) is applied.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatewise.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class DieboldMariano:
    """What the test found.

    ``mean_difference`` is the first forecast's mean loss minus the second's: negative favours the first. ``statistic``,
    ``p`` (two-sided) and ``interval`` are None when there are too few windows or the losses' difference does not vary.
    """

    statistic: float | None
    p: float | None
    mean_difference: float
    interval: tuple[float, float] | None
    says: Literal["better", "worse", "undecided"]
    n: int
    horizon: int
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain values for ``result.json``."""
        return asdict(self) | {"interval": list(self.interval) if self.interval else None}


def diebold_mariano(
    errors: ArrayLike,
    reference_errors: ArrayLike,
    *,
    offset: int = 1,
    time: ArrayLike | None = None,
    loss: Literal["squared", "absolute"] = "squared",
    alpha: float = 0.05,
) -> DieboldMariano:
    """Test whether two forecasts have the same mean loss.

    Parameters
    ----------
    errors, reference_errors : (n, H, C) or (n,)
        Forecast minus truth, of the forecast that is judged and of the one it is judged against.
    offset
        Rows from the window's last row to the first forecast row. A window's errors reach ``offset + H - 1`` rows
        ahead, so the losses of windows fewer rows apart are correlated: that is the test's horizon.
    time, loss, alpha
        See :func:`compare_losses`; squared errors compare the MSE, absolute ones the MAE.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> noise = rng.normal(size=(200, 1, 1))
    >>> diebold_mariano(noise, 2.0 * noise).says
    'better'
    """
    e1, e2 = np.asarray(errors, np.float64), np.asarray(reference_errors, np.float64)
    if e1.shape != e2.shape:
        raise InputError(f"the errors have shapes {e1.shape} and {e2.shape}: compare forecasts of the same rows")
    steps = e1.shape[1] if e1.ndim == 3 else 1
    e1, e2 = e1.reshape(len(e1), -1), e2.reshape(len(e2), -1)
    losses = [np.abs(e) if loss == "absolute" else e**2 for e in (e1, e2)]
    return compare_losses(*(each.mean(axis=1) for each in losses), horizon=offset + steps - 1, time=time, alpha=alpha)


def compare_losses(
    losses: ArrayLike,
    reference_losses: ArrayLike,
    *,
    horizon: int = 1,
    time: ArrayLike | None = None,
    alpha: float = 0.05,
) -> DieboldMariano:
    """Test whether two forecasts have the same mean loss, from the loss of each window.

    Parameters
    ----------
    losses, reference_losses : (n,)
        Loss of each window, averaged over its steps and channels.
    horizon
        Rows ahead; losses fewer rows apart than this count as correlated.
    time : (n,) whole numbers, optional
        Row number (of the calendar, when there are many series) of each window's last row; windows in their order
        without gaps when absent. Windows of the same row are averaged first, because series that share a day share its
        surprise; gaps (a random split) are allowed: only pairs that are there count.
    alpha
        Level of the test; the interval has confidence ``1 - alpha``.

    Notes
    -----
    The variance of the mean is ``(g_0 + 2 sum_{k<horizon} g_k) / n``, with the differences' autocovariances ``g_k``
    (the rectangular kernel of the original test). Where that is not positive, which can happen, Bartlett's weights
    ``1 - k/horizon`` (Newey & West 1987) take its place. The statistic is multiplied by
    ``sqrt((n + 1 - 2 horizon + horizon (horizon - 1) / n) / n)`` and compared with Student's t of n - 1 degrees.
    """
    d, rows = _by_time(np.asarray(losses, np.float64) - np.asarray(reference_losses, np.float64), time)
    n, mean = len(d), float(d.mean()) if len(d) else 0.0
    if not np.isfinite(mean):
        raise InputError("a loss is missing or infinite: compare forecasts on rows whose truth is known")

    def undecided(note: str) -> DieboldMariano:
        return DieboldMariano(None, None, mean, None, "undecided", n, horizon, note)

    if n <= max(horizon, 2):
        return undecided(f"{n} windows are too few for a test over {horizon} rows ahead")
    if not d.any():
        return DieboldMariano(0.0, 1.0, 0.0, (0.0, 0.0), "undecided", n, horizon, "both forecasts have the same losses")
    autocovariance = _autocovariance(d - mean, rows, horizon)
    variance = _long_run_variance(autocovariance)
    if variance <= 1e-24 * mean**2:
        return undecided("the losses differ by the same amount in every window")

    from scipy.special import stdtr, stdtrit

    correction = np.sqrt((n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n)
    error = float(np.sqrt(variance / n) / correction)
    statistic = mean / error
    p = float(2.0 * stdtr(n - 1, -abs(statistic)))
    reach = float(stdtrit(n - 1, 1.0 - alpha / 2.0)) * error
    says: Literal["better", "worse", "undecided"] = "undecided"
    if p <= alpha:
        says = "better" if mean < 0.0 else "worse"
    return DieboldMariano(statistic, p, mean, (mean - reach, mean + reach), says, n, horizon)


def _by_time(difference: Array, time: ArrayLike | None) -> tuple[Array, NDArray[np.int64]]:
    """Average the windows of one row, and put the rows in order."""
    if time is None:
        return difference, np.arange(len(difference), dtype=np.int64)
    rows, place = np.unique(np.asarray(time, np.int64), return_inverse=True)
    return np.bincount(place, weights=difference) / np.bincount(place), rows


def _autocovariance(centred: Array, rows: NDArray[np.int64], horizon: int) -> Array:
    """Return g_0 ... g_{horizon-1}, each over the pairs of rows that many apart, divided by n."""
    found = []
    for lag in range(horizon):
        place = np.minimum(np.searchsorted(rows, rows + lag), len(rows) - 1)
        there = rows[place] == rows + lag
        found.append(float(centred[there] @ centred[place[there]]) / len(centred))
    return np.asarray(found)


def _long_run_variance(autocovariance: Array) -> float:
    """Sum the autocovariances; Bartlett's weights when the plain sum is not positive."""
    horizon = len(autocovariance)
    plain = autocovariance[0] + 2.0 * autocovariance[1:].sum()
    if plain > 1e-12 * autocovariance[0]:
        return float(plain)
    weights = 1.0 - np.arange(1, horizon) / horizon
    return float(autocovariance[0] + 2.0 * weights @ autocovariance[1:])
