"""Every registered text loss: a mean over what training saw, finite gradients, and its known equals."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from gatewise import registry
from gatewise.errors import SettingsError, UnknownNameError
from gatewise.settings import TextTrainSettings
from gatewise.tasks.generate.losses import TextLoss, create_text_loss

NAMES = registry.TEXT_LOSSES.names()
SMOOTH = ["cross_entropy", "kl_divergence"]
B, T, V = 3, 4, 5


def make(name, **options):
    return create_text_loss(TextTrainSettings(loss=name, **options))


def tensors(seed=0, dtype=torch.float64, scale=2.0):
    draw = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(B, T, V, generator=draw, dtype=dtype)
    return logits, torch.randint(V, (B, T), generator=draw)


def gradient(loss, logits, targets):
    logits = logits.clone().requires_grad_()
    value = loss(logits, targets)
    value.backward()
    return value.detach(), logits.grad


@pytest.mark.parametrize("name", NAMES)
def test_a_scalar_whose_gradient_reaches_every_symbol(name):
    loss = make(name)
    assert isinstance(loss, TextLoss)
    value, grad = gradient(loss, *tensors(dtype=torch.float32))
    assert value.shape == ()
    assert value.dtype == torch.float32
    assert torch.isfinite(grad).all()
    assert (grad != 0).all()


@pytest.mark.parametrize(
    ("name", "options"),
    [(name, {"focal_gamma": gamma}) for name in NAMES for gamma in (2.0, 0.5)]
    + [(name, {"label_smoothing": 0.1}) for name in SMOOTH],
)
def test_gradients_are_those_of_the_value(name, options):
    logits, targets = tensors()
    targets[0, 0] = V
    assert torch.autograd.gradcheck(lambda x: make(name, **options)(x, targets), logits.requires_grad_())


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_is_a_mean_over_the_symbols_that_training_saw(name):
    loss = make(name)
    logits, targets = tensors()
    each = [loss(logits[b : b + 1, t : t + 1], targets[b : b + 1, t : t + 1]) for b in range(B) for t in range(T)]
    torch.testing.assert_close(loss(logits, targets), torch.stack(each).mean())
    targets[0, 1] = targets[2, 3] = V
    seen = [value for value, target in zip(each, targets.flatten().tolist(), strict=True) if target < V]
    value, grad = gradient(loss, logits, targets)
    torch.testing.assert_close(value, torch.stack(seen).mean())
    assert (grad[0, 1] == 0).all()
    assert (grad[2, 3] == 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_text_of_unseen_symbols_alone_teaches_nothing(name):
    logits, targets = tensors()
    value, grad = gradient(make(name), logits, torch.full_like(targets, V))
    assert value == 0
    assert (grad == 0).all()


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("name", NAMES)
def test_networks_that_are_sure_have_finite_gradients(name, gamma):
    logits, targets = tensors(dtype=torch.float32, scale=200.0)
    for right in (targets, logits.argmax(dim=-1)):
        value, grad = gradient(make(name, focal_gamma=gamma), logits, right)
        assert torch.isfinite(value)
        assert torch.isfinite(grad).all()


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
def test_they_equal_torch(smoothing):
    logits, targets = tensors()
    rows, right = logits.flatten(0, 1), targets.flatten()
    expected = functional.cross_entropy(rows, right, label_smoothing=smoothing)
    torch.testing.assert_close(make("cross_entropy", label_smoothing=smoothing)(logits, targets), expected)
    soft = (1 - smoothing) * functional.one_hot(right, V).double() + smoothing / V
    expected = functional.kl_div(rows.log_softmax(-1), soft, reduction="batchmean")
    torch.testing.assert_close(make("kl_divergence", label_smoothing=smoothing)(logits, targets), expected)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), smoothing=st.floats(0.0, 0.95), scale=st.floats(0.0, 20.0))
def test_kl_is_the_cross_entropy_less_the_targets_entropy(seed, smoothing, scale):
    logits, targets = tensors(seed, scale=scale)
    own, own_grad = gradient(make("kl_divergence", label_smoothing=smoothing), logits, targets)
    other, other_grad = gradient(make("cross_entropy", label_smoothing=smoothing), logits, targets)
    q = torch.full((V,), smoothing / V, dtype=torch.float64)
    q[0] += 1 - smoothing
    entropy = -torch.special.xlogy(q, q).sum()
    torch.testing.assert_close(own, other - entropy, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(own_grad, other_grad, rtol=1e-9, atol=1e-12)
    if smoothing == 0:
        assert entropy == 0


def test_without_smoothing_kl_is_the_cross_entropy():
    logits, targets = tensors(dtype=torch.float32)
    own, own_grad = gradient(make("kl_divergence"), logits, targets)
    other, other_grad = gradient(make("cross_entropy"), logits, targets)
    torch.testing.assert_close(own, other)
    torch.testing.assert_close(own_grad, other_grad)


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 3.5])
def test_binary_focal_is_what_keras_documents(gamma):
    logits, targets = tensors(scale=6.0)
    p = torch.softmax(logits, dim=-1).numpy()
    y = np.eye(V)[targets.numpy()]
    p = np.clip(p, 1e-7, 1 - 1e-7)
    p_t = y * p + (1 - y) * (1 - p)
    crossentropy = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    expected = ((1 - p_t) ** gamma * crossentropy).mean(axis=-1).mean()
    assert float(make("binary_focal", focal_gamma=gamma)(logits, targets)) == pytest.approx(expected, rel=1e-9)


def test_focal_looks_away_from_what_is_easy():
    logits, targets = tensors()
    p = torch.softmax(logits, dim=-1).gather(-1, targets[..., None])
    for gamma in (0.0, 1.0, 2.5):
        expected = -((1 - p) ** gamma * p.log()).mean()
        torch.testing.assert_close(make("focal", focal_gamma=gamma)(logits, targets), expected)
    torch.testing.assert_close(make("focal", focal_gamma=0.0)(logits, targets), make("cross_entropy")(logits, targets))


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(SMOOTH)))
def test_smoothing_is_refused_where_it_means_nothing(name):
    with pytest.raises(SettingsError, match=f"label_smoothing: the loss '{name}' has no soft target"):
        make(name, label_smoothing=0.1)


def test_every_loss_says_whether_it_smooths():
    assert [name for name in NAMES if registry.TEXT_LOSSES.load(name).smooths] == SMOOTH
    with pytest.raises((SettingsError, UnknownNameError, ValueError), match="cross_entropy"):
        make("cross_entropi")
