"""`Forecaster` as scikit-learn, and a person with a frame, use it."""

import inspect
from datetime import date, datetime

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score

from gatewise import Forecaster
from gatewise.errors import DataError, SettingsError

QUICK = {
    "cell": "gru", "units": 4, "head": (8,), "head_dropout": 0.0, "window": 6, "epochs": 1, "batch_size": 32,
    "learning_rate": 0.01, "transform": "standard", "baselines": ("last_value",), "levels": (80,),
}  # fmt: skip


def quick(**changes):
    return Forecaster(**{**QUICK, **changes})


# --------------------------------------------------------------------------------------------------------- scikit-learn


def test_parameters_are_the_settings():
    names = list(inspect.signature(Forecaster).parameters)
    assert {"cell", "units", "window", "split", "split_seed", "loss", "levels", "seed"} <= set(names)
    assert not {"files", "name", "task"} & set(names)
    assert sorted(Forecaster().get_params()) == sorted(names)
    assert Forecaster().units == 64
    assert repr(Forecaster(units=5)) == "Forecaster(units=5)"


def test_clone_and_set_params():
    first = quick(input_dropout=0.1, head=[8, 4])
    second = clone(first)
    assert second is not first
    assert second.get_params() == first.get_params()
    assert second.set_params(units=9).units == 9
    assert first.units == 4
    with pytest.raises(ValueError, match="Invalid parameter 'unitz'"):
        second.set_params(unitz=1)


def test_an_unknown_parameter_is_named():
    with pytest.raises(SettingsError, match=r"^unitz: unknown setting: did you mean 'units'"):
        Forecaster(unitz=5)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"window": 0}, "window: .*greater than or equal to 1.*found 0"),
        ({"horizon": -1}, "horizon"),
        ({"cell": "ltsm"}, "cell: unknown cell 'ltsm': did you mean 'lstm'"),
        ({"loss": "msee"}, "loss: unknown loss 'msee': did you mean 'mse'"),
        ({"optimizer": "adamm"}, "optimizer: unknown optimizer 'adamm': did you mean 'adamw?'"),
        ({"units": "many"}, "units: .*found 'many'"),
        ({"learning_rate": float("nan")}, "learning_rate"),
    ],
)
def test_values_are_checked_by_fit(walks, changes, says):
    with pytest.raises(SettingsError, match=says):
        quick(**changes).fit(walks())


@pytest.mark.parametrize("call", ["predict", "score", "evaluate", "save", "future_template"])
def test_before_fit(call, tmp_path):
    arguments = {"save": [tmp_path / "m"], "evaluate": [np.arange(50.0)], "score": [np.arange(50.0)]}
    with pytest.raises(NotFittedError, match="call fit"):
        getattr(quick(), call)(*arguments.get(call, []))


def test_cross_val_score_and_grid_search(walks):
    table = walks(160)
    scores = cross_val_score(quick(), table, cv=TimeSeriesSplit(n_splits=3))
    assert scores.shape == (3,)
    assert np.isfinite(scores).all()
    values = table["y"].to_numpy()
    search = GridSearchCV(quick(), {"units": [2, 3]}, cv=TimeSeriesSplit(n_splits=2), error_score="raise")
    search.fit(values)
    assert search.best_params_["units"] in (2, 3)
    assert search.best_estimator_.predict().height == 1


# --------------------------------------------------------------------------------------------------- frames, and dates


def test_polars_in_polars_out_at_business_days(walks):
    table = walks(90, business=True)
    assert table["ds"][-1] == date(2024, 5, 3)  # a Friday
    made = quick(horizon=3).fit(table).predict()
    assert isinstance(made, pl.DataFrame)
    assert made.columns == ["unique_id", "ds", "mean", "q0.1", "q0.9", "method"]
    assert made["ds"].to_list() == [datetime(2024, 5, 6), datetime(2024, 5, 7), datetime(2024, 5, 8)]
    assert made["method"].to_list() == ["direct"] * 3
    assert made.select(pl.all().is_not_null().all()).row(0) == (True,) * 6


