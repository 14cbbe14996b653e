"""Every registered loss: mean over all values, finite gradients, least at the truth, and its known equals."""

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from gatewise import registry
from gatewise.errors import SettingsError
from gatewise.settings import ForecastTrainSettings
from gatewise.training import ProbabilisticLoss, create_loss
from gatewise.training.losses import Loss

NAMES = registry.LOSSES.names()
PROBABILISTIC = ["quantile", "gaussian", "student_t"]
B, T, C = 5, 3, 2


def make(name, **options):
    return create_loss(ForecastTrainSettings(loss=name, **options))


def tensors(loss, seed=0, dtype=torch.float64):
    draw = torch.Generator().manual_seed(seed)
    prediction = torch.randn(B, T, C, loss.outputs_per_value, generator=draw, dtype=dtype)
    target = torch.randn(B, T, C, generator=draw, dtype=dtype) + 3
    return prediction, target


@pytest.mark.parametrize("name", NAMES)
def test_shapes_and_finite_gradients(name):
    loss = make(name)
    assert isinstance(loss, Loss)
    prediction, target = tensors(loss, dtype=torch.float32)
    prediction.requires_grad_()
    value = loss(prediction, target)
    value.backward()
    assert value.shape == ()
    assert value.dtype == torch.float32
    assert torch.isfinite(prediction.grad).all()
    assert (prediction.grad != 0).any(dim=-1).all()  # every value counts
    assert loss.point(prediction).shape == (B, T, C)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_the_value(name):
    loss = make(name)
    prediction, target = tensors(loss)
    assert torch.autograd.gradcheck(lambda p: loss(p, target), prediction.requires_grad_())


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_is_a_mean_over_all_values(name):
    loss = make(name)
    prediction, target = tensors(loss)
    each = [
        loss(prediction[b : b + 1, t : t + 1, c : c + 1], target[b : b + 1, t : t + 1, c : c + 1])
        for b in range(B) for t in range(T) for c in range(C)
    ]  # fmt: skip
    torch.testing.assert_close(loss(prediction, target), torch.stack(each).mean())


@pytest.mark.parametrize("name", NAMES)
def test_no_point_is_better_than_the_truth(name):
    loss = make(name)
    prediction, target = tensors(loss)
    centre = 0 if name != "quantile" else slice(None)  # all quantiles at the truth
    prediction[..., centre] = target if name != "quantile" else target.unsqueeze(-1)
    at_truth = loss(prediction, target)
    for shift in (-0.5, -1e-3, 1e-3, 0.5):
        moved = prediction.clone()
        moved[..., centre] += shift
        assert loss(moved, target) > at_truth
    if name not in ("gaussian", "student_t"):
        assert at_truth == 0


@pytest.mark.parametrize("name", NAMES)
def test_extreme_values_stay_finite(name):
    loss = make(name)
    prediction, target = tensors(loss, dtype=torch.float32)
    for factor in (1e-6, 1.0, 30.0):
        scaled = (prediction * factor).requires_grad_()
        value = loss(scaled, target)
        value.backward()
        assert torch.isfinite(value)
        assert torch.isfinite(scaled.grad).all()


def flat(tensor):
    return tensor.reshape(-1).numpy()


def test_point_losses_equal_torch_and_sklearn():
    for name, theirs in {"mse": nn.MSELoss(), "mae": nn.L1Loss(), "huber": nn.HuberLoss(delta=0.7)}.items():
        loss = make(name, huber_delta=0.7)
        prediction, target = tensors(loss)
        torch.testing.assert_close(loss(prediction, target), theirs(prediction[..., 0], target))
    mape = make("mape")
    assert mape.needs_original_units
    prediction, target = tensors(mape)
    expected = 100 * sklearn.metrics.mean_absolute_percentage_error(flat(target), flat(prediction[..., 0]))
    assert float(mape(prediction, target)) == pytest.approx(expected)


def test_mape_is_clipped_at_a_truth_of_zero_as_in_keras():
    mape = make("mape")
    value = mape(torch.full((1, 1, 1, 1), 2e-7, dtype=torch.float64), torch.zeros(1, 1, 1, dtype=torch.float64))
    assert float(value) == pytest.approx(100 * 2e-7 / 1e-7)
    assert not any(make(name).needs_original_units for name in NAMES if name != "mape")


