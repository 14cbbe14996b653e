"""The lag check finds a copied last value, a real forecast, and what skill is left."""

import json

import numpy as np
import pytest

from gatewise.errors import InputError
from gatewise.metrics import lag_check


def walk(n=600, channels=2, seed=0):
    return 100 + np.random.default_rng(seed).normal(size=(n, channels)).cumsum(axis=0)


@pytest.mark.parametrize("offset", [1, 2, 5])
def test_the_last_value_is_found_out(offset):
    prices, rows = walk(), np.arange(400, 600)
    found = lag_check(prices, rows, prices[rows - offset], offset=offset, names=["GOOG", "AAPL"])
    assert found.is_last_value
    assert found.shift == offset
    channel = found.channels["AAPL"]
    assert (channel.shift, channel.mse[offset], channel.skill) == (offset, 0.0, 0.0)
    assert channel.change_correlation is None  # nothing is left after the last value
    assert len(channel.mse) == offset + 4
    json.dumps(found.to_json(), allow_nan=False)


def test_last_value_with_noise_has_no_skill_left():
    prices, rows = walk(), np.arange(100, 600)
    noisy = prices[rows - 1] + 0.3 * np.random.default_rng(1).normal(size=(500, 2))
    found = lag_check(prices, rows, noisy)
    assert found.is_last_value
    for channel in found.channels.values():
        assert abs(channel.change_correlation) < 0.15
        assert channel.change_r2 < 0.02
        assert channel.skill < 0.0


def test_a_real_forecast_fits_its_own_row():
    prices, rows = walk(), np.arange(100, 600)
    change = prices[rows] - prices[rows - 1]
    found = lag_check(prices, rows, prices[rows - 1] + 0.8 * change)
    assert found.shift == 0
    assert not found.is_last_value
    channel = found.channels["0"]
    assert channel.change_correlation == pytest.approx(1.0)
    assert channel.change_slope == pytest.approx(1 / 0.8)
    assert channel.skill == pytest.approx(1 - 0.2**2)


def test_by_hand():
    prices = np.array([[1.0], [2.0], [4.0], [7.0], [5.0], [6.0]])
    rows, yhat = np.array([4, 5]), np.array([[6.0], [5.0]])
    channel = lag_check(prices, rows, yhat, offset=1, shifts=2).channels["0"]
    assert channel.mse == (1.0, 0.5, 4.0)
    assert channel.shift == 1
    assert channel.correlation == pytest.approx((-1.0, 1.0, -1.0))
    assert channel.skill == pytest.approx(1 - 1.0 / 2.5)


def test_windows_may_be_scattered_and_early_rows_are_left_out():
    prices = walk()
    rows = np.random.default_rng(2).choice(np.arange(600), 60, replace=False)
    yhat = prices[np.maximum(rows - 2, 0)]
    found = lag_check(prices, rows, yhat, offset=2)
    kept = rows >= 5
    assert found == lag_check(prices, rows[kept], yhat[kept], offset=2)
    with pytest.raises(InputError, match="needs 5 rows"):
        lag_check(prices, [1, 2], prices[:2], offset=2)


def test_channels_weigh_equally_whatever_their_level():
    prices, rows = walk() * np.array([1.0, 1000.0]), np.arange(100, 600)
    yhat = np.stack([prices[rows - 1, 0], prices[rows, 1]], axis=1)  # one copies the last value, one knows
    scaled = lag_check(prices * [1000.0, 0.001], rows, yhat * [1000.0, 0.001])
    assert scaled.shift == lag_check(prices, rows, yhat).shift
    assert [c.shift for c in scaled.channels.values()] == [1, 0]


def test_constant_series():
    prices = np.ones((50, 1))
    found = lag_check(prices, np.arange(10, 50), np.ones((40, 1)))
    assert found.shift == 0
    assert found.channels["0"].correlation == (None,) * 5
    json.dumps(found.to_json(), allow_nan=False)
