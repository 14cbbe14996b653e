"""One forecasting run: its folder, its result, what it refuses, and how it goes on."""

import json
import signal
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from gatewise import registry
from gatewise.errors import DataError, MissingExtraError, OutputError, SettingsError
from gatewise.runs import RunFolder
from gatewise.tasks.forecast import fit_forecast, run_forecast
from gatewise.tasks.forecast import run as run_module

METRICS = ["mse", "rmse", "mae", "mape", "smape", "mase", "r2", "pearson", "hit_rate", "hit_rate_base", "skill"]
RESULT = [
    "format_version", "status", "task", "name", "folder", "parameters", "leaking", "trained", "epochs", "seconds",
    "exclusive", "threads", "processes", "kernel", "gradient_norm", "metrics", "baselines", "intervals", "lag",
    "verdict", "notes",
]  # fmt: skip


@pytest.fixture
def csv(tmp_path, walks):
    path = tmp_path / "prices.csv"
    walks(90, ("y",)).write_csv(path)
    return str(path)


def numbers(result):
    """Return what must be equal between two runs of the same settings, to the last bit."""
    dropped = ("folder", "seconds", "notes")
    return json.dumps({key: value for key, value in result.items() if key not in dropped})


def weights(folder):
    return (folder / "model" / "model.safetensors").read_bytes()


# ------------------------------------------------------------------------------------------------------ the run folder


def test_a_run_leaves_a_whole_folder(tmp_path, csv, make_settings):
    settings = make_settings(files=csv)
    result = run_forecast(settings, tmp_path / "run")
    folder = tmp_path / "run"
    assert sorted(path.name for path in folder.iterdir()) == [
        "environment.json", "log.jsonl", "model", "predictions.parquet", "result.json", "settings.json",
    ]  # fmt: skip
    assert json.loads((folder / "settings.json").read_text()) == settings.model_dump(mode="json")
    log = RunFolder(folder).read_log()
    assert [row["epoch"] for row in log] == [1, 2]
    assert set(log[0]) == {
        "epoch", "train_loss", "validation_loss", "learning_rate", "gradient_norm", "seconds", "steps",
        "step_ms_median", "best",
    }  # fmt: skip
    assert json.loads((folder / "result.json").read_text()) == json.loads(json.dumps(result))
    assert result["folder"] == str(folder)


def test_the_result_is_as_the_design_says(tmp_path, csv, make_settings):
    result = run_forecast(make_settings(files=csv, horizon=2, name="mine"), tmp_path / "run", exclusive=True)
    assert list(result) == RESULT
    assert (result["status"], result["task"], result["name"]) == ("finished", "forecast", "mine")
    assert (result["format_version"], result["trained"], result["exclusive"]) == (1, 1, True)
    assert result["leaking"] is False
    assert list(result["epochs"]) == ["run", "best"]
    assert list(result["seconds"]) == ["total", "data", "train", "per_epoch", "per_step_median"]
    assert all(value > 0 for value in result["seconds"].values())
    assert list(result["metrics"]) == ["train", "validation", "test", "series", "steps"]
    for part in ("train", "validation", "test"):
        assert list(result["metrics"][part]) == METRICS
    assert list(result["metrics"]["series"]) == ["prices"]
    assert list(result["metrics"]["steps"]) == ["1", "2"]
    assert list(result["baselines"]) == ["last_value", "drift"]
    assert list(result["baselines"]["drift"]) == ["test"]
    assert list(result["baselines"]["drift"]["test"]) == METRICS
    assert result["baselines"]["last_value"]["test"]["skill"] == 0
    assert {"shift", "correlation"} <= set(result["lag"])
    assert {"metric", "against", "ratio", "p", "says"} <= set(result["verdict"])
    assert result["parameters"] == sum(
        layer for layer in (3 * 4 * (1 + 4) + 2 * 3 * 4, 4 * 8 + 8, 8 * 2 + 2)
    )  # GRU with two biases, dense 8, outputs 2


def test_seconds_of_a_run_without_a_folder_count_reading_too(csv, make_settings, monkeypatch):
    given = {}
    real = run_module.fit_forecast
    monkeypatch.setattr(
        run_module, "fit_forecast", lambda *args, **kwargs: given.update(kwargs) or real(*args, **kwargs)
    )
    result = run_forecast(make_settings(files=csv), None)
    assert 0 < given["data_seconds"] < result["seconds"]["data"] < result["seconds"]["total"]
    assert result["folder"] is None


