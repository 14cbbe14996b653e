"""A trained classifier in memory: cleaning, reader, network, and how its logits become probabilities and decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from gatewise.data.labelled import Cleaner
from gatewise.encoders import Encoder
from gatewise.encoders.tuning import trainable_encoder
from gatewise.models import ClassifyNetwork
from gatewise.registry import cleaning_steps
from gatewise.settings import ClassifySettings
from gatewise.tasks.classify.calibration import at_temperature
from gatewise.tasks.classify.reader import EncoderReader, Inputs, Ints, Reader, WordReader
from gatewise.tasks.classify.thresholds import decide
from gatewise.tasks.classify.training import predict_logits
from gatewise.tasks.classify.words import read_vectors
from gatewise.training import Seeds
from gatewise.training.device import DTYPES

Floats = NDArray[np.float64]

#: Texts whose states are in memory together when they are classified.
_AT_ONCE = 1000


@dataclass
class ClassifyModel:
    """What belongs together to classify a text.

    Attributes
    ----------
    classes : names of the classes, by their numbers.
    prior : (C,) shares of the classes in the training part: the answer for a text of which cleaning leaves nothing.
    temperature : what logits are divided by, so that probabilities on validation are as sure as they are right.
    offsets : (C,) added to log-probabilities for a decision by thresholds; None where none were chosen.
    labels : what stood for each class in labels that were given in Python: numbers, bools or names; None for tables.
    """

    settings: ClassifySettings
    network: ClassifyNetwork
    reader: Reader
    classes: tuple[str, ...]
    prior: Floats
    temperature: float = 1.0
    offsets: Floats | None = None
    labels: tuple[Any, ...] | None = None
    cleaner: Cleaner = field(init=False)

    def __post_init__(self) -> None:
        self.cleaner = Cleaner(cleaning_steps(self.settings.data.cleaning))

    @property
    def parameters(self) -> int:
        """Number of trained weights."""
        return sum(weight.numel() for weight in self.network.parameters() if weight.requires_grad)

    def read(self, texts: Sequence[str]) -> tuple[list[str], Inputs]:
        """Clean texts and read them; spaces alone are nothing, as they were in training."""
        clean = [text if text.strip() else "" for text in map(self.cleaner, texts)]
        return clean, self.reader.read(clean)

    def log_probs(self, texts: Sequence[str]) -> Floats:
        """Return the log-probability of every class for raw texts, ``(n, C)``."""
        found = [np.zeros((0, len(self.classes)))]
        for start in range(0, len(texts), _AT_ONCE):
            clean, inputs = self.read(texts[start : start + _AT_ONCE])
            found.append(self.log_probs_of(inputs, np.array([not text for text in clean])))
        return np.concatenate(found)

    def log_probs_of(self, inputs: Inputs, empty: NDArray[np.bool_], rows: Ints | None = None) -> Floats:
        """Return the log-probability of every class for texts that were read.

        Parameters
        ----------
        empty : (n,)
            Texts of which cleaning left nothing.
        rows
            Row numbers; all when absent.
        """
        rows = np.arange(len(inputs), dtype=np.int64) if rows is None else rows
        if not len(rows):
            return np.zeros((0, len(self.classes)))
        logits = predict_logits(self.network, inputs, rows, batch_size=self.settings.train.batch_size)
        return self.calibrated(logits, empty[rows])

    def calibrated(self, logits: NDArray[np.float32], empty: NDArray[np.bool_]) -> Floats:
        """Turn logits into log-probabilities."""
        log_probs: Floats = at_temperature(logits, self.temperature)
        log_probs[empty] = np.log(self.prior)
        return log_probs

    def decide(self, log_probs: Floats, *, tuned: bool = False) -> Ints:
        """Return the number of the class of each text: the likeliest, or with `tuned` by the thresholds."""
        decided: Ints = decide(log_probs, self.offsets if tuned else None)
        return decided


def create_network(
    settings: ClassifySettings, reader: Reader, classes: int, seeds: Seeds | None = None, *, fresh: bool = True
) -> ClassifyNetwork:
    """Make an untrained network; its start weights and dropout come from `seeds`, for fixed ones when absent.

    Parameters
    ----------
    fresh
        Whether word vectors from a file are read in; a trained network has its own.

    Raises
    ------
    SettingsError, DataError
        If an option cannot be used, or the file of word vectors cannot.
    """
    seeds = seeds or Seeds.of(settings)
    model, vectors = settings.model, None
    if fresh and settings.encoder.vectors and isinstance(reader, WordReader):
        vectors, found = read_vectors(settings.encoder.vectors, reader.tokens)
        model = model.model_copy(update={"embedding": vectors.shape[1]})
        reader.notes.append(f"{int(found.sum()):,} of {len(found) - 1:,} words start from a vector of the file")
    init, dropout = seeds.init_generator(), seeds.dropout_generator(settings.train.device)
    encoder = _trained_encoder(settings, reader, init)
    network = ClassifyNetwork(
        model,
        classes=classes,
        width=reader.width,
        layers=reader.layers,
        vocabulary=reader.vocabulary if isinstance(reader, WordReader) or model.token_embedding else 0,
        encoder=encoder,
        encoder_rate=settings.encoder.learning_rate,
        init_generator=init,
        dropout_generator=dropout,
    )
    if vectors is not None and network.embedding is not None:
        with torch.no_grad():
            network.embedding[torch.from_numpy(found)] = torch.from_numpy(vectors[found])
    made: ClassifyNetwork = network.to(dtype=DTYPES[settings.train.precision])
    return made


def _trained_encoder(settings: ClassifySettings, reader: Reader, generator: torch.Generator) -> nn.Module | None:
    """Return the encoder as a part of the network, where some of it is trained."""
    if not isinstance(reader, EncoderReader) or reader.with_states:
        return None
    encoder: Encoder = reader.encoder
    return trainable_encoder(encoder, settings.encoder, generator=generator)