def test_quantile_equals_sklearns_pinball_loss():
    levels = (0.1, 0.5, 0.8)
    loss = make("quantile", quantiles=levels)
    assert loss.outputs_per_value == 3
    prediction, target = tensors(loss)
    target = target - 3  # truths on both sides of the forecasts
    expected = np.mean(
        [
            sklearn.metrics.mean_pinball_loss(flat(target), flat(prediction[..., q]), alpha=level)
            for q, level in enumerate(levels)
        ]
    )
    assert float(loss(prediction, target)) == pytest.approx(expected)


def test_the_best_constant_under_the_quantile_loss_is_the_quantile():
    sample = torch.randn(4001, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    loss = make("quantile", quantiles=(0.2,))
    grid = torch.linspace(-2, 2, 401, dtype=torch.float64)
    values = [loss(g.expand(4001, 1, 1, 1), sample.view(-1, 1, 1)) for g in grid]
    assert float(grid[int(torch.stack(values).argmin())]) == pytest.approx(float(sample.quantile(0.2)), abs=0.02)


def test_likelihoods_equal_scipy():
    gaussian, student = make("gaussian"), make("student_t")
    prediction, target = tensors(gaussian)
    mean, scale = (flat(part) for part in gaussian.parameters(prediction))
    expected = -scipy.stats.norm.logpdf(flat(target), mean, scale).mean()
    assert float(gaussian(prediction, target)) == pytest.approx(expected)
    prediction, target = tensors(student)
    location, scale, freedom = (flat(part) for part in student.parameters(prediction))
    assert (freedom > 2).all()
    expected = -scipy.stats.t.logpdf(flat(target), freedom, location, scale).mean()
    assert float(student(prediction, target)) == pytest.approx(expected)


def test_quantiles_of_the_distributions_equal_scipy():
    levels = [0.025, 0.5, 0.9]
    gaussian, student = make("gaussian"), make("student_t")
    prediction, _ = tensors(gaussian)
    mean, scale = (part.unsqueeze(-1).numpy() for part in gaussian.parameters(prediction))
    np.testing.assert_allclose(gaussian.quantiles(prediction, levels), scipy.stats.norm.ppf(levels, mean, scale))
    prediction, _ = tensors(student)
    location, scale, freedom = (part.unsqueeze(-1).numpy() for part in student.parameters(prediction))
    expected = scipy.stats.t.ppf(levels, freedom, location, scale)
    np.testing.assert_allclose(student.quantiles(prediction, levels), expected)


@pytest.mark.parametrize("name", PROBABILISTIC)
@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), inner=st.lists(st.floats(0.06, 0.94), max_size=4))
def test_quantiles_never_cross(name, seed, inner):
    loss = make(name)
    assert isinstance(loss, ProbabilisticLoss)
    prediction, _ = tensors(loss, seed)
    levels = sorted({0.05, 0.95, *inner})
    quantiles = loss.quantiles(prediction, levels)
    assert quantiles.shape == (B, T, C, len(levels))
    assert (quantiles.diff(dim=-1) >= -1e-12).all()
    torch.testing.assert_close(loss.quantiles(prediction, [0.5])[..., 0], loss.point(prediction))


def test_quantiles_between_trained_levels_are_interpolated_and_beyond_them_refused():
    loss = make("quantile", quantiles=(0.2, 0.6))
    prediction = torch.tensor([4.0, 2.0]).view(1, 1, 1, 2)  # crossing outputs are sorted first
    found = loss.quantiles(prediction, [0.2, 0.3, 0.6]).flatten()
    torch.testing.assert_close(found, torch.tensor([2.0, 2.5, 4.0]))
    torch.testing.assert_close(loss.point(prediction).flatten(), torch.tensor([3.5]))
    assert loss.levels == (0.2, 0.6)
    with pytest.raises(SettingsError, match=r"quantile 0\.1 cannot be given: this network knows 0\.2 to 0\.6"):
        loss.quantiles(prediction, [0.1])
    high = make("quantile", quantiles=(0.8, 0.9))
    torch.testing.assert_close(high.point(prediction).flatten(), torch.tensor([2.0]))  # 0.8 is nearest to a median


@pytest.mark.parametrize("level", [0.0, 1.0, -1.0, 1.5])
@pytest.mark.parametrize("name", PROBABILISTIC)
def test_levels_outside_0_and_1_are_refused(name, level):
    loss = make(name)
    with pytest.raises(SettingsError, match="cannot be given"):
        loss.quantiles(tensors(loss)[0], [level])
