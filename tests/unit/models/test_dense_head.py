import math

import pytest
import torch

from gatewise.errors import SettingsError
from gatewise.models import DenseHead, Dropout


def make(**options):
    generator = torch.Generator().manual_seed(0)
    settings = {"in_features": 6, "sizes": (5, 4), "outputs": 2, "init_generator": generator, **options}
    return DenseHead(**settings).double()


def test_it_is_dense_activation_dropout_dense_activation_dense():
    head = make(dropout=0.5, dropout_generator=torch.Generator().manual_seed(3))
    x = torch.randn(7, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    keep = torch.empty(7, 5, dtype=torch.float64).bernoulli_(0.5, generator=torch.Generator().manual_seed(3)) / 0.5
    (W1, b1), (W2, b2), (W3, b3) = ((layer.weight, layer.bias) for layer in head.layers)
    hidden = torch.relu(x @ W1.T + b1) * keep
    expected = torch.relu(hidden @ W2.T + b2) @ W3.T + b3
    torch.testing.assert_close(head(x), expected)


def test_it_starts_as_in_keras_and_leaves_the_global_generator_alone():
    everywhere = torch.get_rng_state()
    head, again = make(sizes=(50,)), make(sizes=(50,))
    assert torch.equal(torch.get_rng_state(), everywhere)
    assert torch.equal(head.layers[0].weight, again.layers[0].weight)
    for layer in head.layers:
        limit = math.sqrt(6 / sum(layer.weight.shape))
        assert 0.9 * limit < layer.weight.abs().max() <= limit
        assert not layer.bias.any()


@pytest.mark.parametrize(
    ("activation", "at_minus_one"), [("relu", 0.0), ("tanh", math.tanh(-1)), ("gelu", -0.158655), ("linear", -1.0)]
)
def test_each_activation_is_used(activation, at_minus_one):
    head = make(in_features=1, sizes=(1,), outputs=1, activation=activation)
    with torch.no_grad():
        for layer in head.layers:
            layer.weight.fill_(1.0)
    assert head(-torch.ones(1, 1, dtype=torch.float64)).item() == pytest.approx(at_minus_one, abs=1e-6)


def test_no_sizes_leave_one_linear_layer_without_dropout():
    head = make(sizes=(), dropout=0.5)
    assert len(head.layers) == 1
    x = torch.ones(3, 6, dtype=torch.float64)
    assert torch.equal(head(x), head.layers[0](x))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activation": "rellu"}, "head activation must be one of relu, tanh, gelu, linear"),
        ({"sizes": (5, 0)}, "head size must be a whole number of at least 1"),
        ({"dropout": -0.1}, "dropout rate must be a share from 0 to below 1"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused(change, message):
    with pytest.raises(SettingsError, match=message):
        make(**change)


def test_dropout_without_a_rate_draws_nothing():
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    x = torch.ones(2, 3)
    assert Dropout(0.0, generator=generator)(x) is x
    assert Dropout(0.5, generator=generator).eval()(x) is x
    assert torch.equal(generator.get_state(), before)
