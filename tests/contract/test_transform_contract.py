"""What every target transform promises; a new one enters by its line in the registry."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from data_samples import series_set
from gatewise.data.series import TargetTransform, Windows, create_transform, split_windows
from gatewise.errors import DataError, ModelFolderError
from gatewise.registry import TRANSFORMS
from gatewise.settings import ForecastSplitSettings

NAMES = TRANSFORMS.names()


def fitted(name: str, lengths=200, channels: int = 2, **options):
    series = series_set(lengths, channels)
    windows = Windows(series, 10, 3, 2)
    (split,) = split_windows(windows, ForecastSplitSettings(**options))
    return create_transform(name).fit(series, windows, split), series, windows, split


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("lengths", [200, [80, 60, 90]])
def test_round_trip_is_exact(name, lengths):
    transform, series, windows, split = fitted(name, lengths)
    idx = split.test
    target, last = windows.targets(series.target, idx), windows.last(series.target, idx)
    of = windows.series_at(idx)
    made = transform.apply_targets(target, last, of)
    assert made.shape == target.shape
    back = transform.invert(made, last, of)
    assert np.allclose(back, target, rtol=1e-12, atol=1e-9)
    several = transform.invert(np.stack([made, made + 1], axis=-1), last, of)
    assert several.shape == (*target.shape, 2)
    assert np.allclose(several[..., 0], back)
    assert (several[..., 1] > several[..., 0]).all()


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from(NAMES),
    arrays(np.float64, (4, 5, 2), elements=st.floats(1e-3, 1e6)),
    arrays(np.float64, (4, 2), elements=st.floats(1e-3, 1e6)),
)
def test_round_trip_of_any_values(name, target, last):
    transform, *_ = fitted(name)
    back = transform.invert(transform.apply_targets(target, last, np.zeros(4)), last, np.zeros(4))
    assert np.allclose(back, target, rtol=1e-7, atol=1e-7 * np.abs(np.r_[target.ravel(), last.ravel()]).max())


@pytest.mark.parametrize("name", NAMES)
def test_tensors_give_what_arrays_give_and_a_gradient(name):
    transform, series, windows, split = fitted(name, [80, 60, 90], 1)
    idx = split.train[::7]
    window, last = windows.inputs(series.target, idx), windows.last(series.target, idx)
    target, of = windows.targets(series.target, idx), windows.series_at(idx)
    tensor = torch.tensor
    assert np.allclose(transform.apply_inputs(tensor(window), of).numpy(), transform.apply_inputs(window, of))
    made = transform.apply_targets(target, last, of)
    assert np.allclose(transform.apply_targets(tensor(target), tensor(last), tensor(of)).numpy(), made)
    forecast = tensor(made[..., None], requires_grad=True)
    back = transform.invert(forecast, tensor(last), of)
    assert np.allclose(back.detach().numpy()[..., 0], target)
    back.sum().backward()
    assert (forecast.grad > 0).all()
    assert transform.apply_inputs(tensor(window, dtype=torch.float32), of).dtype == torch.float32
    assert transform.apply_inputs(window.astype(np.float32), of).dtype == np.float32


@pytest.mark.parametrize("name", [name for name in NAMES if name != "none"])
def test_networks_see_numbers_of_order_one(name):
    transform, series, windows, split = fitted(name)
    last, of = windows.last(series.target, split.train), windows.series_at(split.train)
    made = transform.apply_targets(windows.targets(series.target, split.train), last, of)
    assert 0.2 < np.sqrt(np.mean(made**2)) < 2


@pytest.mark.parametrize("name", NAMES)
def test_json_round_trip_and_other_series(name):
    transform, series, windows, split = fitted(name, [80, 60, 90], 1)
    same = TargetTransform.from_json(json.loads(json.dumps(transform.to_json())))
    window = windows.inputs(series.target, split.train[:5])
    of = np.array([0, 1, 2, 1, 0])
    want = transform.apply_inputs(window, of)
    assert np.array_equal(same.apply_inputs(window, of), want)
    turned = transform.for_series(["s2", "s1", "s0", "new"])
    assert np.array_equal(turned.apply_inputs(window, np.array([2, 1, 0, 1, 2])), want)
    pooled = turned.apply_inputs(window, np.full(5, 3))
    assert np.isfinite(pooled).all()
    with pytest.raises(ModelFolderError):
        TargetTransform.from_json({"name": name, "series": ["a"], "center": [[0.0]], "scale": [[1.0]]})
    with pytest.raises(ModelFolderError):
        TargetTransform.from_json({"name": name})


@pytest.mark.parametrize("name", NAMES)
def test_a_series_without_training_windows_takes_the_pooled_numbers(name):
    transform, _, windows, split = fitted(name, [120, 20, 110], 1, border="time")
    late = np.flatnonzero(~np.isin(np.arange(3), windows.series_at(split.train)))
    assert np.isfinite(transform.scale).all()
    assert (transform.scale > 0).all()
    for i in late:
        assert np.array_equal(transform.scale[i], transform.scale[-1])


@pytest.mark.parametrize("name", NAMES)
def test_what_never_changes_in_training_is_not_divided_by_zero(name):
    series = series_set(200)
    series.target[:190] = 5
    windows = Windows(series, 10)
    (split,) = split_windows(windows, ForecastSplitSettings())
    transform = create_transform(name).fit(series, windows, split)
    assert np.isfinite(transform.apply_inputs(windows.inputs(series.target, split.test), split.test * 0)).all()


def test_differences_are_what_they_say():
    transform, series, windows, split = fitted("difference", channels=1)
    idx = split.train[:3]
    window = windows.inputs(series.target, idx)
    made = transform.apply_inputs(window, np.zeros(3)) * transform.scale[0]
    assert np.allclose(made[:, 0], 0)
    assert np.allclose(made[:, 1:], np.diff(window, axis=1))
    target, last = windows.targets(series.target, idx), windows.last(series.target, idx)
    changes = transform.apply_targets(target, last, np.zeros(3)) * transform.scale[0]
    assert np.allclose(changes[:, 0], target[:, 0] - last)
    assert np.allclose(changes[:, 1:], np.diff(target, axis=1))


def test_standard_and_min_max_match_numpy():
    transform, series, windows, split = fitted("standard")
    seen = windows.first_row(split.train)[:, None] + np.arange(windows.window)
    rows = np.union1d(seen, windows.target_rows(split.train))
    assert np.allclose(transform.center[0], series.target[rows].mean(axis=0))
    assert np.allclose(transform.scale[0], series.target[rows].std(axis=0))
    transform, series, windows, split = fitted("min_max")
    assert np.allclose(transform.center[0], series.target[rows].min(axis=0))


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_log_return_needs_positive_values(value):
    series = series_set(100)
    series.target[95] = value
    windows = Windows(series, 10)
    (split,) = split_windows(windows, ForecastSplitSettings())
    with pytest.raises(DataError, match=r"log_return needs positive values: series 'c0' is .* at 2020-04-05"):
        create_transform("log_return").fit(series, windows, split)
