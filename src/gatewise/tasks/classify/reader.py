"""From cleaned texts to what the network takes: states of an encoder that runs once, or numbers of words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gatewise.encoders import Encoder, Features, encode_now, encode_texts, find_encoder, plan_encoding
from gatewise.encoders.onnx import measure_drift
from gatewise.settings import FROM_SCRATCH, ClassifySettings
from gatewise.tasks.classify.words import TokenVocabulary
from gatewise.training import Progress

Ints = NDArray[np.int64]

#: Encoding that takes longer than this, in seconds, is announced.
_WORTH_SAYING = 20.0


@dataclass
class Inputs:
    """Texts as a network takes them, by their row numbers.

    Attributes
    ----------
    lengths : (n,) tokens of each text, one at least.
    lost : (n,) tokens that were cut off.
    ids, offsets : numbers of all tokens, and where each text's begin; None where the network needs none.
    features : states of the encoder; None where the network computes them, or has no encoder.
    """

    lengths: Ints
    lost: Ints
    ids: NDArray[np.integer[Any]] | None = None
    offsets: Ints | None = None
    features: Features | None = None

    def __len__(self) -> int:
        return len(self.lengths)

    def gather(self, rows: Ints, length: int | None = None) -> dict[str, Tensor]:
        """Return mask, states and numbers of some texts, padded to `length`, or to the longest of them."""
        steps = np.arange(int(self.lengths[rows].max()) if length is None else length)
        mask = steps < self.lengths[rows][:, None]  # (B, T)
        batch = {"mask": torch.from_numpy(mask)}
        if self.features is not None:
            batch["states"] = torch.from_numpy(self.features.gather(rows, length)[0])
        if self.ids is not None and self.offsets is not None:
            where = np.minimum(self.offsets[rows][:, None] + steps, len(self.ids) - 1)
            batch["ids"] = torch.from_numpy(np.where(mask, self.ids[where], 0).astype(np.int64))
        return batch


class Reader(Protocol):
    """Turns cleaned texts into inputs.

    Attributes
    ----------
    width : width of an encoder's states, 0 where there are none.
    layers : hidden layers of the encoder that are given.
    vocabulary : tokens that have a number, 0 where the network needs none.
    notes : what a person should know.
    """

    width: int
    layers: int
    vocabulary: int
    notes: list[str]

    def read(self, clean: Sequence[str], *, keep: bool = False, progress: Progress | None = None) -> Inputs:
        """Read texts; with `keep` an encoder's states are kept on disk for the next time, and its notes complete."""


@dataclass
class EncoderReader:
    """Reads through a pretrained encoder.

    Attributes
    ----------
    with_states : whether the states are computed here; a network that trains its encoder computes them itself.
    with_ids : whether the network needs the tokens' numbers.
    """

    encoder: Encoder
    precision: str
    with_states: bool = True
    with_ids: bool = False
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.width, self.layers = self.encoder.width, self.encoder.layers
        self.vocabulary = self.encoder.vocabulary_size if self.with_ids else 0

    def read(self, clean: Sequence[str], *, keep: bool = False, progress: Progress | None = None) -> Inputs:
        """Tokenise the texts, and encode them or find their states on disk."""
        tokens = self.encoder.tokenize(clean)
        inputs = Inputs(np.diff(tokens.offsets), tokens.lost)
        if self.with_ids:
            inputs.ids, inputs.offsets = tokens.ids, tokens.offsets[:-1]
        if self.with_states and keep:
            if progress is not None:
                plan = plan_encoding(self.encoder, tokens, self.precision)
                if plan.seconds > _WORTH_SAYING:
                    progress.tell(plan.sentence)
            if self.encoder.settings.runtime != "torch":
                self.notes.append(measure_drift(self.encoder, tokens).sentence)
            watch = None if progress is None else partial(progress.work, "encoding")
            inputs.features = encode_texts(self.encoder, tokens, precision=self.precision, progress=watch)
        elif self.with_states:
            inputs.features = encode_now(self.encoder, tokens, precision=self.precision)
        return inputs


@dataclass
class WordReader:
    """Reads words or characters by the vocabulary of the training part."""

    tokens: TokenVocabulary
    max_tokens: int
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.width, self.layers, self.vocabulary = 0, 1, len(self.tokens)

    def read(self, clean: Sequence[str], *, keep: bool = False, progress: Progress | None = None) -> Inputs:  # noqa: ARG002
        """Look up the tokens' numbers; a text without any reads one unknown token."""
        rows, lost = self.tokens.encode(clean, self.max_tokens)
        rows = [row if len(row) else np.zeros(1, np.int64) for row in rows]
        lengths = np.array([len(row) for row in rows], np.int64)
        offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
        return Inputs(lengths, lost, np.concatenate(rows) if rows else np.zeros(0, np.int64), offsets)


def create_reader(settings: ClassifySettings, train: Sequence[str]) -> Reader:
    """Make the reader that the settings ask for.

    Parameters
    ----------
    train
        Cleaned texts of the training part, from which words and characters are learned.

    Raises
    ------
    SettingsError, InputError
        If the encoder is not there or cannot be used.
    """
    asked = settings.encoder
    if asked.name in FROM_SCRATCH:
        kind: Any = asked.name
        vocabulary = TokenVocabulary.fit(train, kind, most=asked.vocabulary - 1, least=asked.minimum_count)
        return WordReader(vocabulary, settings.data.max_tokens)
    source = find_encoder(asked.name, revision=asked.revision, download=asked.download)
    return encoder_reader(settings, Encoder.load(source, asked, max_tokens=settings.data.max_tokens))


def encoder_reader(settings: ClassifySettings, encoder: Encoder) -> EncoderReader:
    """Make the reader of an encoder that is loaded."""
    trained = bool(settings.encoder.tune_layers or settings.encoder.lora_rank)
    with_ids = trained or settings.model.token_embedding > 0
    return EncoderReader(encoder, settings.encoder.precision, not trained, with_ids, list(encoder.notes))
