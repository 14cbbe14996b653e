"""What a run refuses before it trains, so that nothing is written for what cannot be done."""

from __future__ import annotations

from gatewise.data.series import SeriesSet, divides_by_truth, require_nonzero
from gatewise.metrics.own import own_metrics
from gatewise.registry import BASELINES
from gatewise.settings import ForecastSettings
from gatewise.tasks.forecast.inputs import refuse_huge
from gatewise.tasks.forecast.model import create_network
from gatewise.training.device import choose_device


def refuse_early(settings: ForecastSettings, series: SeriesSet) -> None:
    """Let everything that can refuse these settings do so before anything is written."""
    check_values(settings, series)
    create_network(settings, series)
    for name in settings.baselines:
        BASELINES.load(name)()
    own_metrics(settings.metrics, settings.task)


def check_values(settings: ForecastSettings, series: SeriesSet) -> None:
    """Refuse a device that is not there, numbers that are too large, and percentages of zero."""
    choose_device(settings.train.device)
    refuse_huge(series)
    if what := divides_by_truth(settings.train):
        require_nonzero(series, what)
