"""The contract that every cell keeps, and that lets one stack, one set of tests and every kernel serve all of them."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, TypeAlias, TypedDict

import torch
from torch import Tensor, nn

from gatewise.cells import checks
from gatewise.cells.dropout import draw_mask
from gatewise.cells.kernels import Call, Holds, choose_kernel, kernel_name, step_by_kernel

State: TypeAlias = tuple[Tensor, ...]


class CommonOptions(TypedDict, total=False):
    """Options that every cell takes."""

    recurrent_dropout: float
    recompute_steps: int | None
    kernel: str
    generator: torch.Generator | None
    dropout_generator: torch.Generator | None


class Cell(nn.Module, ABC):
    """One step of recurrence, and the whole sequence made of such steps.

    What a cell promises
    --------------------
    - The state is always a tuple of tensors ``(B, ...)``, named in ``state_names``. Its first part is the output h:
      ``y_t`` is ``state_t[0]``, of shape ``(B, H)``.
    - ``forward`` computes a whole sequence, ``step`` one element. Step by step equals the whole sequence, and two
      halves with the state carried between them equal one whole.
    - ``mask (B, T)`` is True where an element is real. Over a masked step the state passes unchanged, so its output
      repeats the last h (the start state's h where nothing real came before). What stands in the padding, be it NaN,
      touches no valid output and no gradient.
    - Recurrent dropout drops parts of the h that enters the products with recurrent weights, and nothing else: the
      state that is carried on, gated or returned is whole. A cell without such products drops parts of what a step
      writes to its state (Semeniuta et al. 2016, arXiv:1603.05118). One mask ``(B, H)``, scaled by 1 / (1 - rate),
      holds for the whole sequence; a new one is drawn for every ``forward`` while training, none in ``eval()``.
    - Batches of any size, float32 and float64.

    A cell of your own
    ------------------
    Subclass, build the weights in the constructor, write ``update`` (the equations) and ``parameter_formula``; write
    ``project`` too if the input enters through one product, and it is done for all steps at once. Then
    ``gatewise.registry.CELLS.register("mine", Mine)`` makes it known everywhere.

    Parameters
    ----------
    input_size
        Number of inputs I of one step.
    units
        Number of units H.
    recurrent_dropout
        Share of h that is dropped, 0 <= share < 1.
    recompute_steps
        Steps whose inner values are kept for the gradient at once. The sequence goes in pieces of this length, and each
        is computed again when its gradient is due (Chen et al. 2016, arXiv:1604.06174): the same numbers from much
        less memory, for one more pass forwards. All of them are kept when absent.
    kernel
        How whole sequences are computed: a name of ``gatewise.registry.KERNELS``, or "auto" for the fastest one that
        computes the same function.
    generator
        Draws the start weights; torch's global generator when absent.
    dropout_generator
        Draws the dropout masks; `generator` when absent.

    Raises
    ------
    SettingsError
        If a value cannot be used.
    """

    state_names: tuple[str, ...] = ("h",)
    #: Parameters that multiply h; where there are none, recurrent dropout drops parts of what is written to the state.
    recurrent_weights: tuple[str, ...] = ("recurrent_kernel",)
    #: Chance of each part of the state to keep its old value for a step (zoneout), or None where there is no zoneout.
    hold_rates: tuple[float, ...] | None = None
    #: Options in force that change the equations: what a fast kernel must know of, or refuse.
    changed_by: tuple[str, ...] = ()

    def __init__(
        self,
        input_size: int,
        units: int,
        *,
        recurrent_dropout: float = 0.0,
        recompute_steps: int | None = None,
        kernel: str = "auto",
        generator: torch.Generator | None = None,
        dropout_generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.input_size = checks.count("input_size", input_size)
        self.units = checks.count("units", units)
        self.recurrent_dropout = checks.rate("recurrent_dropout", recurrent_dropout)
        self.recompute_steps = None if recompute_steps is None else checks.count("recompute_steps", recompute_steps)
        self.kernel = checks.kernel_name(kernel)
        self.dropout_generator = dropout_generator or generator

    @classmethod
    @abstractmethod
    def parameter_formula(cls, input_size: int, units: int, **options: Any) -> int:
        """Return the number of trainable parameters that these sizes and options give."""

    @abstractmethod
    def update(self, projected: Tensor, h: Tensor, state: State) -> State:
        """Compute the cell's equations for one step.

        Parameters
        ----------
        projected
            ``project(x)`` of this step, ``(B, ...)``.
        h
            Last output after recurrent dropout, ``(B, H)``: what enters every product with recurrent weights.
        state
            Last state as it is, for everything else.
        """

    def project(self, x: Tensor) -> Tensor:
        """Return the part of the step that depends on the input alone, for ``(B, I)`` or ``(B, T, I)``."""
        return x

    @property
    def output_size(self) -> int:
        """Width of the output h: the number of units, unless the cell projects it."""
        return self.units

    @property
    def state_sizes(self) -> tuple[tuple[int, ...], ...]:
        """Shape of each part of the state, without the batch."""
        return ((self.output_size,), *((self.units,),) * (len(self.state_names) - 1))

    @property
    def step_flops(self) -> int:
        """Floating point operations of one step's matrix products, for one sequence: two for every weight in them.

        A weight with two or more dimensions is taken to enter a product; a cell where that is not all overrides this.
        """
        return 2 * sum(weight.numel() for weight in self.parameters() if weight.dim() >= 2)

    def initial_state(self, batch: int) -> State:
        """Return zeros for a batch of sequences, in the weights' number format and place."""
        weight = next(self.parameters())
        return tuple(weight.new_zeros(batch, *size) for size in self.state_sizes)

    def forward(
        self, x: Tensor, state: Sequence[Tensor] | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Compute a whole sequence.

        Parameters
        ----------
        x
            Inputs, ``(B, T, I)`` with at least one step.
        state
            Start state; zeros when absent.
        mask
            ``(B, T)`` bool, True where an element is real; all of them when absent.

        Returns
        -------
        y
            Output of every step, ``(B, T, H)``.
        state
            State after the last step.

        Raises
        ------
        InputError
            If a tensor has the wrong shape, number format or place.
        SettingsError
            If `kernel` names one that cannot compute this call.
        """
        checks.inputs(x, rank=3, cell=self)
        start = self.initial_state(x.shape[0]) if state is None else checks.state(state, x, cell=self)
        if mask is not None:
            checks.mask(mask, x)
        masks = self.draw_recurrent_mask(x.shape[0]), self.draw_recurrent_kernel(), self.draw_holds(*x.shape[:2])
        call = Call(self, x, start, mask, *masks)
        kernel = choose_kernel(call)
        if self.recompute_steps is None or not torch.is_grad_enabled():
            return kernel.run(call)
        from gatewise.cells.recompute import run_in_pieces  # it needs the reference loop, which needs this file

        return run_in_pieces(kernel, call, self.recompute_steps)

    def step(
        self,
        x: Tensor,
        state: Sequence[Tensor],
        recurrent_mask: Tensor | None = None,
        *,
        recurrent_kernel: Tensor | None = None,
        holds: Holds | None = None,
    ) -> tuple[Tensor, State]:
        """Compute one step.

        Parameters
        ----------
        x
            Input, ``(B, I)``.
        state
            State before the step; ``initial_state(B)`` at the start of a sequence.
        recurrent_mask
            What ``draw_recurrent_mask`` gave for this sequence. A step alone cannot know when a sequence begins, so it
            drops nothing when this is absent.
        recurrent_kernel
            What ``draw_recurrent_kernel`` gave for this sequence; the cell's own weights when absent.
        holds
            Of what ``draw_holds`` gave for this sequence, this step's ``(B, H)``; the mean over all draws when absent.

        Raises
        ------
        InputError
            If a tensor has the wrong shape, number format or place.
        """
        checks.inputs(x, rank=2, cell=self)
        before = checks.state(state, x, cell=self)
        holds = self.hold_rates if holds is None else holds
        after = step_by_kernel(Call(self, x[:, None], before, None, recurrent_mask, recurrent_kernel, holds))
        if after is None:
            after = self.advance(self.project(x), before, recurrent_mask, recurrent_kernel, holds)
        return after[0], after

    def advance(
        self,
        projected: Tensor,
        state: State,
        recurrent_mask: Tensor | None,
        recurrent_kernel: Tensor | None = None,
        holds: Holds | None = None,
    ) -> State:
        """Return the state after one step whose input is already projected and checked."""
        h = state[0] if recurrent_mask is None else state[0] * recurrent_mask
        # Only a cell that draws recurrent weights gets some, so only its `update` takes them.
        drawn: dict[str, Any] = {} if recurrent_kernel is None else {"recurrent_kernel": recurrent_kernel}
        new = self.update(projected, h, state, **drawn)
        return new if holds is None else hold(holds, new, state)

    def draw_recurrent_mask(self, batch: int) -> Tensor | None:
        """Return a new recurrent dropout mask ``(B, H)``, or None where nothing is to be dropped."""
        if not self.training or self.recurrent_dropout == 0.0:
            return None
        weight = next(self.parameters())
        return draw_mask(
            (batch, self.output_size), self.recurrent_dropout, like=weight, generator=self.dropout_generator
        )

    def draw_recurrent_kernel(self) -> Tensor | None:
        """Return recurrent weights of which some are dropped, or None for the cell's own."""
        return None

    def draw_holds(self, batch: int, steps: int) -> Holds | None:  # noqa: ARG002 - for cells that draw some
        """Return what keeps its old value (zoneout), see :class:`gatewise.cells.kernels.Call`; None for nothing."""
        return self.hold_rates

    def kernel_in_use(self) -> str:
        """Return the name of the kernel that computes whole sequences now, in this mode, without a mask; draws nothing.

        Raises
        ------
        SettingsError
            If `kernel` names one that cannot compute this cell.
        """
        weight = next(self.parameters())
        drops = self.training and self.recurrent_dropout > 0
        mask = weight.new_ones(1, self.output_size) if drops else None
        x = weight.new_zeros(1, 2, self.input_size)
        return kernel_name(Call(self, x, self.initial_state(1), None, mask, None, self.hold_rates))

    def extra_repr(self) -> str:
        """Say the sizes when printed."""
        return f"{self.input_size}, {self.units}, recurrent_dropout={self.recurrent_dropout}, kernel={self.kernel!r}"


def hold(holds: Holds, new: State, old: State) -> State:
    """Return the new state with the old one's values where they are held (Krueger et al. 2016, arXiv:1606.01305)."""
    return tuple(
        after if share is None else share * before + (1.0 - share) * after
        for share, after, before in zip(holds, new, old, strict=True)
    )


def option_names(kind: type[Cell]) -> list[str]:
    """Return the options that a kind of cell takes beside its sizes and the generator of its weights."""
    names: list[str] = []
    for owner in kind.__mro__:
        if "__init__" not in vars(owner):
            continue
        parameters = inspect.signature(vars(owner)["__init__"]).parameters.values()
        names += [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in ("generator", *names)]
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return names
