"""Every kernel computes what the reference loop computes, or says why it cannot. A new kernel enters by its line."""

import itertools

import pytest
import torch

from cell_cases import CELL_CASES, case_id
from gatewise.cells import create_cell
from gatewise.cells.kernels import Call, Kernel, choose_kernel
from gatewise.errors import SettingsError
from gatewise.registry import KERNELS

CELLS = [pytest.param(*case, id=case_id(*case)) for case in CELL_CASES]
MASKS = {
    "all": None,
    "right": [[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 0, 0, 0, 0]],
    "gaps": [[0, 1, 0, 1, 1], [1, 0, 0, 1, 0], [0, 0, 1, 1, 0]],
    "nothing": [[0] * 5] * 3,
}


def make_call(name, options, *, mask=None, drop=0.0, batch=3, dtype=torch.float64):
    """A call in which weights, inputs and start state all want their gradients."""
    generator = torch.Generator().manual_seed(0)
    cell = create_cell(name, input_size=2, units=4, generator=generator, recurrent_dropout=drop, **options).to(dtype)
    with torch.no_grad():
        for weight in cell.parameters():
            weight.normal_(0.0, 0.5, generator=generator)
    x = torch.randn(batch, 5, 2, generator=generator, dtype=dtype).requires_grad_()
    start = [torch.randn(batch, *s, generator=generator, dtype=dtype).requires_grad_() for s in cell.state_sizes]
    if mask is not None:
        mask = torch.tensor(mask, dtype=torch.bool)[:batch]
    return Call(cell, x, tuple(start), mask, cell.draw_recurrent_mask(batch))


def results(kernel, call):
    """Return outputs, end state and the gradients of everything that goes in."""
    y, state = kernel.run(call)
    generator = torch.Generator().manual_seed(3)
    loss = sum((part * torch.randn(part.shape, generator=generator, dtype=part.dtype)).sum() for part in (y, *state))
    inputs = [call.x, *call.state, *call.cell.parameters()]
    # The start state's output is not used by every cell: no gradient is a gradient of zeros.
    return [y, *state, *torch.autograd.grad(loss, inputs, allow_unused=True, materialize_grads=True)]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 2e-5)], ids=str)
@pytest.mark.parametrize("kernel", KERNELS.names())
@pytest.mark.parametrize(("name", "options"), CELLS)
def test_the_kernel_equals_the_reference_loop_or_says_why_not(kernel, name, options, dtype, tolerance):
    kind, reference = KERNELS.load(kernel), KERNELS.load("reference")
    for mask, drop, batch in itertools.product(MASKS, [0.0, 0.5], [0, 1, 3]):
        call = make_call(name, options, mask=MASKS[mask], drop=drop, batch=batch, dtype=dtype)
        reason = kind.refusal(call)
        if reason is None:
            expected = results(reference, call)
            torch.testing.assert_close(results(kind, call), expected, rtol=tolerance, atol=tolerance)
        else:
            call.cell.kernel = kernel
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
    for mask, drop in itertools.product(MASKS.values(), [0.0, 0.5]):
        assert reference.refusal(make_call(name, options, mask=mask, drop=drop)) is None
