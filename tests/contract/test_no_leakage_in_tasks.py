"""Nothing that is fitted may know a row of the test part: corrupt those rows, and nothing fitted moves."""

import json

import numpy as np
import polars as pl
import pytest

from gatewise import registry
from gatewise.data.series import read_series
from gatewise.runs.atomic import to_json
from gatewise.settings import ForecastSettings
from gatewise.tasks.forecast import fit_forecast

QUICK = {
    "cell": "gru", "units": 4, "head": (8,), "window": 6, "epochs": 2, "batch_size": 16, "learning_rate": 0.01,
    "baselines": ("last_value",), "levels": (80,), "validation_size": 0.25, "input_dropout": 0.1,
}  # fmt: skip
ROWS = 120


def table(rows=ROWS, seed=0):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "ds": pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 1, 1) + pl.duration(days=rows - 1), eager=True),
            "y": np.abs(50 + rng.normal(size=rows).cumsum()) + 1,
            "volume": rng.normal(size=rows),
            "promo": rng.random(rows),
        }
    )


def corrupted(frame, first_bad):
    """Replace every number of the rows from a date on."""
    late = pl.col("ds") >= first_bad
    columns = [name for name, dtype in frame.schema.items() if dtype == pl.Float64]
    return frame.with_columns(pl.when(late).then(pl.col(name) * 1e3 + 7).otherwise(pl.col(name)) for name in columns)


def fitted(frame, settings):
    """Return everything that was fitted, fold by fold, as text, and the last fold's outcome."""
    outcome = fit_forecast(settings, read_series(settings.data, frame))
    model = outcome.model
    weights = {name: tensor.tolist() for name, tensor in model.network.state_dict().items()}
    parts = outcome.predictions.filter(pl.col("part") != "test").drop("window")
    log = [{k: v for k, v in row.items() if "loss" in k or k == "best"} for row in outcome.log]
    found = {
        "weights": weights,
        "transform": model.transform.to_json(),
        "covariates": model.covariates.to_json(),
        "mase": model.scales.tolist(),
        "intervals": model.intervals.to_json() if model.intervals else None,
        "forecasts": parts.write_json(),
        "log": log,
    }
    return {name: json.loads(to_json(value)) for name, value in found.items()}, outcome


def compare(settings, frame):
    """Corrupt the rows from the first test target on, and ask that nothing fitted moves but the test forecasts do."""
    before, outcome = fitted(frame, settings)
    first_bad = outcome.predictions.filter(part="test")["ds"].min().date()
    assert frame["ds"].min() < first_bad < frame["ds"].max()
    after, changed = fitted(corrupted(frame, first_bad), settings)
    for name, value in before.items():
        assert after[name] == value, f"{name} has seen the test part"
    test = [made.predictions.filter(part="test") for made in (outcome, changed)]
    assert test[0]["y"].to_list() != test[1]["y"].to_list()
    return test


@pytest.mark.parametrize("transform", registry.TRANSFORMS.names())
def test_every_transform(transform):
    settings = ForecastSettings.from_flat({**QUICK, "transform": transform, "column": "y"})
    compare(settings, table().select("ds", "y"))


@pytest.mark.parametrize(
    "split",
    [
        {"split": "chronological", "horizon": 3, "target_offset": 2},
        {"split": "walk_forward", "folds": 3, "fold": 0},
        {"split": "walk_forward", "folds": 3, "fold": 1, "horizon": 2},
        {"split": "blocked", "folds": 4, "fold": 3},
    ],
    ids=lambda split: "-".join(str(value) for value in split.values()),
)
def test_every_split_that_does_not_leak(split):
    settings = ForecastSettings.from_flat({**QUICK, "transform": "standard", "column": "y", **split})
    compare(settings, table().select("ds", "y"))


@pytest.mark.parametrize("loss", ["mse", "gaussian"])
def test_covariates_of_every_kind(loss):
    settings = ForecastSettings.from_flat(
        {
            **QUICK, "transform": "standard", "column": "y", "past_covariates": "volume", "future_covariates": "promo",
            "calendar": "day_of_week", "horizon": 2, "loss": loss,
        }
    )  # fmt: skip
    compare(settings, table())


def test_many_series_share_one_border():
    frames = [table(ROWS - 15 * k, seed=k).select(pl.lit(f"s{k}").alias("unique_id"), "ds", "y") for k in range(3)]
    settings = ForecastSettings.from_flat({**QUICK, "transform": "standard"})
    compare(settings, pl.concat(frames))


def test_a_random_split_would_be_caught():
    settings = ForecastSettings.from_flat({**QUICK, "transform": "standard", "column": "y", "split": "random"})
    with pytest.raises(AssertionError, match="has seen the test part"):
        compare(settings, table().select("ds", "y"))
