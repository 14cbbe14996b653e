"""Every registered optimiser against the equations that Keras documents, in plain NumPy."""

import numpy as np
import pytest
import torch

from gatewise import registry
from gatewise.settings import TrainSettings
from gatewise.training.optimizers import create_optimizer, load_states, states_of

EPS = 1e-7
DEFAULT_RATE = {"adam": 1e-3, "adamw": 1e-3, "adagrad": 1e-3, "rmsprop": 1e-3, "sgd": 1e-2}
DEFAULT_DECAY = {"adamw": 0.004}


def adam(w, g, t, lr, s, momentum):
    s["m"] = s.get("m", 0.0) + (g - s.get("m", 0.0)) * (1 - 0.9)
    s["v"] = s.get("v", 0.0) + (g**2 - s.get("v", 0.0)) * (1 - 0.999)
    return w - lr * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * s["m"] / (np.sqrt(s["v"]) + EPS)


def adagrad(w, g, t, lr, s, momentum):
    s["a"] = s.get("a", 0.1) + g**2
    return w - lr * g / np.sqrt(s["a"] + EPS)


def rmsprop(w, g, t, lr, s, momentum):
    s["v"] = 0.9 * s.get("v", 0.0) + 0.1 * g**2
    s["m"] = momentum * s.get("m", 0.0) + lr * g / np.sqrt(s["v"] + EPS)
    return w - s["m"]


def sgd(w, g, t, lr, s, momentum):
    s["m"] = momentum * s.get("m", 0.0) - lr * g
    return w + s["m"]


EQUATIONS = {"adam": adam, "adamw": adam, "adagrad": adagrad, "rmsprop": rmsprop, "sgd": sgd}
NAMES = registry.OPTIMIZERS.names()


def gradients(scale):
    # tiny ones beside large ones: with 1e-8 the place of epsilon decides
    rng = np.random.default_rng(0)
    return rng.normal(size=(6, 5)) * np.array([1.0, 1e-2, 1e-5, 1e-7, 1e-8]) * scale


def torch_steps(name, grads, rates, **options):
    param = torch.nn.Parameter(torch.linspace(-1, 1, 5, dtype=torch.float64))
    optimizer = create_optimizer([param], TrainSettings(optimizer=name, **options))
    path = []
    for grad, rate in zip(grads, rates, strict=True):
        if rate is not None:
            optimizer.param_groups[0]["lr"] = rate
        param.grad = torch.from_numpy(grad)
        optimizer.step()
        path.append(param.detach().numpy().copy())
    return np.array(path)


def numpy_steps(name, grads, rates, momentum=0.0, weight_decay=None):
    w, state, path = np.linspace(-1, 1, 5), {}, []
    decay = DEFAULT_DECAY.get(name, 0.0) if weight_decay is None else weight_decay
    for t, (grad, given) in enumerate(zip(grads, rates, strict=True), start=1):
        rate = DEFAULT_RATE[name] if given is None else given
        w = w - rate * decay * w
        w = EQUATIONS[name](w, grad, t, rate, state, momentum)
        path.append(w)
    return np.array(path)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_defaults_are_those_of_keras(name, scale):
    grads, rates = gradients(scale), [None] * 6
    np.testing.assert_allclose(torch_steps(name, grads, rates), numpy_steps(name, grads, rates), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_a_rate_that_moves_momentum_and_weight_decay(name):
    grads, rates = gradients(1.0), [0.1, 0.05, 0.2, 0.01, 0.02, 0.1]
    options = {"momentum": 0.8, "weight_decay": 0.03}
    ours = torch_steps(name, grads, rates, **options)
    np.testing.assert_allclose(ours, numpy_steps(name, grads, rates, **options), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_learning_rate_of_the_settings(name):
    param = torch.nn.Parameter(torch.ones(2))
    assert create_optimizer([param], TrainSettings(optimizer=name)).param_groups[0]["lr"] == DEFAULT_RATE[name]
    settings = TrainSettings(optimizer=name, learning_rate=0.5)
    assert create_optimizer([param], settings).param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_states_go_on_where_they_were_kept(name, dtype):
    draw = torch.Generator().manual_seed(0)
    settings = TrainSettings(optimizer=name, momentum=0.5)
    grads = [
        [torch.randn(3, 2, generator=draw, dtype=dtype), torch.randn(2, generator=draw, dtype=dtype)] for _ in range(5)
    ]

    def steps(params, optimizer, chosen):
        for step in chosen:
            for param, grad in zip(params, step, strict=True):
                param.grad = grad.clone()
            optimizer.step()

    whole = [torch.nn.Parameter(torch.ones(3, 2, dtype=dtype)), torch.nn.Parameter(torch.ones(2, dtype=dtype))]
    optimizer = create_optimizer(whole, settings)
    steps(whole, optimizer, grads[:3])
    kept = {key: value.clone() for key, value in states_of(optimizer)}
    parts = [torch.nn.Parameter(param.detach().clone()) for param in whole]
    again = create_optimizer(parts, settings)
    load_states(again, kept)
    steps(whole, optimizer, grads[3:])
    steps(parts, again, grads[3:])
    for one, other in zip(whole, parts, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", NAMES)
def test_a_parameter_without_gradient_stays(name):
    moved, still = torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(2))
    optimizer = create_optimizer([moved, still], TrainSettings(optimizer=name, weight_decay=0.1))
    moved.grad = torch.ones(2)
    optimizer.step()
    assert torch.equal(still, torch.ones(2))
    assert not torch.equal(moved, torch.ones(2))
