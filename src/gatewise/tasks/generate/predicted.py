"""What was said of each symbol of a text: the form in which every protocol and every baseline answers."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Ids(Protocol):
    """Numbers of a text's symbols: an array, or a view that reads them when asked."""

    def __len__(self) -> int:
        """Return the number of symbols."""

    def __getitem__(self, key: slice | Ints) -> Ints:
        """Return the numbers of a part, or at some places."""


@dataclass(frozen=True)
class Predicted:
    """What was said of n symbols of a text.

    Attributes
    ----------
    log_probs : (n,) natural logarithm of the probability of the right symbol.
    right : (n,) bool, whether the most likely symbol was the right one.
    confidence : (n,) probability of the most likely symbol.
    position : (n,) place of the prediction in its span or window, from 1.
    where : (n,) which symbol of the text each is.
    target : (n,) the right symbols.
    """

    log_probs: Floats
    right: NDArray[np.bool_]
    confidence: NDArray[np.float32]
    position: NDArray[np.int32]
    where: Ints
    target: NDArray[np.int32]

    def __len__(self) -> int:
        """Return n."""
        return len(self.log_probs)

    def __getitem__(self, rows: slice | NDArray[np.generic]) -> Predicted:
        """Return a part of the symbols."""
        return Predicted(*(getattr(self, field.name)[rows] for field in fields(self)))

    @classmethod
    def empty(cls, n: int) -> Predicted:
        """Return room for n symbols: nothing is said of them yet."""
        return cls(
            log_probs=np.full(n, np.nan),
            right=np.zeros(n, bool),
            confidence=np.full(n, np.nan, np.float32),
            position=np.zeros(n, np.int32),
            where=np.zeros(n, np.int64),
            target=np.zeros(n, np.int32),
        )

    def put(self, rows: slice | Ints, logits: Tensor, target: Ints, where: Ints, position: Ints, unseen: float) -> None:
        """Write what logits ``(n, V)`` say of n symbols into `rows`; a target V costs `unseen` nats."""
        log_probs, right, confidence = read_logits(logits, torch.tensor(target), unseen)
        self.log_probs[rows], self.right[rows], self.confidence[rows] = log_probs, right, confidence
        self.position[rows], self.where[rows], self.target[rows] = position, where, target


def unseen_cost(training_symbols: int) -> float:
    """Return what a symbol costs that training never saw, in nats: an escape of one in ``training_symbols + 1``."""
    return math.log(training_symbols + 1)


def read_logits(logits: Tensor, target: Tensor, unseen: float) -> tuple[Floats, NDArray[np.bool_], NDArray[np.float32]]:
    """Return log-probability of the target, whether the most likely symbol is it, and that one's probability.

    The softmax is taken in float64: in float32 the probabilities of thousands of symbols need not sum to 1.

    Parameters
    ----------
    logits
        ``(n, V)``.
    target
        ``(n,)``, 0 to V; V is a symbol that training never saw: it costs `unseen` and is never right.
    """
    symbols = logits.shape[-1]
    log_probs = functional.log_softmax(logits.detach().cpu().double(), dim=-1)
    best, likeliest = log_probs.max(dim=-1)
    known = target < symbols
    chosen = log_probs.gather(-1, target.clamp(max=symbols - 1).unsqueeze(-1)).squeeze(-1)
    chosen = torch.where(known, chosen, torch.full_like(chosen, -unseen))
    return chosen.numpy(), (likeliest == target).numpy(), best.exp().float().numpy()