def test_pandas_in_pandas_out(walks):
    pandas = pytest.importorskip("pandas")
    table = walks(90, business=True)
    frame = pandas.DataFrame({"ds": table["ds"].to_numpy(), "y": table["y"].to_numpy()})
    forecaster = quick().fit(frame)
    made = forecaster.predict(horizon=2)
    assert isinstance(made, pandas.DataFrame)
    assert made["mean"].tolist() == quick().fit(table).predict(horizon=2)["mean"].to_list()
    assert made["ds"].tolist() == [pandas.Timestamp("2024-05-06"), pandas.Timestamp("2024-05-07")]
    indexed = quick().fit(frame.set_index("ds")).predict(horizon=2)
    assert indexed["mean"].tolist() == made["mean"].tolist()
    assert isinstance(forecaster.predict(table, horizon=2), pl.DataFrame)  # as the newer rows came
    assert isinstance(forecaster.cross_validation(frame, n_windows=1), pandas.DataFrame)


def test_pyarrow_in_pyarrow_out(walks):
    pyarrow = pytest.importorskip("pyarrow")
    made = quick().fit(walks().to_arrow()).predict()
    assert isinstance(made, pyarrow.Table)


def test_arrays_paths_and_mappings(tmp_path, walks):
    table = walks(90, ("GOOG", "AAPL"))
    both = quick(column=("GOOG", "AAPL")).fit(table).predict()
    assert both["unique_id"].to_list() == ["GOOG", "AAPL"]
    array = quick().fit(table.select("GOOG", "AAPL").to_numpy()).predict()
    assert array["unique_id"].to_list() == ["y0", "y1"]
    assert array["ds"].to_list() == [90, 90]
    assert array["mean"].to_list() == both["mean"].to_list()
    for name in ("GOOG", "AAPL"):
        table.select("ds", close=name).write_csv(tmp_path / f"{name}.csv")
    files = [tmp_path / "GOOG.csv", str(tmp_path / "AAPL.csv")]
    assert quick().fit(files).predict()["mean"].to_list() == both["mean"].to_list()
    frames = {name: table.select("ds", close=name) for name in ("GOOG", "AAPL")}
    assert quick().fit(frames).predict().equals(both)
    assert quick().fit(tmp_path / "GOOG.csv").predict()["unique_id"].to_list() == ["GOOG"]


def test_newer_rows_are_where_a_forecast_begins(walks):
    table = walks(100)
    forecaster = quick(horizon=2).fit(table[:90])
    newer = forecaster.predict(table)
    assert newer["ds"][0] == datetime(2024, 4, 10)
    assert newer["mean"][0] != forecaster.predict()["mean"][0]
    with pytest.raises(DataError, match="has 5 rows; a forecast needs at least 6"):
        forecaster.predict(table[:5])


def test_covariates_of_the_future(tmp_path, walks):
    table = walks(90).with_columns(promo=pl.int_range(90).mod(7).cast(pl.Float64))
    forecaster = quick(column="y", future_covariates="promo", calendar="day_of_week", horizon=2).fit(table)
    template = forecaster.future_template(3)
    assert template.columns == ["ds", "promo"]
    assert template["promo"].null_count() == 3
    with pytest.raises(DataError, match="needs promo for 2 future rows: 2024-03-31, 2024-04-01"):
        forecaster.predict()
    with pytest.raises(DataError, match="3 of 3 future rows are missing or not filled in"):
        forecaster.predict(horizon=3, future=template)
    filled = template.with_columns(promo=pl.Series([6.0, 0.0, 1.0]))
    made = forecaster.predict(horizon=3, future=filled)
    assert made["method"].to_list() == ["direct", "direct", "recursive"]
    filled.write_csv(tmp_path / "future.csv")
    for path in (tmp_path / "future.csv", str(tmp_path / "future.csv")):
        assert forecaster.predict(horizon=3, future=path).equals(made)
    other = forecaster.predict(horizon=3, future=filled.with_columns(pl.col("promo") + 3))
    assert other["mean"][0] != made["mean"][0]


def test_a_horizon_that_is_none():
    forecaster = quick().fit(np.random.default_rng(0).normal(size=80))
    for horizon in (0, -2, "3", 2.5):
        with pytest.raises(SettingsError, match="horizon: at least 1 row"):
            forecaster.predict(horizon=horizon)


def test_a_series_that_is_too_short_does_not_keep_the_others_from_a_forecast(tmp_path):
    lengths = {"a": 60, "b": 3, "c": 50}
    rows = [(name, k, float(k % 7 + 10 * len(name)), k % 2) for name, n in lengths.items() for k in range(n)]
    frame = pl.DataFrame(rows, schema=["unique_id", "t", "y", "promo"], orient="row")
    forecaster = quick(window=5, future_covariates="promo").fit(frame)
    assert any("1 series shorter than" in note and ": b" in note for note in forecaster.result_["notes"])
    template = forecaster.future_template()
    assert template["unique_id"].to_list() == ["a", "c"]
    made = forecaster.predict(future=template.with_columns(promo=pl.lit(1.0)))
    assert made["unique_id"].to_list() == ["a", "c"]
    forecaster.save(tmp_path / "model")
    again = Forecaster.load(tmp_path / "model").predict(future=template.with_columns(promo=pl.lit(1.0)))
    assert again.equals(made)
    alone = quick(window=5).fit(frame.filter(pl.col("unique_id") != "c").drop("promo"))
    assert alone.predict()["unique_id"].to_list() == ["a"]


