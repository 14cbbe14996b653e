"""Every tensor that does not fit is refused in one sentence."""

from itertools import product

import pytest
import torch

from gatewise.cells import create_cell, list_cells
from gatewise.errors import InputError

X = torch.zeros(2, 4, 3)
MASK = torch.ones(2, 4, dtype=torch.bool)
PART = torch.zeros(2, 5)


@pytest.fixture
def cell():
    return create_cell("lstm", input_size=3, units=5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X.numpy(),), r"x must be a tensor of shape \(B, T, I\) \(found ndarray\)"),
        ((X[0],), r"x must have shape \(B, T, I\) \(found \(4, 3\)\)"),
        ((X[:, :, :2],), r"x must have 3 features in its last place \(found 2, shape \(2, 4, 2\)\)"),
        ((X[:, :0],), r"x must have at least one step \(found shape \(2, 0, 3\)\)"),
        ((X.double(),), r"x is torch.float64 and the cell torch.float32: convert one"),
        ((X.long(),), r"x is torch.int64 and the cell torch.float32"),
        ((X.to("meta"),), r"x is on meta and the cell on cpu: move one of them"),
        ((X, PART), r"state must be a tuple \(h, c,\) of tensors \(found Tensor\)"),
        ((X, (PART,)), r"state must have 2 part\(s\) \(h, c\) \(found 1\)"),
        ((X, (PART, PART[:1])), r"state c must have shape \(2, 5\) \(found \(1, 5\)\)"),
        ((X, (None, PART)), r"state h must have shape \(2, 5\) \(found NoneType\)"),
        ((X, (PART, PART.double())), r"state c is torch.float64 and the cell torch.float32"),
        ((X, None, MASK.float()), r"mask must be a bool tensor, .* \(found torch.float32\)"),
        ((X, None, [True]), r"mask must be a bool tensor, .* \(found list\)"),
        ((X, None, MASK[:, :3]), r"mask must have shape \(B, T\) = \(2, 4\) \(found \(2, 3\)\)"),
        ((X, None, MASK.to("meta")), r"mask is on meta and x on cpu: move one of them"),
    ],
)
def test_a_sequence_that_does_not_fit_is_refused(cell, arguments, message):
    with pytest.raises(InputError, match=message):
        cell(*arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X, (PART, PART)), r"x must have shape \(B, I\) \(found \(2, 4, 3\)\)"),
        ((X[:, 0], (PART, PART[:1])), r"state c must have shape \(2, 5\)"),
    ],
)
def test_a_step_that_does_not_fit_is_refused(cell, arguments, message):
    with pytest.raises(InputError, match=message):
        cell.step(*arguments)


@pytest.mark.parametrize(
    ("name", "kernel"),
    [*product(["rnn", "gru", "lstm"], ["torch", "reference"]), *product(list_cells()[3:], ["auto", "reference"])],
)
def test_autocast_may_mix_number_formats(name, kernel):
    cell = create_cell(name, input_size=3, units=5, kernel=kernel)
    with torch.autocast("cpu", torch.bfloat16):
        y, _ = cell(X.bfloat16())
    y.sum().backward()
    assert all(torch.isfinite(weight.grad).all() for weight in cell.parameters())


def test_a_list_will_do_as_a_state(cell):
    y, state = cell(X, [PART, PART])
    assert isinstance(state, tuple)
    assert torch.equal(y, cell(X)[0])
