"""Intervals whose coverage is measured: split-conformal, from the residuals of the validation part.

If the rows to come behave like those of the validation part (are exchangeable with them), an interval of level L holds
the truth in at least L % of cases, whatever the network (Vovk et al. 2005; Lei et al. 2018). Prices drift, so test
coverage is always shown beside the level.

Each horizon step and channel has its own width. Around a point forecast the interval is ``mean +- r``; around a
network's own quantiles it is ``[lower - r, upper + r]`` (conformalised quantile regression: Romano, Patterson & Candes
2019, arXiv:1905.03222), where `r` may be negative and then narrows bounds that were too wide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatewise.errors import InputError, ModelFolderError
from gatewise.metrics import bound_names

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ConformalIntervals:
    """How far the bounds of each level lie from the forecast.

    Attributes
    ----------
    reach : level in percent to (H, C), narrowest level first.
    around_bounds
        Whether the reach is counted from the network's own bounds, not from its mean.
    windows
        Validation windows that it was measured on.
    notes
        Levels that cannot be given, and why.

    Examples
    --------
    >>> y, mean = np.arange(-50.0, 50.0).reshape(-1, 1, 1), np.zeros((100, 1, 1))
    >>> found = ConformalIntervals.fit(y, mean, levels=[80])
    >>> found.reach[80].item()
    40.0
    """

    reach: dict[int, Floats]
    around_bounds: bool
    windows: int
    notes: tuple[str, ...] = ()

    @classmethod
    def fit(
        cls, y: ArrayLike, mean: ArrayLike, levels: Sequence[int], bounds: Mapping[str, ArrayLike] | None = None
    ) -> ConformalIntervals:
        """Measure the reach of each level.

        Of n residuals the one of rank ``ceil((n + 1) level)`` is taken. Where that rank is above n, the interval would
        be infinite: the level is left out, and a note says how many windows it needs.

        Parameters
        ----------
        y, mean : (n, H, C)
            Truth and forecast of the validation windows.
        levels
            In percent, e.g. 80 and 95.
        bounds
            The network's own quantiles by name ("q0.1": (n, H, C)), both bounds of every level, when it gives them.

        Raises
        ------
        InputError
            If truth and forecast differ in shape, or a bound is missing.
        """
        y, mean = np.asarray(y, np.float64), np.asarray(mean, np.float64)
        if y.shape != mean.shape or y.ndim != 3:
            raise InputError(f"intervals need a truth and a forecast of shape (n, H, C), found {y.shape}, {mean.shape}")
        n, reach, notes = len(y), {}, []
        for level in sorted(set(levels)):
            rank = -(-(n + 1) * level // 100)  # ceil, in whole numbers: no rounding decides
            if rank > n:
                least = -(-level // (100 - level))
                notes.append(f"no {level} % interval: it needs {least} validation windows, there are {n}")
                continue
            lower, upper = _edges(level, mean, bounds)
            outside = np.maximum(lower - y, y - upper)
            reach[level] = np.partition(outside, rank - 1, axis=0)[rank - 1]
        return cls(reach, bounds is not None, n, tuple(notes))

    def apply(self, mean: ArrayLike, bounds: Mapping[str, ArrayLike] | None = None) -> dict[str, Floats]:
        """Return the bounds around a forecast, by name, lowest first.

        A wider level always contains a narrower one, and no lower bound lies above its upper one.

        Parameters
        ----------
        mean : (n, H, C)
        bounds
            The network's own quantiles, as in :meth:`fit`.

        Raises
        ------
        InputError
            If the network's quantiles were there for one of fit and apply only, or the shapes differ.
        """
        mean = np.asarray(mean, np.float64)
        if self.around_bounds != (bounds is not None):
            raise InputError("these intervals were measured " + ("around" if self.around_bounds else "without")
                             + " the network's own quantiles: apply them in the same way")  # fmt: skip
        lows: dict[str, Floats] = {}
        highs: dict[str, Floats] = {}
        inner: tuple[Floats, Floats] | None = None
        for level, reach in self.reach.items():
            if mean.shape[1:] != reach.shape:
                raise InputError(f"intervals of shape {reach.shape} do not fit a forecast of shape {mean.shape}")
            lower, upper = _edges(level, mean, bounds)
            lower, upper = lower - reach, upper + reach
            middle = (lower + upper) / 2.0
            lower, upper = np.minimum(lower, middle), np.maximum(upper, middle)
            if inner is not None:
                lower, upper = np.minimum(lower, inner[0]), np.maximum(upper, inner[1])
            inner = lower, upper
            low, high = bound_names(level)
            lows[low], highs[high] = inner
        return dict(reversed(lows.items())) | highs

    def to_json(self) -> dict[str, Any]:
        """Return plain values, from which :meth:`from_json` makes the same intervals again, to the last bit."""
        return {
            "reach": {str(level): reach.tolist() for level, reach in self.reach.items()},
            "around_bounds": self.around_bounds,
            "windows": self.windows,
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> ConformalIntervals:
        """Make intervals from what :meth:`to_json` gave.

        Raises
        ------
        ModelFolderError
            If a key is missing or holds something else.
        """
        try:
            reach = {int(level): np.asarray(values, np.float64) for level, values in tree["reach"].items()}
            if any(values.ndim != 2 or not np.isfinite(values).all() for values in reach.values()):
                raise ValueError("a reach is not a finite table of steps and channels")
            return cls(
                dict(sorted(reach.items())), bool(tree["around_bounds"]), int(tree["windows"]), tuple(tree["notes"])
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ModelFolderError(f"intervals cannot be read ({error!r}): the model folder is damaged") from None


def _edges(level: int, mean: Floats, bounds: Mapping[str, ArrayLike] | None) -> tuple[Floats, Floats]:
    """Return what the reach of a level is counted from: the mean twice, or the network's own two bounds in order."""
    if bounds is None:
        return mean, mean
    missing = [name for name in bound_names(level) if name not in bounds]
    if missing:
        raise InputError(f"the {level} % interval needs the quantile {missing[0]}, found {', '.join(bounds) or 'none'}")
    low, high = (np.asarray(bounds[name], np.float64) for name in bound_names(level))
    return np.minimum(low, high), np.maximum(low, high)
