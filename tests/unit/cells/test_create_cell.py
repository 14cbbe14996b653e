import subprocess
import sys

import pytest
import torch

from gatewise.cells import Cell, create_cell, list_cells
from gatewise.errors import SettingsError, UnknownNameError
from gatewise.models import RecurrentStack
from gatewise.registry import CELLS


class Leaky(Cell):
    """A user's own cell: h and a counter that has another shape than h."""

    state_names = ("h", "steps")

    def __init__(self, input_size, units, *, leak=0.5, **common):
        super().__init__(input_size, units, **common)
        self.leak = leak
        self.weight = torch.nn.Parameter(torch.randn(units, input_size, generator=common.get("generator")))

    @classmethod
    def parameter_formula(cls, input_size, units, **options):  # noqa: ARG003
        return input_size * units

    @property
    def state_sizes(self):
        return ((self.units,), (1, 1))

    def update(self, projected, h, state):
        return self.leak * h + projected @ self.weight.T, state[1] + 1


@pytest.fixture
def leaky():
    CELLS.register("leaky", Leaky, summary="A test's own")
    yield
    CELLS.unregister("leaky")


def test_listing_the_cells_imports_no_torch():
    code = "import sys, gatewise.cells; assert gatewise.cells.list_cells()[:3] == ['rnn', 'gru', 'lstm']; "
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_cell_of_ones_own_works_everywhere(leaky):
    assert "leaky" in list_cells()
    cell = create_cell("leaky", input_size=2, units=3, leak=0.25, generator=torch.Generator().manual_seed(0))
    mask = torch.tensor([[True, True, False], [True, False, False]])
    x = torch.ones(2, 3, 2)
    y, (h, steps) = cell(x, None, mask)
    step = x[0, 0] @ cell.weight.T
    torch.testing.assert_close(y[0, 1], 1.25 * step)
    torch.testing.assert_close(h[1], step)
    assert steps.flatten().tolist() == [2.0, 1.0]
    stack = RecurrentStack(
        "leaky", 2, 3, layers=2, bidirectional=True, initial_state="learned", cell_options={"leak": 0.1}
    )
    y, state = stack(x, None, mask)
    assert y.shape == (2, 3, 6)
    assert len(state) == 8


def test_options_are_checked_against_the_whole_line_of_classes(leaky):
    with pytest.raises(
        SettingsError, match=r"the cell 'leaky' has no option 'leek': did you mean 'leak'\? Known: leak"
    ):
        create_cell("leaky", input_size=2, units=3, leek=0.1)
    assert create_cell("leaky", input_size=2, units=3, recurrent_dropout=0.2).recurrent_dropout == 0.2


def test_an_unknown_cell_says_what_was_meant():
    with pytest.raises(UnknownNameError, match="unknown cell 'lstmm': did you mean 'lstm'"):
        create_cell("lstmm", input_size=2, units=3)


def test_an_unknown_option_says_what_was_meant():
    with pytest.raises(SettingsError, match="the cell 'gru' has no option 'rest': did you mean 'reset'"):
        create_cell("gru", input_size=2, units=3, rest="after")


def test_what_is_not_a_cell_is_refused():
    CELLS.register("linear", torch.nn.Linear)
    try:
        with pytest.raises(SettingsError, match=r"the cell 'linear' is .*must be a subclass"):
            create_cell("linear", input_size=2, units=3)
    finally:
        CELLS.unregister("linear")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input_size": 0}, r"input_size must be a whole number of at least 1 \(found 0\)"),
        ({"units": 2.5}, r"units must be a whole number of at least 1 \(found 2.5\)"),
        ({"units": True}, r"units must be a whole number of at least 1 \(found True\)"),
        ({"recurrent_dropout": 1.0}, r"recurrent_dropout must be a share from 0 to below 1 \(found 1.0\)"),
        ({"recurrent_dropout": float("nan")}, r"recurrent_dropout must be a share"),
        ({"recurrent_dropout": "0.1"}, r"recurrent_dropout must be a share .*'0.1'"),
        ({"kernel": "fsat"}, r"unknown kernel 'fsat'"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused(change, message):
    with pytest.raises(SettingsError, match=message):
        create_cell("lstm", **{"input_size": 2, "units": 3, **change})


def test_the_parts_of_the_package_are_found_by_name():
    import gatewise.cells

    assert gatewise.cells.Cell is Cell
    with pytest.raises(AttributeError, match="no attribute 'Sell'"):
        gatewise.cells.Sell  # noqa: B018