def test_a_device_that_is_not_there_is_named():
    with pytest.raises(SettingsError, match="device: 'gpu'"):
        quick(device="gpu").fit(np.arange(80.0))


# -------------------------------------------------------------------------------------------------- score and intervals


def test_score_is_the_skill_over_the_last_value(walks):
    table = walks(140)
    forecaster = quick().fit(table[:100])
    assert forecaster.score() == forecaster.result_["metrics"]["test"]["skill"]
    found = forecaster.evaluate(table[90:])
    assert found["windows"] == 50 - 6
    ours, base = found["metrics"]["mse"], found["baselines"]["last_value"]["mse"]
    assert forecaster.score(table[90:]) == pytest.approx(1 - ours / base)
    assert set(found) == {"task", "name", "windows", "metrics", "baselines", "intervals", "lag", "verdict"}
    assert found["intervals"]["80"]["coverage"] <= 1
    with pytest.raises(DataError, match="nothing was held out"):
        quick(test_size=0).fit(table).score()


def test_evaluate_gives_the_rows_of_the_test_part(walks):
    table = walks(140)
    forecaster = quick(horizon=2, target_offset=2).fit(table)
    test = forecaster.predictions_.filter(part="test")
    first = test["window"].min()
    found = forecaster.evaluate(table[first:])
    assert found["windows"] == test["window"].n_unique()
    assert found["metrics"]["mse"] == pytest.approx(forecaster.result_["metrics"]["test"]["mse"], rel=1e-5)
    assert found["metrics"]["mase"] == pytest.approx(forecaster.result_["metrics"]["test"]["mase"], rel=1e-5)


def test_evaluate_on_a_series_that_was_not_seen(long_walks):
    table = long_walks((60, 60))
    forecaster = quick().fit(table)
    found = forecaster.evaluate(table.with_columns(pl.col("unique_id") + "_new"))
    assert found["metrics"]["mse"] > 0
    assert found["metrics"]["mase"] is None


def test_data_in_which_nothing_moves(walks):
    forecaster = quick().fit(walks())
    with pytest.raises(DataError, match="last value is exact"):
        forecaster.score(pl.DataFrame({"ds": walks(20)["ds"], "y": [5.0] * 20}))


def test_zeros_in_newer_data_with_a_percentage_loss(walks):
    forecaster = quick(loss="mape").fit(walks())
    newer = walks(20).with_columns(y=pl.when(pl.col("ds") == date(2024, 1, 9)).then(0.0).otherwise(pl.col("y")))
    with pytest.raises(DataError, match=r"row 8 \(counting from 0\).*loss mape divides by the truth"):
        forecaster.score(newer)


@pytest.mark.parametrize("loss", ["mse", "quantile", "gaussian"])
def test_coverage_is_within_two_points_of_nominal(loss):
    noise = np.random.default_rng(7).standard_t(4, size=9000)
    forecaster = quick(
        loss=loss, levels=(80, 95), test_size=0.4, validation_size=0.5, batch_size=256, window=4, units=2
    ).fit(noise)
    found = forecaster.result_["intervals"]
    assert found["80"]["coverage"] == pytest.approx(0.80, abs=0.02)
    assert found["95"]["coverage"] == pytest.approx(0.95, abs=0.02)


# ----------------------------------------------------------------------------------------------------- cross-validation


