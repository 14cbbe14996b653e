"""What compressors make of a held-out text: the bytes that it adds to the compressed training text.

A compressor goes on learning while it reads the held-out text, as a network does in dynamic evaluation only.
"""

from __future__ import annotations

import gzip
import lzma
import math
from abc import ABC, abstractmethod

from gatewise.tasks.generate.part import Ints, Part

__all__ = ["PPM", "Compressor", "Gzip", "Xz"]

#: Longest training text that is compressed (its end), and longest held-out text (its beginning), in bytes.
MOST_TRAIN, MOST_TEST = 16_000_000, 5_000_000


class Compressor(ABC):
    """A baseline that reads text: ``8 log(2) (bytes(train + test) - bytes(train))`` nats, at its highest level."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def nats(self, train: str | bytes, test: str | bytes) -> float:
        """Return the nats that compressing `test` after `train` adds; text is compressed as UTF-8."""
        before, after = _bytes(train), _bytes(test)
        if len(before) > MOST_TRAIN:
            self.notes.append(f"read the last {MOST_TRAIN:,} bytes of the training text's {len(before):,}")
            before = before[-MOST_TRAIN:]
        self._choose(before)
        return 8 * math.log(2) * self._added(before, after)

    def evaluate(self, train: Part, test: Part, byte_lengths: Ints) -> dict[str, float]:  # noqa: ARG002
        """Return the carried metrics on `test`, by name; see `gatewise.tasks.generate.baselines.TextBaseline`."""
        text, symbols = _bytes(test.text), float(test.ids.size)
        if not text:
            return {}
        if len(text) > MOST_TEST:
            self.notes.append(f"scored on the first {MOST_TEST:,} bytes of {len(text):,}")
            symbols *= MOST_TEST / len(text)
            text = text[:MOST_TEST]
        self.notes.append("goes on learning from the held-out text, as a network does under dynamic evaluation")
        nats = self.nats(train.text, text)
        return {
            "carried_nats_per_char": nats / symbols,
            "carried_bits_per_char": nats / math.log(2) / symbols,
            "carried_bits_per_byte": nats / math.log(2) / len(text),
        }

    def _choose(self, train: bytes) -> None:  # noqa: B027 - most have nothing to choose
        """Choose what there is to choose, on the training text alone."""

    def _added(self, before: bytes, after: bytes) -> int:
        return self._size(before + after) - self._size(before)

    @abstractmethod
    def _size(self, data: bytes) -> int:
        """Return how many bytes are left."""


class Gzip(Compressor):
    """Deflate, level 9. It looks back 32 KB, so only the end of the training text helps it."""

    def _size(self, data: bytes) -> int:
        return len(gzip.compress(data, compresslevel=9, mtime=0))


class Xz(Compressor):
    """LZMA2, preset 9 extreme; its dictionary of 64 MiB holds all that it is given."""

    def _size(self, data: bytes) -> int:
        return len(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))


class PPM(Compressor):
    """Prediction by partial matching: PPMd, variant H (Shkarin 2002), with 256 MB for its contexts.

    Its order is the one that adds least for the last tenth of the training text (of its last 4 MB, if it is longer).
    """

    orders = (4, 5, 6, 8, 10, 12, 16)
    memory = 1 << 28
    choosing = 4_000_000

    def _choose(self, train: bytes) -> None:
        end = train[-self.choosing :]
        cut = len(end) - len(end) // 10
        added = {}
        for order in self.orders:
            self.order = order
            added[order] = self._added(end[:cut], end[cut:])
        #: The chosen order: the longest context, in bytes.
        self.order = min(added, key=added.__getitem__)
        self.notes.append(f"order {self.order}, chosen on the training text's end")

    def _size(self, data: bytes) -> int:
        from pyppmd import Ppmd7Encoder

        encoder = Ppmd7Encoder(self.order, self.memory)
        return len(encoder.encode(data)) + len(encoder.flush())


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", errors="surrogatepass")
