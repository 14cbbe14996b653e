"""`Forecaster`: forecasting in scikit-learn's shape."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.exceptions import NotFittedError

from gatewise.data.series import SeriesSet, at_least, divides_by_truth, future_values, like_input, read_series
from gatewise.data.series import future_template as make_template
from gatewise.errors import DataError, SettingsError
from gatewise.settings import ForecastDataSettings, ForecastSettings
from gatewise.tasks.estimator import SettingsEstimator
from gatewise.tasks.forecast import backtest, saved
from gatewise.tasks.forecast.model import ForecastModel
from gatewise.tasks.forecast.run import fit_forecast
from gatewise.tasks.forecast.tables import forecast_frame

if TYPE_CHECKING:
    import polars as pl


class Forecaster(SettingsEstimator):
    """Recurrent network that forecasts one or many series.

    Parameters
    ----------
    **settings
        Every setting of a forecasting run by its flat name, e.g. ``cell="gru"``, ``units=128``, ``window=30``,
        ``horizon=5``, ``transform="last_value"``. ``help(gatewise.settings)`` and the documentation list them with
        their defaults.

    Attributes
    ----------
    result_ : dict
        What the run found, as in ``result.json``: metrics, baselines, verdict.
    predictions_ : polars.DataFrame
        A row for every forecast value of the training, validation and test windows.
    history_ : list of dict
        A row an epoch.

    Raises
    ------
    SettingsError
        If a setting does not exist; values are checked by ``fit``.

    Examples
    --------
    >>> import numpy as np
    >>> from gatewise import Forecaster
    >>> wave = np.sin(np.arange(300) / 5)
    >>> forecaster = Forecaster(cell="gru", units=8, window=20, horizon=3, epochs=2, batch_size=64).fit(wave)
    >>> forecaster.predict().columns[:3]
    ['unique_id', 'ds', 'mean']
    """

    SETTINGS = ForecastSettings

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002  (scikit-learn gives y to every estimator)
        """Train on a table of series.

        Parameters
        ----------
        X
            A polars, pandas or pyarrow frame (wide or long), a mapping of names to frames, the path of a file or a list
            of paths, or an array of shape (rows,) or (rows, channels) in time order.
        y
            Not used; the target is a column of `X`.

        Raises
        ------
        SettingsError, DataError
            If a setting or the data cannot be used.
        DivergedError
            If the loss does not stay finite.
        """
        settings, frames = self._settings(X)
        series = read_series(settings.data, frames, nonzero=divides_by_truth(settings.train))
        outcome = fit_forecast(settings, series)
        self._take(outcome.model, outcome.result)
        self.predictions_ = outcome.predictions
        self.history_ = outcome.log
        self._like: Any = X
        return self

    def predict(self, X: Any = None, *, horizon: int | None = None, future: Any = None) -> Any:
        """Forecast the rows after the end of the data.

        Parameters
        ----------
        X
            Newer rows to forecast from, in the shape that ``fit`` took; the end of the training data when absent,
            without the series that are shorter than a window.
        horizon
            Rows to forecast; those that the network was trained for when absent. Rows beyond are recursive and say so.
        future
            Frame or file with the covariates that are known in advance (see :meth:`future_template`).

        Returns
        -------
        frame
            Columns ``unique_id``, ``ds``, ``mean``, one for each interval bound (``q0.025`` ...) and ``method``
            (``direct`` or ``recursive``), of the kind of frame that came in (polars when none did).

        Raises
        ------
        NotFittedError
            Before ``fit``.
        DataError
            If `X` is too short or does not fit the model, or covariates are missing.
        """
        model = self._fitted()
        history = _forecastable(model) if X is None else self._read(X)
        frame = self.forecast_from(model, history, horizon=horizon, future=future)
        return like_input(frame, self._like if X is None else X)

    @staticmethod
    def forecast_from(
        model: ForecastModel, history: SeriesSet, *, horizon: int | None = None, future: Any = None
    ) -> pl.DataFrame:
        """Forecast after the end of `history` with a model that is at hand; see :meth:`predict`."""
        model = model.for_series(history)
        data = model.settings.data
        steps = horizon if horizon is not None else data.target_offset - 1 + data.horizon
        if not isinstance(steps, int | np.integer) or steps < 1:
            raise SettingsError(f"horizon: at least 1 row is needed, as a whole number (found {steps!r})")
        ahead = future_values(history, _from_next_row(data), steps, str(future) if isinstance(future, Path) else future)
        forecasts, direct = model.forecast(history, steps, ahead)
        return forecast_frame(history, forecasts, direct)

    def future_template(self, horizon: int | None = None) -> pl.DataFrame:
        """Return the frame of known-in-advance covariates that ``predict`` needs, with empty cells to fill in."""
        model = self._fitted()
        data = model.settings.data
        return make_template(
            _forecastable(model), _from_next_row(data), horizon or data.target_offset - 1 + data.horizon
        )

    def score(self, X: Any = None, y: Any = None) -> float:  # noqa: ARG002
        """Return the skill over the last value on `X`: 1 - MSE / MSE of the last value.

        1 is perfect, 0 is what doing nothing gives, below 0 is worse than that. Without `X` it is the skill on the
        held-out test part.
        """
        if X is None:
            metrics = self.result_["metrics"].get("test")
            if not metrics:
                raise DataError("nothing was held out (test_size=0): give score() some data")
        else:
            metrics = self.evaluate(X)["metrics"]
        if metrics["skill"] is None:
            raise DataError("the last value is exact in every window of these data, so there is no skill over it")
        return float(metrics["skill"])

    def evaluate(self, X: Any) -> dict[str, Any]:
        """Return every metric and baseline over all windows of `X`, without training."""
        model = self._fitted()
        return backtest.evaluate(model, self._read(X))

    def cross_validation(self, X: Any, *, n_windows: int = 3, step: int | None = None, refit: bool = True) -> Any:
        """Forecast from several cutoffs, each time as if the rows after it were not known.

        Parameters
        ----------
        X
            As in ``fit``.
        n_windows
            Number of cutoffs; the last one leaves exactly the horizon.
        step
            Rows between cutoffs; the horizon when absent.
        refit
            Train again before every cutoff; otherwise once, before the first.

        Returns
        -------
        frame
            Columns ``unique_id``, ``ds``, ``cutoff``, ``y``, ``mean``, bounds. ``cross_validation_`` holds the metrics
            per cutoff and how many networks were trained.
        """
        settings, frames = self._settings(X)
        series = read_series(settings.data, frames, nonzero=divides_by_truth(settings.train))
        table, self.cross_validation_ = backtest.cross_validation(
            settings, series, n_windows=n_windows, step=step, refit=refit
        )
        return like_input(table, X)

    def save(self, folder: str | Path) -> Path:
        """Save as a model folder: JSON and safetensors, nothing pickled; see ``load``."""
        return saved.save(self._fitted(), Path(folder), self.result_)

    @classmethod
    def load(cls, folder: str | Path) -> Forecaster:
        """Load a model folder, or the model of a run folder.

        Raises
        ------
        ModelFolderError
            If it is truncated, of another task, or of a newer format.
        """
        model, result = saved.load(Path(folder))
        forecaster: Forecaster = cls.of_settings(model.settings)
        forecaster._take(model, result)
        return forecaster

    def _take(self, model: ForecastModel, result: dict[str, Any]) -> None:
        self.model_ = model
        self.result_ = result
        self._like = None

    def _fitted(self) -> ForecastModel:
        if not hasattr(self, "model_"):
            raise NotFittedError("this Forecaster is not fitted yet: call fit, or Forecaster.load")
        return self.model_

    def _read(self, X: Any) -> SeriesSet:
        """Read data for a model that is fitted, and check that it is of the same shape."""
        model = self._fitted()
        settings, frames = self._settings(X)
        data = settings.data.model_copy(update={"series": model.settings.data.series})
        series = read_series(data, frames, nonzero=divides_by_truth(settings.train))
        model.for_series(series)
        return series

    def _settings(self, X: Any) -> tuple[ForecastSettings, Any]:
        """Return the settings with files in place when `X` names files, and the frames otherwise."""
        flat = self.flat_settings()
        if isinstance(X, str | Path):
            X = [X]
        if isinstance(X, Sequence) and X and all(isinstance(path, str | Path) for path in X):
            return ForecastSettings.from_flat({**flat, "files": [str(path) for path in X]}), None
        if isinstance(X, np.ndarray):
            X = X[:, None] if X.ndim == 1 else X
            flat = {**flat, "column": [f"y{i}" for i in range(X.shape[1])] if X.shape[1] > 1 else ["y"]}
        return ForecastSettings.from_flat(flat), X


def _forecastable(model: ForecastModel) -> SeriesSet:
    """Return the training series that are long enough to go on from; of the others ``result_["notes"]`` speaks."""
    data = model.settings.data
    return at_least(model.history, data.window + data.target_offset - 1)


def _from_next_row(data: ForecastDataSettings) -> ForecastDataSettings:
    """Forecasts begin with the row after the end, whatever the offset of the rows that the network was trained on."""
    return data.model_copy(update={"target_offset": 1})
