"""Long short-term memory with exponential gates and a matrix memory: Beck et al. 2024 (xLSTM), arXiv:2405.04517."""

from __future__ import annotations

import math
from typing import Any, Unpack

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, logsigmoid

from gatewise.cells.base import CommonOptions, State
from gatewise.cells.initialise import small_normal
from gatewise.cells.matrix_memory import MatrixMemoryCell, segment_sums


class MLSTM(MatrixMemoryCell):
    """An LSTM whose cell is a matrix C that stores values v under keys k.

    ::

        q_t = W_q x_t + b_q,  k_t = (W_k x_t + b_k) / sqrt(d),  v_t = W_v x_t + b_v      the paper's (22) .. (24)
        i = w_i x_t + b_i,  f = w_f x_t + b_f,  o = W_o x_t + b_o                        (25) .. (27)
        C_t = sigmoid(f) C_{t-1} + exp(i) v_t k_t^T                                      (19)
        n_t = sigmoid(f) n_{t-1} + exp(i) k_t                                            (20)
        h_t = sigmoid(o) * C_t q_t / max(|n_t^T q_t|, 1)                                 (21)

    for each head, d = H / heads wide. C and n are kept divided by exp(m), with m as in (15), so that nothing overflows.
    For the forget gate the paper leaves a choice, sigmoid or exponential; this is the sigmoid, and b_k is divided by
    sqrt(d) too, both as in the authors' code (NX-AI/xlstm). No gate sees h: whole sequences are computed in chunks of
    steps (appendix A.3), and the cell cannot tell where in the sequence it is unless the input says so.

    Weights: ``input_kernel`` W ``(4H + 2 heads, I)`` and ``bias`` b ``(4H + 2 heads,)``, in the order q, k, v, o, i, f.
    State: ``(h, C, n, m)`` with C ``(heads, d, d)``, n ``(heads, d)``, m ``(heads,)``. They start as in the authors'
    code: small and normal W, zero for the gates i and f, whose biases are near 0 and spread from 3 to 6.

    Parameters
    ----------
    heads
        Number of memories; must divide the units. Time and space of a step fall with it. 1 by default, 4 in the paper.
    **common
        Parameters, options and errors of :class:`gatewise.cells.base.Cell`.

    Examples
    --------
    >>> MLSTM.parameter_formula(input_size=2, units=512, heads=4)
    6168
    """

    state_names = ("h", "C", "n", "m")

    def __init__(self, input_size: int, units: int, *, heads: int = 1, **common: Unpack[CommonOptions]) -> None:
        super().__init__(input_size, units, heads=heads, **common)
        generator = common.get("generator")
        small = small_normal(4 * self.units, self.input_size, generator)
        self.input_kernel = nn.Parameter(torch.cat([small, torch.zeros(2 * self.heads, self.input_size)]))
        bias_i = torch.empty(self.heads).normal_(0.0, 0.1, generator=generator)
        bias_f = torch.linspace(3.0, 6.0, self.heads, device=bias_i.device)
        self.bias = nn.Parameter(torch.cat([torch.zeros(4 * self.units), bias_i, bias_f]))

    @classmethod
    def parameter_formula(cls, input_size: int, units: int, **options: Any) -> int:
        """Return (4 H + 2 heads) (I + 1)."""
        heads: int = options.get("heads", 1)
        return (4 * units + 2 * heads) * (input_size + 1)

    @property
    def state_sizes(self) -> tuple[tuple[int, ...], ...]:
        """Shape of each part of the state, without the batch."""
        heads, d = self.heads, self.head_size
        return (self.units,), (heads, d, d), (heads, d), (heads,)

    def project(self, x: Tensor) -> Tensor:
        """Return q, k, v, sigmoid(o), i and log(sigmoid(f))."""
        sums = linear(x, self.input_kernel, self.bias)
        q, k, v, o, i, f = self._split(sums)
        return torch.cat([q, k / math.sqrt(self.head_size), v, torch.sigmoid(o), i, logsigmoid(f)], dim=-1)

    def update(self, projected: Tensor, h: Tensor, state: State) -> State:  # noqa: ARG002 - nothing multiplies h
        """Compute one step."""
        _, C, n, m = state
        q, k, v, o, i, log_f = self._split(projected)
        q, k, v = map(self.by_head, (q, k, v))  # (B, heads, d)
        kept = log_f + m
        m = torch.maximum(kept, i)  # (15)
        i, f = torch.exp(i - m), torch.exp(kept - m)  # (16), (17)
        C = f[..., None, None] * C + (i[..., None] * v)[..., None] @ k[..., None, :]  # (19)
        n = f[..., None] * n + i[..., None] * k  # (20)
        read = (C @ q[..., None]).squeeze(-1) / _bound((n * q).sum(-1), m)  # (21)
        return o * read.flatten(-2), C, n, m

    def compute_chunk(self, projected: Tensor, memory: State, real: Tensor | None) -> tuple[Tensor, State]:
        """Compute a few steps together."""
        C, n, m = memory
        q, k, v, o, i, log_f = self._split(projected)
        if real is not None:
            i = torch.where(real[..., None], i, -torch.inf)
            log_f = torch.where(real[..., None], log_f, 0.0)
        q, k, v = (self.by_head(part).transpose(1, 2) for part in (q, k, v))  # (B, heads, T, d)
        i, log_f = i.mT, log_f.mT  # (B, heads, T)
        # In logarithms: what is left, at step t, of the memory before the chunk and of what step s wrote.
        kept = log_f.cumsum(-1) + m[..., None]  # (B, heads, T)
        written = segment_sums(log_f) + i[..., None, :]  # (B, heads, T, T)
        m = torch.maximum(kept, written.amax(-1))  # (15), for all t
        kept, written = torch.exp(kept - m), torch.exp(written - m[..., None])
        found = written * (q @ k.mT)
        read = found @ v + kept[..., None] * (q @ C.mT)
        norm = found.sum(-1) + kept * (q @ n[..., None]).squeeze(-1)
        y = o * (read / _bound(norm, m)).transpose(1, 2).flatten(-2)  # (21)
        last, kept = written[..., -1, :, None], kept[..., -1:]
        C = kept[..., None] * C + (last * v).mT @ k  # (19)
        n = kept * n + (last * k).sum(-2)  # (20)
        return y, (C, n, m[..., -1])

    def _split(self, projected: Tensor) -> tuple[Tensor, ...]:
        return torch.split(projected, [self.units] * 4 + [self.heads] * 2, dim=-1)


def _bound(norm: Tensor, m: Tensor) -> Tensor:
    """Return max(|n^T q|, 1) of (21) beside a memory that is divided by exp(m), with a place for d.

    Beyond 80 the 1 would become infinite or zero in float32; what is read under it is zero or far above it anyway.
    """
    return torch.maximum(norm.abs(), torch.exp(-m.clamp(-80.0, 80.0)))[..., None]
