"""Checks of a cell: what :class:`gatewise.cells.Cell` promises, as plain functions for a cell of your own.

:func:`check_cell` runs all of them, on a class that need not be registered. In a test suite of your own, run
``CELL_CHECKS`` one by one over a :class:`CellCase`, so that each failure has its name.

Examples
--------
>>> from gatewise.cells.gru import GRU
>>> from gatewise.testing import check_cell
>>> check_cell(GRU, {"reset": "before"})
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gatewise.cells.base import Cell
from gatewise.registry import CELLS
from gatewise.testing import cell as checks
from gatewise.testing.case import CellCase
from gatewise.testing.kernel import every_kernel_equals_the_reference_loop, kernel_equals_the_reference_loop

__all__ = ["CELL_CHECKS", "CellCase", "check_cell", "kernel_equals_the_reference_loop"]

#: Every check, in the order in which check_cell runs them.
CELL_CHECKS: tuple[Callable[[CellCase], None], ...] = (
    checks.shapes_follow_from_the_sizes,
    checks.step_by_step_equals_the_whole_sequence,
    checks.two_halves_with_carried_state_equal_one_whole,
    checks.an_absent_start_state_is_the_initial_state,
    checks.padding_changes_no_valid_output_and_no_gradient,
    checks.a_masked_step_repeats_the_output_before_it,
    checks.gradients_equal_finite_differences,
    checks.the_parameter_count_equals_its_formula,
    checks.the_same_seed_gives_the_same_weights,
    checks.weights_make_the_round_trip_through_a_state_dict,
    checks.training_without_dropout_equals_eval,
    checks.dropout_is_one_draw_a_sequence_and_a_new_one_a_call,
    checks.recomputing_changes_no_number,
    checks.recurrent_dropout_rests_in_eval,
    checks.nothing_but_the_recurrent_product_is_dropped,
    checks.the_cell_learns_to_remember_its_first_input,
    every_kernel_equals_the_reference_loop,
)


def check_cell(cell: type[Cell] | str, options: Mapping[str, Any] | None = None) -> None:
    """Run every check of ``CELL_CHECKS`` on a cell.

    Parameters
    ----------
    cell
        The class, or a name of ``gatewise.registry.CELLS``.
    options
        Options of the cell beside its defaults.

    Raises
    ------
    AssertionError
        Naming the first check that failed, and what was expected.
    SettingsError
        If this is no cell, or it has no such option.
    """
    case = CellCase(CELLS.load(cell) if isinstance(cell, str) else cell, options or {})
    for check in CELL_CHECKS:
        try:
            check(case)
        except Exception as error:
            what = str(error) if isinstance(error, AssertionError) else f"raised {type(error).__name__}: {error}"
            raise AssertionError(f"{case.kind.__name__} fails {check.__name__!r}: {what}") from error