def test_the_table_of_predictions(tmp_path, csv, make_settings):
    run_forecast(make_settings(files=csv, horizon=2, target_offset=2, levels=(50,)), tmp_path / "run")
    table = RunFolder(tmp_path / "run").read_predictions()
    assert table.schema == pl.Schema(
        {
            "part": pl.String, "window": pl.Int64, "unique_id": pl.String, "cutoff": pl.Datetime("us"),
            "ds": pl.Datetime("us"), "step": pl.Int64, "y": pl.Float64, "mean": pl.Float64, "q0.25": pl.Float64,
            "q0.75": pl.Float64, "last_value": pl.Float64,
        }
    )  # fmt: skip
    assert table["part"].unique(maintain_order=True).to_list() == ["train", "validation", "test"]
    truth = dict(pl.read_csv(csv, try_parse_dates=True).select(pl.col("ds").cast(pl.Datetime("us")), "y").iter_rows())
    for row in table.sample(20, seed=0).iter_rows(named=True):
        assert row["y"] == truth[row["ds"]]
        assert row["last_value"] == truth[row["cutoff"]]
        assert (row["ds"] - row["cutoff"]).days == row["step"] + 1  # target offset 2
        assert row["q0.25"] <= row["q0.75"]
    test = table.filter(part="test", step=1)
    assert test["ds"].is_sorted()
    assert test["window"].n_unique() == len(test)


def test_metrics_are_those_of_the_table(tmp_path, csv, make_settings):
    result = run_forecast(make_settings(files=csv, horizon=3), tmp_path / "run")
    table = RunFolder(tmp_path / "run").read_predictions()
    for part in ("train", "validation", "test"):
        rows = table.filter(part=part)
        error = (rows["mean"] - rows["y"]).to_numpy()
        assert result["metrics"][part]["mse"] == pytest.approx((error**2).mean(), rel=1e-12)
    rows = table.filter(part="test")
    base = ((rows["last_value"] - rows["y"]) ** 2).mean()
    assert result["baselines"]["last_value"]["test"]["mse"] == pytest.approx(base, rel=1e-12)
    assert result["metrics"]["test"]["skill"] == pytest.approx(1 - result["metrics"]["test"]["mse"] / base)


# ---------------------------------------------------------------------------------------------------- again, and other


def test_a_finished_run_is_not_trained_again(tmp_path, csv, make_settings, monkeypatch):
    first = run_forecast(make_settings(files=csv), tmp_path / "run")
    moved = (tmp_path / "run").rename(tmp_path / "moved")
    monkeypatch.setattr(run_module, "train", lambda *args, **kwargs: pytest.fail("trained again"))
    second = run_forecast(make_settings(files=csv, name="another name is the same run"), moved)
    assert numbers(second) == numbers(json.loads(json.dumps(first)))
    assert second["folder"] == str(moved)


def test_other_settings_in_the_same_folder_are_refused(tmp_path, csv, make_settings):
    run_forecast(make_settings(files=csv), tmp_path / "run")
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    with pytest.raises(OutputError, match=r"other settings \(units 4 there, 5 here\): .*another folder.*--overwrite"):
        run_forecast(make_settings(files=csv, units=5), tmp_path / "run")
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == before


def test_other_data_under_the_same_name_are_refused(tmp_path, csv, make_settings, walks):
    run_forecast(make_settings(files=csv), tmp_path / "run")
    walks(90, ("y",), seed=1).write_csv(csv)
    with pytest.raises(OutputError, match="the data have other content now"):
        run_forecast(make_settings(files=csv), tmp_path / "run")


