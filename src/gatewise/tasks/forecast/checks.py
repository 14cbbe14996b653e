"""What a run refuses before it trains, so that nothing is written for what cannot be done."""

from __future__ import annotations

from gatewise.data import SeriesSet, divides_by_truth, require_nonzero
from gatewise.errors import OutputError
from gatewise.registry import BASELINES
from gatewise.runs import RunFolder
from gatewise.settings import ForecastSettings, parse
from gatewise.tasks.forecast.inputs import refuse_huge
from gatewise.tasks.forecast.model import create_network
from gatewise.training.device import choose_device


def refuse_early(settings: ForecastSettings, series: SeriesSet) -> None:
    """Let everything that can refuse these settings do so before anything is written."""
    check_values(settings, series)
    create_network(settings, series)
    for name in settings.baselines:
        BASELINES.load(name)()


def refuse_other_run(place: RunFolder, settings: ForecastSettings, fingerprint: str) -> None:
    """Refuse a folder whose run has other settings, or was made from other data."""
    if place.read_environment().get("fingerprint") == fingerprint:
        return
    before = parse(
        ForecastSettings, place.read_settings(), where=f"{place.path} holds a run that this version cannot read"
    )
    raise OutputError(
        f"{place.path} holds a run with other settings ({_differences(before, settings)}): "
        "choose another folder, or replace that run with --overwrite"
    )


def check_values(settings: ForecastSettings, series: SeriesSet) -> None:
    """Refuse a device that is not there, numbers that are too large, and percentages of zero."""
    choose_device(settings.train.device)
    refuse_huge(series)
    if what := divides_by_truth(settings.train):
        require_nonzero(series, what)


def _differences(before: ForecastSettings, after: ForecastSettings) -> str:
    """Name the settings in which two runs differ."""
    old, new = before.to_flat(), after.to_flat()
    changed = [
        f"{name} {old[name]!r} there, {new[name]!r} here" for name in new if name != "name" and old[name] != new[name]
    ]
    return "; ".join(changed[:5]) or "the data have other content now"
