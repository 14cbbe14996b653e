"""Early stopping: when to end, and which epoch was best."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass
class EarlyStopping:
    """Stop after `patience` epochs in a row without improvement, as Keras' callback of this name does.

    An epoch improves when its loss is more than `min_delta` below the best before it. With a patience of 0 the first
    epoch without improvement ends the run, as with 1.
    """

    patience: int | None
    min_delta: float = 0.0
    best: float = math.inf
    best_epoch: int = 0
    waited: int = 0

    def improves(self, loss: float, epoch: int) -> bool:
        """Take note of an epoch's loss and say whether it is the best so far."""
        if loss + self.min_delta < self.best:
            self.best, self.best_epoch, self.waited = loss, epoch, 0
            return True
        self.waited += 1
        return False

    @property
    def done(self) -> bool:
        """Whether patience has run out."""
        return self.patience is not None and self.waited >= max(1, self.patience)
