"""How large is a difference, in units that need no metric? Cohen's d_z, Cliff's delta, the chance to be better."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from gatewise.metrics.decisions import wilson
from gatewise.studies.paired_tests import finite


@dataclass(frozen=True)
class Effect:
    """The size of a difference between two settings, over seeds.

    Attributes
    ----------
    d_z, d_z_interval
        Cohen's d of paired differences: their mean over their standard deviation; None with one seed or no spread.
    cliffs_delta
        Share of all pairs of a run of each, seeds apart, in which the first is higher, less the share in which it is
        lower (Cliff 1993): 1 when every run of the first lies above every run of the second.
    chance, chance_interval
        How often the first is better with the same seed: the chance that it is so with a new seed, ties counted half.
    """

    d_z: float | None
    d_z_interval: tuple[float, float] | None
    cliffs_delta: float
    chance: float
    chance_interval: tuple[float, float] | None

    def to_json(self) -> dict[str, Any]:
        """Return plain values for ``comparison.json``."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def effect_of(
    first: ArrayLike, second: ArrayLike, *, better: Literal["lower", "higher"] = "lower", alpha: float = 0.05
) -> Effect:
    """Return the size of the difference of two settings whose runs stand in the same order of seeds.

    Examples
    --------
    >>> found = effect_of([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 4.0, 6.0])
    >>> round(found.d_z, 3), found.cliffs_delta, found.chance
    (-2.598, -0.5625, 1.0)
    """
    a, b = finite(first), finite(second)
    d = a - b
    wins = d < 0.0 if better == "lower" else d > 0.0
    won = float(wins.sum() + 0.5 * (d == 0.0).sum())
    spread = float(d.std(ddof=1)) if len(d) > 1 else 0.0
    known = spread > 1e-12 * abs(float(d.mean()))
    return Effect(
        d_z=float(d.mean()) / spread if known else None,
        d_z_interval=d_z_interval(float(d.mean()) / spread, len(d), alpha) if known else None,
        cliffs_delta=cliffs_delta(a, b),
        chance=won / len(d),
        chance_interval=wilson(won, len(d), alpha),
    )


def cliffs_delta(first: ArrayLike, second: ArrayLike) -> float:
    """Return how often a value of the first is above one of the second, less how often below: -1 to 1.

    Examples
    --------
    >>> cliffs_delta([4.0, 5.0], [1.0, 2.0, 4.5])
    0.6666666666666666
    """
    a, b = finite(first), finite(second)
    return float(np.sign(a[:, None] - b[None, :]).mean())


def d_z_interval(d_z: float, seeds: int, alpha: float = 0.05) -> tuple[float, float]:
    """Return the interval of a paired effect, by inverting the noncentral t distribution (Cumming & Finch 2001).

    Examples
    --------
    >>> [round(end, 3) for end in d_z_interval(0.5, 20)]
    [0.028, 0.96]
    """
    from scipy.special import nctdtrinc

    root = math.sqrt(seeds)
    ends = [float(nctdtrinc(seeds - 1, share, d_z * root)) / root for share in (1.0 - alpha / 2.0, alpha / 2.0)]
    return ends[0], ends[1]
