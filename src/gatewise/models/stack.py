"""The stack: layers of one kind of cell, in one or both directions, with dropout before and between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gatewise.cells import Cell, State, checks, create_cell
from gatewise.cells.parallel import repeat_over_padding
from gatewise.errors import InputError, SettingsError
from gatewise.models.dropout import Dropout
from gatewise.models.heads import dense
from gatewise.models.residual import ResidualLayer
from gatewise.settings import ModelSettings


class RecurrentStack(nn.Module):
    """Layers of cells over a sequence.

    The state is one flat tuple: for each layer, for each direction (forward, then backward), the parts of the cell's
    state. The backward direction reads the elements from last to first; with a mask it starts, like the forward one, at
    the first real element it meets, because the state passes unchanged over the padding.

    Parameters
    ----------
    cell
        Name of the cell, see ``gatewise.cells.list_cells``.
    input_size
        Number of inputs I of one step.
    units
        Number of units H of each layer and direction.
    layers
        Number of layers.
    block
        How layers are joined: "plain" (each reads the outputs of the one before) or "residual" (each adds to them, for
        deep stacks: :class:`gatewise.models.residual.ResidualLayer`; a dense layer first where the inputs are not as
        wide as the outputs, a norm last).
    bidirectional
        Read the sequence in both directions; outputs are then ``2 H`` wide, forward first.
    input_dropout
        Share of the inputs that is dropped while training.
    input_dropout_mask
        "step": a new mask every step; "sequence": one for the whole sequence.
    layer_dropout
        Share of the outputs between two layers that is dropped while training, a new mask every step; in a residual
        stack of everything that is added.
    recurrent_dropout
        Share of the state dropped on its way to the next step, one mask a sequence (see ``Cell``).
    recompute_steps
        Steps whose inner values are kept for the gradient at once (see ``Cell``); all of them when absent.
    initial_state
        "zero", or "learned": a trainable start for every part of the state, zeros at first.
    kernel
        How whole sequences are computed: "auto" or a name of ``gatewise.registry.KERNELS``.
    cell_options
        Further options of the cell, by name.
    init_generator
        Draws the start weights.
    dropout_generator
        Draws all dropout masks.

    Raises
    ------
    UnknownNameError
        If there is no such cell or kernel.
    SettingsError
        If a value cannot be used.

    Examples
    --------
    >>> stack = RecurrentStack("lstm", input_size=3, units=4, layers=2, bidirectional=True)
    >>> y, state = stack(torch.zeros(5, 7, 3))
    >>> tuple(y.shape), len(state)
    ((5, 7, 8), 8)
    """

    def __init__(
        self,
        cell: str,
        input_size: int,
        units: int,
        *,
        layers: int = 1,
        block: str = "plain",
        bidirectional: bool = False,
        input_dropout: float = 0.0,
        input_dropout_mask: str = "step",
        layer_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        recompute_steps: int | None = None,
        initial_state: str = "zero",
        kernel: str = "auto",
        cell_options: Mapping[str, Any] | None = None,
        init_generator: torch.Generator | None = None,
        dropout_generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.input_size = checks.count("input_size", input_size)
        self.layers = checks.count("layers", layers)
        self.block = checks.choice("block", block, ("plain", "residual"))
        self.bidirectional = bidirectional
        self.directions = 2 if bidirectional else 1
        self.input_dropout = Dropout(input_dropout, mask=input_dropout_mask, generator=dropout_generator)
        self.layer_dropout = Dropout(layer_dropout, generator=dropout_generator)
        options = {
            "recurrent_dropout": recurrent_dropout,
            "recompute_steps": recompute_steps,
            "kernel": kernel,
            "dropout_generator": dropout_generator,
        }
        for option in cell_options or {}:
            if option in ("generator", *options):
                raise SettingsError(f"cell_options: {option!r} is set beside it, not in it")
        options.update(cell_options or {})
        self.enter: nn.Module | None = None
        self.output_size = input_size
        if self.block == "residual":
            self.output_size = self.directions * checks.count("units", units)
            if self.output_size != input_size:
                self.enter = dense(input_size, self.output_size, init_generator)
        self.cells, self.residual_layers = nn.ModuleList(), nn.ModuleList()
        for _ in range(self.layers):
            layer = [
                create_cell(cell, input_size=self.output_size, units=units, generator=init_generator, **options)
                for _ in range(self.directions)
            ]
            self.cells.extend(layer)
            width = sum(one.output_size for one in layer)
            if self.block == "residual":
                if width != self.output_size:
                    raise SettingsError("a residual stack needs cells whose h is as wide as their units: no projection")
                self.residual_layers.append(ResidualLayer(width, init_generator))
            self.output_size = width
        self.leave = nn.LayerNorm(self.output_size) if self.block == "residual" else None
        learned = checks.choice("initial_state", initial_state, ("zero", "learned")) == "learned"
        sizes = [size for one in self._cells() for size in one.state_sizes]
        self.start = nn.ParameterList(torch.zeros(size) for size in sizes) if learned else None

    def _cells(self) -> list[Cell]:
        return [cell for cell in self.cells if isinstance(cell, Cell)]

    @property
    def state_names(self) -> tuple[str, ...]:
        """Name of each part of the state, such as ``0.forward.h``."""
        directions = ("forward", "backward")[: self.directions]
        parts = self._cells()[0].state_names
        return tuple(f"{layer}.{way}.{part}" for layer in range(self.layers) for way in directions for part in parts)

    def initial_state(self, batch: int) -> State:
        """Return the start state for a batch: zeros, or what was learned."""
        if self.start is not None:
            return tuple(part.expand(batch, *part.shape) for part in self.start)
        return tuple(part for cell in self._cells() for part in cell.initial_state(batch))

    def forward(
        self, x: Tensor, state: Sequence[Tensor] | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Compute a whole sequence.

        Parameters
        ----------
        x
            Inputs, ``(B, T, I)``.
        state
            Start state, as returned; ``initial_state(B)`` when absent.
        mask
            ``(B, T)`` bool, True where an element is real.

        Returns
        -------
        y
            Output of the last layer at every step, ``(B, T, H * directions)``.
        state
            State of every layer and direction after its last step.

        Raises
        ------
        InputError
            If a tensor has the wrong shape, number format or place.
        """
        checks.inputs(x, rank=3, cell=self)
        if mask is not None:
            checks.mask(mask, x)
        starts = self._by_cell(self.initial_state(x.shape[0]) if state is None else state)
        backward_mask = mask.flip(1) if mask is not None and self.bidirectional else None
        cells, ends = self._cells(), list[Tensor]()

        def layer_outputs(layer: int, inputs: Tensor) -> Tensor:
            number = layer * self.directions
            y: Tensor
            y, end = cells[number](inputs, starts[number], mask)
            ends.extend(end)
            if self.bidirectional:
                y_backward, end = cells[number + 1](inputs.flip(1), starts[number + 1], backward_mask)
                y = torch.cat([y, y_backward.flip(1)], dim=-1)  # (B, T, 2 * H)
                ends.extend(end)
            return y

        if mask is not None and self.block == "residual":  # a dense layer would take a NaN in the padding for a number
            x = torch.where(mask[:, :, None], x, 0.0)
        y = self.through_layers(self.input_dropout(x), layer_outputs, self.layer_dropout)
        if mask is not None and self.block == "residual":
            forward, *backward = y.chunk(self.directions, dim=-1)
            nothing = forward.new_zeros(forward.shape[0], forward.shape[2])  # what stands before the first real step
            filled = [repeat_over_padding(half.flip(1), nothing, mask.flip(1)).flip(1) for half in backward]
            y = torch.cat([repeat_over_padding(forward, nothing, mask), *filled], dim=-1)
        return y, tuple(ends)

    def step(self, x: Tensor, state: Sequence[Tensor]) -> tuple[Tensor, State]:
        """Compute one step, for use after training: nothing is dropped, whatever the mode.

        Parameters
        ----------
        x
            Input, ``(B, I)``.
        state
            State before the step; ``initial_state(B)`` at the start of a sequence.

        Returns
        -------
        y
            Output of the last layer, ``(B, H)``.
        state
            State after the step.

        Raises
        ------
        SettingsError
            If the stack reads in both directions: the backward one needs the whole sequence.
        InputError
            If a tensor has the wrong shape, number format or place.
        """
        if self.bidirectional:
            raise SettingsError("a bidirectional stack cannot go step by step: its backward half starts at the end")
        checks.inputs(x, rank=2, cell=self)
        cells, starts, ends = self._cells(), self._by_cell(state), list[Tensor]()

        def layer_outputs(layer: int, inputs: Tensor) -> Tensor:
            y, end = cells[layer].step(inputs, starts[layer])
            ends.extend(end)
            return y

        return self.through_layers(x, layer_outputs, lambda y: y), tuple(ends)

    def through_layers(
        self, x: Tensor, layer_outputs: Callable[[int, Tensor], Tensor], drop: Callable[[Tensor], Tensor]
    ) -> Tensor:
        """Return what the last layer gives for inputs ``(..., I)``.

        Parameters
        ----------
        layer_outputs
            Computes the cells of a layer, from its number and its inputs.
        drop
            Dropout between layers.
        """
        y = x if self.enter is None else self.enter(x)
        for layer in range(self.layers):
            if self.block == "plain":
                y = layer_outputs(layer, drop(y) if layer else y)
            else:
                y = self.residual_layers[layer](y, partial(layer_outputs, layer), drop)
        left: Tensor = y if self.leave is None else self.leave(y)
        return left

    def summary(self, y: Tensor) -> Tensor:
        """Return what each direction says after reading everything, ``(B, H * directions)``, from outputs `y`.

        That is the forward direction's last output and the backward direction's first one. Padding on either side is
        harmless, because masked steps repeat the output before them.
        """
        if not self.bidirectional:
            return y[:, -1]
        half = self.output_size // 2
        return torch.cat([y[:, -1, :half], y[:, 0, half:]], dim=-1)

    @property
    def reads_inputs_directly(self) -> bool:
        """Whether the first layer's cells take the inputs as they are, with no dense layer or norm before them."""
        return self.block == "plain"

    def by_cell(self, state: Sequence[Tensor]) -> list[tuple[Cell, State]]:
        """Return each cell with its part of the state."""
        return list(zip(self._cells(), self._by_cell(state), strict=True))

    def _by_cell(self, state: Any) -> list[State]:
        """Cut the flat state into one piece for each cell."""
        names = self.state_names
        if not isinstance(state, Sequence) or len(state) != len(names):
            found = len(state) if isinstance(state, Sequence) else type(state).__name__
            raise InputError(f"state must be a tuple of {len(names)} tensors ({', '.join(names)}) (found {found})")
        each = len(names) // len(self.cells)
        return [tuple(state[first : first + each]) for first in range(0, len(names), each)]


def create_stack(
    settings: ModelSettings,
    input_size: int,
    *,
    bidirectional: bool = False,
    init_generator: torch.Generator | None = None,
    dropout_generator: torch.Generator | None = None,
) -> RecurrentStack:
    """Make the stack that a task's settings describe."""
    return RecurrentStack(
        settings.cell,
        input_size,
        settings.units,
        layers=settings.layers,
        block=settings.block,
        bidirectional=bidirectional,
        input_dropout=settings.input_dropout,
        input_dropout_mask=settings.input_dropout_mask,
        layer_dropout=settings.layer_dropout,
        recurrent_dropout=settings.recurrent_dropout,
        recompute_steps=settings.recompute_steps,
        initial_state=settings.initial_state,
        kernel=settings.kernel,
        cell_options=settings.cell_options,
        init_generator=init_generator,
        dropout_generator=dropout_generator,
    )
