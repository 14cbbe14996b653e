"""How much arithmetic and how much traffic a step of training is, counted from the cell's weights."""

from __future__ import annotations

from collections.abc import Sequence

from gatewise.cells import Cell
from gatewise.cells.parallel import ParallelCell

_FLOAT = 4  # bytes of a float32


def pass_flops(cells: Sequence[Cell], batch: int, steps: int, *, backward: bool = True) -> int:
    """Return the floating point operations of the matrix products of one pass over a batch.

    Forward, every weight that enters a product is multiplied and added once per sequence and step. Backward does the
    same work twice: for the gradient of what entered the product (inputs and last outputs) and for the weights'
    gradient. Gates, biases and the optimiser are left out, as usual.

    Parameters
    ----------
    cells
        The layers.
    batch, steps
        Sequences B and elements T of each.
    backward
        Count the backward pass too.

    Examples
    --------
    >>> from gatewise.cells import create_cell
    >>> pass_flops([create_cell("gru", input_size=2, units=512)], batch=8, steps=30)  # 6 B T 3H (I + H)
    1136885760
    """
    return (3 if backward else 1) * batch * steps * sum(cell.step_flops for cell in cells)


def pass_bytes(cells: Sequence[Cell], batch: int, steps: int, *, backward: bool = True) -> int:
    """Return the bytes that one pass over a batch moves at the least, in float32.

    Recurrent weights are read again at every step, forward and backward, because the next step waits for the last;
    other weights once in each direction; gradients of the weights are written once. Inputs, outputs and the state of
    each step (of the last one only, in a cell that is parallel over time) are read or written once, and so are their
    gradients. What a kernel stores and reads beside that is its own affair.
    """
    ways = 2 if backward else 1
    moved = 0
    for cell in cells:
        weights = dict(cell.named_parameters())
        recurrent = sum(weights[name].numel() for name in cell.recurrent_weights if name in weights)
        others = sum(weight.numel() for weight in weights.values()) - recurrent
        moved += ways * (steps * recurrent + others) + (recurrent + others if backward else 0)
        states = 1 if isinstance(cell, ParallelCell) else steps
        moved += ways * batch * (steps * (cell.input_size + cell.output_size) + states * state_numbers(cell))
    return _FLOAT * moved


def state_numbers(cell: Cell) -> int:
    """Return how many numbers the cell keeps per sequence from one step to the next."""
    total = 0
    for size in cell.state_sizes:
        numbers = 1
        for length in size:
            numbers *= length
        total += numbers
    return total
