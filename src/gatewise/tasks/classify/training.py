"""Labelled texts as the training loop sees them: batches of texts of about the same length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gatewise.errors import DataError
from gatewise.metrics.classify import decision_metrics
from gatewise.models import ClassifyNetwork
from gatewise.settings import ClassifySettings
from gatewise.tasks.classify.losses import create_class_loss
from gatewise.tasks.classify.reader import Inputs, Ints
from gatewise.training import place
from gatewise.training.distributed import own_rows, summed

#: Batches that are sorted by length together: enough for little padding, few enough that batches differ every epoch.
_POOL = 50
#: Texts that are judged at once.
_JUDGED = 128


class Part(NamedTuple):
    """Rows of a batch, padded to so many steps; to the longest of them where nothing is said."""

    rows: Ints
    steps: int | None = None


class ClassifyTask:
    """The job for :func:`gatewise.training.train`.

    Parameters
    ----------
    targets : (n, C)
        What training is to predict of each text; rows sum to one.
    labels : (n,)
        The class of each text.
    train, validation
        Row numbers of the parts.
    """

    def __init__(
        self,
        network: ClassifyNetwork,
        inputs: Inputs,
        targets: NDArray[np.float32],
        labels: Ints,
        settings: ClassifySettings,
        *,
        train: Ints,
        validation: Ints,
    ) -> None:
        if not len(train):
            raise DataError("the training part has no text that cleaning leaves anything of")
        self.inputs, self.targets, self.rows, self.validation = inputs, targets, train, validation
        self.labels = labels
        self.figures: dict[str, float | None] = {}
        self.batch_size = settings.train.batch_size
        self.sorts = not network.reads_padding  # batches of one length would have no padding to read
        counts = np.bincount(labels[train], minlength=targets.shape[1]).astype(np.int64)
        self.criterion = create_class_loss(settings.train, counts)

    def plan(self, generator: torch.Generator) -> Sequence[Ints]:
        """Return the rows of each batch: drawn, sorted by length in pools, and the batches drawn again."""
        order = self.rows[torch.randperm(len(self.rows), generator=generator).numpy()]
        if not self.sorts:
            return _cut(order, self.batch_size)
        batches: list[Ints] = []
        for pool in _cut(order, self.batch_size * _POOL):
            batches += _cut(pool[np.argsort(self.inputs.lengths[pool], kind="stable")], self.batch_size)
        return [batches[number] for number in torch.randperm(len(batches), generator=generator).tolist()]

    def batch(self, key: Ints | Part) -> tuple[dict[str, Tensor], Tensor]:
        """Return inputs and targets of some texts."""
        rows, steps = key if isinstance(key, Part) else Part(key)
        return self.inputs.gather(rows, steps), torch.from_numpy(self.targets[rows])

    def batch_size_of(self, key: Ints) -> int:
        """Return how many texts the batch has."""
        return len(key)

    def rows_of(self, key: Ints) -> int:
        """Return how many texts the batch can be cut into."""
        return len(key)

    def share(self, key: Ints, rows: slice) -> Part:
        """Return some texts of a batch, as long as its longest."""
        return Part(key[rows], int(self.inputs.lengths[key].max()))

    def weight(self, batch: Any) -> float:
        """Return what the mean divides by: the texts, or what their classes weigh."""
        return self.criterion.weight(batch[1])

    def loss(self, network: nn.Module, batch: Any) -> Tensor:
        """Return the mean loss of a batch."""
        texts, targets = batch
        return self.criterion(network(**texts), targets)

    def validation_loss(self, network: nn.Module) -> float | None:
        """Return the mean loss of the validation part."""
        if not len(self.validation):
            return None
        size = len(self.validation)
        own = own_rows(size, together=1 if self.sorts else self.batch_size)
        logits = np.zeros((size, self.targets.shape[1]), np.float32)
        if own.start < own.stop:
            logits[own] = predict_logits(network, self.inputs, self.validation[own], batch_size=self.batch_size)
        logits = summed(logits)
        found = decision_metrics(self.labels[self.validation], logits.argmax(axis=1), logits.shape[1])
        self.figures = {f"validation_{name}": found[name] for name in ("accuracy", "f1_macro")}
        return self.mean_loss(logits, self.validation)

    def mean_loss(self, logits: NDArray[np.float32], rows: Ints) -> float:
        """Return the mean loss of texts whose logits are known."""
        return float(self.criterion(torch.from_numpy(logits).double(), torch.from_numpy(self.targets[rows]).double()))


@torch.no_grad()
def predict_logits(
    network: nn.Module, inputs: Inputs, rows: Ints | None = None, *, batch_size: int = _JUDGED
) -> NDArray[np.float32]:
    """Return the logits of some texts, ``(len(rows), C)``, whatever batches they were computed in.

    Parameters
    ----------
    rows
        Row numbers; all when absent.
    batch_size
        Texts at once, for a network that reads the padding: its answers depend on it.
    """
    rows = np.arange(len(inputs), dtype=np.int64) if rows is None else rows
    padded = bool(getattr(network, "reads_padding", False))
    order = np.arange(len(rows)) if padded else np.argsort(inputs.lengths[rows], kind="stable")
    found = [
        network(**place(inputs.gather(rows[cut]), network)).float().cpu().numpy()
        for cut in _cut(order, batch_size if padded else _JUDGED)
    ]
    logits = np.concatenate(found) if found else np.zeros((0, 0), np.float32)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return logits[back]


def _cut(rows: Ints, size: int) -> list[Ints]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]
