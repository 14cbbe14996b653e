"""Guessing hidden tokens, as the training loop sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gatewise.settings import AdaptSettings
from gatewise.tasks.adapt.pieces import MaskedBatch, MaskTokenizer, Piece, hide_tokens
from gatewise.training import place

#: Pieces that lie side by side by their length before batches are drawn: the fewer, the more padding.
_SORTED = 50
#: Pieces that are judged at once.
_JUDGED = 64

#: Which pieces are in a batch, and the seed of the tokens that are hidden.
Key = tuple[Tensor, int]


class AdaptTask:
    """Texts of which other tokens are hidden in every epoch, and a validation part whose tokens are hidden once.

    Parameters
    ----------
    train, validation
        Pieces of texts.
    """

    def __init__(
        self, train: Sequence[Piece], validation: Sequence[Piece], tokenizer: MaskTokenizer, settings: AdaptSettings
    ) -> None:
        self.pieces, self.tokenizer, self.share = train, tokenizer, settings.train.masked
        self.batch_size = settings.train.batch_size
        self.lengths = torch.tensor([len(piece) for piece in train])
        draw = np.random.default_rng(settings.split.seed)
        ordered = sorted(validation, key=len)
        self.validation = [
            hide_tokens(ordered[first : first + _JUDGED], tokenizer, self.share, draw)
            for first in range(0, len(ordered), _JUDGED)
        ]

    def plan(self, generator: torch.Generator) -> Sequence[Key]:
        """Return batches of pieces of about one length, in any order, and what is hidden of them."""
        order = torch.randperm(len(self.pieces), generator=generator)
        batches: list[Tensor] = []
        for some in torch.split(order, _SORTED * self.batch_size):
            batches += torch.split(some[self.lengths[some].argsort(stable=True)], self.batch_size)
        mixed = torch.randperm(len(batches), generator=generator).tolist()
        seeds = torch.randint(2**62, (len(batches),), generator=generator).tolist()
        return [(batches[number], seed) for number, seed in zip(mixed, seeds, strict=True)]

    def batch(self, key: Key) -> MaskedBatch:
        """Return the pieces of a key with tokens hidden."""
        rows, seed = key
        some = [self.pieces[row] for row in rows.tolist()]
        return hide_tokens(some, self.tokenizer, self.share, np.random.default_rng(seed))

    def batch_size_of(self, key: Key) -> int:
        """Return how many pieces a batch has."""
        return len(key[0])

    def loss(self, network: nn.Module, batch: Any) -> Tensor:
        """Return the mean over the hidden tokens of minus the log of their probability, in nats."""
        ids, mask, chosen, targets = batch
        return functional.cross_entropy(network(ids, mask, chosen), targets)

    def validation_loss(self, network: nn.Module) -> float:
        """Return the mean nats of a hidden token of the validation part."""
        total = count = 0.0
        for batch in self.validation:
            ids, mask, chosen, targets = place(batch, network)
            total += float(functional.cross_entropy(network(ids, mask, chosen), targets, reduction="sum"))
            count += len(targets)
        return total / count
