"""In which order texts go through an encoder: each different text once, by length, hardly any padding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gatewise.encoders.tokens import Tokens

if TYPE_CHECKING:
    from torch import Tensor

    from gatewise.encoders.load import Encoder

#: Tokens in a batch, padding included: enough for large matrix products; what more would give, fresh memory would take.
BATCH_TOKENS = 4096
#: A batch of fewer tokens takes texts of the next lengths in, as long as no more than this share is padding.
_SMALL, _PADDING = 2048, 0.05


@dataclass(frozen=True)
class Order:
    """The different texts among some, by length; texts that are equal, token for token, are one.

    Attributes
    ----------
    rows
        For each different text one of the rows that hold it, by length ``(u,)``.
    place
        Where each text stands among the different ones ``(n,)``.
    starts
        Where each different text's tokens begin when all lie end to end, and the end ``(u + 1,)``.
    """

    rows: NDArray[np.int64]
    place: NDArray[np.int64]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, tokens: Tokens) -> Order:
        """Return the order of some texts."""
        seen: dict[bytes, int] = {}
        first: list[int] = []
        which = np.empty(len(tokens), np.int64)
        for row in range(len(tokens)):
            which[row] = seen.setdefault(tokens.row(row).tobytes(), len(seen))
            if which[row] == len(first):
                first.append(row)
        rows = np.asarray(first, np.int64)
        by_length = np.argsort(tokens.lengths[rows], kind="stable")
        place = np.empty(len(rows), np.int64)
        place[by_length] = np.arange(len(rows))
        rows = rows[by_length]
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(tokens.lengths[rows], dtype=np.int64)])
        return cls(rows, place[which], starts)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def tokens(self) -> int:
        """Tokens of all different texts."""
        return int(self.starts[-1])

    def batches(self, most: int = BATCH_TOKENS) -> list[tuple[int, int]]:
        """Return begin and end of every batch: texts of one length, or of nearly one where there are few."""
        lengths = np.diff(self.starts)
        found, begin = [], 0
        while begin < len(lengths):
            end = _end(lengths, begin, most)
            found.append((begin, end))
            begin = end
        return found


def _end(lengths: NDArray[np.int64], begin: int, most: int) -> int:
    """Return where the batch that begins at `begin` ends."""
    length = int(lengths[begin])
    end = min(int(np.searchsorted(lengths, length, side="right")), begin + max(1, most // length))
    valid = length * (end - begin)
    while end < len(lengths):
        longest = int(lengths[end])
        padded = longest * (end + 1 - begin)
        if padded > _SMALL or padded - (valid + longest) > _PADDING * padded:
            break
        valid, end = valid + longest, end + 1
    return end


def encode_batch(encoder: Encoder, tokens: Tokens, rows: NDArray[np.int64]) -> list[Tensor]:
    """Return, for each layer of the encoder, the states of some texts' tokens end to end, float32 ``(N, D)``."""
    import torch

    lengths = tokens.lengths[rows]
    longest = int(lengths.max())
    mask = np.arange(longest) < lengths[:, None]
    ids = np.full(mask.shape, encoder.pad, np.int64)
    ids[mask] = np.concatenate([tokens.row(int(row)) for row in rows])
    valid = torch.from_numpy(mask)
    states = encoder.states(torch.from_numpy(ids), valid)
    if mask.all():
        return [one.reshape(-1, encoder.width) for one in states.unbind(1)]
    return [one[valid] for one in states.unbind(1)]
