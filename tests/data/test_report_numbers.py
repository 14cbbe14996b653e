"""The reference report's own numbers, on the data it used; and a short fit on two other classics."""

import os
from pathlib import Path

import pytest

from gatewise import Forecaster
from gatewise.data.series import Windows, read_series, split_windows
from gatewise.settings import ForecastSettings
from gatewise.tasks.forecast import fit_forecast
from gatewise.tasks.forecast.inputs import ForecastTask
from gatewise.tasks.forecast.run import build_model
from gatewise.training import Seeds

FOLDER = os.environ.get("GATEWISE_DATA", "")
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not FOLDER, reason="GATEWISE_DATA does not name the folder of real data"),
]

REPORT = {
    "column": "Close", "window": 30, "target_offset": 2, "split": "random", "split_seed": 42, "cell": "lstm",
    "units": 512, "input_dropout": 0.0, "loss": "mse", "optimizer": "adam", "learning_rate": 1e-4, "batch_size": 8,
    "epochs": 100, "patience": 3, "seed": 0,
}  # fmt: skip


def report(**changes):
    files = tuple(str(Path(FOLDER) / name) for name in ("GOOG.csv", "AAPL.csv"))
    settings = ForecastSettings.from_flat({**REPORT, "files": files, **changes})
    return settings, read_series(settings.data)


def test_windows_and_batches():
    settings, series = report()
    windows = Windows(series, 30, 1, 2)
    (split,) = split_windows(windows, settings.split)
    assert len(windows) == 2233
    assert (len(split.train), len(split.validation), len(split.test)) == (1808, 201, 224)
    assert split.leaks
    assert windows.inputs(series.target, [*split.train, *split.validation]).shape == (2009, 30, 2)
    assert windows.inputs(series.target, split.test).shape == (224, 30, 2)
    model = build_model(settings, series, windows, split)
    task = ForecastTask(
        series, windows, model.builder, model.loss, settings.train, train=split.train, validation=split.validation
    )
    plan = task.plan(Seeds.of(settings).order_generator(1))
    assert len(plan) == 226
    assert task.batch(plan[0]).inputs.window.shape == (8, 30, 2)
    assert task.batch(plan[0]).target.shape == (8, 1, 2)


@pytest.mark.parametrize(("cell", "count"), [("rnn", 428_162), ("gru", 957_058), ("lstm", 1_219_202)])
def test_parameters(cell, count):
    settings, series = report(cell=cell)
    windows = Windows(series, 30, 1, 2)
    model = build_model(settings, series, windows, split_windows(windows, settings.split)[0])
    assert model.parameters == count


@pytest.mark.parametrize(("split", "mse", "mape"), [("random", 71.613, 1.679), ("chronological", 369.219, 1.944)])
def test_the_last_value(split, mse, mape):
    settings, series = report(split=split, cell="rnn", units=4, epochs=1, batch_size=64)
    result = fit_forecast(settings, series).result
    found = result["baselines"]["last_value"]["test"]
    assert found["mse"] == pytest.approx(mse, abs=5e-4)
    assert found["mape"] == pytest.approx(mape, abs=5e-4)
    assert result["leaking"] is (split == "random")
    assert result["verdict"]["says"] == "worse"


def test_transformer_load():
    quick = Forecaster(
        column="OT", past_covariates=("HUFL", "HULL"), calendar=("hour", "day_of_week"), window=48, horizon=24,
        transform="standard", cell="gru", units=16, head=(32,), epochs=1, batch_size=256,
        baselines=("last_value", "seasonal_naive"),
    )  # fmt: skip
    made = quick.fit(Path(FOLDER) / "ETTh1.csv").predict()
    assert len(made) == 24
    assert made["ds"].diff().drop_nulls().dt.total_hours().unique().to_list() == [1]
    assert quick.result_["metrics"]["test"]["mse"] < 50
    assert quick.model_.season == 24


def test_airline_passengers():
    quick = Forecaster(
        window=24, horizon=12, transform="log_return", cell="gru", units=16, head=(16,), epochs=20, batch_size=16,
        learning_rate=0.01, split="walk_forward", folds=2, validation_size=0.3,
    )  # fmt: skip
    made = quick.fit(Path(FOLDER) / "airline-passengers.csv").predict()
    assert made["ds"].dt.strftime("%Y-%m-%d").to_list() == [f"1961-{month:02d}-01" for month in range(1, 13)]
    assert quick.result_["trained"] == 2
    assert 300 < made["mean"].mean() < 800
