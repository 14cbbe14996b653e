"""Guessing hidden tokens, as the training loop sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gatewise.settings import AdaptSettings
from gatewise.tasks.adapt.pieces import MaskedBatch, MaskTokenizer, Piece, hide_tokens
from gatewise.training import place
from gatewise.training.distributed import own_rows, summed

#: Pieces that lie side by side by their length before batches are drawn: the fewer, the more padding.
_SORTED = 50
#: Pieces that are judged at once.
_JUDGED = 64


class Key(NamedTuple):
    """Which pieces are in a batch, the seed of the tokens that are hidden, and the rows that are wanted of it."""

    pieces: Tensor
    seed: int
    rows: slice = slice(None)


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
        self.pieces, self.tokenizer, self.masked = train, tokenizer, settings.train.masked
        self.batch_size = settings.train.batch_size
        self.lengths = torch.tensor([len(piece) for piece in train])
        draw = np.random.default_rng(settings.split.seed)
        ordered = sorted(validation, key=len)
        self.validation = [
            hide_tokens(ordered[first : first + _JUDGED], tokenizer, self.masked, draw)
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
        return [Key(batches[number], seed) for number, seed in zip(mixed, seeds, strict=True)]

    def batch(self, key: Key) -> MaskedBatch:
        """Return the pieces of a key with tokens hidden."""
        some = [self.pieces[row] for row in key.pieces.tolist()]
        return hide_tokens(some, self.tokenizer, self.masked, np.random.default_rng(key.seed)).rows(key.rows)

    def batch_size_of(self, key: Key) -> int:
        """Return how many pieces a batch has."""
        return len(key.pieces)

    def rows_of(self, key: Key) -> int:
        """Return how many pieces the batch can be cut into."""
        return len(key.pieces)

    def share(self, key: Key, rows: slice) -> Key:
        """Return some pieces of a batch, with the tokens hidden that are hidden in the whole."""
        return key._replace(rows=rows)

    def weight(self, batch: Any) -> float:
        """Return how many hidden tokens the mean is over."""
        return float(len(batch.targets))

    def loss(self, network: nn.Module, batch: Any) -> Tensor:
        """Return the mean over the hidden tokens of minus the log of their probability, in nats."""
        ids, mask, chosen, targets = batch
        return functional.cross_entropy(network(ids, mask, chosen), targets)

    def validation_loss(self, network: nn.Module) -> float:
        """Return the mean nats of a hidden token of the validation part."""
        total = count = 0.0
        for batch in self.validation[own_rows(len(self.validation))]:
            ids, mask, chosen, targets = place(batch, network)
            total += float(functional.cross_entropy(network(ids, mask, chosen), targets, reduction="sum"))
            count += len(targets)
        total, count = summed(np.array([total, count]))
        return float(total / count)
