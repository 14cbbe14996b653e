"""The reference report's own prices, and other real files; the numbers are those of the reference."""

import os
from pathlib import Path

import numpy as np
import pytest

from gatewise.data.series import Windows, read_series, split_windows
from gatewise.settings import ForecastDataSettings, ForecastSplitSettings

FOLDER = os.environ.get("GATEWISE_DATA")
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(FOLDER is None, reason="GATEWISE_DATA does not name the folder of real data"),
]


def real(*names: str, **settings):
    return read_series(ForecastDataSettings(files=tuple(str(Path(FOLDER or "") / name) for name in names), **settings))


@pytest.mark.parametrize(("kind", "mse", "mape"), [("random", 71.613, 1.679), ("chronological", 369.219, 1.944)])
def test_last_value_of_the_report(kind, mse, mape):
    series = real("GOOG.csv", "AAPL.csv", column="Close")
    windows = Windows(series, 30, 1, 2)
    (split,) = split_windows(windows, ForecastSplitSettings(kind=kind))
    assert [len(part) for part in split.parts().values()] == [1808, 201, 224]
    target, last = windows.targets(series.target, split.test)[:, 0], windows.last(series.target, split.test)
    assert np.mean((target - last) ** 2) == pytest.approx(mse, abs=5e-4)
    assert 100 * np.mean(np.abs(target - last) / np.abs(target)) == pytest.approx(mape, abs=5e-4)


def test_calendars_of_real_files():
    assert real("GOOG.csv").frequency.name == "business"
    assert real("airline-passengers.csv").frequency.name == "1mo"
    assert real("ETTh1.csv", column="OT").frequency.name == "1h"
