"""Is it only yesterday's price? Which shift of the forecast fits the truth best, and what skill is left after it.

A network trained on prices often learns to repeat the last value it saw. Its curve then looks right beside the truth,
but fits best when moved back by the rows between the window and its target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatewise.errors import InputError
from gatewise.metrics.point import pearson, skill

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ChannelLag:
    """The lag check of one series.

    Attributes
    ----------
    mse, correlation : (K + 1,)
        Of the forecast for row t with the truth of row t - k, for each shift k = 0 ... K.
    shift
        The k with the least MSE (the smallest of equals): 0 when the forecast fits its own row best, the target's
        offset when it fits the last value that it saw.
    skill
        ``1 - MSE / MSE(last value)``.
    change_correlation
        Pearson's r of the forecast change ``yhat - last`` with the true change ``y - last``: what is left once the last
        value is taken out of both. None when the forecast never leaves the last value by a varying amount.
    change_r2
        Share of the variance of the true change that the forecast change explains at best, by a straight line:
        ``change_correlation²``.
    change_slope
        Slope of that line. 1 would be a change of the right size; near 0, the forecast change is noise.
    """

    mse: tuple[float, ...]
    correlation: tuple[float | None, ...]
    shift: int
    skill: float | None
    change_correlation: float | None
    change_r2: float | None
    change_slope: float | None


@dataclass(frozen=True)
class LagCheck:
    """The lag check of every channel, and in one.

    ``shift`` is the best one over all channels, each channel's MSE counted relative to its last value's;
    ``is_last_value`` says that it is the target's offset, so that the forecast fits best the value that it saw last.
    """

    offset: int
    shift: int
    channels: dict[str, ChannelLag]

    @property
    def is_last_value(self) -> bool:
        """Whether the forecast fits the last value that it saw better than the truth it was made for."""
        return self.shift == self.offset

    def to_json(self) -> dict[str, Any]:
        """Return plain values for ``result.json``; the numbers on top are means over the channels."""
        means = {key: self._mean(key) for key in ("skill", "change_correlation", "change_r2")}
        channels = {name: _plain(asdict(channel)) for name, channel in self.channels.items()}
        top = {"offset": self.offset, "shift": self.shift, "is_last_value": self.is_last_value}
        return top | means | {"correlation": means["change_correlation"], "channels": channels}

    def _mean(self, key: str) -> float | None:
        values = [getattr(channel, key) for channel in self.channels.values()]
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if known else None


def lag_check(
    target: ArrayLike,
    rows: ArrayLike,
    yhat: ArrayLike,
    *,
    offset: int = 1,
    names: Sequence[str] | None = None,
    shifts: int | None = None,
) -> LagCheck:
    """Compare forecasts with the truth of their own row and of the rows before.

    Parameters
    ----------
    target : (N, C)
        The whole series, oldest row first: earlier rows are read from it, so that the windows may be any of it (a
        random split too). Check many series one at a time.
    rows : (n,)
        Row of target that each forecast is for (the first horizon step).
    yhat : (n, C)
        Forecast of those rows.
    offset
        Rows from the window's last row to the forecast row.
    names : (C,), optional
        What to call the channels; their numbers when absent.
    shifts
        Largest shift K; ``offset + 3`` by default. Rows that do not have K rows before them are left out.

    Raises
    ------
    InputError
        If no row has K rows before it.

    Examples
    --------
    >>> prices = np.array([[1.0], [3.0], [2.0], [5.0], [4.0], [6.0], [9.0]])
    >>> lag_check(prices, [5, 6], prices[[4, 5]]).is_last_value
    True
    """
    target, yhat = np.asarray(target, np.float64), np.asarray(yhat, np.float64)
    rows = np.asarray(rows, np.int64)
    most = offset + 3 if shifts is None else max(shifts, offset)
    usable = rows >= most
    if not usable.any():
        raise InputError(f"the lag check needs {most} rows before a forecast row, found {rows.max(initial=0)}")
    rows, yhat = rows[usable], yhat[usable]
    shifted = np.stack([target[rows - k] for k in range(most + 1)])  # (K + 1, n, C)
    errors = ((yhat - shifted) ** 2).mean(axis=1)  # (K + 1, C)
    labels = list(names) if names is not None else [str(c) for c in range(target.shape[1])]
    channels = {label: _channel(shifted[:, :, c], yhat[:, c], errors[:, c], offset) for c, label in enumerate(labels)}
    moved = ((shifted[0] - shifted[offset]) ** 2).mean(axis=0)
    relative = errors / np.where(moved > 0.0, moved, 1.0)
    return LagCheck(offset, int(relative.mean(axis=1).argmin()), channels)


def _channel(shifted: Array, yhat: Array, errors: Array, offset: int) -> ChannelLag:
    y, last = shifted[0], shifted[offset]
    forecast_change, true_change = yhat - last, y - last
    left = pearson(true_change, forecast_change)
    slope = None if left is None else float(left * true_change.std() / forecast_change.std())
    return ChannelLag(
        mse=tuple(errors.tolist()),
        correlation=tuple(pearson(truth, yhat) for truth in shifted),
        shift=int(errors.argmin()),
        skill=skill(y, yhat, last),
        change_correlation=left,
        change_r2=None if left is None else left**2,
        change_slope=slope,
    )


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
