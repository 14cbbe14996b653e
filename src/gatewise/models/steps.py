"""A text network that takes many single steps: what does not change between them is made once."""

from __future__ import annotations

import torch
from torch import Tensor

from gatewise.cells import State
from gatewise.cells.steps import prepare_steps
from gatewise.models.text import TextNetwork


class TextSteps:
    """``TextNetwork.step`` for one batch of texts, prepared; it carries the state.

    Where the first layer reads symbols as they are (no residual blocks), what it makes of each of them is looked up in
    a table in place of being multiplied anew. Weights must not change meanwhile; use it in ``torch.inference_mode()``.

    Parameters
    ----------
    network
        A trained network.
    state
        State ``(B, ...)`` before the first step.

    Examples
    --------
    >>> from gatewise.settings import TextModelSettings
    >>> network = TextNetwork(TextModelSettings(units=8), symbols=5)
    >>> with torch.inference_mode():
    ...     steps = TextSteps(network, network.initial_state(3))
    ...     logits = steps(torch.tensor([0, 4, network.nothing]))
    >>> tuple(logits.shape)
    (3, 5)
    """

    def __init__(self, network: TextNetwork, state: State) -> None:
        self._stack, self._head, self._vectors = network.stack, network.head, network.symbol_vectors()
        self._mixture = network.mixture
        self._last = None if self._mixture is None else state[-1]
        own = state if self._mixture is None else state[:-1]
        self._layers = [prepare_steps(cell, part) for cell, part in self._stack.by_cell(own)]
        self._table = self._layers[0].project(self._vectors) if self._stack.reads_inputs_directly else None

    def __call__(self, ids: Tensor) -> Tensor:
        """Read one symbol of each text ``(B,)`` and return the logits ``(B, V)`` of the next one."""
        x = self._vectors if self._table is None else self._table

        def layer_outputs(layer: int, inputs: Tensor) -> Tensor:
            steps = self._layers[layer]
            return steps.advance(inputs if layer == 0 and self._table is not None else steps.project(inputs))

        y = self._stack.through_layers(torch.index_select(x, 0, ids), layer_outputs, lambda y: y)
        logits = self._head.step(y)
        if self._mixture is None or self._last is None:
            return logits
        mixed, self._last = self._mixture.mix(logits[:, None], ids[:, None], self._last)
        return mixed[:, 0]

    def select(self, rows: Tensor) -> None:
        """Go on with some texts of the batch only."""
        for layer in self._layers:
            layer.select(rows)
        if self._last is not None:
            self._last = self._last.index_select(0, rows)

    @property
    def state(self) -> State:
        """The state after the last step, as ``TextNetwork.step`` returns it."""
        own = tuple(part for layer in self._layers for part in layer.state)
        return own if self._last is None else (*own, self._last)
