"""Gated recurrent unit: Cho et al. 2014, arXiv:1406.1078; reset after the product: arXiv:1406.1078v1, cuDNN, Keras."""

from __future__ import annotations

from typing import Any, Unpack

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from gatewise.cells import checks
from gatewise.cells.base import State
from gatewise.cells.initialise import glorot_uniform, orthogonal
from gatewise.cells.mogrifier import Mogrifier, create_mogrifier
from gatewise.cells.regularised import RegularisedCell, RegularisedOptions


class GRU(RegularisedCell):
    """A reset gate and an update gate around one state.

    ::

        r_t = sigmoid(W_r x_t + b_r + U_r h_{t-1} + d_r)              reset gate
        z_t = sigmoid(W_z x_t + b_z + U_z h_{t-1} + d_z)              update gate
        n_t = tanh(W_n x_t + b_n + r_t * (U_n h_{t-1} + d_n))         candidate, reset="after"
        n_t = tanh(W_n x_t + b_n + U_n (r_t * h_{t-1}))               candidate, reset="before"
        h_t = (1 - z_t) * n_t + z_t * h_{t-1}

    Weights, gates in the order r, z, n (torch's; Keras has z, r, n): ``input_kernel`` W ``(3H, I)``,
    ``recurrent_kernel`` U ``(3H, H)``, ``bias`` b ``(3H,)`` and, with reset "after" only, ``recurrent_bias`` d
    ``(3H,)``. State: ``(h,)``.

    Parameters
    ----------
    reset
        "after" (default, as torch, cuDNN and Keras): the reset gate scales the recurrent product; "before" (the paper):
        it scales the h that enters the product, and there is no recurrent bias.
    mogrifier_rounds
        Rounds in which x and h gate each other before a step (:class:`gatewise.cells.mogrifier.Mogrifier`); 0 for none.
        The gated h enters the recurrent products; what z_t carries on is h_{t-1} as it was.
    mogrifier_rank
        Rank of the mogrifier's matrices; full rank when absent.
    **common
        Parameters, options and errors of :class:`gatewise.cells.regularised.RegularisedCell`.

    Examples
    --------
    >>> GRU.parameter_formula(input_size=2, units=512)
    792576
    """

    def __init__(
        self,
        input_size: int,
        units: int,
        *,
        reset: str = "after",
        mogrifier_rounds: int = 0,
        mogrifier_rank: int | None = None,
        **common: Unpack[RegularisedOptions],
    ) -> None:
        super().__init__(input_size, units, **common)
        self.reset = checks.choice("reset", reset, ("after", "before"))
        generator = common.get("generator")
        self.input_kernel = nn.Parameter(glorot_uniform(3 * self.units, self.input_size, generator))
        self.recurrent_kernel = nn.Parameter(orthogonal(3 * self.units, self.units, generator))
        self.bias = nn.Parameter(torch.zeros(3 * self.units))
        self.recurrent_bias = nn.Parameter(torch.zeros(3 * self.units)) if reset == "after" else None
        self.mogrifier = create_mogrifier(self.input_size, self.units, mogrifier_rounds, mogrifier_rank, generator)
        if self.mogrifier is not None:
            self.changed_by = ("mogrifier_rounds",)
            self.recurrent_weights = ("recurrent_kernel", *self.mogrifier.recurrent_weights())

    @classmethod
    def parameter_formula(cls, input_size: int, units: int, **options: Any) -> int:
        """Return 3 H (I + H + 2), or 3 H (I + H + 1) with reset "before", and the mogrifier's."""
        biases = 1 if options.get("reset") == "before" else 2
        rounds, rank = options.get("mogrifier_rounds", 0), options.get("mogrifier_rank")
        mogrifier = Mogrifier.parameter_formula(input_size, units, rounds, rank)
        return 3 * units * (input_size + units + biases) + mogrifier

    def project(self, x: Tensor) -> Tensor:
        """Return W x + b for all three gates; x itself where h gates it first."""
        return linear(x, self.input_kernel, self.bias) if self.mogrifier is None else x

    def update(self, projected: Tensor, h: Tensor, state: State, recurrent_kernel: Tensor | None = None) -> State:
        """Compute one step."""
        U = self.recurrent_kernel if recurrent_kernel is None else recurrent_kernel
        if self.mogrifier is not None:
            x, h = self.mogrifier(projected, h)
            projected = linear(x, self.input_kernel, self.bias)
        if self.reset == "after":
            x_r, x_z, x_n = projected.chunk(3, dim=-1)
            h_r, h_z, h_n = linear(h, U, self.recurrent_bias).chunk(3, dim=-1)
            r = torch.sigmoid(x_r + h_r)
            z = torch.sigmoid(x_z + h_z)
            n = torch.tanh(x_n + r * h_n)
        else:
            x_r, x_z, x_n = projected.chunk(3, dim=-1)
            U_r, U_z, U_n = U.chunk(3)
            r = torch.sigmoid(x_r + linear(h, U_r))
            z = torch.sigmoid(x_z + linear(h, U_z))
            n = torch.tanh(x_n + linear(r * h, U_n))
        return ((1.0 - z) * n + z * state[0],)

    def extra_repr(self) -> str:
        """Say the sizes and where the reset gate acts when printed."""
        return f"{super().extra_repr()}, reset={self.reset!r}"
