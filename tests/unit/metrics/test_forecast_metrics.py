"""Point metrics: against scikit-learn, against numbers worked out by hand, and by their symmetries."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sk

from gatewise.errors import InputError
from gatewise.metrics import METRICS, forecast_metrics, mase_scale, metrics_by_series, metrics_by_step
from gatewise.metrics import point as p
from gatewise.metrics.forecast import FORECAST_METRICS


def sample(seed=0, n=60, steps=3, channels=2):
    rng = np.random.default_rng(seed)
    y = 50 + 10 * rng.normal(size=(n, steps, channels)) + np.array([0.0, 400.0])[:channels]
    return y, y + rng.normal(size=y.shape), y[:, 0] + rng.normal(size=(n, channels))


def test_against_scikit_learn():
    y, yhat, _ = sample()
    flat = y.ravel(), yhat.ravel()
    assert p.mse(y, yhat) == pytest.approx(sk.mean_squared_error(*flat), rel=1e-12)
    assert p.rmse(y, yhat) == pytest.approx(sk.root_mean_squared_error(*flat), rel=1e-12)
    assert p.mae(y, yhat) == pytest.approx(sk.mean_absolute_error(*flat), rel=1e-12)
    assert p.mape(y, yhat) == pytest.approx(100 * sk.mean_absolute_percentage_error(*flat), rel=1e-12)
    assert p.r2(*flat) == pytest.approx(sk.r2_score(*flat), rel=1e-12)
    by_channel = y.reshape(-1, 2), yhat.reshape(-1, 2)
    assert p.r2(y, yhat) == pytest.approx(sk.r2_score(*by_channel), rel=1e-12)


def test_pearson_against_numpy_and_mean_over_channels():
    y, yhat, _ = sample(1)
    each = [np.corrcoef(y[..., c].ravel(), yhat[..., c].ravel())[0, 1] for c in (0, 1)]
    assert p.pearson(y, yhat) == pytest.approx(np.mean(each), rel=1e-12)
    assert p.pearson(y[..., 0].ravel(), yhat[..., 0].ravel()) == pytest.approx(each[0], rel=1e-12)


def test_by_hand():
    y, yhat, last = [10.0, 20.0, 0.0], [12.0, 15.0, 0.0], [9.0, 22.0, 0.0]
    assert p.mse(y, yhat) == pytest.approx(29 / 3)
    assert p.smape(y, yhat) == pytest.approx((200 * 2 / 22 + 200 * 5 / 35 + 0) / 3)
    assert p.mase(y, yhat, 2.0) == pytest.approx(7 / 3 / 2)
    assert p.skill(y, yhat, last) == pytest.approx(1 - 29 / 5)
    # The third row did not move: it has no direction.
    assert p.hit_rate(y, yhat, last) == 1.0
    assert p.hit_rate(y, [8.0, 15.0, 5.0], last) == 0.5
    assert p.hit_rate(y, [9.0, 15.0, 5.0], last) == 1.0  # nor does a forecast of no change name one
    assert p.hit_rate_base(y, last) == 0.5
    assert p.hit_rate_base([2.0, 2.0, 2.0, 0.0], [1.0] * 4) == 0.75


def test_mase_scale_is_the_seasonal_naive_error():
    rows = np.array([[1.0, 5.0], [2.0, 5.0], [4.0, np.nan], [7.0, 5.0]])
    assert mase_scale(rows) == pytest.approx([2.0, 0.0])
    assert mase_scale(rows, 2) == pytest.approx([4.0, 0.0])
    assert mase_scale(rows[:, 0], 9) == pytest.approx(2.0)  # shorter than a season: from row to row
    assert np.isnan(mase_scale(rows[:1])).all()


def test_mase_leaves_out_series_that_were_constant_in_training():
    y = np.zeros((4, 1, 2))
    yhat = np.stack([np.full((4, 1), 3.0), np.full((4, 1), 5.0)], axis=2)
    assert p.mase(y, yhat, [1.5, 0.0]) == 2.0
    assert p.mase(y, yhat, np.tile([1.5, np.nan], (4, 1))) == 2.0
    assert p.mase(y, yhat, 0.0) is None


def test_groups_are_averaged_like_channels():
    y, yhat, _ = sample(2)
    stacked = [np.concatenate([a[..., :1], a[..., 1:]]) for a in (y, yhat)]
    groups = np.repeat([7, 3], len(y))
    assert p.r2(*stacked, groups) == pytest.approx(p.r2(y, yhat), rel=1e-12)
    assert p.pearson(*stacked, groups) == pytest.approx(p.pearson(y, yhat), rel=1e-12)
    assert p.r2(*stacked) > p.r2(*stacked, groups)  # pooled levels flatter


def test_undefined_is_none_and_json_has_no_nan():
    constant = np.full((3, 1, 1), 0.1)  # three of them do not sum to 0.3
    yhat = constant + np.arange(3.0)[:, None, None]
    found = forecast_metrics(constant, yhat, constant[:, 0])
    undefined = {name for name, value in found.items() if value is None}
    assert undefined == {"r2", "pearson", "mase", "hit_rate", "hit_rate_base", "skill"}
    assert p.mape([0.0, 1.0], [1.0, 1.0]) is None
    assert p.pearson([1.0, 2.0], [3.0, 3.0]) is None
    assert p.hit_rate([1.0, 2.0], [0.5, 0.5], [0.5, 0.5]) is None  # the last value names no direction
    assert set(forecast_metrics([], [], [], 1.0).values()) == {None}
    assert all(value is None for value in forecast_metrics([1.0, 2.0], [1.0, np.inf], [0.0, 0.0], 1.0).values()
               if value != 1.0)  # fmt: skip
    assert p.mse([1.0], [1e200]) is None
    json.dumps(found, allow_nan=False)


def test_missing_truths_are_left_out():
    y, yhat, last = sample(3)
    holes = y.copy()
    holes[::4] = np.nan
    kept = np.arange(len(y)) % 4 != 0
    full = forecast_metrics(holes, yhat, last, [1.0, 2.0])
    assert full == pytest.approx(forecast_metrics(y[kept], yhat[kept], last[kept], [1.0, 2.0]), rel=1e-12)


def test_by_series_and_by_step_add_up():
    y, yhat, last = sample(4)
    found = metrics_by_series(y, yhat, last, [2.0, 3.0], ids=["GOOG", "AAPL"], id_of=[0, 1])
    assert list(found) == ["GOOG", "AAPL"]
    expected = forecast_metrics(y[..., 1:], yhat[..., 1:], last[:, 1:], [3.0])
    assert found["AAPL"] == pytest.approx(expected, rel=1e-12)
    whole = forecast_metrics(y, yhat, last, [2.0, 3.0])
    for name in ("mse", "mae", "mape", "mase", "r2", "pearson"):
        assert np.mean([each[name] for each in found.values()]) == pytest.approx(whole[name], rel=1e-12)
    steps = metrics_by_step(y, yhat, last, [2.0, 3.0])
    assert list(steps) == ["1", "2", "3"]
    assert np.mean([each["mse"] for each in steps.values()]) == pytest.approx(whole["mse"], rel=1e-12)
    assert steps["2"]["mae"] == pytest.approx(np.abs(y - yhat)[:, 1].mean(), rel=1e-12)


def test_by_series_of_a_global_model_and_a_series_without_rows():
    y, yhat, last = sample(5, channels=1)
    id_of = (np.arange(len(y)) % 2)[:, None]
    found = metrics_by_series(y, yhat, last, ids=["a", "b", "none"], id_of=id_of)
    assert found["b"]["mse"] == pytest.approx(p.mse(y[1::2], yhat[1::2]), rel=1e-12)
    assert found["none"]["mse"] is None


def test_shapes_that_differ_are_refused():
    with pytest.raises(InputError, match="shape"):
        p.mse(np.zeros((3, 1, 1)), np.zeros((3, 1)))


def test_table_is_complete():
    assert list(FORECAST_METRICS) == [
        "mse", "rmse", "mae", "mape", "smape", "mase", "r2", "pearson", "hit_rate", "hit_rate_base", "skill",
    ]  # fmt: skip
    for metric in METRICS.values():
        assert metric.direction in ("lower", "higher")
        assert metric.summary
        assert metric.function.__doc__


values = arrays(np.float64, (12,), elements=st.floats(-1e3, 1e3, width=32))


@settings(deadline=None, max_examples=60)
@given(values, values, values, st.floats(0.1, 50), st.floats(-100, 100))
def test_scale_and_shift(y, yhat, last, scale, shift):
    before = forecast_metrics(y, yhat, last, 2.0)
    after = forecast_metrics(y * scale, yhat * scale, last * scale, 2.0 * scale)
    powers = {"mse": 2, "rmse": 1, "mae": 1}
    for name, value in before.items():
        if name in ("r2", "pearson", "skill") and (y.std() < 1e-2 or yhat.std() < 1e-2 or p.mse(y, last) < 1e-4):
            continue  # rounding decides whether the spread is zero
        if name in ("hit_rate", "hit_rate_base"):
            continue
        expected = None if value is None else value * scale ** powers.get(name, 0)
        assert after[name] == (None if expected is None else pytest.approx(expected, rel=1e-6, abs=1e-9))
    moved = p.mse(y + shift, yhat + shift)
    assert moved == pytest.approx(before["mse"], rel=1e-6, abs=1e-6)


@settings(deadline=None, max_examples=60)
@given(values, values, values)
def test_bounds(y, yhat, last):
    found = forecast_metrics(y, yhat, last, 1.0)
    assert found["rmse"] >= found["mae"] - 1e-9
    assert 0.0 <= found["smape"] <= 200.0 + 1e-9
    assert found["r2"] is None or found["r2"] <= 1.0
    assert found["pearson"] is None or -1.0 <= found["pearson"] <= 1.0
    assert found["hit_rate_base"] is None or found["hit_rate_base"] >= 0.5
    assert all(value is None or math.isfinite(value) for value in found.values())
    assert p.mse(y, yhat) == p.mse(yhat, y)
    assert p.skill(y, y, last) in (1.0, None)
