"""Conformal intervals: coverage within 2 points of nominal, nested, honest about too few windows."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gatewise.errors import InputError, ModelFolderError
from gatewise.metrics import interval_metrics
from gatewise.tasks.forecast.intervals import ConformalIntervals


def heteroscedastic(n, seed):
    """Return exchangeable truths (n, 2, 2) whose spread depends on step, channel and window, and crude quantiles."""
    rng = np.random.default_rng(seed)
    size = rng.uniform(0.5, 3.0, size=(n, 1, 1))
    y = 10 + size * rng.standard_t(4, size=(n, 2, 2)) * np.array([[1.0, 50.0], [2.0, 100.0]])
    mean = np.full_like(y, 10.3)
    bounds = {f"q{p:g}": mean + z * size for p, z in ((0.025, -3), (0.1, -1), (0.9, 1.2), (0.975, 2))}
    return y, mean, bounds


@pytest.mark.parametrize("quantiles", [False, True])
def test_coverage_is_within_two_points_of_nominal(quantiles):
    y, mean, bounds = heteroscedastic(4000, 0)
    fitted = ConformalIntervals.fit(y, mean, [80, 95], bounds if quantiles else None)
    new_y, new_mean, new_bounds = heteroscedastic(20_000, 1)
    made = fitted.apply(new_mean, new_bounds if quantiles else None)
    for step in (0, 1):
        for channel in (0, 1):
            one = {name: values[:, step, channel] for name, values in made.items()}
            found = interval_metrics(new_y[:, step, channel], one, [80, 95])
            assert found["80"]["coverage"] == pytest.approx(0.80, abs=0.02)
            assert found["95"]["coverage"] == pytest.approx(0.95, abs=0.02)


def test_marginal_coverage_with_few_windows():
    """With n windows the coverage is ceil((n + 1) L) / (n + 1) on average, not less than L (Lei et al. 2018)."""
    rng = np.random.default_rng(2)
    y = rng.normal(size=(30, 1, 20_000))
    fitted = ConformalIntervals.fit(y[:29], np.zeros((29, 1, 20_000)), [80])
    inside = np.abs(y[29]) <= fitted.reach[80]
    assert inside.mean() == pytest.approx(24 / 30, abs=0.01)


def test_rank_by_hand():
    residuals = np.array([3.0, -1.0, 2.0, -4.0])[:, None, None]
    fitted = ConformalIntervals.fit(5 + residuals, np.full((4, 1, 1), 5.0), [60, 80, 81])
    assert fitted.reach[60].item() == 3.0  # rank ceil(5 * 0.60) = 3
    assert fitted.reach[80].item() == 4.0  # rank 4
    assert 81 not in fitted.reach  # rank 5 of 4: infinite
    assert fitted.notes == ("no 81 % interval: it needs 5 validation windows, there are 4",)


@pytest.mark.parametrize(("level", "least"), [(80, 4), (90, 9), (95, 19), (99, 99), (50, 1)])
def test_too_few_windows_are_said(level, least):
    residuals = np.arange(float(least))[:, None, None]
    zeros = np.zeros_like(residuals)
    assert level in ConformalIntervals.fit(residuals, zeros, [level]).reach
    fitted = ConformalIntervals.fit(residuals[1:], zeros[1:], [level])
    assert fitted.reach == {}
    assert f"needs {least} validation windows" in fitted.notes[0]
    assert fitted.apply(np.zeros((3, 1, 1))) == {}


def test_names_and_order():
    y, mean, _ = heteroscedastic(100, 3)
    made = ConformalIntervals.fit(y, mean, [95, 80]).apply(mean)
    assert list(made) == ["q0.025", "q0.1", "q0.9", "q0.975"]


numbers = st.floats(-1e6, 1e6)


@settings(deadline=None, max_examples=60)
@given(arrays(np.float64, (25, 1, 1), elements=numbers), arrays(np.float64, (4, 25, 1, 1), elements=numbers))
def test_intervals_nest_whatever_the_network_says(y, quantiles):
    bounds = dict(zip(("q0.025", "q0.1", "q0.9", "q0.975"), quantiles, strict=True))
    fitted = ConformalIntervals.fit(y, np.zeros_like(y), [80, 95], bounds)
    made = list(fitted.apply(np.zeros_like(y), bounds).values())
    for lower, upper in itertools.pairwise(made):
        assert (lower <= upper).all()
    inside = (made[0] - 1e-6 <= y) & (y <= made[3] + 1e-6)  # a bound may touch a truth but for rounding
    assert inside.mean() >= 0.95  # of the windows it was measured on


def test_shift_and_scale():
    y, mean, bounds = heteroscedastic(200, 4)
    made = ConformalIntervals.fit(y, mean, [80], bounds).apply(mean, bounds)
    moved = {name: 3 * values + 7 for name, values in bounds.items()}
    again = ConformalIntervals.fit(3 * y + 7, 3 * mean + 7, [80], moved).apply(3 * mean + 7, moved)
    for name in made:
        np.testing.assert_allclose(again[name], 3 * made[name] + 7, rtol=1e-9)


def test_quantiles_that_are_too_wide_are_narrowed():
    y = np.random.default_rng(5).normal(size=(500, 1, 1))
    bounds = {"q0.1": np.full_like(y, -10.0), "q0.9": np.full_like(y, 10.0)}
    fitted = ConformalIntervals.fit(y, np.zeros_like(y), [80], bounds)
    assert fitted.reach[80].item() < -7
    collapsed = fitted.apply(np.zeros((1, 1, 1)), {"q0.1": np.array([[[-1.0]]]), "q0.9": np.array([[[2.0]]])})
    assert collapsed["q0.1"].item() == collapsed["q0.9"].item() == 0.5  # never crossed


def test_quantiles_that_cross_are_put_in_order():
    y, mean, bounds = heteroscedastic(200, 8)
    crossed = {"q0.1": bounds["q0.9"], "q0.9": bounds["q0.1"]}
    made = ConformalIntervals.fit(y, mean, [80], bounds).apply(mean, bounds)
    again = ConformalIntervals.fit(y, mean, [80], crossed).apply(mean, crossed)
    assert all(np.array_equal(again[name], made[name]) for name in made)


def test_json_round_trip_to_the_last_bit():
    y, mean, bounds = heteroscedastic(98, 6)
    fitted = ConformalIntervals.fit(y, mean, [80, 95, 99], bounds)
    again = ConformalIntervals.from_json(json.loads(json.dumps(fitted.to_json(), allow_nan=False)))
    assert again.notes == fitted.notes != ()
    first, second = fitted.apply(mean, bounds), again.apply(mean, bounds)
    assert list(first) == list(second)
    assert all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    "tree",
    [{}, {"reach": {"80": [[None]]}}, {"reach": [], "around_bounds": False, "windows": 1, "notes": []},
     {"reach": {"80": [[float("inf")]]}, "around_bounds": False, "windows": 1, "notes": []}],
)  # fmt: skip
def test_damaged_files_are_named(tree):
    with pytest.raises(ModelFolderError, match="damaged"):
        ConformalIntervals.from_json(tree)


def test_wrong_use_is_refused():
    y, mean, bounds = heteroscedastic(50, 7)
    with pytest.raises(InputError, match="shape"):
        ConformalIntervals.fit(y, mean[:, 0], [80])
    with pytest.raises(InputError, match=r"needs the quantile q0\.15"):
        ConformalIntervals.fit(y, mean, [70], bounds)
    with pytest.raises(InputError, match="without the network's own quantiles"):
        ConformalIntervals.fit(y, mean, [80]).apply(mean, bounds)
    with pytest.raises(InputError, match="around the network's own quantiles"):
        ConformalIntervals.fit(y, mean, [80], bounds).apply(mean)
    with pytest.raises(InputError, match="do not fit"):
        ConformalIntervals.fit(y, mean, [80]).apply(mean[:, :1])
