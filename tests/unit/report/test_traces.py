"""What is read from predictions, against numbers worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from gatewise.report.evidence import read_evidence
from gatewise.report.traces import read_traces, thin, typical_run


@pytest.fixture
def traces_of():
    return lambda folder: read_traces(read_evidence(folder))


def rewrite(folder, **columns):
    path = folder / "predictions.parquet"
    frame = pl.read_parquet(path)
    frame.with_columns(**columns).write_parquet(path)


def test_a_copy_of_the_last_value_is_found_out(tmp_path, folders, traces_of):
    folder = folders.make_single(tmp_path / "run", rows=300, offset=2)
    rewrite(folder, mean=pl.col("last_value"))
    lag = traces_of(folder).lags["lstm"]
    assert lag.shift == 2
    assert lag.curve[2] == pytest.approx(0)
    assert lag.curve[0] == pytest.approx(1)
    assert lag.skill == pytest.approx(0)
    assert lag.correlation is None  # a forecast that never changes correlates with nothing


def test_a_perfect_forecast_has_all_the_skill(tmp_path, folders, traces_of):
    folder = folders.make_single(tmp_path / "run", rows=300)
    rewrite(folder, mean=pl.col("y"))
    lag = traces_of(folder).lags["lstm"]
    assert (lag.shift, lag.skill) == (0, 1.0)
    assert lag.correlation == pytest.approx(1)


def test_half_the_real_change_is_three_quarters_of_the_skill(tmp_path, folders, traces_of):
    folder = folders.make_single(tmp_path / "run", rows=300, random_split=True)
    rewrite(folder, mean=(pl.col("y") + pl.col("last_value")) / 2)
    traces = traces_of(folder)
    assert traces.lags["lstm"].skill == pytest.approx(0.75)
    for kind in ("series", "period"):
        assert list(traces.ratios[kind]["lstm"].values()) == pytest.approx([0.25] * len(traces.ratios[kind]["lstm"]))


def test_ratios_are_pooled_over_the_test_part_alone(tmp_path, folders, traces_of):
    folder = folders.make_single(tmp_path / "run", rows=300)
    frame = pl.read_parquet(folder / "predictions.parquet")
    worse = pl.when(pl.col("part") != "test").then(1e6).otherwise(pl.col("mean"))
    rewrite(folder, mean=worse)
    test = frame.filter((pl.col("part") == "test") & (pl.col("unique_id") == "GOOG"))
    model, last = (((test[name] - test["y"]) ** 2).mean() for name in ("mean", "last_value"))
    assert traces_of(folder).ratios["series"]["lstm"]["GOOG"] == pytest.approx(model / last)


def test_steps_ahead_are_told_apart(tmp_path, folders, traces_of):
    folder = folders.make_single(tmp_path / "run", rows=200, horizon=3)
    traces = traces_of(folder)
    assert list(traces.ratios["step"]["lstm"]) == ["1", "2", "3"]
    assert traces.horizon == 3
    assert len(traces.columns["t"]) == len(set(zip(traces.columns["series"], traces.columns["t"], strict=True)))


def test_row_numbers_as_times(tmp_path, folders, traces_of):
    traces = traces_of(folders.make_single(tmp_path / "run", rows=200, integer_times=True))
    assert not traces.temporal
    assert all(isinstance(value, int) for value in traces.columns["t"])


def test_midnight_is_a_date_and_anything_else_a_time(tmp_path, folders, traces_of):
    folder = folders.make_single(tmp_path / "run", rows=200)
    assert traces_of(folder).columns["t"][0].count("T") == 0
    rewrite(folder, ds=pl.col("ds") + pl.duration(hours=9, minutes=30))
    assert traces_of(folder).columns["t"][0].endswith("T09:30:00Z")


def test_the_widest_and_the_narrowest_interval_are_drawn(tmp_path, folders, traces_of):
    folder = folders.make_single(tmp_path / "run", rows=200)
    assert traces_of(folder).bounds == (("q0.025", "q0.975", 95), ("q0.1", "q0.9", 80))
    rewrite(folder, **{"q0.25": pl.col("mean"), "q0.75": pl.col("mean"), "q0.3": pl.col("mean")})
    assert traces_of(folder).bounds == (("q0.025", "q0.975", 95), ("q0.25", "q0.75", 50))


def test_the_seed_with_the_median_score_is_drawn(study):
    comparison = json.loads((study / "comparison.json").read_text())
    for level, entry in zip(read_evidence(study).levels, comparison["levels"], strict=True):
        values = entry["metrics"]["mse"]["values"]
        middle = entry["runs"][values.index(sorted(values)[1])]
        assert typical_run(level, "mse").path.name == middle


def test_thinning_keeps_the_extremes():
    values = np.sin(np.arange(10_000) / 300)
    values[1234], values[7777] = 9.0, -9.0
    kept = thin(values, 200)
    assert {1234, 7777} <= set(kept)
    assert len(kept) <= 200
    assert kept == sorted(kept)
    assert thin(values[:50], 200) == list(range(50))


def test_many_series_are_not_all_drawn(tmp_path, folders, traces_of):
    names = tuple(f"series {index}" for index in range(20))
    traces = traces_of(folders.make_single(tmp_path / "run", names=names, rows=80))
    assert traces.shown_series == names[:4]
    assert traces.all_series == names


def test_runs_without_predictions_leave_the_rest_of_the_page(tmp_path, folders):
    from gatewise.report import make_report

    folder = folders.make_single(tmp_path / "run", rows=120)
    (folder / "predictions.parquet").unlink()
    (folder / "log.jsonl").unlink()
    page = make_report(folder).read_text()
    assert "LSTM does not beat the last close." in page
    assert 'id="forecasts"' not in page
    assert 'id="learning"' not in page
