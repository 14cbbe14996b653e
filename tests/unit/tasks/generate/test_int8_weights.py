"""int8 weights: how near they come, and that a stream stays its own."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import linear

from gatewise.errors import SettingsError
from gatewise.settings import SamplingSettings
from gatewise.tasks.generate.generation import generate
from gatewise.tasks.generate.int8 import Int8Matrix, int8_cost, rounded, with_int8_weights
from gatewise.tasks.generate.reading import log_probs
from text_writers import Letters, make_network

V = Letters("abcdef")


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 3), st.integers(0, 99))
def test_products_are_those_of_the_rounded_numbers(inputs, outputs, batch, seed):
    generator = torch.Generator().manual_seed(seed)
    weights, x = (torch.randn(n, inputs, generator=generator) for n in (outputs, batch + 1))
    bias = torch.randn(outputs, generator=generator)
    (qx, sx), (qw, sw) = rounded(x), rounded(weights)
    assert (x - qx * sx[:, None]).abs().max() <= 0.5001 * sx.max()
    expected = (qx.double() * sx[:, None]) @ (qw.double() * sw[:, None]).t() + bias
    found = linear(x, Int8Matrix.of(weights), bias)
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("cell", "options"),
    [("rnn", {}), ("gru", {}), ("gru", {"cell_options": {"reset": "before"}}), ("lstm", {"layers": 2})],
)
def test_it_writes_nearly_as_well(cell, options):
    network = make_network(cell=cell, units=33, scale=1.0, **options)
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    int8 = with_int8_weights(network)
    text = generate(network, V, [""], SamplingSettings(length=200, seed=0))[0].text
    found = int8_cost(network, int8, V, text)
    assert found.float32 == pytest.approx(-log_probs(network, V, text).mean())
    assert 0 < abs(found.cost) < 0.005
    assert all(torch.equal(weight, before[name]) for name, weight in network.state_dict().items())


def test_a_stream_does_not_depend_on_its_batch():
    int8 = with_int8_weights(make_network(cell="lstm"))
    asked = SamplingSettings(length=40, seed=0)
    batch = generate(int8, V, ["a", "bcd", "fff"], asked)
    for number, prompt in enumerate(["a", "bcd", "fff"]):
        assert generate(int8, V, [prompt], asked, first_stream=number)[0].text == batch[number].text


def test_zero_rows_stay_zero():
    assert rounded(torch.zeros(2, 3))[0].tolist() == [[0] * 3] * 2


def test_other_cells_are_refused():
    with pytest.raises(SettingsError, match="found MinGRU"):
        with_int8_weights(make_network(cell="mingru"))
