"""Texts as numbered tokens between the encoder's marks, and batches of them in which some tokens are hidden."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gatewise.encoders.source import EncoderSource
from gatewise.encoders.tokens import Tokenizer
from gatewise.errors import InputError

#: One piece of a text: numbers of tokens, the marks of beginning and end not among them.
Piece = NDArray[np.int32]

#: Of the tokens that are guessed: hidden behind the mask, and, up to here, replaced by any token; the rest stay.
_HIDDEN, _REPLACED = 0.8, 0.9


class MaskedBatch(NamedTuple):
    """Texts of which some tokens are to be guessed.

    Attributes
    ----------
    ids : (B, T) numbers of the tokens that are read.
    mask : (B, T) whether a token is valid, False where it is padding.
    chosen : (B, T) whether a token is to be guessed.
    targets : (M,) what was to be guessed, in the order of `chosen`.
    """

    ids: Tensor
    mask: Tensor
    chosen: Tensor
    targets: Tensor

    def rows(self, rows: slice) -> MaskedBatch:
        """Return some rows of the batch."""
        behind = torch.arange(len(self.ids))[:, None].expand_as(self.chosen)[self.chosen]
        wanted = torch.zeros(len(self.ids), dtype=torch.bool)
        wanted[rows] = True
        return MaskedBatch(self.ids[rows], self.mask[rows], self.chosen[rows], self.targets[wanted[behind]])


class MaskTokenizer(Tokenizer):
    """An encoder's tokenizer that cuts no text off and knows the token that hides another.

    Raises
    ------
    InputError
        If it has no such token.
    """

    def __init__(self, source: EncoderSource) -> None:
        super().__init__(source, sys.maxsize)
        mask = self._tokenizer.mask_token_id
        if mask is None:
            raise InputError(
                f"encoder {source.name}: its tokenizer has no mask token, so it cannot be adapted by guessing masked "
                "words: take an encoder of the BERT family with its own tokenizer"
            )
        self.mask = int(mask)
        bare, word = self._numbers(["", "a"])
        begin = next(
            (place for place, (one, other) in enumerate(zip(bare, word, strict=False)) if one != other), len(bare)
        )
        #: What stands before and behind every text.
        self.marks = (np.array(bare[:begin], np.int32), np.array(bare[begin:], np.int32))

    def cut(self, texts: Sequence[str], max_tokens: int) -> list[Piece]:
        """Return the texts' tokens in pieces that have, with their marks, at most `max_tokens`; nothing is lost."""
        begin, end = (len(mark) for mark in self.marks)
        most = max_tokens - begin - end
        pieces: list[Piece] = []
        tokens = self.tokenize(texts)
        for number in range(len(tokens)):
            row = tokens.row(number)
            body = row[begin : len(row) - end]
            pieces += [body[first : first + most] for first in range(0, len(body), most)]
        return pieces


def hide_tokens(
    pieces: Sequence[Piece], tokenizer: MaskTokenizer, share: float, generator: np.random.Generator
) -> MaskedBatch:
    """Choose tokens to be guessed, and hide them.

    Of each piece `share` of the tokens are chosen, at least one (Devlin et al. 2019, arXiv:1810.04805, appendix A.1):
    80 % are hidden behind the mask token, 10 % replaced by a token drawn from the vocabulary, 10 % left as they are.
    """
    begin, end = tokenizer.marks
    longest = max(len(piece) for piece in pieces) + len(begin) + len(end)
    ids = np.full((len(pieces), longest), tokenizer.pad, np.int64)
    mask, chosen = np.zeros(ids.shape, np.bool_), np.zeros(ids.shape, np.bool_)
    for row, piece in enumerate(pieces):
        length = len(begin) + len(piece) + len(end)
        ids[row, :length] = np.concatenate([begin, piece, end])
        mask[row, :length] = True
        count = max(1, round(share * len(piece)))
        chosen[row, len(begin) + generator.permutation(len(piece))[:count]] = True
    targets = ids[chosen]
    fate = generator.random(len(targets))
    drawn = generator.integers(tokenizer.vocabulary_size, size=len(targets))
    ids[chosen] = np.where(fate < _HIDDEN, tokenizer.mask, np.where(fate < _REPLACED, drawn, targets))
    return MaskedBatch(*(torch.from_numpy(part) for part in (ids, mask, chosen, targets)))
