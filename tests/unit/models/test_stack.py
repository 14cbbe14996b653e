import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewise.cells import list_cells
from gatewise.errors import InputError, SettingsError, UnknownNameError
from gatewise.models import RecurrentStack

small = settings(max_examples=10, deadline=None)
size = st.integers(1, 4)
every_cell = pytest.mark.parametrize("cell", list_cells())
every_block = pytest.mark.parametrize("block", ["plain", "residual"])


def make(cell="lstm", inputs=3, units=4, seed=0, **options):
    """A stack in float64 in which every weight, biases too, is drawn and not zero."""
    generator = torch.Generator().manual_seed(seed)
    stack = RecurrentStack(cell, inputs, units, init_generator=generator, **options).double()
    with torch.no_grad():
        for weight in stack.parameters():
            weight.normal_(0.0, 0.5, generator=generator)
    return stack


def draw(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@every_cell
@given(batch=st.integers(0, 3), T=size, inputs=size, units=size, layers=size, bidirectional=st.booleans())
@small
def test_shapes_follow_from_the_sizes(cell, batch, T, inputs, units, layers, bidirectional):
    stack = make(cell, inputs, units, layers=layers, bidirectional=bidirectional)
    y, state = stack(draw(batch, T, inputs))
    assert y.shape == (batch, T, stack.output_size) == (batch, T, units * (1 + bidirectional))
    assert [part.shape for part in state] == [part.shape for part in stack.initial_state(batch)]
    assert len(state) == len(stack.state_names)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("cell", "theirs"), [("rnn", "RNN"), ("gru", "GRU"), ("lstm", "LSTM")])
def test_equals_torch_with_the_same_weights(cell, theirs, bidirectional):
    stack = make(cell, layers=2, bidirectional=bidirectional)
    peer = getattr(torch.nn, theirs)(3, 4, 2, batch_first=True, bidirectional=bidirectional).double()
    ends = ["_l0", "_l0_reverse", "_l1", "_l1_reverse"] if bidirectional else ["_l0", "_l1"]
    with torch.no_grad():
        for ours, end in zip(stack.cells, ends, strict=True):
            getattr(peer, f"weight_ih{end}").copy_(ours.input_kernel)
            getattr(peer, f"weight_hh{end}").copy_(ours.recurrent_kernel)
            getattr(peer, f"bias_ih{end}").copy_(ours.bias)
            getattr(peer, f"bias_hh{end}").copy_(ours.recurrent_bias if cell == "gru" else torch.zeros_like(ours.bias))
    x, parts = draw(2, 5, 3), 2 if cell == "lstm" else 1
    start = draw(parts, len(ends), 2, 4, seed=2)  # parts, layers * directions, B, H
    y, end = peer(x, tuple(start) if parts == 2 else start[0])
    ours, state = stack(x, [start[part, n] for n, part in itertools.product(range(len(ends)), range(parts))])
    torch.testing.assert_close(ours, y)
    for part, values in enumerate(end if parts == 2 else (end,)):
        torch.testing.assert_close(torch.stack(state[part::parts]), values)


def gradients(stack):
    return [torch.zeros_like(w) if w.grad is None else w.grad.clone() for w in stack.parameters()]


@every_cell
@every_block
def test_step_by_step_equals_the_whole_sequence(cell, block):
    stack = make(
        cell,
        block=block,
        layers=3,
        initial_state="learned",
        input_dropout=0.5,
        layer_dropout=0.5,
        recurrent_dropout=0.5,
    )
    x = draw(2, 5, 3)
    y, end = stack.eval()(x)
    state = stack.initial_state(2)
    for t in range(5):
        y_t, state = stack.train().step(x[:, t], state)  # a step drops nothing, whatever the mode
        torch.testing.assert_close(y_t, y[:, t])
    torch.testing.assert_close(state, end)


@every_cell
@every_block
def test_two_halves_with_carried_state_equal_one_whole(cell, block):
    stack, x = make(cell, block=block, layers=2), draw(2, 7, 3)
    whole, end = stack(x)
    first, carried = stack(x[:, :3])
    second, end_of_halves = stack(x[:, 3:], carried)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)
    torch.testing.assert_close(end_of_halves, end)


@every_cell
@every_block
@pytest.mark.parametrize("side", ["right", "left"])
def test_padding_changes_nothing_in_either_direction(cell, block, side):
    stack = make(cell, block=block, layers=2, bidirectional=True, initial_state="learned")
    lengths = [5, 3, 1]
    mask = torch.arange(5)[None, :] < torch.tensor(lengths)[:, None]
    mask = mask if side == "right" else mask.flip(1)
    x = torch.where(mask[:, :, None], draw(3, 5, 3), float("nan"))
    y, end = stack(x, None, mask)
    stack.summary(y).sum().backward()
    padded = gradients(stack)
    stack.zero_grad()
    for b in range(3):
        alone, end_alone = stack(x[b, mask[b]][None])
        torch.testing.assert_close(y[b, mask[b]], alone[0])
        torch.testing.assert_close([part[b] for part in end], [part[0] for part in end_alone])
        torch.testing.assert_close(stack.summary(y)[b], stack.summary(alone)[0])
        stack.summary(alone).sum().backward()
    torch.testing.assert_close(padded, gradients(stack))


