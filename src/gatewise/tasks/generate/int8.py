"""A network with int8 weights, for writing: a quarter of the memory that every step has to read.

Each row of a weight matrix is divided by its largest magnitude and rounded to -127 .. 127, and so is each vector that
it is multiplied with, at every step (the symmetric scheme of Jacob et al. 2018, arXiv:1712.05877, a scale for each
row). Products and sums are of integers and exact, so a stream does not depend on the others in its batch.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

from gatewise.cells import Cell
from gatewise.cells.gru import GRU
from gatewise.cells.lstm import LSTM
from gatewise.cells.rnn import SimpleRNN
from gatewise.data.text import Vocabulary
from gatewise.errors import SettingsError
from gatewise.models import TextNetwork
from gatewise.tasks.generate.reading import log_probs

_LARGEST = 127


class Int8Matrix:
    """Weights ``(R, K)`` in int8 that ``torch.nn.functional.linear`` takes in the place of a tensor.

    Parameters
    ----------
    values, scales
        ``(R, K)`` int8 and ``(R,)`` float32: a weight is their product.
    """

    def __init__(self, values: Tensor, scales: Tensor) -> None:
        self.values, self.scales = values, scales
        self.shape = values.shape

    @classmethod
    def of(cls, weights: Tensor) -> Int8Matrix:
        """Round float weights."""
        return cls(*rounded(weights.detach()))

    def chunk(self, parts: int) -> list[Int8Matrix]:
        """Cut into equal parts by rows."""
        pairs = zip(self.values.chunk(parts), self.scales.chunk(parts), strict=True)
        return [Int8Matrix(values, scales) for values, scales in pairs]

    def times(self, x: Tensor) -> Tensor:
        """Return x ``(..., K)`` times the rows, ``(..., R)``."""
        values, scales = rounded(x.flatten(0, -2))
        # A matrix of one column, transposed, has strides from which torch reads the wrong places.
        columns = self.values.t() if self.values.shape[1] > 1 else self.values.view(1, -1)
        product = torch._int_mm(values, columns)
        return (product * scales[:, None] * self.scales).view(*x.shape[:-1], -1)

    @classmethod
    def __torch_function__(
        cls, function: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Compute ``linear(x, self, bias)``: torch's way to let others compute its functions."""
        if function is not linear:
            return NotImplemented
        x, weights, *rest = (*args, *(kwargs or {}).values())
        bias = rest[0] if rest else None
        product = weights.times(x)
        return product if bias is None else product + bias


def rounded(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return int8 values and a scale for each row whose product is the row, as nearly as it can be."""
    scales = rows.abs().amax(dim=1).clamp_min_(1e-30).div_(_LARGEST)
    return (rows / scales[:, None]).round_().to(torch.int8), scales


def with_int8_weights(network: TextNetwork) -> TextNetwork:
    """Return a copy whose recurrent weights, and input weights from the second layer on, are int8.

    The embedding, the first layer's input weights (looked up, not multiplied, while writing) and the head stay as they
    are. The copy writes and scores; it cannot be trained or saved.

    Raises
    ------
    SettingsError
        If the cell is not SimpleRNN, GRU or LSTM.
    """
    made = copy.deepcopy(network).eval().requires_grad_(False)
    cells = [cell for cell in made.stack.cells if isinstance(cell, Cell)]
    for number, cell in enumerate(cells):
        if type(cell) not in (SimpleRNN, GRU, LSTM) or cell.changed_by:
            raise SettingsError(
                f"int8 weights: they are there for the cells rnn, gru and lstm in their plain form (found "
                f"{type(cell).__name__}): leave int8 out"
            )
        cell.kernel = "reference"  # the equations, whose products are `linear`
        for name in ("recurrent_kernel", "input_kernel") if number else ("recurrent_kernel",):
            weights = getattr(cell, name)
            delattr(cell, name)
            setattr(cell, name, Int8Matrix.of(weights))
    return made


class Int8Cost(NamedTuple):
    """Loss in nats a symbol with float32 and with int8 weights, on one text."""

    float32: float
    int8: float

    @property
    def cost(self) -> float:
        """What int8 adds."""
        return self.int8 - self.float32


def int8_cost(network: TextNetwork, int8: TextNetwork, vocabulary: Vocabulary, text: str) -> Int8Cost:
    """Return the loss of both networks on a text, each symbol predicted from all before it."""
    return Int8Cost(*(-float(log_probs(one, vocabulary, text).mean()) for one in (network, int8)))
