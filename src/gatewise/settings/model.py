"""Settings of the network that every task shares: which cell, how many, what is dropped."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from gatewise import registry
from gatewise.settings.base import Count, Rate, Settings, registered
from gatewise.settings.counting import CountsWhen


class ModelSettings(Settings):
    """The network: input dropout, stack of cells, dense head."""

    cell: Annotated[str, registered(registry.CELLS)] = "lstm"
    """Recurrent cell."""
    units: Count = 64
    """Units of each layer (and direction)."""
    layers: Count = 1
    """Layers of cells."""
    block: Literal["plain", "residual"] = "plain"
    """How layers are joined: each reads the one before, or adds to it through norms and dense layers (deep stacks)."""
    input_dropout: Rate = 0.0
    """Share of inputs dropped before the first layer."""
    input_dropout_mask: Annotated[Literal["step", "sequence"], CountsWhen("model.input_dropout")] = "step"
    """A new input mask every step, or one for the whole sequence."""
    recurrent_dropout: Rate = 0.0
    """Share of the state dropped on its way to the next step, one mask a sequence."""
    layer_dropout: Annotated[
        Rate, CountsWhen("model.layers", but_not=(1,)), CountsWhen("model.block", ("residual",))
    ] = 0.0
    """Share of units dropped between layers."""
    initial_state: Literal["zero", "learned"] = "zero"
    """Where the state starts."""
    head: tuple[Count, ...] = ()
    """Sizes of the dense layers between the cells and the outputs."""
    head_dropout: Annotated[Rate, CountsWhen("model.head")] = 0.1
    """Share of units dropped after the first dense layer."""
    head_activation: Annotated[Literal["relu", "tanh", "gelu", "linear"], CountsWhen("model.head")] = "relu"
    """Activation of the dense layers."""
    recompute_steps: Count | None = None
    """Steps whose inner values are kept for the gradient at once: less memory for long windows, one more pass."""
    cell_options: dict[str, Any] = Field(default_factory=dict)
    """Further options of the cell, by name."""
    kernel: Annotated[str, registered(registry.KERNELS, "auto")] = "auto"
    """How whole sequences are computed; auto takes the fastest that computes the same function."""
