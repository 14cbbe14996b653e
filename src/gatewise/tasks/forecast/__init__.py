"""Forecasting one or many series."""

from gatewise.tasks.forecast.estimator import Forecaster
from gatewise.tasks.forecast.run import fit_forecast, run_forecast

__all__ = ["Forecaster", "fit_forecast", "run_forecast"]
