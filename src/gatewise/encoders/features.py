"""Hidden states of many texts, and batches of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gatewise.encoders.batches import Order, encode_batch
from gatewise.encoders.tokens import Tokens

if TYPE_CHECKING:
    from gatewise.encoders.load import Encoder

States = NDArray[np.floating[Any]]
#: Bytes that are read before the system is told that what lies in memory of the files may go: the memory a run takes
#: would otherwise grow to the size of the files.
_KEPT = 1 << 23


class Features:
    """Hidden states of texts, in memory or mapped from files.

    Parameters
    ----------
    states
        For each layer the states of all different texts' tokens, end to end ``(N, D)``, float16 or float32.
    order
        Which of the different texts each text is, and where its tokens begin.
    fresh
        Different texts that went through the encoder for this call; the others were there.
    seconds
        Time that took.
    let_go
        Tells the system that what it holds of the files in memory may go.
    """

    def __init__(
        self,
        states: Sequence[States],
        order: Order,
        *,
        fresh: int = 0,
        seconds: float = 0.0,
        let_go: Callable[[], None] | None = None,
    ) -> None:
        self._states = list(states)
        self._starts = order.starts[order.place]
        self.lengths: NDArray[np.int64] = np.diff(order.starts)[order.place]
        self._order = order
        self.fresh = fresh
        self.seconds = seconds
        self._let_go = let_go
        self._read = 0
        self.layers = len(self._states)
        self.width = int(self._states[0].shape[1])

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def bytes(self) -> int:
        """Size of all states."""
        return sum(one.nbytes for one in self._states)

    def gather(
        self, rows: NDArray[np.integer[Any]], length: int | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return a batch: states float32 ``(B, L, T, D)``, zero where there is padding, and mask ``(B, T)``.

        Parameters
        ----------
        length
            T; the longest text's when absent.
        """
        lengths = self.lengths[rows]
        longest = int(lengths.max(initial=0)) if length is None else length
        batch = np.zeros((len(lengths), self.layers, longest, self.width), self._states[0].dtype)
        for place, (start, length) in enumerate(zip(self._starts[rows].tolist(), lengths.tolist(), strict=True)):
            for layer, states in enumerate(self._states):
                batch[place, layer, :length] = states[start : start + length]
        self._count(batch.nbytes)
        return _float32(batch), np.arange(longest) < lengths[:, None]

    def means(self, layer: int = -1) -> NDArray[np.float32]:
        """Return each text's mean over its tokens, of one of the layers, float32 ``(n, D)``."""
        states, starts = self._states[layer], self._order.starts
        means = np.empty((len(self._order), self.width), np.float32)
        for begin in range(0, len(means), _MEANS_AT_ONCE):
            end = min(begin + _MEANS_AT_ONCE, len(means))
            piece = _float32(states[starts[begin] : starts[end]])
            means[begin:end] = np.add.reduceat(piece, starts[begin:end] - starts[begin], axis=0)
            self._count(piece.nbytes)
        means /= np.diff(starts)[:, None]
        return means[self._order.place]

    def _count(self, size: int) -> None:
        self._read += size
        if self._let_go is not None and self._read > _KEPT:
            self._let_go()
            self._read = 0


_MEANS_AT_ONCE = 512


def encode_now(encoder: Encoder, tokens: Tokens, *, precision: str = "float32") -> Features:
    """Return the states of texts, made now and kept in memory; for prediction.

    The same numbers as :func:`encode_texts` gives with the same `precision`: a head that was trained on float16 is
    asked about float16.
    """
    begin = time.perf_counter()
    order = Order.of(tokens)
    dtype = np.dtype(precision)
    states = [np.empty((order.tokens, encoder.width), dtype) for _ in range(encoder.layers)]
    for first, end in order.batches():
        made = encode_batch(encoder, tokens, order.rows[first:end])
        for kept, new in zip(states, made, strict=True):
            kept[order.starts[first] : order.starts[end]] = new.numpy()
    return Features(states, order, fresh=len(order), seconds=time.perf_counter() - begin)


def _float32(states: States) -> NDArray[np.float32]:
    if states.dtype == np.float32:
        return states
    import torch

    # torch widens several times as fast as NumPy, and refuses arrays that may not be written.
    half = states if states.flags.writeable else states.copy()
    wide: NDArray[np.float32] = torch.from_numpy(half).float().numpy()
    return wide
