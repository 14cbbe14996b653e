"""Prepared steps against the cell's own, for every cell, option and kernel."""

import pytest
import torch

from cell_cases import CELL_CASES, case_id
from gatewise.cells import create_cell
from gatewise.cells.kernels import library
from gatewise.cells.kernels.native_steps import NativeSteps
from gatewise.cells.steps import prepare_steps


@pytest.mark.parametrize(("name", "options"), CELL_CASES, ids=[case_id(*case) for case in CELL_CASES])
@pytest.mark.parametrize("kernel", ["auto", "reference"])
def test_prepared_steps_are_the_cells_own(name, options, kernel):
    g = torch.Generator().manual_seed(0)
    cell = create_cell(name, input_size=5, units=34, generator=g, kernel=kernel, **options).eval()
    with torch.inference_mode():
        for weight in cell.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=g))
        xs = torch.randn(6, 7, 5, generator=g)
        state = cell.initial_state(7)
        steps = prepare_steps(cell, state)
        rows = torch.arange(7)
        for x in xs[:, rows]:
            before = state
            y, state = cell.step(x[rows], state)
            found = steps.advance(steps.project(x[rows]))
            torch.testing.assert_close(found, y, rtol=1e-4, atol=1e-5)
            for own, other in zip(steps.state, state, strict=True):
                torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-5)
            assert all(part is not other for part, other in zip(steps.state, before, strict=True))
            keep = torch.arange(len(rows))[: max(1, len(rows) - 3)].flip(0)  # 7, 4, 1: packed weights and not
            rows, state = rows[keep], tuple(part[keep] for part in state)
            steps.select(keep)
        steps.select(torch.tensor([0, 0, 0]))  # and more again
        y, _ = cell.step(xs[0, :3], tuple(part[[0, 0, 0]] for part in state))
        torch.testing.assert_close(steps.advance(steps.project(xs[0, :3])), y, rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(library.library() is None, reason="the compiled kernels are not built for this machine")
def test_compiled_steps_are_taken_where_they_are_there():
    cell = create_cell("gru", input_size=2, units=3)
    assert isinstance(prepare_steps(cell, cell.initial_state(1)), NativeSteps)
    cell = create_cell("gru", input_size=2, units=3).double()
    assert not isinstance(prepare_steps(cell, cell.initial_state(1)), NativeSteps)
