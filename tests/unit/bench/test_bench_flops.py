"""The analytic count of operations is what torch counts when it runs the reference loop."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from gatewise.bench.contestants import Sizes, our_layer
from gatewise.bench.flops import pass_bytes, pass_flops, state_numbers
from gatewise.cells import create_cell


@pytest.mark.parametrize("name", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("backward", [False, True])
def test_operations_are_what_torch_counts(name: str, backward: bool) -> None:
    cell = create_cell(name, input_size=3, units=16, kernel="reference")
    x = torch.randn(2, 5, 3, requires_grad=True)
    # A start state that wants a gradient, so that the first step costs what every other costs.
    state = [part.requires_grad_() for part in cell.initial_state(2)]
    with FlopCounterMode(display=False) as counter:
        y, _ = cell(x, state)
        if backward:
            y.sum().backward()
    assert pass_flops([cell], batch=2, steps=5, backward=backward) == counter.get_total_flops()


@pytest.mark.parametrize(("name", "products"), [("mlstm", 2), ("gated_delta", 3)])
def test_a_matrix_memory_is_written_and_read(name: str, products: int) -> None:
    cell = create_cell(name, input_size=3, units=8, heads=2)
    weights = sum(weight.numel() for weight in cell.parameters() if weight.dim() == 2)
    assert cell.step_flops == 2 * weights + products * 2 * (2 * 4 * 4)


def test_layers_add_up() -> None:
    stack = our_layer("gru", Sizes(2, 5, 3, 16, layers=2), {})
    cells = list(stack.cells)
    assert (
        pass_flops(cells, 2, 5) == sum(pass_flops([cell], 2, 5) for cell in cells) == 6 * 10 * 48 * (3 + 16 + 16 + 16)
    )


def test_recurrent_weights_move_at_every_step_and_others_once() -> None:
    cell = create_cell("rnn", input_size=3, units=4)
    others, recurrent = 4 * 3 + 4, 4 * 4
    assert pass_bytes([cell], 2, 5, backward=False) == 4 * (others + 5 * recurrent + 10 * (3 + 4 + 4))
    assert pass_bytes([cell], 2, 5) == 4 * (3 * others + 11 * recurrent + 20 * (3 + 4 + 4))


def test_state_numbers() -> None:
    assert state_numbers(create_cell("lstm", input_size=3, units=4)) == 8
