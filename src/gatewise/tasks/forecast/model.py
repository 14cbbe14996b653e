"""A trained forecaster in memory: the network with everything that was fitted beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gatewise.data.series import CovariateScaler, SeriesSet, TargetTransform, Windows
from gatewise.errors import DataError
from gatewise.models import ForecastNetwork
from gatewise.settings import ForecastSettings
from gatewise.tasks.forecast.inputs import PREDICTION_BATCH, InputBuilder, WindowRows, refuse_huge, run_network
from gatewise.tasks.forecast.intervals import ConformalIntervals
from gatewise.training import ProbabilisticLoss, create_loss

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Forecasts:
    """Forecasts of `n` windows in the user's units.

    Attributes
    ----------
    mean : (n, H, C)
    bounds : name of the level ("q0.025") to (n, H, C).
    """

    mean: Floats
    bounds: dict[str, Floats]

    def at(self, order: Ints) -> Forecasts:
        """Return the windows at `order`."""
        return Forecasts(self.mean[order], {name: values[order] for name, values in self.bounds.items()})

    def until_step(self, last: int) -> Forecasts:
        """Keep the first `last` steps."""
        return Forecasts(self.mean[:, :last], {name: values[:, :last] for name, values in self.bounds.items()})


@dataclass
class ForecastModel:
    """Network, transform, scalers and intervals that belong together.

    Attributes
    ----------
    history
        The last rows of every series, so that a forecast can go on without the data file.
    season
        Rows in a season.
    scales : (S, C)
        Denominator of MASE, from the training rows.
    """

    settings: ForecastSettings
    network: ForecastNetwork
    transform: TargetTransform
    covariates: CovariateScaler
    history: SeriesSet
    season: int
    scales: Floats
    intervals: ConformalIntervals | None = None

    def __post_init__(self) -> None:
        self.loss = create_loss(self.settings.train)
        self.builder = InputBuilder(self.transform, self.covariates, self.history.static, self.settings.train)

    def for_series(self, series: SeriesSet) -> ForecastModel:
        """Return this model for other series of the same shape: those it knows by name, others by pooled scales.

        Raises
        ------
        DataError
            If the channels or covariates are not those that it was trained on.
        """
        refuse_huge(series)
        for what in ("channels", "past_names", "future_names", "static_names"):
            ours, theirs = getattr(self.history, what), getattr(series, what)
            reordered = ours != theirs and sorted(ours) == sorted(theirs)
            if len(ours) != len(theirs) or reordered or (what != "channels" and ours != theirs):
                raise DataError(
                    f"the model was trained on {_listed(ours)} ({what.replace('_', ' ')}); "
                    f"these data have {_listed(theirs)}" + (": give them in the same order" if reordered else "")
                )
        place = {name: i for i, name in enumerate(self.history.names)}
        nowhere = np.full((1, self.scales.shape[1]), np.nan)
        rows = [place.get(name, len(place)) for name in series.names]
        return replace(
            self,
            transform=self.transform.for_series(series.names),
            covariates=self.covariates.for_series(series.names),
            history=series,
            scales=np.concatenate([self.scales, nowhere])[rows],
        )

    @property
    def parameters(self) -> int:
        """Number of trained weights."""
        return sum(weight.numel() for weight in self.network.parameters())

    @property
    def interval_levels(self) -> list[float]:
        """Return the two-sided levels as quantiles, lowest first: 80 and 95 give 0.025, 0.1, 0.9, 0.975."""
        tails = {round((1 - level / 100) / 2, 6) for level in self.settings.levels}
        return sorted({*tails, *(round(1 - tail, 6) for tail in tails)})

    def predict(self, series: SeriesSet, windows: Windows, indices: Ints) -> Forecasts:
        """Forecast what follows some windows of `series`."""
        parts = [
            self.predict_rows(self.builder.rows(series, windows, indices[start : start + PREDICTION_BATCH]))
            for start in range(0, len(indices), PREDICTION_BATCH)
        ]
        return join(parts)

    def predict_rows(self, rows: WindowRows) -> Forecasts:
        """Forecast what follows the windows whose rows are given."""
        inputs = self.builder.build(rows)
        self.network.eval()
        with torch.inference_mode():
            output = run_network(self.network, inputs)  # (B, H, C, Q)
            point = self._invert(self.loss.point(output), rows)
            spread = None
            if isinstance(self.loss, ProbabilisticLoss):
                spread = self._invert(self.loss.quantiles(output, self.interval_levels), rows)  # (B, H, C, L)
        bounds = {}
        if spread is not None:
            bounds = {f"q{level:g}": spread[..., i] for i, level in enumerate(self.interval_levels)}
        return self.with_intervals(Forecasts(point, bounds))

    def with_intervals(self, forecasts: Forecasts) -> Forecasts:
        """Widen or narrow the bounds to what the validation part asks for, once that is known."""
        if self.intervals is None:
            return forecasts
        return Forecasts(forecasts.mean, self.intervals.apply(forecasts.mean, forecasts.bounds or None))

    def _invert(self, values: Tensor, rows: WindowRows) -> Floats:
        """Undo the transform, in float64 so that nothing is lost on the way back to large prices."""
        plain = values.double().cpu().numpy()
        result: Floats = self.transform.invert(plain, rows.target[:, -1], rows.series_of)
        return result

    def forecast(self, history: SeriesSet, horizon: int, ahead: Floats | None = None) -> tuple[Forecasts, int]:
        """Forecast the `horizon` rows after the end of every series.

        Steps that the network was trained for are direct. With a target offset of 2, the row right after the end
        comes from the window that ends one row earlier. Steps beyond are recursive: the model's own means stand in
        for the rows it has not seen.

        Parameters
        ----------
        history
            Series whose last rows feed the windows.
        ahead : (S, horizon, F)
            Covariates that are known in advance, for the rows to forecast.

        Returns
        -------
        forecasts
            Arrays of (S, horizon, C).
        direct
            How many of the steps are direct.

        Raises
        ------
        DataError
            If a series is shorter than the window needs, or past covariates forbid a recursive step.
        """
        data = self.settings.data
        reach = data.target_offset - 1 + data.horizon
        ends = history.offsets[1:]
        lag = data.target_offset - 1  # rows between a window's end and the row before its first target
        need = data.window + lag
        short = np.flatnonzero(np.diff(history.offsets) < need)
        if len(short):
            rows_there = int(np.diff(history.offsets)[short[0]])
            raise DataError(f"{history.called(int(short[0]))} has {rows_there} rows; a forecast needs at least {need}")
        if horizon > reach and history.past.shape[-1]:
            raise DataError(
                f"horizon {horizon} is beyond the {reach} rows that this model forecasts directly, and going on from "
                f"its own forecasts would need future values of {', '.join(history.past_names)}; train with "
                f"horizon={horizon - lag} instead"
            )
        rows = ends[:, None] - need + np.arange(need)  # (S, need)
        target, past, known = history.target[rows], history.past[rows], history.future[rows]
        known = extend(known, ahead, rows=horizon + data.horizon)
        made: list[Forecasts] = []
        done = 0
        while done < horizon:
            # Each direct step comes from the latest window that has been seen and reaches it, so that with a target
            # offset the first steps come one by one from windows before the end. Later steps read their own forecasts.
            shift = min(done, lag) if done < reach else done
            first = need + shift
            step = self.predict_rows(
                WindowRows(
                    target=target[:, shift : shift + data.window],
                    past=past[:, shift : shift + data.window],
                    known=known[:, shift : shift + data.window],
                    ahead=known[:, first : first + data.horizon],
                    series_of=np.arange(len(ends)),
                )
            )
            if done < lag:
                step = step.until_step(1)
            made.append(step)
            target = np.concatenate([target, step.mean], axis=1)
            past = np.concatenate([past, np.zeros((*step.mean.shape[:2], past.shape[-1]))], axis=1)
            done += step.mean.shape[1]
        joined = join(made, axis=1)
        direct = min(horizon, reach)
        forecasts = joined.until_step(horizon)
        for bound in forecasts.bounds.values():
            bound[:, direct:] = np.nan  # measured for direct steps only
        return forecasts, direct


def create_network(
    settings: ForecastSettings,
    series: SeriesSet,
    *,
    init_generator: torch.Generator | None = None,
    dropout_generator: torch.Generator | None = None,
) -> ForecastNetwork:
    """Make the untrained network that fits `series`."""
    channels, past, known = series.target.shape[1], series.past.shape[1], series.future.shape[1]
    return ForecastNetwork(
        settings.model,
        input_size=channels + past + known,
        horizon=settings.data.horizon,
        channels=channels,
        outputs_per_value=create_loss(settings.train).outputs_per_value,
        static_size=series.static.shape[1],
        future_size=known,
        init_generator=init_generator,
        dropout_generator=dropout_generator,
    )


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) if names else "none"


def extend(known: Floats, ahead: Floats | None, *, rows: int) -> Floats:
    """Append covariates of the rows to forecast, (S, h, F), and repeat the last of them up to `rows` further rows.

    The repeated ones stand behind the last step that is asked for, where their forecasts are thrown away.
    """
    given = known[:, :0] if ahead is None else ahead
    tail = given[:, -1:] if given.shape[1] else known[:, -1:]
    return np.concatenate([known, given, np.repeat(tail, rows - given.shape[1], axis=1)], axis=1)


def join(parts: list[Forecasts], axis: int = 0) -> Forecasts:
    """Join forecasts of several batches of windows (axis 0) or of following steps (axis 1)."""
    names = parts[0].bounds
    return Forecasts(
        np.concatenate([part.mean for part in parts], axis=axis),
        {name: np.concatenate([part.bounds[name] for part in parts], axis=axis) for name in names},
    )
