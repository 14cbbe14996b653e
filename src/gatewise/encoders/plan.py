"""What encoding some texts would cost, before it begins."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from gatewise.caching import cache_folder
from gatewise.encoders.batches import encode_batch
from gatewise.encoders.cache import Store
from gatewise.encoders.load import Encoder
from gatewise.encoders.room import in_words
from gatewise.encoders.tokens import Tokens

#: Places among all batches at which a few texts are timed, and the most tokens of each.
_PLACES, _TIMED_TOKENS = 5, 2048


@dataclass(frozen=True)
class Plan:
    """Size and time of an encoding.

    Attributes
    ----------
    texts
        Different texts that would go through the encoder.
    bytes
        What would be written.
    seconds
        About how long it would take on this machine, now.
    sentence
        All that, for a person.
    """

    texts: int
    bytes: int
    seconds: float
    sentence: str


def plan_encoding(encoder: Encoder, tokens: Tokens, precision: str = "float16") -> Plan:
    """Return what :func:`encode_texts` would cost; a few of the texts are encoded to see how long it takes."""
    store = Store(encoder, tokens, precision)
    missing = store.missing()
    if not missing or not len(tokens):
        return Plan(0, 0, 0.0, f"the hidden states of all {len(tokens):,} texts are in the cache")
    order, size = store.order, store.layer_bytes * len(missing)
    seconds = _seconds_a_token(store) * order.tokens
    sentence = (
        f"{len(order):,} different texts ({order.tokens:,} tokens) go through the encoder {encoder.source.name} once: "
        f"about {_time(seconds)} and {in_words(size)} in {cache_folder('encoders')}, which later runs read"
    )
    return Plan(len(order), size, seconds, sentence)


def _seconds_a_token(store: Store) -> float:
    batches = store.order.batches()
    spent, timed = 0.0, 0
    for number, place in enumerate([0, *np.linspace(0, len(batches) - 1, _PLACES).astype(int)]):
        first, end = batches[place]
        length = int(store.tokens.lengths[store.order.rows[end - 1]])
        rows = store.order.rows[first : min(end, first + max(1, _TIMED_TOKENS // length))]
        begin = time.perf_counter()
        encode_batch(store.encoder, store.tokens, rows)
        if number:  # the first only warms up
            spent += time.perf_counter() - begin
            timed += int(store.tokens.lengths[rows].sum())
    return spent / timed


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
