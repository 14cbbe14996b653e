"""Covariates as numbers of order one: standardised on the training rows only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gatewise.data.series.series import SeriesSet
from gatewise.data.series.splits import Split
from gatewise.data.series.statistics import spread_by_series, training_rows
from gatewise.data.series.transforms import spread
from gatewise.data.series.windows import Windows
from gatewise.errors import ModelFolderError

Floats = NDArray[np.float64]
_KINDS = ("past", "future", "static")


class CovariateScaler:
    """Subtract the mean of the training rows and divide by their standard deviation.

    Past and future covariates have their own statistics for each series, and the pooled ones for a series without
    training rows; static covariates are standardised over the series that have training rows. A column that does not
    vary is only centred. Works on NumPy arrays and torch tensors alike.
    """

    def __init__(self) -> None:
        self.series: tuple[str, ...] = ()
        self.center: dict[str, Floats] = {kind: np.zeros((1, 0)) for kind in _KINDS}  # (S+1, columns)
        self.scale: dict[str, Floats] = {kind: np.ones((1, 0)) for kind in _KINDS}

    def fit(self, series: SeriesSet, windows: Windows, split: Split) -> Self:
        """Learn from the rows inside the training windows' inputs and targets, and from no other row."""
        self.series = series.names
        rows = training_rows(windows, split.train)
        for kind, values in (("past", series.past), ("future", series.future)):
            self._set(kind, *spread_by_series(values, series.offsets, rows))
        seen = np.unique(windows.series_at(split.train))
        one = np.zeros(len(series.names), dtype=bool)
        one[seen] = True
        center, scale = spread_by_series(series.static, np.array([0, len(one)]), one)
        repeat = len(series.names) + 1
        self._set("static", np.repeat(center[-1:], repeat, axis=0), np.repeat(scale[-1:], repeat, axis=0))
        return self

    def _set(self, kind: str, center: Floats, scale: Floats) -> None:
        self.center[kind] = center
        usable = np.isfinite(scale) & (scale > 1e-12 * np.abs(center))
        self.scale[kind] = np.where(usable, scale, 1.0)

    def apply_past(self, values: Any, series_of: Any) -> Any:
        """Scale past covariates: (B, W, P) -> (B, W, P)."""
        return self._apply("past", values, series_of)

    def apply_future(self, values: Any, series_of: Any) -> Any:
        """Scale known-future covariates: (B, H, F) -> (B, H, F)."""
        return self._apply("future", values, series_of)

    def apply_static(self, values: Any, series_of: Any) -> Any:
        """Scale static covariates: (B, K) -> (B, K)."""
        return self._apply("static", values[:, None, :], series_of)[:, 0]

    def _apply(self, kind: str, values: Any, series_of: Any) -> Any:
        center, scale = self.center[kind], self.scale[kind]
        return (values - spread(center, series_of, values)) / spread(scale, series_of, values)

    def for_series(self, names: Sequence[str]) -> CovariateScaler:
        """Return this scaler for other series: by name, the pooled statistics for those not seen in training."""
        place = {name: i for i, name in enumerate(self.series)}
        rows = [place.get(name, len(self.series)) for name in names] + [len(self.series)]
        other = CovariateScaler()
        other.series = tuple(names)
        for kind in _KINDS:
            other.center[kind], other.scale[kind] = self.center[kind][rows], self.scale[kind][rows]
        return other

    def to_json(self) -> dict[str, Any]:
        """Return the fitted state as plain data."""
        return {
            "series": list(self.series),
            "center": {kind: self.center[kind].tolist() for kind in _KINDS},
            "scale": {kind: self.scale[kind].tolist() for kind in _KINDS},
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> CovariateScaler:
        """Return the scaler that `to_json` described.

        Raises
        ------
        ModelFolderError
            If the state is not complete.
        """
        scaler = cls()
        try:
            scaler.series = tuple(state["series"])
            rows = len(scaler.series) + 1
            for kind in _KINDS:
                scaler.center[kind] = np.array(state["center"][kind], dtype=np.float64).reshape(rows, -1)
                scaler.scale[kind] = np.array(state["scale"][kind], dtype=np.float64).reshape(rows, -1)
                if scaler.center[kind].shape != scaler.scale[kind].shape:
                    raise ValueError(f"center and scale of {kind} differ in shape")
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFolderError(f"the covariate scaler cannot be read: {error}") from None
        return scaler