def test_settings_of_a_newer_version_in_the_folder_are_refused(tmp_path, csv, make_settings):
    run_forecast(make_settings(files=csv), tmp_path / "run")
    path = tmp_path / "run" / "settings.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "colour": "red"}))
    with pytest.raises(SettingsError, match="this version cannot read"):
        run_forecast(make_settings(files=csv, units=5), tmp_path / "run")


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"device": "cuda:97"}, SettingsError, "device"),
        ({"cell_options": {"colour": 1}}, SettingsError, "colour"),
        ({"window": 200}, DataError, "206|201"),
        ({"transform": "log_return", "column": "negative"}, DataError, "positive"),
        ({"loss": "mape", "column": "zero"}, DataError, "must not be zero"),
        ({"column": "flat"}, DataError, "nothing to forecast"),
        ({"split": "walk_forward", "folds": 9, "window": 75}, DataError, "too few"),
    ],
)
def test_nothing_is_written_for_what_cannot_be_done(tmp_path, walks, make_settings, changes, error, says):
    frame = walks(90, ("y",)).with_columns(negative=pl.col("y") - 50, flat=pl.lit(3.0), zero=pl.lit(0.0))
    frame = frame.with_columns(zero=pl.when(pl.col("ds") == frame["ds"][40]).then(0.0).otherwise(pl.col("y")))
    frame.write_csv(tmp_path / "data.csv")
    settings = make_settings(**{"files": str(tmp_path / "data.csv"), "column": "y", **changes})
    with pytest.raises(error, match=says):
        run_forecast(settings, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_baseline_that_is_not_installed_is_said_before_training(tmp_path, csv, make_settings, monkeypatch):
    class Absent:
        def __init__(self):
            raise MissingExtraError("baseline absent", "baselines")

    registry.BASELINES.register("absent", Absent)
    try:
        with pytest.raises(MissingExtraError):
            run_forecast(make_settings(files=csv, baselines=("absent",)), tmp_path / "run")
    finally:
        registry.BASELINES.unregister("absent")
    assert not (tmp_path / "run").exists()


# ------------------------------------------------------------------------------------------------------------- stopped


class StopAt:
    """Progress that asks for an interrupt at one step of the whole training."""

    def __init__(self, step, number=signal.SIGINT, times=1):
        self.left, self.number, self.times = step, number, times

    def start(self, **kwargs):
        pass

    def step(self, **kwargs):
        self.left -= 1
        if self.left == 0:
            for _ in range(self.times):
                signal.raise_signal(self.number)

    def end_epoch(self, row):
        pass

    def stop(self):
        pass


@pytest.mark.parametrize("stop", [1, 7, 14])
def test_an_interrupted_run_goes_on_to_the_same_bits(tmp_path, csv, make_settings, stop):
    settings = make_settings(files=csv, epochs=4, input_dropout=0.1, recurrent_dropout=0.1, head_dropout=0.1)
    whole = run_forecast(settings, tmp_path / "whole")
    stopped = run_forecast(settings, tmp_path / "parts", progress=StopAt(stop))
    assert stopped["status"] == "interrupted"
    assert (tmp_path / "parts" / "checkpoint").is_dir()
    assert run_forecast(settings, tmp_path / "parts")["status"] == "finished"
    assert numbers(RunFolder(tmp_path / "parts").read_result()) == numbers(RunFolder(tmp_path / "whole").read_result())
    assert whole["status"] == "finished"
    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")
    assert not (tmp_path / "parts" / "checkpoint").exists()


def test_a_second_ctrl_c_ends_at_once_and_the_run_can_go_on(tmp_path, csv, make_settings):
    settings = make_settings(files=csv, epochs=4)
    run_forecast(settings, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run_forecast(settings, tmp_path / "parts", progress=StopAt(9, times=2))
    assert not (tmp_path / "parts" / "result.json").exists()
    assert not (tmp_path / "parts" / "lock").exists()
    run_forecast(settings, tmp_path / "parts")
    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")


def test_a_stop_between_folds_goes_on_with_the_rest(tmp_path, csv, make_settings):
    settings = make_settings(files=csv, split="walk_forward", folds=3, epochs=3)
    run_forecast(settings, tmp_path / "whole")
    stopped = run_forecast(settings, tmp_path / "parts", progress=StopAt(10))
    assert (stopped["status"], stopped["trained"]) == ("interrupted", 1)
    assert stopped["folder"] == str(tmp_path / "parts")
    run_forecast(settings, tmp_path / "parts", progress=StopAt(10))
    done = run_forecast(settings, tmp_path / "parts")
    assert (done["status"], done["trained"]) == ("finished", 3)
    assert numbers(RunFolder(tmp_path / "parts").read_result()) == numbers(RunFolder(tmp_path / "whole").read_result())
    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")


# --------------------------------------------------------------------------------------------------------------- splits


@pytest.mark.parametrize("kind", ["walk_forward", "blocked"])
def test_folds_are_trained_one_by_one_and_judged_together(tmp_path, csv, make_settings, kind, monkeypatch):
    calls = []
    real = run_module.train
    monkeypatch.setattr(run_module, "train", lambda *args, **kwargs: calls.append(1) or real(*args, **kwargs))
    settings = make_settings(files=csv, split=kind, folds=3, epochs=1)
    result = run_forecast(settings, tmp_path / "run")
    assert len(calls) == result["trained"] == 3
    table = RunFolder(tmp_path / "run").read_predictions()
    assert sorted(table["fold"].unique()) == [0, 1, 2]
    test = table.filter(part="test")
    assert result["metrics"]["test"]["mse"] == pytest.approx(((test["mean"] - test["y"]) ** 2).mean(), rel=1e-12)
    for one in result["folds"]:
        part = test.filter(fold=one["fold"])
        assert one["metrics"]["mse"] == pytest.approx(((part["mean"] - part["y"]) ** 2).mean(), rel=1e-12)
    blocks = [test.filter(fold=k)["ds"] for k in range(3)]
    assert all(early.max() < late.min() for early, late in pairwise(blocks))
    assert not list((tmp_path / "run").rglob("checkpoint"))
    assert RunFolder(tmp_path / "run").is_finished
    one = run_forecast(make_settings(files=csv, split=kind, folds=3, fold=1, epochs=1), tmp_path / "one")
    assert one["trained"] == 1
    assert one["metrics"]["test"] == result["folds"][1]["metrics"]


def test_folds_of_different_size_may_lack_a_level(make_settings, walks, series_of):
    settings = make_settings(split="walk_forward", folds=3, epochs=1, test_size=0.25, validation_size=0.3, levels=(90,))
    outcome = fit_forecast(settings, series_of(settings, walks(70)))
    known = outcome.predictions.filter(part="test").group_by("fold").agg(pl.col("q0.05").is_not_null().all())
    assert sorted(known["q0.05"]) == [False, True, True]
    assert outcome.result["intervals"] == {}
    assert any("no 90 % interval" in note for note in outcome.result["notes"])


def test_a_random_split_says_that_it_leaks(make_settings, walks, series_of):
    settings = make_settings(split="random")
    outcome = fit_forecast(settings, series_of(settings, walks()))
    assert outcome.result["leaking"] is True
    assert any("overlap" in note for note in outcome.result["notes"])


def test_no_test_part(tmp_path, csv, make_settings):
    result = run_forecast(make_settings(files=csv, test_size=0), tmp_path / "run")
    assert list(result["metrics"]) == ["train", "validation"]
    assert (result["baselines"], result["intervals"], result["verdict"], result["lag"]) == ({}, {}, None, None)
    assert "nothing is known about how good it is" in (tmp_path / "run" / "model" / "README.md").read_text()


def test_no_validation_part(tmp_path, csv, make_settings):
    result = run_forecast(make_settings(files=csv, validation_size=0), tmp_path / "run")
    assert list(result["metrics"]) == ["train", "test", "series", "steps"]
    assert result["intervals"] == {}
    assert any("no validation part" in note for note in result["notes"])
    assert not (tmp_path / "run" / "model" / "intervals.json").exists()


# --------------------------------------------------------------------------------------------- series and covariates


def test_many_series_with_one_model(make_settings, long_walks, series_of):
    settings = make_settings(horizon=2)
    outcome = fit_forecast(settings, series_of(settings, long_walks((60, 5, 40))))
    assert sorted(outcome.predictions["unique_id"].unique()) == ["s0", "s2"]
    assert list(outcome.result["metrics"]["series"]) == ["s0", "s1", "s2"]
    assert outcome.result["metrics"]["series"]["s1"]["mse"] is None
    assert outcome.result["metrics"]["series"]["s0"]["mse"] > 0
    assert any("s1" in note and "shorter" in note for note in outcome.result["notes"])


def test_joint_channels_have_metrics_each(make_settings, walks, series_of):
    settings = make_settings(column=("a", "b"))
    outcome = fit_forecast(settings, series_of(settings, walks(90, ("a", "b"))))
    by_series = outcome.result["metrics"]["series"]
    assert list(by_series) == ["a", "b"]
    assert outcome.result["metrics"]["test"]["mse"] == pytest.approx(
        np.mean([one["mse"] for one in by_series.values()])
    )


def test_covariates_of_every_kind(tmp_path, make_settings, long_walks, series_of):
    frame = long_walks()
    rng = np.random.default_rng(1)
    frame = frame.with_columns(volume=pl.Series(rng.normal(size=len(frame))), promo=pl.Series(rng.random(len(frame))))
    static = tmp_path / "static.csv"
    pl.DataFrame({"unique_id": ["s0", "s1", "s2"], "size": [1.0, 2.0, 3.5]}).write_csv(static)
    settings = make_settings(
        past_covariates="volume",
        future_covariates="promo",
        calendar=("day_of_week", "year_progress"),
        static_file=str(static),
        horizon=2,
    )
    outcome = fit_forecast(settings, series_of(settings, frame))
    assert outcome.result["status"] == "finished"
    network = outcome.model.network
    inputs = 1 + 1 + 1 + 3  # target, volume, promo, calendar
    head = 4 + 1 + 2 * 4  # state, static, promo and calendar of both rows ahead
    assert sum(p.numel() for p in network.parameters()) == 3 * 4 * (inputs + 4) + 24 + (head * 8 + 8) + (8 * 2 + 2)


# ---------------------------------------------------------------------------------- every transform, loss and precision


@pytest.mark.parametrize("transform", registry.TRANSFORMS.names())
@pytest.mark.parametrize("loss", ["mse", "mape", "student_t"])
def test_every_transform(make_settings, walks, series_of, transform, loss):
    settings = make_settings(transform=transform, horizon=2, loss=loss, column=("a", "b"))
    outcome = fit_forecast(settings, series_of(settings, walks(90, ("a", "b"))))
    assert outcome.predictions["mean"].is_finite().all()
    assert outcome.result["metrics"]["test"]["mse"] > 0


@pytest.mark.parametrize("transform", ["standard", "last_value", "difference", "log_return", "min_max"])
def test_forecasts_come_back_in_the_users_units(make_settings, walks, series_of, transform):
    settings = make_settings(transform=transform, epochs=10)
    outcome = fit_forecast(settings, series_of(settings, walks(200).with_columns(pl.col("y") * 1e4)))
    test = outcome.predictions.filter(part="test")
    assert test["mean"].mean() == pytest.approx(test["y"].mean(), rel=0.2)


@pytest.mark.parametrize("validation_size", [0.0, 0.3])
@pytest.mark.parametrize("loss", registry.LOSSES.names())
def test_every_loss(make_settings, walks, series_of, loss, validation_size):
    settings = make_settings(loss=loss, transform="standard", horizon=2, validation_size=validation_size)
    outcome = fit_forecast(settings, series_of(settings, walks(160)))
    bounds = ["q0.025", "q0.1", "q0.9", "q0.975"]
    given = [name for name in outcome.predictions.columns if name.startswith("q")]
    assert given == (bounds if validation_size or loss in ("quantile", "gaussian", "student_t") else [])
    values = outcome.predictions.select(given).to_numpy()
    assert (np.diff(values, axis=1) >= 0).all()
    assert list(outcome.result["intervals"]) == (["80", "95"] if given else [])


def test_quantiles_that_do_not_reach_the_levels_are_refused(make_settings):
    with pytest.raises(SettingsError, match=r"levels: 95 needs quantiles 0\.025 and 0\.975.* 0\.1 to 0\.9"):
        make_settings(loss="quantile", quantiles=(0.1, 0.5, 0.9))
    make_settings(loss="quantile", quantiles=(0.1, 0.5, 0.9), levels=(80,))


@pytest.mark.parametrize("precision", ["float64", "bfloat16"])
def test_other_precisions(tmp_path, csv, make_settings, precision):
    shared = {"files": csv, "transform": "standard", "epochs": 3}
    usual = run_forecast(make_settings(**shared), tmp_path / "usual")
    other = run_forecast(make_settings(**shared, precision=precision), tmp_path / "other")
    found, expected = other["metrics"]["test"]["mse"], usual["metrics"]["test"]["mse"]
    assert found != expected
    assert found == pytest.approx(expected, rel=1e-3 if precision == "float64" else 0.1)


def test_bfloat16_does_not_round_prices_in_the_percentage_loss(make_settings, walks, series_of):
    frame = walks(120).with_columns(pl.col("y") + 1000)  # bfloat16 knows whole fours there
    shared = {"transform": "standard", "loss": "mape", "epochs": 3}
    logs = []
    for precision in ("float32", "bfloat16"):
        settings = make_settings(**shared, precision=precision)
        logs.append(fit_forecast(settings, series_of(settings, frame)).log)
    for usual, short in zip(*logs, strict=True):
        assert short["train_loss"] == pytest.approx(usual["train_loss"], rel=0.02)


def test_seeds_change_what_they_should(make_settings, walks, series_of):
    shared = {"input_dropout": 0.2, "epochs": 1}

    def first_loss(**seeds):
        settings = make_settings(**shared, **seeds)
        outcome = fit_forecast(settings, series_of(settings, walks()))
        return outcome.log[0]["train_loss"]

    base = first_loss()
    assert first_loss() == base
    assert first_loss(init_seed=0, order_seed=0, dropout_seed=0) == base
    for name in ("seed", "init_seed", "order_seed", "dropout_seed"):
        assert first_loss(**{name: 1}) != base, name


# -------------------------------------------------------------------------------------------------------------- verdict


def test_a_predictable_series_is_better_than_every_baseline(make_settings, series_of):
    t = np.arange(400)
    rng = np.random.default_rng(0)
    y = 10 * np.sin(2 * np.pi * t / 12.7) + 0.05 * t + rng.normal(scale=0.3, size=t.size)
    settings = make_settings(
        transform="standard",
        units=8,
        epochs=12,
        window=10,
        batch_size=32,
        learning_rate=0.03,
        baselines=("last_value", "drift", "window_mean"),
    )
    verdict = fit_forecast(settings, series_of(settings, pl.DataFrame({"y": y}))).result["verdict"]
    assert verdict["says"] == "better"
    assert verdict["ratio"] < 0.5
    assert verdict["p"] < 0.01


def test_raw_prices_are_worse_than_the_last_value(make_settings, walks, series_of):
    settings = make_settings(epochs=3)
    verdict = fit_forecast(settings, series_of(settings, walks(200))).result["verdict"]
    assert (verdict["says"], verdict["against"], verdict["metric"]) == ("worse", "last_value", "mse")
    assert verdict["ratio"] > 2


def test_a_random_walk_is_not_beaten(make_settings, walks, series_of):
    settings = make_settings(epochs=4, transform="last_value", learning_rate=0.001)
    result = fit_forecast(settings, series_of(settings, walks(600))).result
    assert result["verdict"]["says"] == "undecided"
    assert result["verdict"]["ratio"] == pytest.approx(1, abs=0.1)


def test_a_baseline_without_error_needs_no_ratio(tmp_path, make_settings):
    path = tmp_path / "line.csv"
    pl.DataFrame({"y": np.arange(90.0)}).write_csv(path)
    result = run_forecast(make_settings(files=str(path)), tmp_path / "run")
    assert result["verdict"]["against"] == "drift"
    assert result["verdict"]["ratio"] is None
    assert "worse" in (tmp_path / "run" / "model" / "README.md").read_text()


@pytest.mark.parametrize(("loss", "metric"), [("mape", "mape"), ("mae", "mae"), ("quantile", "mae"), ("huber", "mse")])
def test_the_loss_decides_the_metric(make_settings, walks, series_of, loss, metric):
    settings = make_settings(loss=loss, epochs=1)
    result = fit_forecast(settings, series_of(settings, walks())).result
    verdict = result["verdict"]
    assert verdict["metric"] == metric
    ours, theirs = result["metrics"]["test"][metric], result["baselines"][verdict["against"]]["test"][metric]
    assert verdict["ratio"] == pytest.approx(ours / theirs)
