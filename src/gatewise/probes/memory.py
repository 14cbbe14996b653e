"""How long a cell remembers: how strongly what entered k steps ago still moves today's output.

Measured on the input, so that it means the same for every cell, whatever its state is made of: the norm of
``d y_T / d x_{T-k}``, the gradient that training has to learn from (Hochreiter 1991; Pascanu et al. 2013,
arXiv:1211.5063), against the lag k. Lag 0 is set to 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gatewise.models import RecurrentStack


def gradient_flow(stack: RecurrentStack, x: Tensor, generator: torch.Generator) -> dict[str, Any]:
    """Measure a stack's gradient flow over the whole of `x`; the stack's weights become float64.

    Parameters
    ----------
    x
        Inputs, ``(B, T, I)``; the flow is the median over the B sequences.
    generator
        Draws one direction of the output for each sequence.

    Returns
    -------
    dict
        ``half_life`` in steps, None when half is left at the longest lag; ``left_after_100``, the share of the
        influence left after 100 steps, None for shorter inputs; ``lags`` and ``influence``, some 60 points of it.
    """
    influence = influence_by_lag(stack.double().eval(), x.double(), generator)
    lags = spaced(len(influence))
    return {
        "half_life": half_life(influence),
        "left_after_100": float(influence[100]) if len(influence) > 100 else None,
        "lags": lags,
        "influence": [float(f"{influence[lag]:.4g}") for lag in lags],
    }


def influence_by_lag(stack: RecurrentStack, x: Tensor, generator: torch.Generator) -> NDArray[np.float64]:
    """Return the norm of ``d y_T / d x_{T-k}`` for k = 0 .. T - 1, over its value at lag 0.

    One backward pass finds all lags: ``|v^T J|`` for the Jacobian J and a direction v of length 1 drawn at random for
    each sequence. Their median is taken, so that a few steps of a few sequences (a marked number) do not stand for all.
    """
    x = x.detach().requires_grad_()
    y, _ = stack(x)
    direction = torch.randn(y[:, -1].shape, generator=generator, dtype=torch.float64)
    direction = direction / direction.norm(dim=-1, keepdim=True)
    (gradient,) = torch.autograd.grad((y[:, -1] * direction).sum(), x)
    norms = gradient.norm(dim=-1).median(0).values.flip(0).numpy()  # (T,), lag 0 first
    if not norms[0] > 0.0:
        return np.full(len(norms), np.nan)
    found: NDArray[np.float64] = norms / norms[0]
    return found


def half_life(influence: Sequence[float] | NDArray[np.float64]) -> float | None:
    """Return the lag from which on less than half of the influence of lag 0 is left.

    Between two lags the influence is taken to fall exponentially. None when half is left at the last lag.

    Examples
    --------
    >>> half_life([1.0, 0.25]), half_life([1.0, 0.9, 0.8])
    (0.5, None)
    """
    values = np.asarray(influence, np.float64)
    above = np.flatnonzero(values > 0.5)
    if len(above) == 0 or above[-1] == len(values) - 1:
        return None
    last = int(above[-1])
    before, after = float(values[last]), max(float(values[last + 1]), 1e-300)
    return last + math.log(before / 0.5) / math.log(before / after)


def spaced(count: int, points: int = 60) -> list[int]:
    """Return lags from 0 to `count` - 1 that lie evenly on a logarithmic axis, each once.

    Examples
    --------
    >>> spaced(1000)[:4], spaced(1000)[-1]
    ([0, 1, 2, 3], 999)
    """
    grid = np.geomspace(1, max(count - 1, 1), points).round().astype(int)
    return [0, *(int(lag) for lag in np.unique(grid) if lag < count)]
