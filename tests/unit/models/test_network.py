import copy

import pytest
import torch

from gatewise.errors import InputError
from gatewise.models import ForecastNetwork, count_parameters
from gatewise.settings import ForecastModelSettings

SMALL = ForecastModelSettings(
    cell="gru", units=5, head=(6, 4), head_dropout=0.5, input_dropout=0.2, recurrent_dropout=0.2
)


def make(settings=SMALL, **options):
    sizes = {"input_size": 2, "horizon": 3, "channels": 2, "outputs_per_value": 4, **options}
    generators = {f"{use}_generator": torch.Generator().manual_seed(n) for n, use in enumerate(["init", "dropout"])}
    return ForecastNetwork(settings, **sizes, **generators)


@pytest.mark.parametrize(("cell", "expected"), [("rnn", 428_162), ("gru", 957_058), ("lstm", 1_219_202)])
def test_the_reports_stock_network_has_its_parameters(cell, expected):
    settings = ForecastModelSettings(cell=cell, units=512)
    assert count_parameters(make(settings, horizon=1, outputs_per_value=1)) == expected


def test_the_output_is_horizon_by_channels_by_outputs():
    assert make()(torch.zeros(7, 9, 2)).shape == (7, 3, 2, 4)


def test_static_and_future_covariates_reach_the_output():
    network = make(static_size=2, future_size=3).eval()
    x, static, future = torch.ones(1, 9, 2), torch.zeros(1, 2), torch.zeros(1, 3, 3)
    base = network(x, static, future)
    static_too, future_too = static.clone(), future.clone()
    static_too[0, 1], future_too[0, 2, 2] = 1.0, 1.0
    assert not torch.equal(network(x, static_too, future), base)
    assert not torch.equal(network(x, static, future_too), base)


def test_the_head_reads_the_last_row_and_both_directions_read_all():
    network = make(SMALL.model_copy(update={"bidirectional": True})).eval()
    x = torch.randn(1, 6, 2, generator=torch.Generator().manual_seed(0))
    y, _ = network.stack(x)
    expected = network.head(torch.cat([y[:, -1, :5], y[:, 0, 5:]], dim=-1)).view(1, 3, 2, 4)
    torch.testing.assert_close(network(x), expected)


@pytest.mark.parametrize(
    ("sizes", "given", "message"),
    [
        ({"static_size": 2}, {}, r"static: this network needs covariates of shape \(1, 2\) \(found none\)"),
        ({"static_size": 2}, {"static": torch.zeros(1, 3)}, r"shape \(1, 2\) \(found \(1, 3\)\)"),
        ({"future_size": 1}, {"future": torch.zeros(1, 2, 1)}, r"future: .* shape \(1, 3, 1\) \(found \(1, 2, 1\)\)"),
        ({}, {"static": torch.zeros(1, 2)}, r"static: this network was made without .* \(found shape \(1, 2\)\)"),
    ],
)
def test_covariates_that_do_not_fit_are_refused(sizes, given, message):
    with pytest.raises(InputError, match=message):
        make(**sizes)(torch.zeros(1, 9, 2), **given)


def test_covariates_without_columns_are_none():
    network, x = make().eval(), torch.ones(2, 9, 2)
    assert torch.equal(network(x, torch.zeros(2, 0), torch.zeros(2, 3, 0)), network(x))


def test_the_same_seeds_give_the_same_training_outputs():
    x, everywhere = torch.ones(2, 9, 2), torch.get_rng_state()
    network, again = make(), make()
    first, second = network(x), network(x)
    assert torch.equal(first, again(x))
    assert not torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), everywhere)


def test_a_saved_generator_state_repeats_every_mask():
    network, x = make(), torch.ones(2, 9, 2)
    saved = network.dropout_generator.get_state()
    first = network(x)
    network.dropout_generator.set_state(saved)
    assert torch.equal(network(x), first)


def test_a_deep_copy_has_one_generator_of_its_own():
    network, x = make(), torch.ones(2, 9, 2)
    copied = copy.deepcopy(network)
    first = network(x)
    copied.dropout_generator.set_state(torch.Generator().manual_seed(1).get_state())
    assert torch.equal(copied(x), first)


@pytest.mark.parametrize(
    "change",
    [
        {"cell": "lstm"},
        {"units": 6},
        {"layers": 2},
        {"block": "residual"},
        {"bidirectional": True},
        {"input_dropout": 0.6},
        {"input_dropout_mask": "sequence"},
        {"recurrent_dropout": 0.6},
        {"layers": 2, "layer_dropout": 0.6},
        {"head": (6,)},
        {"head_dropout": 0.6},
        {"head_activation": "tanh"},
        {"cell_options": {"reset": "before"}},
    ],
    ids=str,
)
def test_every_setting_has_an_effect(change):
    x = torch.randn(3, 9, 2, generator=torch.Generator().manual_seed(0))
    base = {"layers": change["layers"]} if len(change) > 1 else {}
    before, after = (make(SMALL.model_copy(update=update))(x) for update in (base, change))
    assert not torch.equal(before, after)


def test_start_state_and_kernel_are_passed_on():
    network = make(SMALL.model_copy(update={"initial_state": "learned", "kernel": "reference"}))
    assert network.stack.start is not None
    assert network.stack.cells[0].kernel == "reference"
