"""Target transforms: fitted on the training rows only, undone exactly in every output.

All of them work on NumPy arrays and torch tensors alike, by methods and operators only, so that a loss can undo one
inside the gradient. Shapes: B windows, W rows of a window, H forecast rows, C target channels, Q outputs per value.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from gatewise import registry
from gatewise.data.series.series import SeriesSet, require_positive
from gatewise.data.series.splits import Split
from gatewise.data.series.statistics import mean_square_of_changes, range_by_series, spread_by_series, training_rows
from gatewise.data.series.windows import Windows
from gatewise.errors import ModelFolderError

Floats = NDArray[np.float64]


def create_transform(name: str) -> TargetTransform:
    """Return the transform called `name`, not fitted yet.

    Raises
    ------
    UnknownNameError
        If there is none of this name.
    """
    made: TargetTransform = registry.TRANSFORMS.load(name)()
    return made


class TargetTransform(ABC):
    """Base of all target transforms: ``(value - center) / scale``, after subtracting what a window ends with or not.

    `center` and `scale` have shape (S, C): one for each channel of each series. A series without training rows takes
    the pooled ones, in the last row of the fitted arrays.
    """

    name: ClassVar[str]

    def __init__(self) -> None:
        self.series: tuple[str, ...] = ()
        self.center: Floats = np.zeros((1, 1))  # (S+1, C); last row: pooled
        self.scale: Floats = np.ones((1, 1))

    def fit(self, series: SeriesSet, windows: Windows, split: Split) -> Self:
        """Learn from the rows inside the training windows' inputs and targets, and from no other row.

        Raises
        ------
        DataError
            If the values do not allow this transform.
        """
        self.series = series.names
        self.center, self.scale = self._fit(series, windows, split)
        self.scale = np.where(np.isfinite(self.scale) & (self.scale > 0), self.scale, 1.0)
        return self

    @abstractmethod
    def _fit(self, series: SeriesSet, windows: Windows, split: Split) -> tuple[Floats, Floats]:
        """Return center and scale, (S+1, C) each."""

    @abstractmethod
    def apply_inputs(self, window: Any, series_of: Any) -> Any:
        """Transform what the network sees: (B, W, C) -> (B, W, C)."""

    @abstractmethod
    def apply_targets(self, target: Any, last: Any, series_of: Any) -> Any:
        """Transform what is forecast: (B, H, C) -> (B, H, C), with `last` (B, C) the window's last values."""

    @abstractmethod
    def invert(self, forecast: Any, last: Any, series_of: Any) -> Any:
        """Undo `apply_targets`: (B, H, C) or (B, H, C, Q) -> the same shape in the target's own unit.

        The transforms that forecast changes add them up along the horizon, which keeps the order of quantiles; beyond
        the first forecast row a sum of quantiles is wider than the quantile of the sum.
        """

    def for_series(self, names: Sequence[str]) -> Self:
        """Return this transform for other series: by name, the pooled statistics for those not seen in training."""
        place = {name: i for i, name in enumerate(self.series)}
        rows = [place.get(name, len(self.series)) for name in names] + [len(self.series)]
        other = type(self)()
        other.series, other.center, other.scale = tuple(names), self.center[rows], self.scale[rows]
        return other

    def to_json(self) -> dict[str, Any]:
        """Return the fitted state as plain data."""
        return {
            "name": self.name,
            "series": list(self.series),
            "center": self.center.tolist(),
            "scale": self.scale.tolist(),
        }

    @staticmethod
    def from_json(state: Mapping[str, Any]) -> TargetTransform:
        """Return the transform that `to_json` described.

        Raises
        ------
        ModelFolderError
            If the state is not complete.
        """
        try:
            transform = create_transform(state["name"])
            transform.series = tuple(state["series"])
            transform.center = np.array(state["center"], dtype=np.float64)
            transform.scale = np.array(state["scale"], dtype=np.float64)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFolderError(f"the target transform cannot be read: {error}") from None
        shape = (len(transform.series) + 1, transform.center.shape[-1] if transform.center.ndim else 0)
        if transform.center.shape != shape or transform.scale.shape != shape:
            raise ModelFolderError("the target transform cannot be read: center and scale do not fit its series")
        return transform

    def _center(self, series_of: Any, like: Any) -> Any:
        return spread(self.center, series_of, like)

    def _scale(self, series_of: Any, like: Any) -> Any:
        return spread(self.scale, series_of, like)


class _Level(TargetTransform):
    """Transforms of the value itself: ``(value - center) / scale``."""

    def apply_inputs(self, window: Any, series_of: Any) -> Any:
        return (window - self._center(series_of, window)) / self._scale(series_of, window)

    def apply_targets(self, target: Any, last: Any, series_of: Any) -> Any:  # noqa: ARG002
        return (target - self._center(series_of, target)) / self._scale(series_of, target)

    def invert(self, forecast: Any, last: Any, series_of: Any) -> Any:  # noqa: ARG002
        return forecast * self._scale(series_of, forecast) + self._center(series_of, forecast)


