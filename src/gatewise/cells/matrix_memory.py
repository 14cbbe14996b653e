"""Cells whose memory is a matrix: each step writes a value under a key, and reads what its query finds.

Such a memory is linear in what was there before, so the steps of a chunk are computed together, as products of small
matrices, and only the memory itself goes from chunk to chunk.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Unpack

import torch
from torch import Tensor

from gatewise.cells import checks
from gatewise.cells.base import CommonOptions, State
from gatewise.cells.parallel import ParallelCell, repeat_over_padding


class MatrixMemoryCell(ParallelCell):
    """A cell that projects its input to queries, keys, values and more, and keeps a matrix for each head.

    `project` gives the queries, keys and values first, H of each. Recurrent dropout drops parts of the values.

    Parameters
    ----------
    heads
        Number of memories, each ``(H / heads, H / heads)``; must divide the units.
    **common
        Parameters, options and errors of :class:`gatewise.cells.base.Cell`.
    """

    recurrent_weights = ()
    #: Steps that are computed together: more of them make larger products, and more products that are thrown away.
    chunk_size: ClassVar[int] = 64
    #: Products of a vector with the whole memory in one step: what is written, what is read.
    memory_products: ClassVar[int] = 2

    def __init__(self, input_size: int, units: int, *, heads: int = 1, **common: Unpack[CommonOptions]) -> None:
        super().__init__(input_size, units, **common)
        self.heads = checks.heads(heads, self.units)
        self.head_size = self.units // self.heads

    @abstractmethod
    def compute_chunk(self, projected: Tensor, memory: State, real: Tensor | None) -> tuple[Tensor, State]:
        """Compute a few steps together.

        Parameters
        ----------
        projected
            ``project(x)`` of these steps, ``(B, T, ...)``.
        memory
            State before them, without h.
        real
            ``(B, T)`` bool, False where the memory passes unchanged; None if all of them are real.

        Returns
        -------
        y
            Outputs, ``(B, T, H)``; anything where a step is not real.
        memory
            State after them, without h.
        """

    @property
    def step_flops(self) -> int:
        """Floating point operations of one step's matrix products, those with the memory among them."""
        return super().step_flops + 2 * self.memory_products * self.heads * self.head_size**2

    def parallel(
        self, projected: Tensor, state: State, mask: Tensor | None, recurrent_mask: Tensor | None
    ) -> tuple[Tensor, State]:
        """Compute a whole sequence, chunk by chunk."""
        if recurrent_mask is not None:
            projected = self._drop_values(projected, recurrent_mask[:, None])
        h, memory = state[0], state[1:]
        chunks = torch.split(projected, self.chunk_size, dim=1)
        masks = [None] * len(chunks) if mask is None else torch.split(mask, self.chunk_size, dim=1)
        outputs = []
        for chunk, real in zip(chunks, masks, strict=True):
            y, memory = self.compute_chunk(chunk, memory, real)
            outputs.append(y)
        y = torch.cat(outputs, dim=1)
        if mask is not None:
            y = repeat_over_padding(y, h, mask)
        return y, (y[:, -1], *memory)

    def advance(self, projected: Tensor, state: State, recurrent_mask: Tensor | None, *rest: Any) -> State:
        """Return the state after one step whose input is already projected and checked."""
        if recurrent_mask is not None:
            projected = self._drop_values(projected, recurrent_mask)
        return super().advance(projected, state, None, *rest)

    def by_head(self, part: Tensor) -> Tensor:
        """Return queries, keys or values ``(..., H)`` as ``(..., heads, H / heads)``."""
        return torch.unflatten(part, -1, (self.heads, self.head_size))

    def _drop_values(self, projected: Tensor, recurrent_mask: Tensor) -> Tensor:
        H = self.units
        queries_keys, values, others = projected.tensor_split([2 * H, 3 * H], dim=-1)
        return torch.cat([queries_keys, values * recurrent_mask, others], dim=-1)

    def extra_repr(self) -> str:
        """Say the sizes and the number of heads when printed."""
        return f"{super().extra_repr()}, heads={self.heads}"


def segment_sums(logs: Tensor) -> Tensor:
    """Return the sum of `logs` after step s up to step t for every pair of steps, -inf where s comes after t.

    They are added up one by one: differences of running sums would lose the small ones beside a large one.

    Parameters
    ----------
    logs
        ``(..., T)``.

    Returns
    -------
    sums
        ``(..., T, T)``, t before s.

    Examples
    --------
    >>> segment_sums(torch.tensor([1.0, 2.0, 3.0]))
    tensor([[0., -inf, -inf],
            [2., 0., -inf],
            [5., 3., 0.]])
    """
    T = logs.shape[-1]
    past = torch.ones(T, T, dtype=torch.bool, device=logs.device).tril()
    sums = torch.where(past.tril(-1), logs[..., None], 0.0).cumsum(dim=-2)
    return sums.masked_fill(~past, -torch.inf)
