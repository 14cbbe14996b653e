"""Gated delta rule: Yang, Kautz & Hatamizadeh 2024 (Gated Delta Networks), arXiv:2412.06464."""

from __future__ import annotations

import math
from typing import Any, Unpack

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, silu, softplus

from gatewise.cells.base import CommonOptions, State
from gatewise.cells.initialise import glorot_uniform
from gatewise.cells.matrix_memory import MatrixMemoryCell, segment_sums


class GatedDelta(MatrixMemoryCell):
    """A matrix S that stores values v under keys k, and erases what stood under a key before it writes there.

    ::

        q_t, k_t = silu(W_q x_t), silu(W_k x_t), each divided by its length;  v_t = silu(W_v x_t)
        alpha_t = exp(-exp(a) softplus(w_alpha x_t + d)),  beta_t = sigmoid(w_beta x_t)
        S_t = alpha_t S_{t-1} (I - beta_t k_t k_t^T) + beta_t v_t k_t^T                       the paper's (10)
        h_t = S_t q_t

    for each head, d = H / heads wide. The paper's layer has a short convolution before silu, and a norm, a gate and a
    product after S q; those belong to a block around the cell. No gate sees h: whole sequences are computed in chunks
    of steps (section 3.2), and the cell cannot tell where in the sequence it is unless the input says so.

    Weights: ``input_kernel`` W ``(3H + 2 heads, I)``, in the order q, k, v, alpha, beta; ``log_decay`` a and
    ``decay_bias`` d ``(heads,)``. State: ``(h, S)`` with S ``(heads, d, d)``, values times keys. W starts as Glorot has
    it; the decay as in Mamba-2 (Dao & Gu 2024, arXiv:2405.21060): exp(a) even in 1 .. 16, softplus(d) in 0.001 .. 0.1,
    even in its logarithm.

    Parameters
    ----------
    heads
        Number of memories; must divide the units. Time and space of a step fall with it.
    negative_eigenvalues
        Let beta go up to 2, so that a step can turn the sign of what stands under a key. That is what tracking a state
        such as parity takes (Grazzi et al. 2024, arXiv:2411.12537).
    **common
        Parameters, options and errors of :class:`gatewise.cells.base.Cell`.

    Examples
    --------
    >>> GatedDelta.parameter_formula(input_size=2, units=512, heads=4)
    3096
    """

    state_names = ("h", "S")

    memory_products = 3  # what stands under the key is read, too

    def __init__(
        self,
        input_size: int,
        units: int,
        *,
        heads: int = 1,
        negative_eigenvalues: bool = False,
        **common: Unpack[CommonOptions],
    ) -> None:
        super().__init__(input_size, units, heads=heads, **common)
        self.negative_eigenvalues = negative_eigenvalues
        generator = common.get("generator")
        self.input_kernel = nn.Parameter(glorot_uniform(3 * self.units + 2 * self.heads, self.input_size, generator))
        self.log_decay = nn.Parameter(torch.empty(self.heads).uniform_(1.0, 16.0, generator=generator).log())
        step = torch.empty(self.heads).uniform_(math.log(0.001), math.log(0.1), generator=generator).exp()
        self.decay_bias = nn.Parameter(step + torch.log(-torch.expm1(-step)))  # softplus of it is `step`

    @classmethod
    def parameter_formula(cls, input_size: int, units: int, **options: Any) -> int:
        """Return (3 H + 2 heads) I + 2 heads."""
        heads: int = options.get("heads", 1)
        return (3 * units + 2 * heads) * input_size + 2 * heads

    @property
    def state_sizes(self) -> tuple[tuple[int, ...], ...]:
        """Shape of each part of the state, without the batch."""
        return (self.units,), (self.heads, self.head_size, self.head_size)

    def project(self, x: Tensor) -> Tensor:
        """Return q, k, v, log(alpha) and beta."""
        q, k, v, alpha, beta = self._split(linear(x, self.input_kernel))
        log_alpha = -self.log_decay.exp() * softplus(alpha + self.decay_bias)
        beta = torch.sigmoid(beta) * (2.0 if self.negative_eigenvalues else 1.0)
        return torch.cat([self._unit_length(silu(q)), self._unit_length(silu(k)), silu(v), log_alpha, beta], dim=-1)

    def update(self, projected: Tensor, h: Tensor, state: State) -> State:  # noqa: ARG002 - nothing multiplies h
        """Compute one step."""
        q, k, v, log_alpha, beta = self._split(projected)
        q, k, v = (self.by_head(part)[..., None] for part in (q, k, v))  # (B, heads, d, 1)
        log_alpha, beta = log_alpha[..., None, None], beta[..., None, None]
        S = torch.exp(log_alpha) * state[1]
        S = S + beta * (v - S @ k) @ k.mT  # (10): what stood under k goes, a part beta of it
        return (S @ q).flatten(1), S

    def compute_chunk(self, projected: Tensor, memory: State, real: Tensor | None) -> tuple[Tensor, State]:
        """Compute a few steps together."""
        (S,) = memory
        q, k, v, log_alpha, beta = self._split(projected)
        if real is not None:
            log_alpha = torch.where(real[..., None], log_alpha, 0.0)
            beta = torch.where(real[..., None], beta, 0.0)
        q, k, v = (self.by_head(part).transpose(1, 2) for part in (q, k, v))  # (B, heads, T, d)
        log_alpha, beta = log_alpha.mT, beta.mT[..., None]  # (B, heads, T), (B, heads, T, 1)
        # What is left, at step t, of the memory before the chunk and of what step s wrote.
        kept = log_alpha.cumsum(-1).exp()[..., None]  # (B, heads, T, 1)
        written = segment_sums(log_alpha).exp()  # (B, heads, T, T)
        # Step t writes u_t k_t^T with u_t = beta_t (v_t - alpha_t S_{t-1} k_t). S_{t-1} holds the u before it, so all
        # of them together are the solution of a triangular system: the WY form (Yang et al. 2024, arXiv:2406.06484).
        before = beta * written * (k @ k.mT)
        u = torch.linalg.solve_triangular(before, beta * (v - kept * (k @ S.mT)), upper=False, unitriangular=True)
        y = written * (q @ k.mT) @ u + kept * (q @ S.mT)
        S = kept[..., -1:, :] * S + (written[..., -1, :, None] * u).mT @ k
        return y.transpose(1, 2).flatten(-2), (S,)

    def _split(self, projected: Tensor) -> tuple[Tensor, ...]:
        return torch.split(projected, [self.units] * 3 + [self.heads] * 2, dim=-1)

    def _unit_length(self, part: Tensor) -> Tensor:
        """Divide each head's vector by its length, and leave zeros as they are."""
        vectors = self.by_head(part)
        return (vectors * torch.rsqrt(vectors.square().sum(-1, keepdim=True) + 1e-6)).flatten(-2)

    def extra_repr(self) -> str:
        """Say the sizes and options when printed."""
        return f"{super().extra_repr()}, negative_eigenvalues={self.negative_eigenvalues}"
