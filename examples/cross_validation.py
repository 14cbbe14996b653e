"""Forecast a seasonal series from several cutoffs, each time as if the rows after it were not known."""

import numpy as np

from gatewise import Forecaster

months = np.arange(240)
series = 100 + 0.5 * months + 20 * np.sin(2 * np.pi * months / 12) + np.random.default_rng(0).normal(size=240)

forecaster = Forecaster(
    cell="lstm",
    units=16,
    window=24,
    horizon=6,
    season=12,
    transform="difference",
    learning_rate=1e-2,
    epochs=15,
)
table = forecaster.cross_validation(series, n_windows=3)
found = forecaster.cross_validation_

print(table.head())
print(f"trained {found['trained']} times, MAE {found['metrics']['mae']:.2f}, skill {found['metrics']['skill']:.2f}")
