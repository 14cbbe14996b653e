"""What a classifier minimises.

Shapes: logits (B, C), targets (B, C) whose rows sum to one (a label is a row with a single one; annotators' votes share
a row). Every loss is a mean over the texts, in nats, weighted where classes weigh more than others. A new loss is a
class here or anywhere, and a line in ``gatewise.registry.CLASS_LOSSES``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from gatewise import registry
from gatewise.errors import SettingsError
from gatewise.settings import ClassifyTrainSettings

#: A power below 1 has no finite slope at 0.
_LEAST = 1e-7


class ClassLoss(ABC):
    """A loss, made from the training settings and the number of training texts of each class.

    With ``class_weight="balanced"`` a text of class c weighs ``n / (C n_c)`` (King & Zeng 2001, as scikit-learn), a
    shared target the mean of its classes' weights; the sum over a batch is divided by its weights.
    """

    smooths = True

    def __init__(self, settings: ClassifyTrainSettings, counts: NDArray[np.int64]) -> None:
        self.settings = settings
        self.smoothing = settings.label_smoothing
        if self.smoothing and not self.smooths:
            raise SettingsError(f"label_smoothing: the loss {settings.loss!r} has no soft target: set it to 0")
        shares = torch.as_tensor(np.maximum(counts, 1) / max(1, counts.sum()))
        self.shares = shares.to(torch.float32)
        self.weights = (1 / (len(counts) * shares)).to(torch.float32) if settings.class_weight == "balanced" else None

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss, a scalar."""
        weights = self._weights(targets)
        if self.smoothing:
            targets = targets * (1 - self.smoothing) + self.smoothing / targets.shape[-1]
        each = self.each(logits, targets)
        return each.mean() if weights is None else (each * weights).sum() / weights.sum()

    def weight(self, targets: Tensor) -> float:
        """Return what the mean over a batch divides by."""
        weights = self._weights(targets)
        return float(len(targets) if weights is None else weights.sum())

    def _weights(self, targets: Tensor) -> Tensor | None:
        return None if self.weights is None else targets @ self.weights.to(targets)

    @abstractmethod
    def each(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each text, ``(B,)``."""


class CrossEntropy(ClassLoss):
    """``-sum_c q_c log p_c`` with the target q."""

    def each(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each text."""
        return functional.cross_entropy(logits, targets, reduction="none")


class Focal(ClassLoss):
    """``-sum_c q_c (1 - p_c)^gamma log p_c`` (Lin et al. 2017, eq. 4, over a shared target)."""

    def each(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each text."""
        log_p = functional.log_softmax(logits, dim=-1)
        wrong = (-torch.expm1(log_p)).clamp(min=_LEAST)
        return -(targets * wrong**self.settings.focal_gamma * log_p).sum(dim=-1)


class LogitAdjusted(ClassLoss):
    """Cross-entropy of ``logits + tau log share`` (Menon et al. 2021, eq. 10): rare classes must win by a margin.

    Predictions take the logits without the shares, which then favour no class.
    """

    def each(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each text."""
        adjusted = logits + self.settings.logit_adjustment * self.shares.log().to(logits)
        return functional.cross_entropy(adjusted, targets, reduction="none")


def create_class_loss(settings: ClassifyTrainSettings, counts: NDArray[np.int64]) -> ClassLoss:
    """Make the loss that ``settings.loss`` names.

    Parameters
    ----------
    counts : (C,)
        Training texts of each class.

    Examples
    --------
    >>> loss = create_class_loss(ClassifyTrainSettings(), np.array([3, 1]))
    >>> round(float(loss(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]))), 4)  # log 2
    0.6931
    """
    loss: ClassLoss = registry.CLASS_LOSSES.load(settings.loss)(settings, counts)
    return loss
