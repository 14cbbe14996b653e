"""What every cell promises (gatewise.cells.base.Cell). A new cell enters by its line in the registry."""

import json
import runpy
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_cases import CELL_CASES, case_id
from gatewise.cells import Cell, create_cell
from gatewise.cells.base import option_names
from gatewise.registry import CELLS

CASES = [pytest.param(*case, id=case_id(*case)) for case in CELL_CASES]
every_cell = pytest.mark.parametrize(("name", "options"), CASES)
small = settings(max_examples=10, deadline=None)
size = st.integers(1, 5)
GOLDEN = Path(__file__).parents[1] / "golden"


def make(name, options, *, inputs=3, units=4, seed=0, dtype=torch.float64):
    """A cell in which every weight, biases too, is drawn and not zero."""
    generator = torch.Generator().manual_seed(seed)
    cell = create_cell(name, input_size=inputs, units=units, generator=generator, **options).to(dtype)
    with torch.no_grad():
        for weight in cell.parameters():
            weight.normal_(0.0, 0.5, generator=generator)
    return cell


def draw(*shape, seed=1, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def start_state(cell, batch):
    return tuple(draw(batch, *shape, seed=7 + n) for n, shape in enumerate(cell.state_sizes))


def ragged(lengths, T):
    return torch.arange(T)[None, :] < torch.tensor(lengths)[:, None]


def close(one, other):
    torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


@every_cell
@given(batch=st.integers(0, 4), T=size, inputs=size, units=size)
@small
def test_shapes_follow_from_the_sizes(name, options, batch, T, inputs, units):
    cell = make(name, options, inputs=inputs, units=units, dtype=torch.float32)
    y, state = cell(torch.zeros(batch, T, inputs))
    assert y.shape == (batch, T, units)
    assert y.dtype == torch.float32
    assert [tuple(part.shape) for part in state] == [(batch, *shape) for shape in cell.state_sizes]
    assert len(cell.state_names) == len(state)
    close(y[:, -1], state[0])


@every_cell
@given(batch=size, T=size, inputs=size, units=size)
@small
def test_step_by_step_equals_the_whole_sequence(name, options, batch, T, inputs, units):
    cell = make(name, options, inputs=inputs, units=units)
    x, state = draw(batch, T, inputs), start_state(cell, batch)
    y, end = cell(x, state)
    for t in range(T):
        y_t, state = cell.step(x[:, t], state)
        close(y_t, y[:, t])
    close(state, end)


@every_cell
def test_two_halves_with_carried_state_equal_one_whole(name, options):
    cell, x = make(name, options), draw(2, 7, 3)
    start = start_state(cell, 2)
    whole, end = cell(x, start)
    first, carried = cell(x[:, :3], start)
    second, end_of_halves = cell(x[:, 3:], carried)
    close(torch.cat([first, second], dim=1), whole)
    close(end_of_halves, end)


@every_cell
def test_an_absent_start_state_is_the_initial_state(name, options):
    cell, x = make(name, options), draw(2, 4, 3)
    close(cell(x), cell(x, cell.initial_state(2)))
    assert all(not part.any() for part in cell.initial_state(2))


@every_cell
@pytest.mark.parametrize("side", ["right", "left", "gaps"])
@pytest.mark.parametrize("padding", [0.0, 1e6, float("nan")])
def test_padding_changes_no_valid_output_and_no_gradient(name, options, side, padding):
    cell, T, lengths = make(name, options), 5, [5, 3, 1]
    start = start_state(cell, 3)
    mask = {
        "right": ragged(lengths, T),
        "left": ragged(lengths, T).flip(1),
        "gaps": torch.tensor([[1, 0, 1, 0, 1], [0, 1, 1, 0, 1], [0, 0, 1, 0, 0]], dtype=torch.bool),
    }[side]
    x = torch.where(mask[:, :, None], draw(3, T, 3), padding)
    y, end = cell(x, start, mask)
    (y * mask[:, :, None]).sum().backward()
    gradients = [weight.grad.clone() for weight in cell.parameters()]
    cell.zero_grad()
    for b in range(3):
        alone, end_alone = cell(x[b, mask[b]][None], tuple(part[b : b + 1] for part in start))
        close(y[b, mask[b]], alone[0])
        close(tuple(part[b] for part in end), tuple(part[0] for part in end_alone))
        alone.sum().backward()
    close(gradients, [weight.grad for weight in cell.parameters()])


@every_cell
def test_a_masked_step_repeats_the_output_before_it(name, options):
    cell, x = make(name, options), draw(1, 4, 3)
    start = start_state(cell, 1)
    y, _ = cell(x, start, torch.tensor([[False, True, False, False]]))
    close(y[:, 0], start[0])
    close(y[:, 2], y[:, 1])
    close(y[:, 3], y[:, 1])


@every_cell
@pytest.mark.parametrize("mask", [None, torch.tensor([[True, True, False], [True, False, False]])])
def test_gradients_equal_finite_differences(name, options, mask):
    cell = make(name, options, inputs=2, units=2)
    names = [key for key, _ in cell.named_parameters()]
    weights = [weight.detach().requires_grad_() for weight in cell.parameters()]
    start = [part.requires_grad_() for part in start_state(cell, 2)]

    def run(x, *rest):
        state, values = rest[: len(start)], rest[len(start) :]
        y, end = torch.func.functional_call(cell, dict(zip(names, values, strict=True)), (x, state, mask))
        return (y, *end)

    assert torch.autograd.gradcheck(run, (draw(2, 3, 2).requires_grad_(), *start, *weights))


@every_cell
@given(inputs=size, units=size)
@small
def test_the_parameter_count_equals_its_formula(name, options, inputs, units):
    cell = make(name, options, inputs=inputs, units=units)
    assert sum(p.numel() for p in cell.parameters()) == type(cell).parameter_formula(inputs, units, **options)


@every_cell
def test_the_same_seed_gives_the_same_weights(name, options):
    def weights(seed):
        generator = torch.Generator().manual_seed(seed)
        cell = create_cell(name, input_size=3, units=4, generator=generator, **options)
        return torch.cat([weight.detach().flatten() for weight in cell.parameters()])

    everywhere = torch.get_rng_state()
    assert torch.equal(weights(5), weights(5))
    assert not torch.equal(weights(5), weights(6))
    assert torch.equal(torch.get_rng_state(), everywhere)


@every_cell
def test_weights_make_the_round_trip_through_a_state_dict(name, options):
    cell, other, x = make(name, options, seed=1), make(name, options, seed=2), draw(2, 3, 3)
    assert not torch.equal(cell(x)[0], other(x)[0])
    other.load_state_dict(cell.state_dict())
    assert torch.equal(cell(x)[0], other(x)[0])


@every_cell
def test_recurrent_dropout_is_one_mask_a_sequence_and_a_new_one_a_call(name, options):
    def dropping():
        generator = torch.Generator().manual_seed(9)
        return make(name, {**options, "recurrent_dropout": 0.5, "dropout_generator": generator}, units=16)

    cell, stepped, x = dropping(), dropping(), draw(2, 5, 3)
    start = start_state(cell, 2)
    first, second = cell(x, start)[0], cell(x, start)[0]
    assert not torch.equal(first, second)
    for whole in (first, second):  # the same generator seed: the same masks, in the same order
        state, recurrent_mask = start, stepped.draw_recurrent_mask(2)
        for t in range(5):
            y, state = stepped.step(x[:, t], state, recurrent_mask)
            close(y, whole[:, t])


@every_cell
def test_recurrent_dropout_rests_in_eval(name, options):
    plain, x = make(name, options), draw(2, 5, 3)
    cell = make(name, {**options, "recurrent_dropout": 0.5})
    cell.load_state_dict(plain.state_dict())
    close(cell.eval()(x), plain(x))
    assert not torch.equal(cell.train()(x)[0], plain(x)[0])


@every_cell
def test_nothing_but_the_recurrent_product_is_dropped(name, options):
    """With no recurrent weights, recurrent dropout cannot change anything."""
    plain = make(name, options)
    if not plain.recurrent_weights:
        pytest.skip(f"{name} has no product with recurrent weights")
    cell = make(name, {**options, "recurrent_dropout": 0.9})
    with torch.no_grad():
        for key, weight in plain.named_parameters():
            if key in plain.recurrent_weights:
                weight.zero_()
    cell.load_state_dict(plain.state_dict())
    x, start = draw(2, 4, 3), start_state(cell, 2)
    close(cell(x, start), plain(x, start))


@every_cell
def test_the_cell_learns_to_remember_its_first_input(name, options):
    generator = torch.Generator().manual_seed(0)
    cell = create_cell(name, input_size=1, units=8, generator=generator, **options)
    if not units_see_each_other(cell):
        pytest.skip(f"{name} cannot tell the first step from others: the next test marks it")
    x = torch.randn(64, 4, 1, generator=generator)
    losses = train(cell, x, x[:, 0].tanh(), steps=40, answer=lambda y: y[:, -1, :1])
    assert losses[-1] < 0.3 * losses[0]


@every_cell
def test_the_cell_learns_to_remember_a_marked_input(name, options):
    """A single layer of units that do not see each other: the input to keep is marked, and all units answer."""
    generator = torch.Generator().manual_seed(0)
    cell = create_cell(name, input_size=2, units=8, generator=generator, **options)
    if units_see_each_other(cell):
        pytest.skip(f"{name} needs no mark: the test before this one")
    x = torch.randn(64, 4, 2, generator=generator)
    x[:, :, 1] = torch.tensor([1.0, 0.0, 0.0, 0.0])
    signs = torch.tensor([1.0] * 4 + [-1.0] * 4) / 4  # so that an output that is never negative can answer too
    losses = train(cell, x, x[:, 0, :1].tanh(), steps=100, answer=lambda y: y[:, -1] @ signs[:, None])
    assert losses[-1] < 0.3 * losses[0]


def units_see_each_other(cell):
    return any(cell.get_parameter(key).dim() > 1 for key in cell.recurrent_weights)


def train(cell, x, target, *, steps, answer):
    """Return the squared error before each step of Adam."""
    optimizer = torch.optim.Adam(cell.parameters(), lr=0.05)
    losses = []
    for _ in range(steps):
        loss = (answer(cell(x)[0]) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@every_cell
def test_golden_numbers_from_constant_weights(name, options):
    found = runpy.run_path(str(GOLDEN / "make_cells.py"))["outputs"](name, options)
    key = case_id(name, options)
    expected = json.loads((GOLDEN / "cells.json").read_text())
    assert key in expected, "a new cell: run tests/golden/make_cells.py and look at what it wrote"
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected[key]), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("entry", list(CELLS), ids=lambda entry: entry.name)
def test_every_entry_is_a_documented_cell(entry):
    kind = CELLS.load(entry.name)
    assert issubclass(kind, Cell)
    assert entry.summary
    assert entry.source
    assert kind.__doc__
    assert {"recurrent_dropout", "kernel", "dropout_generator"} <= set(option_names(kind))
