"""Real-gated linear recurrent unit, the cell of Hawk and Griffin: De et al. 2024, arXiv:2402.19427."""

from __future__ import annotations

import math
from typing import Any, Unpack

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, logsigmoid

from gatewise.cells import checks
from gatewise.cells.base import CommonOptions
from gatewise.cells.linear import LinearCell, dropped
from gatewise.errors import SettingsError

#: The constant c of eq. 3.
C = 8.0


class RGLRU(LinearCell):
    """A decay of its own for each unit, quickened or slowed by a gate.

    ::

        u_t = x_t, or W x_t if I != H
        r_t = sigmoid(W_r u_t + b_r)                                        recurrence gate, eq. 1
        i_t = sigmoid(W_i u_t + b_i)                                        input gate, eq. 2
        a_t = sigmoid(Lambda)^(C r_t),  C = 8                               eq. 3
        h_t = a_t * h_{t-1} + sqrt(1 - a_t^2) * (i_t * u_t)                 eq. 4

    Weights: ``gate_kernel`` W_r, W_i ``(blocks, 2H / blocks, H / blocks)``, ``gate_bias`` b_r, b_i ``(blocks,
    2H / blocks)``, ``decay`` Lambda ``(H,)`` and ``input_kernel`` W ``(H, I)`` if I != H. Matrices start as LeCun's,
    N(0, 1 / inputs), biases at zero, and Lambda so that sigmoid(Lambda)^C is drawn from U(0.9, 0.999), as in section
    2.4. State: ``(h,)``.

    Parameters
    ----------
    blocks
        The gates' matrices are block-diagonal with so many blocks; it must divide the units.
    **common
        Parameters, options and errors of :class:`gatewise.cells.base.Cell`.

    Examples
    --------
    >>> RGLRU.parameter_formula(input_size=512, units=512)
    525824
    """

    def __init__(self, input_size: int, units: int, *, blocks: int = 1, **common: Unpack[CommonOptions]) -> None:
        super().__init__(input_size, units, **common)
        self.blocks = checks.count("blocks", blocks)
        if self.units % self.blocks:
            raise SettingsError(f"blocks must divide the {self.units} units (found {blocks})")
        generator, width = common.get("generator"), self.units // self.blocks
        self.input_kernel = None
        if self.input_size != self.units:
            self.input_kernel = nn.Parameter(_lecun_normal(self.units, self.input_size, generator=generator))
        self.gate_kernel = nn.Parameter(_lecun_normal(self.blocks, 2 * width, width, generator=generator))
        self.gate_bias = nn.Parameter(torch.zeros(self.blocks, 2 * width))
        # In float64, because 1 - a is small.
        a = torch.empty(self.units, dtype=torch.float64).uniform_(0.9, 0.999, generator=generator) ** (1.0 / C)
        self.decay = nn.Parameter(torch.logit(a).to(self.gate_bias.dtype))

    @classmethod
    def parameter_formula(cls, input_size: int, units: int, **options: Any) -> int:
        """Return 2 H^2 / blocks + 3 H, and H I more if I != H."""
        blocks: int = options.get("blocks", 1)
        return 2 * units**2 // blocks + 3 * units + (units * input_size if input_size != units else 0)

    def project(self, x: Tensor) -> Tensor:
        """Return the two gates before their sigmoid, and u."""
        u = x if self.input_kernel is None else linear(x, self.input_kernel)
        inputs = torch.unflatten(u, -1, (self.blocks, -1))
        gates = torch.einsum("...ki,koi->...ko", inputs, self.gate_kernel) + self.gate_bias
        r, i = gates.chunk(2, dim=-1)
        return torch.cat([r.flatten(-2), i.flatten(-2), u], dim=-1)

    def coefficients(self, projected: Tensor, recurrent_mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return a and sqrt(1 - a^2) * i * u."""
        r, i, u = projected.chunk(3, dim=-1)
        log_a = C * logsigmoid(self.decay) * torch.sigmoid(r)  # eq. 3, by its logarithm as in appendix A
        # The root has no slope at 0, which a reaches where the gate r is closed.
        room = (-torch.expm1(2.0 * log_a)).clamp_min(torch.finfo(log_a.dtype).tiny)
        return torch.exp(log_a), dropped(torch.sqrt(room) * torch.sigmoid(i) * u, recurrent_mask)

    def extra_repr(self) -> str:
        """Say the sizes and the number of blocks when printed."""
        return f"{super().extra_repr()}, blocks={self.blocks}"


def _lecun_normal(*shape: int, generator: torch.Generator | None) -> Tensor:
    return torch.empty(shape).normal_(0.0, 1.0 / math.sqrt(shape[-1]), generator=generator)
