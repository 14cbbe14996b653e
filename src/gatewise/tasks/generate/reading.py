"""Reading given text: a prompt before writing, or a text to be scored. Every text begins from nothing."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gatewise.cells import State
from gatewise.data.text import Vocabulary
from gatewise.models import TextNetwork
from gatewise.tasks.generate.sampling import probabilities

Ids = NDArray[np.int64]

#: Vocabulary of all texts of a batch that are read at once, the state carried from piece to piece.
_PIECE = 8192


@torch.inference_mode()
def read(network: TextNetwork, prompts: Sequence[Ids]) -> tuple[NDArray[np.float32], State]:
    """Return the logits ``(B, V)`` of what follows each prompt, and the state after it.

    Equal prompts are read once, those of one length in one batch; nothing is padded.
    """
    places: dict[int, dict[bytes, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, prompt in enumerate(prompts):
        places[len(prompt)][prompt.tobytes()].append(place)
    order: list[int] = []
    found: list[tuple[Tensor, ...]] = []
    for group in places.values():
        unequal = [prompts[same[0]] for same in group.values()]
        logits, state = _last(network, _from_nothing(network, np.stack(unequal)))
        repeats = torch.tensor([len(same) for same in group.values()])
        found.append(tuple(part.repeat_interleave(repeats, dim=0) for part in (logits, *state)))
        order += [place for same in group.values() for place in same]
    back = torch.tensor(order).argsort()
    logits, *parts = (torch.cat(pieces)[back] for pieces in zip(*found, strict=True))
    return logits.numpy(), tuple(parts)


def _from_nothing(network: TextNetwork, ids: Ids) -> Tensor:
    """Return ``(B, T)`` symbols as the network reads them, ``(B, T + 1)``."""
    return torch.nn.functional.pad(torch.from_numpy(ids), (1, 0), value=network.nothing)


def _last(network: TextNetwork, ids: Tensor) -> tuple[Tensor, State]:
    """Return the logits of the last step and the state after it."""
    *_, (logits, state) = _pieces(network, ids)
    return logits[:, -1], state


def _pieces(network: TextNetwork, ids: Tensor) -> Iterator[tuple[Tensor, State]]:
    """Yield logits ``(B, t, V)`` and state, piece after piece."""
    was_training = network.training
    network.eval()
    try:
        state = network.initial_state(ids.shape[0])
        for piece in torch.split(ids, max(1, _PIECE // ids.shape[0]), dim=1):
            logits, state = network(piece, state)
            yield logits, state
    finally:
        network.train(was_training)


@torch.inference_mode()
def log_probs(network: TextNetwork, vocabulary: Vocabulary, text: str) -> NDArray[np.float64]:
    """Return the natural-log probability of each symbol of a text given all before it, in float64.

    The first symbol is predicted from nothing. A symbol that training never saw has probability 1 / (N + 1), N being
    the number of symbols in the training part.

    Examples
    --------
    ``log_probs(network, vocabulary, "ab")[1]`` equals ``log(next_probs(network, vocabulary, "a"))`` at b.
    """
    ids = vocabulary.encode(text)
    never = -math.log(vocabulary.total + 1)
    if len(ids) == 0:
        return np.empty(0)
    inputs, found, start = _from_nothing(network, ids[None, :-1]), [], 0
    for logits, _ in _pieces(network, inputs):
        targets = torch.from_numpy(ids[start : start + logits.shape[1]])
        seen = targets < network.symbols
        chosen = torch.where(seen, targets, 0)[:, None]
        values = logits[0].double().log_softmax(dim=1).gather(1, chosen)[:, 0]
        found.append(torch.where(seen, values, never))
        start += len(targets)
    return torch.cat(found).numpy()


def next_probs(network: TextNetwork, vocabulary: Vocabulary, text: str) -> NDArray[np.float64]:
    """Return the probability of each symbol ``(V,)`` after a text; they sum to 1."""
    logits, _ = read(network, [vocabulary.encode(text)])
    chances: NDArray[np.float64] = probabilities(logits.astype(np.float64))[0]
    return chances
