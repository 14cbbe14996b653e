import pytest
import torch

from gatewise.cells import create_cell
from gatewise.cells.kernels import Call
from gatewise.cells.matrix_memory import segment_sums
from gatewise.registry import KERNELS

CASES = [("mlstm", {"heads": 2}), ("gated_delta", {"heads": 2, "negative_eigenvalues": True})]
both_cells = pytest.mark.parametrize(("name", "options"), CASES, ids=["mlstm", "gated_delta"])


def draw(*shape, seed=1, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def make_call(name, options, *, T, chunk_size, mask=None, dtype=torch.float64):
    """A call from a start that is not zero, in which everything wants its gradient."""
    cell = create_cell(name, input_size=3, units=8, generator=torch.Generator().manual_seed(0), **options).to(dtype)
    with torch.no_grad():
        for weight in cell.parameters():
            weight.add_(draw(*weight.shape, dtype=dtype), alpha=0.3)
    cell.chunk_size = chunk_size
    start = [draw(3, *shape, seed=7 + n, dtype=dtype).requires_grad_() for n, shape in enumerate(cell.state_sizes)]
    return Call(cell, draw(3, T, 3, dtype=dtype).requires_grad_(), tuple(start), mask, None)


def results(kernel, call):
    """Return outputs, end state and the gradients of everything that goes in."""
    y, state = KERNELS.load(kernel).run(call)
    loss = sum((part * draw(*part.shape, seed=3, dtype=part.dtype)).sum() for part in (y, *state))
    inputs = [call.x, *call.state, *call.cell.parameters()]
    return [y, *state, *torch.autograd.grad(loss, inputs, materialize_grads=True)]


@both_cells
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("T", "chunk_size"), [(7, 1), (12, 4), (13, 4), (3, 4)])
def test_chunks_equal_the_loop_wherever_they_end(name, options, masked, T, chunk_size):
    mask = draw(3, T, seed=5) < 0.5 if masked else None
    call = make_call(name, options, T=T, chunk_size=chunk_size, mask=mask)
    torch.testing.assert_close(results("parallel", call), results("reference", call), rtol=1e-9, atol=1e-9)


@both_cells
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 2e-5)], ids=str)
def test_chunks_equal_the_loop_over_many_steps(name, options, dtype, tolerance):
    mask = draw(3, 150, seed=5) < 1.0
    call = make_call(name, options, T=150, chunk_size=64, mask=mask, dtype=dtype)
    found, expected = results("parallel", call), results("reference", call)
    for one, other in zip(found, expected, strict=True):
        scale = max(1.0, other.abs().max().item())  # a gradient is the sum of 450 steps
        torch.testing.assert_close(one / scale, other / scale, rtol=tolerance, atol=tolerance)


@both_cells
def test_the_memory_passes_a_masked_step_unchanged_whatever_stands_there(name, options):
    call = make_call(name, options, T=6, chunk_size=4)
    y, state = call.cell.parallel(call.cell.project(call.x), call.state, torch.zeros(3, 6, dtype=torch.bool), None)
    torch.testing.assert_close(state, call.state, rtol=0.0, atol=0.0)
    torch.testing.assert_close(y, call.state[0][:, None].expand(-1, 6, -1), rtol=0.0, atol=0.0)


@both_cells
def test_recurrent_dropout_drops_what_is_written_and_nothing_else(name, options):
    call = make_call(name, options, T=6, chunk_size=4)
    cell, start = call.cell, call.state
    keep = torch.ones(3, 8, dtype=torch.float64)
    keep[:, 2] = 0.0  # row 2 of the first head's memory takes no new value
    with torch.no_grad():
        _, plain = cell.parallel(cell.project(call.x), start, None, None)
        _, dropped = cell.parallel(cell.project(call.x), start, None, keep)
        _, empty = cell.parallel(cell.project(call.x), tuple(part * 0.0 for part in start), None, keep)
    others = [0, 1, 3]
    torch.testing.assert_close(dropped[1][:, 0, others], plain[1][:, 0, others])
    assert not torch.isclose(dropped[1][:, 0, 2], plain[1][:, 0, 2]).any()
    assert not empty[1][:, 0, 2].any()
    torch.testing.assert_close(dropped[1][:, 1], plain[1][:, 1])
    torch.testing.assert_close(dropped[2:], plain[2:])


def test_segment_sums_keep_small_steps_beside_a_large_one():
    logs = torch.tensor([-1e6, -1e-3, -2e-3])
    sums = segment_sums(logs)
    torch.testing.assert_close(sums[2], torch.tensor([-3e-3, -2e-3, 0.0]))
    assert sums[0].tolist() == [0.0, -torch.inf, -torch.inf]
    assert sums[1, 0].item() == pytest.approx(-1e-3)
