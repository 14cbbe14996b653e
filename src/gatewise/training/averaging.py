"""A running average of the weights, which is often better than the weights it averages (Polyak & Juditsky 1992)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """Exponential moving average of a network's weights.

    After step t, counted from 1, the average moves towards the weights by ``1 - min(decay, (1 + t) / (10 + t))``: it
    forgets its start quickly, however long its memory is later.

    Parameters
    ----------
    network
        Whose weights are averaged.
    decay
        Share of the old average that stays in each step; its memory is about ``1 / (1 - decay)`` steps.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self._weights = [weight for weight in network.parameters() if weight.requires_grad]
        self._names = [name for name, weight in network.named_parameters() if weight.requires_grad]
        self._average = [weight.detach().clone() for weight in self._weights]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step."""
        move = 1 - min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._average, [weight.detach() for weight in self._weights], move)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the network have the average as its weights while the block runs."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def tensors(self) -> dict[str, Tensor]:
        """Return the average by the weights' names."""
        return dict(zip(self._names, self._average, strict=True))

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Go on from an average that was kept."""
        for name, mine in zip(self._names, self._average, strict=True):
            mine.copy_(tensors[name])

    @torch.no_grad()
    def _swap(self) -> None:
        for weight, mine in zip(self._weights, self._average, strict=True):
            kept = weight.detach().clone()
            weight.copy_(mine)
            mine.copy_(kept)
