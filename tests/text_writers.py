"""Small networks and a stand-in vocabulary for the tests of writing."""

from __future__ import annotations

import numpy as np
import torch

from gatewise.models import TextNetwork
from gatewise.settings import TextModelSettings


class Letters:
    """A vocabulary of single characters, or of bytes."""

    def __init__(self, symbols, kind="characters", unknown=None, total=1000):
        self.symbols, self.kind, self.unknown, self.total = tuple(symbols), kind, unknown, total

    def __len__(self):
        return len(self.symbols)

    def _cut(self, text):
        return text.encode().decode("latin-1") if self.kind == "bytes" else text

    def encode(self, text):
        places = {symbol: number for number, symbol in enumerate(self.symbols)}
        other = len(self) if self.unknown is None else self.unknown
        return np.array([places.get(one, other) for one in self._cut(text)], dtype=np.int64)

    def decode(self, ids):
        text = "".join(self.symbols[one] for one in ids if one < len(self))
        return text.encode("latin-1").decode(errors="replace") if self.kind == "bytes" else text

    def unseen(self, text):
        return [(place, one) for place, one in enumerate(self._cut(text)) if one not in self.symbols]


def make_network(symbols=6, seed=0, scale=4.0, **settings):
    """Return a network whose drawn weights are large enough that its output depends on what it read."""
    generator = torch.Generator().manual_seed(seed)
    values = {"cell": "gru", "units": 16, "embedding": 5, **settings}
    network = TextNetwork(TextModelSettings(**values), symbols, init_generator=generator).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight *= scale
        if network.embedding is not None:  # however embeddings start: what is read must not drown what was read before
            network.embedding.uniform_(-0.05 * scale, 0.05 * scale, generator=generator)
    return network