def test_the_summary_is_each_directions_last_output():
    stack = make("gru", bidirectional=True)
    y, (forward, backward) = stack(draw(2, 5, 3))
    torch.testing.assert_close(stack.summary(y), torch.cat([forward, backward], dim=-1))
    one_way = make("gru", layers=2)
    y, (_, last) = one_way(draw(2, 5, 3))
    torch.testing.assert_close(one_way.summary(y), last)


def test_the_state_is_named_in_its_order():
    stack = make(layers=2, bidirectional=True)
    assert stack.state_names[:5] == ("0.forward.h", "0.forward.c", "0.backward.h", "0.backward.c", "1.forward.h")


def test_a_learned_start_is_trained_and_starts_at_zero():
    stack = RecurrentStack("lstm", 3, 4, layers=2, initial_state="learned")
    assert len(stack.start) == 4
    assert all(not part.any() for part in stack.start)
    y, _ = stack(torch.ones(2, 5, 3))
    y.sum().backward()
    assert all(part.grad.any() for part in stack.start)


def dropping(**options):
    return make(dropout_generator=torch.Generator().manual_seed(3), **options)


@pytest.mark.parametrize("rate", ["input_dropout", "layer_dropout", "recurrent_dropout"])
def test_each_dropout_follows_the_generator_and_rests_in_eval(rate):
    everywhere = torch.get_rng_state()
    one, other, plain, x = (
        dropping(layers=2, **{rate: 0.5}),
        dropping(layers=2, **{rate: 0.5}),
        make(layers=2),
        draw(2, 5, 3),
    )
    first = one(x)[0]
    assert torch.equal(first, other(x)[0])
    assert not torch.equal(first, one(x)[0])
    assert not torch.equal(first, plain(x)[0])
    torch.testing.assert_close(one.eval()(x)[0], plain(x)[0])
    assert torch.equal(torch.get_rng_state(), everywhere)


def test_layer_dropout_needs_a_second_layer():
    one, plain, x = dropping(layer_dropout=0.5), make(), draw(2, 5, 3)
    assert torch.equal(one(x)[0], plain(x)[0])


def test_the_input_mask_is_per_step_or_per_sequence():
    """Equal inputs at every step stay equal under one mask a sequence, and do not under a mask a step."""
    seen = {}
    for mask in ("step", "sequence"):
        stack = dropping(inputs=8, input_dropout=0.5, input_dropout_mask=mask)
        dropped = stack.input_dropout(torch.ones(2, 5, 8))
        seen[mask] = bool((dropped == dropped[:, :1]).all())
    assert seen == {"step": False, "sequence": True}


def test_a_bidirectional_stack_cannot_step():
    stack = make(bidirectional=True)
    with pytest.raises(SettingsError, match="a bidirectional stack cannot go step by step"):
        stack.step(draw(2, 3), stack.initial_state(2))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"layers": 0}, SettingsError, "layers must be a whole number of at least 1"),
        ({"units": -1}, SettingsError, "units must be a whole number of at least 1"),
        ({"input_dropout": 1.5}, SettingsError, "dropout rate must be a share"),
        (
            {"input_dropout_mask": "row"},
            SettingsError,
            r"dropout mask must be one of step, sequence, symbol \(found 'row'\)",
        ),
        ({"initial_state": "one"}, SettingsError, "initial_state must be one of zero, learned"),
        ({"cell": "grru"}, UnknownNameError, "unknown cell 'grru': did you mean 'gru'"),
        ({"kernel": "torh"}, UnknownNameError, "unknown kernel 'torh': did you mean 'torch'"),
        ({"cell_options": {"rset": 1}}, SettingsError, "the cell 'gru' has no option 'rset': did you mean 'reset'"),
        ({"cell_options": {"kernel": "torch"}}, SettingsError, "cell_options: 'kernel' is set beside it, not in it"),
        ({"cell_options": {"generator": 1}}, SettingsError, "cell_options: 'generator' is set beside it"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused(change, error, message):
    with pytest.raises(error, match=message):
        RecurrentStack(**{"cell": "gru", "input_size": 3, "units": 4, **change})


@pytest.mark.parametrize("state", [(), torch.zeros(2, 4), [torch.zeros(2, 4)] * 3])
def test_a_state_of_the_wrong_length_is_refused(state):
    with pytest.raises(InputError, match=r"state must be a tuple of 2 tensors \(0.forward.h, 0.forward.c\)"):
        make()(draw(2, 5, 3), state)


def test_inputs_are_checked_before_anything_is_dropped():
    with pytest.raises(InputError, match="x must have 3 features"):
        make(input_dropout=0.5)(draw(2, 5, 2))
    with pytest.raises(InputError, match="mask must be a bool tensor"):
        make(bidirectional=True)(draw(2, 5, 3), None, torch.ones(2, 5))
