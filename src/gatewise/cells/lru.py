"""Linear recurrent unit: Orvieto et al. 2023, "Resurrecting recurrent neural networks", arXiv:2303.06349."""

from __future__ import annotations

import math
from typing import Any, Unpack

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from gatewise.cells import checks
from gatewise.cells.base import CommonOptions, State
from gatewise.cells.linear import LinearCell, dropped
from gatewise.errors import SettingsError


class LRU(LinearCell):
    """A linear recurrence with complex factors, one for each of N = H parts of the memory.

    ::

        lambda = exp(-exp(nu) + i exp(theta))                       section 3.3, |lambda| < 1 whatever nu is
        s_t = lambda * s_{t-1} + exp(gamma) * (B x_t)               eq. 7
        y_t = Re(C s_t) + D x_t                                     eq. 1

    All weights are real, so that the cell follows ``.to(dtype)``: ``nu``, ``theta`` and ``gamma``, the logarithms,
    ``(H,)``; ``input_kernel`` B ``(H, 2, I)``, real and imaginary part; ``output_kernel`` ``(H, H, 2)``, what
    multiplies the real and the imaginary part of s (C is the first less i times the second); ``skip_kernel`` D
    ``(H, I)``. State: ``(h, s)`` with the output h ``(B, H)`` and s as real numbers ``(B, H, 2)``.

    lambda starts uniformly on the ring r_min <= abs(lambda) <= r_max with phases up to max_phase (lemma 3.2), and gamma
    so that exp(gamma) = sqrt(1 - abs(lambda)^2), which keeps the size of s that of its input (section 3.4). The
    matrices start as in the paper's code: variance 1 / 2I for each part of B, 1 / H for C, and 1 / I for D.

    Parameters
    ----------
    r_min, r_max
        Ring on which lambda starts, 0 <= r_min < r_max <= 1. A higher r_min remembers longer.
    max_phase
        Largest start phase, in radians, above 0 and up to 2 pi. A smaller one suits long sequences.
    **common
        Parameters, options and errors of :class:`gatewise.cells.base.Cell`.

    Examples
    --------
    >>> LRU.parameter_formula(input_size=512, units=512)
    1312256
    """

    state_names = ("h", "s")

    def __init__(
        self,
        input_size: int,
        units: int,
        *,
        r_min: float = 0.0,
        r_max: float = 1.0,
        max_phase: float = 2.0 * math.pi,
        **common: Unpack[CommonOptions],
    ) -> None:
        super().__init__(input_size, units, **common)
        if not 0.0 <= checks.number("r_min", r_min) < checks.number("r_max", r_max) <= 1.0:
            raise SettingsError(f"r_min and r_max must be 0 <= r_min < r_max <= 1 (found {r_min} and {r_max})")
        if not 0.0 < checks.number("max_phase", max_phase) <= 2.0 * math.pi:
            raise SettingsError(f"max_phase must be above 0 and at most 2 pi (found {max_phase})")
        H, I, generator = self.units, self.input_size, common.get("generator")  # noqa: E741 - the field's own letter
        # In float64, because 1 - |lambda|^2 may be small; never 0 or 1, whose logarithms no gradient would survive.
        radius, phase = torch.rand(2, H, dtype=torch.float64, generator=generator).clamp(1e-6, 1.0 - 1e-6)
        squared = r_min**2 + radius * (r_max**2 - r_min**2)
        real = torch.get_default_dtype()
        self.nu = nn.Parameter(torch.log(-0.5 * torch.log(squared)).to(real))
        self.theta = nn.Parameter(torch.log(max_phase * phase).to(real))
        self.gamma = nn.Parameter(torch.log(torch.sqrt(1.0 - squared)).to(real))
        self.input_kernel = nn.Parameter(torch.randn(H, 2, I, generator=generator) / math.sqrt(2 * I))
        self.output_kernel = nn.Parameter(torch.randn(H, H, 2, generator=generator) / math.sqrt(H))
        self.skip_kernel = nn.Parameter(torch.randn(H, I, generator=generator) / math.sqrt(I))

    @classmethod
    def parameter_formula(cls, input_size: int, units: int, **options: Any) -> int:  # noqa: ARG003 - no option adds any
        """Return H (2 H + 3 I + 3)."""
        return units * (2 * units + 3 * input_size + 3)

    @property
    def state_sizes(self) -> tuple[tuple[int, ...], ...]:
        """Shape of h and s, without the batch."""
        return ((self.units,), (self.units, 2))

    def unpack(self, state: State) -> Tensor:
        """Return s as complex numbers, ``(B, H)``."""
        return torch.view_as_complex(state[1].contiguous())

    def pack(self, y: Tensor, s: Tensor) -> State:
        """Return the output, and s as real numbers."""
        return y, torch.view_as_real(s)

    def coefficients(self, projected: Tensor, recurrent_mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return lambda and exp(gamma) * (B x)."""
        factor = torch.polar(torch.exp(-torch.exp(self.nu)), torch.exp(self.theta))
        scaled = torch.exp(self.gamma)[:, None, None] * self.input_kernel
        b = torch.unflatten(linear(projected, scaled.flatten(0, 1)), -1, (self.units, 2))
        return factor, dropped(torch.view_as_complex(b), recurrent_mask)

    def read(self, projected: Tensor, s: Tensor) -> Tensor:
        """Return Re(C s) + D x."""
        parts = torch.view_as_real(s).flatten(-2)
        return linear(parts, self.output_kernel.flatten(1)) + linear(projected, self.skip_kernel)
