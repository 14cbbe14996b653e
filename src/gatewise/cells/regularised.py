"""Weight drop and zoneout, for cells with one recurrent matrix and an h that they write anew at every step."""

from __future__ import annotations

from typing import Unpack

from torch import Tensor, nn

from gatewise.cells import checks
from gatewise.cells.base import Cell, CommonOptions
from gatewise.cells.dropout import draw_mask, draw_ones
from gatewise.cells.kernels import Holds


class RegularisedOptions(CommonOptions, total=False):
    """Options of every cell here."""

    weight_drop: float
    zoneout: float


class RegularisedCell(Cell):
    """A cell whose recurrent weights may be dropped, and whose units may keep their old values.

    `update` takes one more argument, ``recurrent_kernel``: the weights of this call, the cell's own when absent.

    Parameters
    ----------
    weight_drop
        Share of the recurrent weights that is dropped, 0 <= share < 1: DropConnect as in AWD-LSTM (Merity et al. 2017,
        arXiv:1708.02182, section 2). One mask, scaled by 1 / (1 - share), for every call of ``forward`` in training,
        none in ``eval()``. The parameter itself stays whole.
    zoneout
        Chance of each unit of h to keep its old value for a step (Krueger et al. 2016, arXiv:1606.01305, section 3.2),
        drawn anew for every step in training; in ``eval()`` and in ``step`` the mean over all draws,
        ``zoneout * old + (1 - zoneout) * new``.
    **common
        Parameters, options and errors of :class:`gatewise.cells.base.Cell`.
    """

    recurrent_kernel: nn.Parameter

    def __init__(
        self,
        input_size: int,
        units: int,
        *,
        weight_drop: float = 0.0,
        zoneout: float = 0.0,
        **common: Unpack[CommonOptions],
    ) -> None:
        super().__init__(input_size, units, **common)
        self.weight_drop = checks.rate("weight_drop", weight_drop)
        self.zoneout = checks.rate("zoneout", zoneout)
        self.hold_rates = (self.zoneout,) if self.zoneout else None

    def draw_recurrent_kernel(self) -> Tensor | None:
        """Return recurrent weights of which some are dropped, or None for the cell's own."""
        if not self.training or self.weight_drop == 0.0:
            return None
        U = self.recurrent_kernel
        return U * draw_mask(U.shape, self.weight_drop, like=U, generator=self.dropout_generator, batch_axis=None)

    def draw_holds(self, batch: int, steps: int) -> Holds | None:
        """Return 1 ``(T, B, H)`` where a unit keeps its old value in training, its mean in ``eval()``."""
        if not self.training or self.hold_rates is None:
            return self.hold_rates
        weight = next(self.parameters())
        return tuple(
            draw_ones((steps, batch, *size), rate, like=weight, generator=self.dropout_generator, batch_axis=1)
            if rate
            else None
            for rate, size in zip(self.hold_rates, self.state_sizes, strict=True)
        )

    def extra_repr(self) -> str:
        """Say the sizes and what is dropped or held when printed."""
        held = [f"zoneout={self.zoneout}"] if self.zoneout else []
        dropped = [f"weight_drop={self.weight_drop}"] if self.weight_drop else []
        return ", ".join([super().extra_repr(), *dropped, *held])
