"""Separate streams of random numbers for start weights, data order and dropout, all from one seed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch

from gatewise.settings import RunSettings


@dataclass(frozen=True)
class Seeds:
    """The three seeds of a run; equal numbers still give three different streams.

    Examples
    --------
    >>> Seeds(0, 0, 0).init_generator().initial_seed() == Seeds(0, 0, 0).dropout_generator().initial_seed()
    False
    """

    init: int = 0
    order: int = 0
    dropout: int = 0

    @classmethod
    def of(cls, settings: RunSettings) -> Seeds:
        """Take the seeds of a run: ``seed``, unless one of the three is set on its own."""
        chosen = (settings.init_seed, settings.order_seed, settings.dropout_seed)
        return cls(*(settings.seed if seed is None else seed for seed in chosen))

    def init_generator(self) -> torch.Generator:
        """Return a new generator for the start weights."""
        return _generator("init", self.init)

    def order_generator(self, epoch: int) -> torch.Generator:
        """Return a new generator for the order of the batches of one epoch."""
        return _generator("order", self.order, epoch)

    def dropout_generator(self, device: str | torch.device = "cpu") -> torch.Generator:
        """Return a new generator for the dropout masks; it lives where the masks are drawn."""
        return _generator("dropout", self.dropout, device=device)


def _generator(stream: str, *numbers: int, device: str | torch.device = "cpu") -> torch.Generator:
    text = "/".join([stream, *map(str, numbers)])
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1  # 63 bits
    return torch.Generator(device).manual_seed(seed)
