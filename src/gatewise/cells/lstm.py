"""Long short-term memory: Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000."""

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


class LSTM(RegularisedCell):
    """Input, forget and output gates around a cell state.

    ::

        i_t = sigmoid(W_i x_t + U_i h_{t-1} + b_i)      input gate; peepholes: + p_i * c_{t-1}; coupled: 1 - f_t
        f_t = sigmoid(W_f x_t + U_f h_{t-1} + b_f)      forget gate; peepholes: + p_f * c_{t-1}
        g_t = tanh(W_g x_t + U_g h_{t-1} + b_g)         candidate
        o_t = sigmoid(W_o x_t + U_o h_{t-1} + b_o)      output gate; peepholes: + p_o * c_t
        c_t = f_t * c_{t-1} + i_t * g_t
        h_t = o_t * tanh(c_t)                           projection: h_t = P (o_t * tanh(c_t))

    Weights, gates in the order i, f, g, o (torch's and Keras'; f, g, o when coupled): ``input_kernel`` W ``(4H, I)``,
    ``recurrent_kernel`` U ``(4H, H)``, ``bias`` b ``(4H,)``; where asked for ``peephole_kernel`` p ``(3, H)`` in the
    order i, f, o (f, o when coupled) and ``projection_kernel`` P ``(projection, H)``. State: ``(h, c)``.

    Parameters
    ----------
    forget_bias
        Where the forget gate's bias starts. The default of 1 lets a new network remember (Jozefowicz et al. 2015).
    coupled
        One gate for both: what is forgotten is written anew, i_t = 1 - f_t (Greff et al. 2015, arXiv:1503.04069,
        variant CIFG).
    peepholes
        The gates see the cell state (Gers & Schmidhuber 2000; equations as in Graves 2013, arXiv:1308.0850, eq. 7-11).
    projection
        Width of h, if not `units`: a linear layer from the cell to h (Sak et al. 2014, arXiv:1402.1128).
    mogrifier_rounds
        Rounds in which x and h gate each other before a step (:class:`gatewise.cells.mogrifier.Mogrifier`); 0 for none.
    mogrifier_rank
        Rank of the mogrifier's matrices; full rank when absent.
    zoneout_cell
        As `zoneout` for c. h_t comes from the new c_t, also where c keeps its old value, as in the paper.
    **common
        Parameters, options and errors of :class:`gatewise.cells.regularised.RegularisedCell`.

    Examples
    --------
    >>> LSTM.parameter_formula(input_size=2, units=512)
    1054720
    """

    state_names = ("h", "c")

    def __init__(
        self,
        input_size: int,
        units: int,
        *,
        forget_bias: float = 1.0,
        coupled: bool = False,
        peepholes: bool = False,
        projection: int | None = None,
        mogrifier_rounds: int = 0,
        mogrifier_rank: int | None = None,
        zoneout_cell: float = 0.0,
        **common: Unpack[RegularisedOptions],
    ) -> None:
        super().__init__(input_size, units, **common)
        generator = common.get("generator")
        H = self.units
        self.coupled = checks.flag("coupled", coupled)
        self.peepholes = checks.flag("peepholes", peepholes)
        self.projection = None if projection is None else checks.count("projection", projection)
        self.zoneout_cell = checks.rate("zoneout_cell", zoneout_cell)
        self.hold_rates = (self.zoneout, self.zoneout_cell) if self.zoneout or self.zoneout_cell else None
        gates = 3 if self.coupled else 4
        self.input_kernel = nn.Parameter(glorot_uniform(gates * H, self.input_size, generator))
        self.recurrent_kernel = nn.Parameter(orthogonal(gates * H, self.output_size, generator))
        bias = torch.zeros(gates, H)
        bias[-3] = checks.number("forget_bias", forget_bias)
        self.bias = nn.Parameter(bias.flatten())
        self.peephole_kernel: nn.Parameter | None = None
        if self.peepholes:
            # As small as the paper's other weights at the start.
            self.peephole_kernel = nn.Parameter(torch.empty(gates - 1, H).uniform_(-0.1, 0.1, generator=generator))
        self.projection_kernel: nn.Parameter | None = None
        if self.projection is not None:
            self.projection_kernel = nn.Parameter(glorot_uniform(self.projection, H, generator))
        width = self.output_size
        self.mogrifier = create_mogrifier(self.input_size, width, mogrifier_rounds, mogrifier_rank, generator)
        if self.mogrifier is not None:
            self.recurrent_weights = ("recurrent_kernel", *self.mogrifier.recurrent_weights())
        options = {
            "coupled": self.coupled,
            "peepholes": self.peepholes,
            "projection": self.projection is not None,
            "mogrifier_rounds": self.mogrifier is not None,
        }
        self.changed_by = tuple(name for name, is_set in options.items() if is_set)

    @classmethod
    def parameter_formula(cls, input_size: int, units: int, **options: Any) -> int:
        """Return 4 H (I + H + 1), and what the options change.

        Coupled has 3 gates in place of 4; peepholes add H for each gate but the candidate; a projection P makes it
        4 H (I + P + 1) + P H; the mogrifier adds its own.
        """
        width = options.get("projection") or units
        gates = 3 if options.get("coupled") else 4
        peepholes = (gates - 1) * units if options.get("peepholes") else 0
        projection = width * units if options.get("projection") else 0
        rounds, rank = options.get("mogrifier_rounds", 0), options.get("mogrifier_rank")
        mogrifier = Mogrifier.parameter_formula(input_size, width, rounds, rank)
        return gates * units * (input_size + width + 1) + peepholes + projection + mogrifier

    @property
    def output_size(self) -> int:
        """Width of h."""
        return self.units if self.projection is None else self.projection

    def project(self, x: Tensor) -> Tensor:
        """Return W x + b for all gates; x itself where h gates it first."""
        return linear(x, self.input_kernel, self.bias) if self.mogrifier is None else x

    def update(self, projected: Tensor, h: Tensor, state: State, recurrent_kernel: Tensor | None = None) -> State:
        """Compute one step."""
        U = self.recurrent_kernel if recurrent_kernel is None else recurrent_kernel
        if self.mogrifier is not None:
            x, h = self.mogrifier(projected, h)
            projected = linear(x, self.input_kernel, self.bias)
        *i, f, g, o = (projected + linear(h, U)).chunk(3 if self.coupled else 4, dim=-1)  # no i when coupled
        c = state[1]
        if self.peephole_kernel is not None:
            *p_i, p_f, p_o = self.peephole_kernel
            i = [gate + p * c for gate, p in zip(i, p_i, strict=True)]  # Graves 2013, eq. 7
            f = f + p_f * c  # eq. 8
        f = torch.sigmoid(f)
        c = f * c + (torch.sigmoid(i[0]) if i else 1.0 - f) * torch.tanh(g)  # eq. 9
        if self.peephole_kernel is not None:
            o = o + p_o * c  # eq. 10
        h = torch.sigmoid(o) * torch.tanh(c)  # eq. 11
        if self.projection_kernel is not None:
            h = linear(h, self.projection_kernel)  # Sak et al. 2014, eq. 12
        return h, c

    def extra_repr(self) -> str:
        """Say the sizes and what changes the equations when printed."""
        held = [f"zoneout_cell={self.zoneout_cell}"] if self.zoneout_cell else []
        return ", ".join([super().extra_repr(), *held, *self.changed_by])
