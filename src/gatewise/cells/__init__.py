"""Recurrent cells, each with one contract: see :class:`gatewise.cells.base.Cell`.

Examples
--------
>>> import torch
>>> from gatewise.cells import create_cell, list_cells
>>> list_cells()[:3]
['rnn', 'gru', 'lstm']
>>> cell = create_cell("gru", input_size=3, units=5, generator=torch.Generator().manual_seed(0))
>>> y, state = cell(torch.zeros(2, 7, 3))
>>> tuple(y.shape), [tuple(part.shape) for part in state]
((2, 7, 5), [(2, 5)])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatewise.errors import SettingsError, did_you_mean
from gatewise.registry import CELLS

if TYPE_CHECKING:
    import torch

    from gatewise.cells.base import Cell, State

__all__ = ["Cell", "State", "create_cell", "list_cells"]


def list_cells() -> list[str]:
    """Return the names that :func:`create_cell` knows, without importing torch."""
    return CELLS.names()


def create_cell(
    name: str, *, input_size: int, units: int, generator: torch.Generator | None = None, **options: Any
) -> Cell:
    """Make the cell called `name`.

    Parameters
    ----------
    name
        One of :func:`list_cells`, or a name of your own given to ``gatewise.registry.CELLS.register``.
    input_size
        Number of inputs I of one step.
    units
        Number of units H.
    generator
        Draws the start weights (and the recurrent dropout masks, unless ``dropout_generator`` is given);
        torch's global generator when absent, as in ``torch.nn``.
    **options
        ``recurrent_dropout``, ``kernel``, ``dropout_generator`` and what the cell adds, such as ``reset`` of the GRU.

    Raises
    ------
    UnknownNameError
        If there is no such cell; the message says which was probably meant.
    SettingsError
        If an option does not exist or its value cannot be used.
    """
    from gatewise.cells.base import Cell, option_names

    kind = CELLS.load(name)
    if not (isinstance(kind, type) and issubclass(kind, Cell)):
        raise SettingsError(f"the cell {name!r} is {kind!r}: a cell must be a subclass of gatewise.cells.Cell")
    known = option_names(kind)
    for option in options:
        if option not in known:
            raise SettingsError(f"the cell {name!r} has no option {option!r}{did_you_mean(option, known)}")
    return kind(input_size, units, generator=generator, **options)


def __getattr__(name: str) -> Any:
    if name in ("Cell", "State"):
        from gatewise.cells import base

        return getattr(base, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
