"""Small series and quick settings for the tests of the tasks."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from gatewise.data.series import read_series
from gatewise.settings import ForecastSettings

QUICK = {
    "cell": "gru",
    "units": 4,
    "head": (8,),
    "head_dropout": 0.0,
    "window": 6,
    "epochs": 2,
    "batch_size": 16,
    "learning_rate": 0.01,
    "baselines": ("last_value", "drift"),
}


def _days(count, *, business=False):
    day, days = date(2024, 1, 1), []
    while len(days) < count:
        if not business or day.weekday() < 5:
            days.append(day)
        day += timedelta(days=1)
    return days


@pytest.fixture
def make_settings():
    """Return quick settings; keywords are flat names."""
    return lambda **changes: ForecastSettings.from_flat({**QUICK, **changes})


@pytest.fixture
def walks():
    """Return a frame of positive random walks, one column a name, with dates in `ds`."""

    def make(rows=90, names=("y",), *, seed=0, business=False):
        rng = np.random.default_rng(seed)
        columns = {name: 50.0 + rng.normal(size=rows).cumsum() for name in names}
        return pl.DataFrame({"ds": _days(rows, business=business), **{k: np.abs(v) + 1 for k, v in columns.items()}})

    return make


@pytest.fixture
def long_walks():
    """Return a long frame of walks, one for each of the given lengths."""

    def make(lengths=(60, 50, 40), *, seed=0):
        rng = np.random.default_rng(seed)
        parts = []
        for number, rows in enumerate(lengths):
            values = 50.0 + 10 * number + rng.normal(size=rows).cumsum()
            parts.append(pl.DataFrame({"unique_id": [f"s{number}"] * rows, "ds": _days(rows), "y": np.abs(values) + 1}))
        return pl.concat(parts)

    return make


@pytest.fixture
def series_of():
    """Return series read from a frame under some settings."""
    return lambda settings, frame: read_series(settings.data, frame)
