"""What a text network minimises.

Shapes: logits (B, T, V), targets (B, T) with numbers from 0 to V. A target of V (a symbol that training never saw) has
no place in a loss and is left out. Every loss is a mean over the targets that are left, 0 where none is. A new loss is
a class here or anywhere, and a line in ``gatewise.registry.TEXT_LOSSES``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor
from torch.nn import functional

from gatewise import registry
from gatewise.errors import SettingsError
from gatewise.settings import TextTrainSettings

#: Keras' smallest probability in a logarithm.
_LEAST = 1e-7


class TextLoss(ABC):
    """A loss, made from the training settings."""

    smooths = False

    def __init__(self, settings: TextTrainSettings) -> None:
        self.smoothing = settings.label_smoothing
        self.gamma = settings.focal_gamma
        if self.smoothing and not self.smooths:
            raise SettingsError(f"label_smoothing: the loss {settings.loss!r} has no soft target: set it to 0")

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean over all targets that training saw, a scalar."""
        flat, right = logits.flatten(0, -2), targets.flatten()
        seen = right < logits.shape[-1]
        if not bool(seen.all()):
            flat, right = flat[seen], right[seen]
        return self.mean(flat, right) if len(right) else flat.sum()

    @abstractmethod
    def mean(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of logits (N, V) and targets (N,)."""


class CrossEntropy(TextLoss):
    """``-sum_v q_v log p_v`` in nats; q is 1 for the right symbol, or ``(1 - s) + s / V`` and ``s / V`` elsewhere."""

    smooths = True

    def mean(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean in nats."""
        return functional.cross_entropy(logits, targets, label_smoothing=self.smoothing)


class KLDivergence(TextLoss):
    """``sum_v q_v log(q_v / p_v)`` in nats (Kullback & Leibler 1951), with the same q as the cross-entropy.

    It is the cross-entropy less the entropy of q, which no weight can change: the gradients are equal, and without
    smoothing (q has no entropy) the values too.
    """

    smooths = True

    def mean(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean in nats."""
        size = logits.shape[-1]
        target = torch.full_like(logits, self.smoothing / size)
        target.scatter_(-1, targets[:, None], 1 - self.smoothing + self.smoothing / size)
        return functional.kl_div(functional.log_softmax(logits, dim=-1), target, reduction="batchmean")


class Focal(TextLoss):
    """``-(1 - p)^gamma log p`` of the right symbol (Lin et al. 2017, eq. 4)."""

    def mean(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean in nats, each weighted by how wrong it was."""
        log_p = -functional.cross_entropy(logits, targets, reduction="none")
        wrong = (-torch.expm1(log_p)).clamp(min=_LEAST)  # a power below 1 has no finite slope at 0
        return -(wrong**self.gamma * log_p).mean()


class BinaryFocal(TextLoss):
    """A focal yes-or-no for each of the V symbols, mean over them too, as Keras' BinaryFocalCrossentropy.

    ``-(1 - p_v)^gamma log p_v`` for the right symbol and ``-p_v^gamma log(1 - p_v)`` for each other one, where p is the
    softmax. Being a mean over V, most of which are easy, it is some hundred times smaller than the cross-entropy.
    """

    def mean(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean over targets and symbols, in nats."""
        p = logits.softmax(dim=-1)
        right = functional.one_hot(targets, logits.shape[-1]).to(p.dtype)
        chance = torch.where(right > 0, p, 1 - p).clamp(_LEAST, 1 - _LEAST)  # given to what is true
        return -((1 - chance) ** self.gamma * chance.log()).mean()


def create_text_loss(settings: TextTrainSettings) -> TextLoss:
    """Make the loss that ``settings.loss`` names.

    Examples
    --------
    >>> loss = create_text_loss(TextTrainSettings())
    >>> round(float(loss(torch.zeros(2, 3, 4), torch.zeros(2, 3, dtype=torch.long))), 4)  # log 4
    1.3863
    """
    loss: TextLoss = registry.TEXT_LOSSES.load(settings.loss)(settings)
    return loss
