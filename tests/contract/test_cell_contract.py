"""What every cell promises (gatewise.testing). A new cell enters by its line in the registry."""

import json
import runpy
from pathlib import Path

import pytest
import torch

from cell_cases import CELL_CASES, case_id
from gatewise.cells import Cell
from gatewise.cells.base import option_names
from gatewise.registry import CELLS
from gatewise.testing import CELL_CHECKS, CellCase

CASES = [pytest.param(*case, id=case_id(*case)) for case in CELL_CASES]
GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.mark.parametrize("check", CELL_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("name", "options"), CASES)
def test_the_cell_keeps_its_promise(name, options, check):
    check(CellCase(CELLS.load(name), options))


@pytest.mark.parametrize(("name", "options"), CASES)
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