class NoTransform(_Level):
    """Values as they are."""

    name = "none"

    def _fit(self, series: SeriesSet, windows: Windows, split: Split) -> tuple[Floats, Floats]:  # noqa: ARG002
        shape = (len(series.names) + 1, len(series.channels))
        return np.zeros(shape), np.ones(shape)


class Standard(_Level):
    """Subtract the mean of the training rows, divide by their standard deviation."""

    name = "standard"

    def _fit(self, series: SeriesSet, windows: Windows, split: Split) -> tuple[Floats, Floats]:
        return spread_by_series(series.target, series.offsets, training_rows(windows, split.train))


class MinMax(_Level):
    """Map the range of the training rows to 0 .. 1."""

    name = "min_max"

    def _fit(self, series: SeriesSet, windows: Windows, split: Split) -> tuple[Floats, Floats]:
        low, high = range_by_series(series.target, series.offsets, training_rows(windows, split.train))
        return low, high - low


class _FromLast(TargetTransform):
    """Transforms relative to the window's last value.

    Divided by the root mean square of the training windows' transformed targets, so that networks see numbers of
    order one. The center is zero: "no change" stays zero.
    """

    def _fit(self, series: SeriesSet, windows: Windows, split: Split) -> tuple[Floats, Floats]:
        squares = mean_square_of_changes(self._level(series.target), windows, split.train, summed=self.summed)
        return np.zeros_like(squares), np.sqrt(squares)

    #: Whether a forecast row is relative to the window's last value (True) or to the row before it.
    summed: ClassVar[bool] = False

    def _level(self, values: Any) -> Any:
        """Return what differences are taken of."""
        return values

    def _unlevel(self, values: Any) -> Any:
        return values

    def apply_inputs(self, window: Any, series_of: Any) -> Any:
        level = self._level(window)
        changes = level * 0
        changes[:, 1:] = level[:, 1:] - level[:, :-1]
        return changes / self._scale(series_of, window)

    def apply_targets(self, target: Any, last: Any, series_of: Any) -> Any:
        level = self._level(target)
        changes = level * 0
        changes[:, 0] = level[:, 0] - self._level(last)
        changes[:, 1:] = level[:, 1:] - level[:, :-1]
        return changes / self._scale(series_of, target)

    def invert(self, forecast: Any, last: Any, series_of: Any) -> Any:
        summed = (forecast * self._scale(series_of, forecast)).cumsum(1)
        return self._unlevel(summed + self._level(_beside(last, forecast)))


class Difference(_FromLast):
    """Change from one row to the next; the first forecast row's change is from the window's last value."""

    name = "difference"


class LogReturn(_FromLast):
    """Change of the logarithm from one row to the next; needs positive values."""

    name = "log_return"

    def fit(self, series: SeriesSet, windows: Windows, split: Split) -> Self:
        """Learn from the training rows; every value must be positive.

        Raises
        ------
        DataError
            If a value is zero or negative; the message names the series and its time.
        """
        require_positive(series, "transform log_return")
        return super().fit(series, windows, split)

    def _level(self, values: Any) -> Any:
        return values.log() if hasattr(values, "log") else np.log(values)

    def _unlevel(self, values: Any) -> Any:
        return values.exp() if hasattr(values, "exp") else np.exp(values)


class LastValue(_FromLast):
    """Subtract the window's last value."""

    name = "last_value"
    summed = True

    def apply_inputs(self, window: Any, series_of: Any) -> Any:  # noqa: D102
        return (window - window[:, -1:]) / self._scale(series_of, window)

    def apply_targets(self, target: Any, last: Any, series_of: Any) -> Any:  # noqa: D102
        return (target - _beside(last, target)) / self._scale(series_of, target)

    def invert(self, forecast: Any, last: Any, series_of: Any) -> Any:  # noqa: D102
        return forecast * self._scale(series_of, forecast) + _beside(last, forecast)


def _beside(last: Any, like: Any) -> Any:
    """Shape last values (B, C) so that they stand beside (B, H, C) or (B, H, C, Q)."""
    return last[:, None, :, None] if like.ndim == 4 else last[:, None, :]


def spread(table: Floats, series_of: Any, like: Any) -> Any:
    """Pick each window's row of a (S+1, C) table, shaped and typed to stand beside `like`."""
    if hasattr(series_of, "cpu"):
        series_of = series_of.cpu()
    rows = _beside(table[np.asarray(series_of, dtype=np.int64)], like)
    return like.new_tensor(rows) if hasattr(like, "new_tensor") else rows.astype(like.dtype, copy=False)
