"""A model folder of format 1: `python tests/golden/make_forecast_model.py` writes forecast_model_v1/.

It is made once for each version of the format and then kept as it is: later versions of gatewise must read it and give
the forecasts in ``expected.json``.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl

from gatewise import Forecaster

FOLDER = Path(__file__).with_name("forecast_model_v1")


def frame():
    """Return 60 business days of two prices and a volume."""
    t = np.arange(84)
    days = np.datetime64("2024-01-01") + t[t % 7 < 5]
    n = np.arange(len(days))
    return pl.DataFrame(
        {
            "ds": days,
            "A": 100 + n / 4 + 5 * np.sin(n / 3),
            "B": 50 + n / 9 + 3 * np.cos(n / 4),
            "volume": 10 + np.sin(n),
        }
    )


def main():
    """Train the model, save it, and write down what it forecasts."""
    forecaster = Forecaster(
        column=("A", "B"),
        past_covariates="volume",
        calendar="day_of_week",
        window=6,
        horizon=2,
        target_offset=2,
        transform="standard",
        cell="lstm",
        units=4,
        layers=2,
        bidirectional=True,
        head=(6,),
        loss="gaussian",
        levels=(50,),
        validation_size=0.3,
        epochs=3,
        batch_size=16,
        learning_rate=0.01,
        baselines=("last_value", "drift"),
        threads=1,
    ).fit(frame())
    if FOLDER.exists():
        shutil.rmtree(FOLDER)
    forecaster.save(FOLDER)
    made = forecaster.predict().with_columns(pl.col("ds").cast(pl.String))
    expected = {"forecast": made.to_dicts(), "test": forecaster.result_["metrics"]["test"]}
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
