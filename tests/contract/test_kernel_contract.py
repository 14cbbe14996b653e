"""Every kernel computes what the reference loop computes, or says why it cannot. A new kernel enters by its line.

That it computes the same is one of ``gatewise.testing``'s checks, which test_cell_contract.py runs over every cell.
"""

import itertools

import pytest
import torch

from cell_cases import CELL_CASES, case_id
from gatewise.cells import create_cell
from gatewise.cells.kernels import Call, Kernel, choose_kernel
from gatewise.errors import SettingsError
from gatewise.registry import KERNELS

CELLS = [pytest.param(*case, id=case_id(*case)) for case in CELL_CASES]
MASKS = [None, torch.tensor([[True, True, False], [True, False, False]])]


def calls(name, options):
    for mask, drop, dtype in itertools.product(MASKS, [0.0, 0.5], [torch.float32, torch.float64]):
        cell = create_cell(name, input_size=2, units=4, recurrent_dropout=drop, **options).to(dtype)
        draws = cell.draw_recurrent_mask(2), cell.draw_recurrent_kernel(), cell.draw_holds(2, 3)
        yield Call(cell, torch.zeros(2, 3, 2, dtype=dtype), cell.initial_state(2), mask, *draws)


@pytest.mark.parametrize("kernel", KERNELS.names())
@pytest.mark.parametrize(("name", "options"), CELLS)
def test_a_kernel_that_is_asked_for_computes_or_says_why_not(kernel, name, options):
    kind = KERNELS.load(kernel)
    for call in calls(name, options):
        call.cell.kernel = kernel
        if kind.refusal(call) is None:
            assert choose_kernel(call) is kind
        else:
            with pytest.raises(SettingsError, match=r"cannot compute this call: .+ Use kernel='auto'"):
                choose_kernel(call)


@pytest.mark.parametrize("entry", list(KERNELS), ids=lambda entry: entry.name)
def test_every_entry_is_a_documented_kernel(entry):
    kind = KERNELS.load(entry.name)
    assert issubclass(kind, Kernel)
    assert entry.summary
    assert kind.__doc__


@pytest.mark.parametrize(("name", "options"), CELLS)
def test_the_reference_loop_refuses_nothing(name, options):
    reference = KERNELS.load("reference")
    assert KERNELS.names()[0] == "reference"  # what "auto" falls back on
    assert all(reference.refusal(call) is None for call in calls(name, options))
