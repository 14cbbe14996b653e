"""Linear regression on the window, with a ridge penalty: the baseline that learns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gatewise.data.series import Windows, training_rows
from gatewise.data.series.statistics import spread_by_series
from gatewise.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Penalties that are tried, relative to the variance of a standardised input.
PENALTIES = np.logspace(-6, 3, 19)

#: A matrix of this many inputs squared is still quick to decompose.
MOST_INPUTS = 1500

#: Numbers of a chunk of windows that are in memory at once.
CHUNK = 500_000


class Ridge:
    """Closed-form ridge regression from the window (and covariates) to all steps and channels at once.

    Every series is standardised by the mean and spread of its training rows. The inputs are then the window's values
    less its last one, and that last value; the outputs are the targets less the last value. This spans the same linear
    forecasts as the plain window does, but the penalty now draws towards "the last value plus the mean change" and not
    towards the mean of the series, which a price left years ago. Covariates of the series are inputs too: the
    past ones over the window, the future ones at the forecast rows.

    Inputs are standardised over the training windows. One penalty for all outputs is chosen by the squared error of the
    validation windows or, without any, by generalised cross-validation (Golub, Heath & Wahba 1979). Windows are read in
    chunks and only inner products are kept, so a million windows fit in memory.

    Joint series of more than 1,500 inputs in all share one regression, each channel from its own window; if that is
    still too many, covariates are left out and the window's last 1,500 rows are used.

    Attributes
    ----------
    penalty : the one that was chosen.
    coefficients : (inputs, outputs), of the standardised inputs.
    """

    def fit(
        self,
        windows: Windows,
        target: Floats,
        train: Ints,
        validation: Ints,
        season: int | None = None,  # noqa: ARG002  (every baseline takes the same)
    ) -> Self:
        """Solve the regression on the training windows; see :class:`~gatewise.tasks.forecast.baselines.Baseline`."""
        self.windows = windows
        self._choose_inputs(target.shape[1])
        series = windows.series
        self.mean, spread = spread_by_series(target, series.offsets, training_rows(windows, train))
        self.spread = np.where(spread > 0.0, spread, 1.0)
        self.shift: Any = 0.0  # subtracted from inputs before squares are summed, so that large ones lose no digits
        first = next(self._chunks(target, train), None)
        if first is None:
            raise InputError("ridge has no training window to learn from: give more rows or smaller test parts")
        self.shift = first[0].mean(axis=0)
        n, sums, answer_sums, gram, cross, square = self._moments(target, train)
        self.centre, self.intercept = sums / n, answer_sums / n
        variance = np.diag(gram) / n - self.centre**2
        varies = variance > 1e-12 * (np.diag(gram) / n)
        self.scale = np.where(varies, np.sqrt(np.where(varies, variance, 1.0)), np.inf)  # x / inf: no say
        correlation = (gram / n - np.outer(self.centre, self.centre)) / np.outer(self.scale, self.scale)
        cross = (cross / n - np.outer(self.centre, self.intercept)) / self.scale[:, None]
        values, vectors = np.linalg.eigh(correlation)
        values, turned = np.maximum(values, 0.0), vectors.T @ cross
        if len(validation):
            error = self._validation_error(target, validation, values, vectors, turned)
        else:
            error = _generalised_error(n, square / n - float(self.intercept @ self.intercept), values, turned)
        self.penalty = float(PENALTIES[int(np.argmin(error))])
        self.coefficients = vectors @ (turned / (values + self.penalty)[:, None])
        return self

    def predict(self, target: Floats, indices: Ints) -> Floats:
        """Forecast what follows the windows `indices`: (n, H, C)."""
        channels = target.shape[1]
        made = np.empty((len(indices), self.windows.horizon, channels))
        begin = 0
        for inputs, _, last in self._chunks(target, indices):
            change = (inputs - self.centre) / self.scale @ self.coefficients + self.intercept
            end = begin + len(inputs) // (channels if self.apart else 1)
            scaled = change.reshape(len(last), self.windows.horizon, -1) + last[:, None]
            if self.apart:
                scaled = scaled[..., 0].reshape(end - begin, channels, -1).transpose(0, 2, 1)
            of = self.windows.series_at(indices[begin:end])
            made[begin:end] = scaled * self.spread[of][:, None] + self.mean[of][:, None]
            begin = end
        return made

    def _choose_inputs(self, channels: int) -> None:
        """Keep the number of inputs in bounds."""
        window, series = self.windows.window, self.windows.series
        covariates = window * series.past.shape[1] + self.windows.horizon * series.future.shape[1]
        self.apart = channels > 1 and window * channels + covariates > MOST_INPUTS
        self.rows = min(window, MOST_INPUTS)
        own = self.rows * (1 if self.apart else channels)
        self.covariates = 0 < covariates <= MOST_INPUTS - own
        self.inputs = own + (covariates if self.covariates else 0)

    def _chunks(self, target: Floats, indices: Ints) -> Iterator[tuple[Floats, Floats, Floats]]:
        """Yield inputs (b, p), answers (b, q) and last values (b, channels a row) of some windows, in their order."""
        channels, series = target.shape[1], self.windows.series
        size = max(1, CHUNK // max(self.inputs * (channels if self.apart else 1), self.windows.horizon * channels))
        for begin in range(0, len(indices), size):
            idx = indices[begin : begin + size]
            of = self.windows.series_at(idx)
            mean, spread = self.mean[of][:, None], self.spread[of][:, None]
            seen = (self.windows.inputs(target, idx)[:, -self.rows :] - mean) / spread
            answers = (self.windows.targets(target, idx) - mean) / spread
            if self.apart:
                seen, answers = (part.transpose(0, 2, 1).reshape(-1, part.shape[1], 1) for part in (seen, answers))
            last = seen[:, -1]
            parts = [(seen[:, :-1] - last[:, None]).reshape(len(last), -1), last]
            if self.covariates:
                extra = [self.windows.inputs(series.past, idx), self.windows.targets(series.future, idx)]
                parts += [np.repeat(part.reshape(len(idx), -1), len(last) // len(idx), axis=0) for part in extra]
            yield np.concatenate(parts, axis=1) - self.shift, (answers - last[:, None]).reshape(len(last), -1), last

    def _moments(self, target: Floats, indices: Ints) -> tuple[int, Floats, Floats, Floats, Floats, float]:
        """Sum up windows: how many, inputs, answers, inputs x inputs, inputs x answers, squared answers."""
        n, square = 0, 0.0
        outputs = self.windows.horizon * (1 if self.apart else target.shape[1])
        sums, answer_sums = np.zeros(self.inputs), np.zeros(outputs)
        gram, cross = np.zeros((self.inputs, self.inputs)), np.zeros((self.inputs, outputs))
        for inputs, answers, _ in self._chunks(target, indices):
            n += len(inputs)
            sums += inputs.sum(axis=0)
            answer_sums += answers.sum(axis=0)
            gram += inputs.T @ inputs
            cross += inputs.T @ answers
            square += float(np.vdot(answers, answers))
        return n, sums, answer_sums, gram, cross, square

    def _validation_error(
        self, target: Floats, validation: Ints, values: Floats, vectors: Floats, turned: Floats
    ) -> Floats:
        """Return the squared error of each penalty on the validation windows, but for a constant."""
        gram, cross = np.zeros((len(values), len(values))), np.zeros(turned.shape)
        for inputs, answers, _ in self._chunks(target, validation):
            projected = (inputs - self.centre) / self.scale @ vectors
            gram += projected.T @ projected
            cross += projected.T @ (answers - self.intercept)
        weights = (turned / (values + penalty)[:, None] for penalty in PENALTIES)
        return np.array([np.vdot(weight, gram @ weight - 2.0 * cross) for weight in weights])


def _generalised_error(n: int, variance: float, values: Floats, turned: Floats) -> Floats:
    """Return the generalised cross-validation score of each penalty."""
    explained, scores = (turned**2).sum(axis=1), []
    for penalty in PENALTIES:
        residual = variance - float(explained @ ((values + 2.0 * penalty) / (values + penalty) ** 2))
        left = 1.0 - (1.0 + float((values / (values + penalty)).sum())) / n
        scores.append(residual / left**2 if left > 0.0 else np.inf)
    return np.array(scores)
