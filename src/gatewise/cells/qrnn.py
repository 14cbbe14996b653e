"""Quasi-recurrent network: Bradbury et al. 2016, arXiv:1611.01576."""

from __future__ import annotations

from typing import Any, Unpack

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from gatewise.cells import checks
from gatewise.cells.base import CommonOptions, State
from gatewise.cells.initialise import glorot_uniform
from gatewise.cells.linear import LinearCell, dropped


class QRNN(LinearCell):
    """Gates from a convolution over the last inputs, and fo-pooling over time.

    ::

        X_t = (x_{t-width+1}, ..., x_t)                 the last inputs, oldest first
        z_t = tanh(W_z X_t + b_z)                       eq. 1 and 2
        f_t = sigmoid(W_f X_t + b_f)
        o_t = sigmoid(W_o X_t + b_o)
        c_t = f_t * c_{t-1} + (1 - f_t) * z_t           eq. 4
        h_t = o_t * c_t

    Weights, in the order z, f, o: ``input_kernel`` W ``(3H, width * I)``, ``bias`` b ``(3H,)``. State: ``(h, c, x)``
    with the last width - 1 real inputs in x ``(B, width - 1, I)``; ``(h, c)`` for width 1. Zeros in x are the paper's
    padding on the left.

    Parameters
    ----------
    width
        Number of inputs that the convolution sees, at least 1.
    **common
        Parameters, options and errors of :class:`gatewise.cells.base.Cell`.

    Examples
    --------
    >>> QRNN.parameter_formula(input_size=2, units=512)
    7680
    """

    def __init__(self, input_size: int, units: int, *, width: int = 2, **common: Unpack[CommonOptions]) -> None:
        super().__init__(input_size, units, **common)
        self.width = checks.count("width", width)
        self.state_names = ("h", "c") if self.width == 1 else ("h", "c", "x")
        generator = common.get("generator")
        self.input_kernel = nn.Parameter(glorot_uniform(3 * self.units, self.width * self.input_size, generator))
        self.bias = nn.Parameter(torch.zeros(3 * self.units))

    @classmethod
    def parameter_formula(cls, input_size: int, units: int, **options: Any) -> int:
        """Return 3 H (width I + 1)."""
        width: int = options.get("width", 2)
        return 3 * units * (width * input_size + 1)

    @property
    def state_sizes(self) -> tuple[tuple[int, ...], ...]:
        """Shape of h, c and x, without the batch."""
        return ((self.units,), (self.units,), (self.width - 1, self.input_size))[: len(self.state_names)]

    def compute_step(self, projected: Tensor, state: State, recurrent_mask: Tensor | None) -> State:
        """Compute one step, less what recurrent dropout drops."""
        window = torch.cat([*state[2:], projected[:, None]], dim=1)  # (B, width, I)
        new = super().compute_step(self._convolve(window.flatten(1)), state[:2], recurrent_mask)
        return new if self.width == 1 else (*new, window[:, 1:])

    def parallel(
        self, projected: Tensor, state: State, mask: Tensor | None, recurrent_mask: Tensor | None
    ) -> tuple[Tensor, State]:
        """Compute a whole sequence."""
        kept, T = self.width - 1, projected.shape[1]
        inputs = torch.cat([*state[2:], projected], dim=1)  # (B, kept + T, I)
        if mask is None:
            windows, end = self._windows(inputs), inputs[:, T:]
        else:
            # A convolution over real inputs: they move together, and each step then takes the window that it ends.
            real = torch.cat([mask.new_ones(mask.shape[0], kept), mask], dim=1)
            inputs = _rows(inputs, real.int().argsort(dim=1, descending=True, stable=True))
            count = mask.cumsum(dim=1)  # of real inputs up to each step
            windows = _rows(self._windows(inputs), (count - 1).clamp_min(0))
            end = _rows(inputs, count[:, -1:] + torch.arange(kept, device=mask.device))
        y, new = super().parallel(self._convolve(windows), state[:2], mask, recurrent_mask)
        return y, new if self.width == 1 else (*new, end)

    def coefficients(self, projected: Tensor, recurrent_mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return f and (1 - f) * z."""
        z, f, _ = projected.chunk(3, dim=-1)
        f = torch.sigmoid(f)
        return f, dropped((1.0 - f) * torch.tanh(z), recurrent_mask)

    def read(self, projected: Tensor, s: Tensor) -> Tensor:
        """Return o * c."""
        return torch.sigmoid(projected.chunk(3, dim=-1)[2]) * s

    def _convolve(self, windows: Tensor) -> Tensor:
        return linear(windows, self.input_kernel, self.bias)

    def _windows(self, inputs: Tensor) -> Tensor:
        """Return the `width` inputs that end at each step, ``(B, T, width * I)``."""
        return inputs.unfold(1, self.width, 1).transpose(-1, -2).flatten(2)

    def extra_repr(self) -> str:
        """Say the sizes and the convolution's width when printed."""
        return f"{super().extra_repr()}, width={self.width}"


def _rows(x: Tensor, places: Tensor) -> Tensor:
    """Take rows ``(B, P)`` of ``(B, T, N)``."""
    return x.gather(1, places[:, :, None].expand(-1, -1, x.shape[2]))
