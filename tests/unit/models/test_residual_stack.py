import itertools

import pytest
import torch

from gatewise.cells import list_cells
from gatewise.errors import InputError, SettingsError
from gatewise.models import RecurrentStack, count_parameters
from gatewise.models.residual import ResidualLayer

every_cell = pytest.mark.parametrize("cell", list_cells())


def make(cell="lstm", inputs=3, units=4, seed=0, **options):
    """A residual stack in float64 in which every weight, biases too, is drawn and not zero."""
    generator = torch.Generator().manual_seed(seed)
    stack = RecurrentStack(cell, inputs, units, block="residual", init_generator=generator, **options).double()
    with torch.no_grad():
        for weight in stack.parameters():
            weight.normal_(0.0, 0.5, generator=generator)
    return stack


def draw(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_equals_its_equations(bidirectional):
    stack, x = make("gru", layers=2, bidirectional=bidirectional), draw(2, 5, 3)
    y = stack.enter(x)
    cells = list(stack.cells)
    for layer in stack.residual_layers:
        normed = layer.cell_norm(y)
        forward = cells.pop(0)(normed)[0]
        both = [forward, cells.pop(0)(normed.flip(1))[0].flip(1)] if bidirectional else [forward]
        y = y + torch.cat(both, dim=-1)
        y = y + layer.narrow(torch.nn.functional.gelu(layer.widen(layer.dense_norm(y))))
    torch.testing.assert_close(stack(x)[0], stack.leave(y))


@every_cell
def test_shapes_follow_from_the_sizes(cell):
    for inputs, bidirectional in [(3, False), (4, False), (3, True), (8, True)]:
        stack = make(cell, inputs, layers=2, bidirectional=bidirectional)
        y, state = stack(draw(2, 5, inputs))
        assert y.shape == (2, 5, stack.output_size) == (2, 5, 4 * (1 + bidirectional))
        assert [part.shape for part in state] == [part.shape for part in stack.initial_state(2)]
        assert (stack.enter is None) == (inputs == stack.output_size)


def test_outputs_over_padding_repeat_the_last_real_one_in_their_direction():
    mask = torch.tensor([[False, True, True, False], [True, False, False, True]])
    y = make(bidirectional=True)(draw(2, 4, 3), None, mask)[0]
    forward, backward = y.chunk(2, dim=-1)
    for half, last in (
        (forward, [[None, 1, 2, 2], [0, 0, 0, 3]]),
        (backward, [[1, 1, 2, None], [0, 3, 3, 3]]),
    ):
        for b, t in itertools.product(range(2), range(4)):
            expected = torch.zeros_like(half[b, t]) if last[b][t] is None else half[b, last[b][t]]
            assert torch.equal(half[b, t], expected)
    assert y[mask].all()


@pytest.mark.parametrize(("inputs", "bidirectional"), [(3, False), (4, False), (3, True)])
def test_the_parameter_count_equals_its_formula(inputs, bidirectional):
    layers, H, D = 3, 4, 8 if bidirectional else 4
    enter = 0 if inputs == D else (inputs + 1) * D
    cells = (1 + bidirectional) * 4 * H * (D + H + 1)
    dense = (D + 1) * 2 * D + (2 * D + 1) * D
    norms = 2 * 2 * D
    stack = RecurrentStack("lstm", inputs, H, layers=layers, block="residual", bidirectional=bidirectional)
    assert count_parameters(stack) == enter + layers * (cells + dense + norms) + 2 * D


def test_start_weights_come_from_the_generator():
    everywhere = torch.get_rng_state()
    stacks = [
        RecurrentStack("gru", 3, 4, layers=2, block="residual", init_generator=torch.Generator().manual_seed(seed))
        for seed in (5, 5, 6)
    ]
    one, again, other = (torch.cat([w.detach().flatten() for w in stack.parameters()]) for stack in stacks)
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), everywhere)


def test_layer_dropout_drops_what_is_added_and_not_the_sum():
    layer, x = ResidualLayer(4).double(), draw(2, 5, 4)
    torch.testing.assert_close(layer(x, torch.tanh, torch.zeros_like), x)
    stack = make(layer_dropout=0.5, dropout_generator=torch.Generator().manual_seed(0))
    first, second = stack(draw(2, 5, 3))[0], stack(draw(2, 5, 3))[0]
    assert not torch.equal(first, second)
    torch.testing.assert_close(stack.eval()(draw(2, 5, 3)), make()(draw(2, 5, 3)))


def error_after_training(cell, block, seed):
    """Share of the variance that is left after 60 steps of Adam at telling the first of six inputs, 8 layers deep."""
    generator = torch.Generator().manual_seed(seed)
    stack = RecurrentStack(cell, 1, 8, layers=8, block=block, init_generator=generator)
    x = torch.randn(32, 6, 1, generator=generator)
    wanted = x[:, 0].tanh()
    head = torch.nn.Parameter(torch.randn(8, 1, generator=generator) / 8**0.5)
    optimizer = torch.optim.Adam([*stack.parameters(), head], lr=0.01)
    for _ in range(60):
        loss = (stack(x)[0][:, -1] @ head - wanted).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item() / wanted.var().item()


@pytest.mark.parametrize("cell", ["mlstm", "gated_delta"])
def test_eight_layers_train_where_eight_plain_ones_do_not(cell):
    assert error_after_training(cell, "plain", seed=0) > 0.9
    assert error_after_training(cell, "residual", seed=0) < 0.3


def test_inputs_are_checked_before_the_dense_layer():
    stack = make()
    with pytest.raises(InputError, match=r"x must have 3 features in its last place \(found 2"):
        stack(draw(2, 5, 2))
    with pytest.raises(InputError, match=r"x must have 3 features in its last place \(found 2"):
        stack.step(draw(2, 2), stack.initial_state(2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"block": "resnet"}, r"block must be one of plain, residual \(found 'resnet'\)"),
        ({"block": "residual", "units": 0}, "units must be a whole number of at least 1"),
        ({"block": "residual", "cell_options": {"projection": 2}}, "h is as wide as their units: no projection"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused(change, message):
    with pytest.raises(SettingsError, match=message):
        RecurrentStack(**{"cell": "lstm", "input_size": 3, "units": 4, **change})