def test_cross_validation_table_and_metrics(walks):
    table = walks(100)
    forecaster = quick(horizon=3, target_offset=2)
    made = forecaster.cross_validation(table, n_windows=3, step=5)
    assert made.columns == ["unique_id", "ds", "cutoff", "y", "mean", "q0.1", "q0.9"]
    cutoffs = made["cutoff"].unique(maintain_order=True).to_list()
    days = table["ds"].cast(pl.Datetime("us")).to_list()
    assert cutoffs == [days[100 - 4 - 5 * back - 1] for back in (2, 1, 0)]
    truth = dict(zip(days, table["y"], strict=True))
    assert all(truth[row["ds"]] == row["y"] for row in made.iter_rows(named=True))
    assert made.group_by("cutoff").len()["len"].to_list() == [4] * 3  # offset 2 and horizon 3 reach four rows
    assert made["ds"].max() == days[-1]
    found = forecaster.cross_validation_
    assert found["trained"] == 3
    error = (made["mean"] - made["y"]).to_numpy()
    assert found["metrics"]["mse"] == pytest.approx((error**2).mean())
    assert [one["cutoff"] for one in found["cutoffs"]] == [str(cutoff) for cutoff in cutoffs]
    parts = [((part["mean"] - part["y"]) ** 2).mean() for part in made.partition_by("cutoff", maintain_order=True)]
    assert [one["mse"] for one in found["cutoffs"]] == pytest.approx(parts)
    assert not hasattr(forecaster, "model_")


def test_cross_validation_knows_no_later_row(walks):
    table = walks(100)
    forecaster = quick(horizon=2)
    made = forecaster.cross_validation(table, n_windows=2, step=10)
    first = made.filter(pl.col("cutoff") == pl.col("cutoff").min())
    cut = table.with_columns(y=pl.when(pl.int_range(100) >= 88).then(1e5).otherwise(pl.col("y")))
    again = forecaster.cross_validation(cut, n_windows=2, step=10).filter(pl.col("cutoff") == pl.col("cutoff").min())
    assert again.drop("y").equals(first.drop("y"))
    alone = quick(horizon=2, test_size=0.0).fit(table[:88]).predict()
    assert first["mean"].to_list() == alone["mean"].to_list()


def test_cross_validation_without_training_again(walks):
    table = walks(100)
    forecaster = quick(horizon=2)
    once = forecaster.cross_validation(table, n_windows=3, refit=False)
    assert forecaster.cross_validation_["trained"] == 1
    model = quick(horizon=2, test_size=0.0).fit(table[:94])
    for back in (6, 4, 2):
        expected = model.predict(table[: 100 - back])
        cutoff = table["ds"].cast(pl.Datetime("us"))[100 - back - 1]
        assert once.filter(cutoff=cutoff)["mean"].to_list() == expected["mean"].to_list()


def test_cross_validation_of_many_series(long_walks):
    forecaster = quick()
    made = forecaster.cross_validation(long_walks((60, 50)), n_windows=2)
    assert made["unique_id"].to_list() == ["s0", "s1"] * 2
    assert made["y"].null_count() == 0


@pytest.mark.parametrize(("arguments", "says"), [({"n_windows": 0}, "at least 1"), ({"step": 0}, "at least 1")])
def test_cross_validation_of_nothing(walks, arguments, says):
    with pytest.raises(SettingsError, match=says):
        quick().cross_validation(walks(), **arguments)


def test_more_cutoffs_than_rows(walks):
    with pytest.raises(DataError, match="200 cutoffs 1 rows apart need more than 200 rows; the shortest series has 90"):
        quick().cross_validation(walks(90), n_windows=200)


# --------------------------------------------------------------------------------------------------------------- seeds


def test_the_same_seed_gives_the_same_numbers(walks):
    table = walks()
    one, other = (quick(input_dropout=0.2, epochs=2, seed=5).fit(table) for _ in range(2))
    assert one.predictions_.equals(other.predictions_)
    assert one.predict(horizon=9).equals(other.predict(horizon=9))
    assert quick(input_dropout=0.2, epochs=2, seed=6).fit(table).predict()["mean"][0] != one.predict()["mean"][0]


def test_the_init_seed_changes_the_start_weights_and_nothing_else_does(walks):
    table = walks()

    def start(**seeds):
        forecaster = quick(learning_rate=1e-30, input_dropout=0.2, **seeds).fit(table)
        return np.concatenate([weight.detach().ravel() for weight in forecaster.model_.network.parameters()])

    base = start()
    for seeds in ({"order_seed": 3}, {"dropout_seed": 3}, {"seed": 3, "init_seed": 0}):
        np.testing.assert_allclose(start(**seeds), base, rtol=0, atol=1e-20)
    assert np.abs(start(init_seed=3) - base).max() > 0.01


def test_the_global_generators_are_left_alone(walks):
    import torch

    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    quick(input_dropout=0.2).fit(walks()).predict()
    assert torch.equal(torch.get_rng_state(), before)
    assert (np.random.get_state()[1] == numpy_before).all()  # noqa: NPY002
