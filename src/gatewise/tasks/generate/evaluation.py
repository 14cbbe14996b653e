"""How well a network predicts a text it does not learn from: in one pass, in cold windows, with memory cut short.

The protocols differ in what the network has read when it predicts a symbol, so each number goes with its protocol's
name. Where the network goes on learning (dynamic, prequential) is in :mod:`gatewise.tasks.generate.adaptive`.
Dropout is off in all of them, and the network is left as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gatewise.errors import InputError
from gatewise.models import TextNetwork
from gatewise.tasks.generate.predicted import Ids, Ints, Predicted, unseen_cost

#: Symbols of all texts side by side that the network reads in one call, and logits that it may give in one.
_ROWS = 8192
_LOGITS = 4_000_000
#: Texts side by side in the carried pass, windows side by side when cold.
_LANES = 64


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put every module into evaluation mode, and back into the mode it was in."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def carried(network: TextNetwork, ids: Ids, spans: Ints, *, training_symbols: int) -> Predicted:
    """Predict every symbol of each span from all symbols of the span before it.

    Every span begins from nothing. Spans are read side by side, because a step of several texts costs little more than
    a step of one; a span itself is never cut, so that the numbers are those of reading it alone.

    Parameters
    ----------
    ids
        Numbers of the text's symbols; V is a symbol that training never saw: it is read as nothing, and predicting it
        costs ``ln(training_symbols + 1)``.
    spans : (S, 2)
        Begin and end of each part.
    training_symbols
        Number N of symbols in the training part.

    Returns
    -------
    Predicted
        Every symbol of the spans, in their order.

    Raises
    ------
    InputError
        If a span does not lie in the text.
    """
    spans = checked_spans(spans, len(ids))
    unseen = unseen_cost(training_symbols)
    lengths = spans[:, 1] - spans[:, 0]
    places = np.concatenate([[0], np.cumsum(lengths)])
    found = Predicted.empty(int(places[-1]))
    longest_first = [int(row) for row in np.argsort(-lengths, kind="stable") if lengths[row]]
    with torch.inference_mode(), evaluating(network):
        for first in range(0, len(longest_first), _LANES):
            lanes = longest_first[first : first + _LANES]
            _carry_side_by_side(network, ids, [(int(spans[r, 0]), int(lengths[r]), int(places[r])) for r in lanes],
                                found, unseen)  # fmt: skip
    return found


def _carry_side_by_side(
    network: TextNetwork, ids: Ids, lanes: Sequence[tuple[int, int, int]], found: Predicted, unseen: float
) -> None:
    """Read spans (begin, length, place in `found`), the longest first, together from their start."""
    state = network.initial_state(len(lanes))
    last = np.full(len(lanes), network.nothing, np.int64)  # what each lane has read last
    done = 0
    while lanes := [lane for lane in lanes if lane[1] > done]:
        steps = min(chunk_steps(network, len(lanes)), lanes[0][1] - done)
        targets = [ids[begin + done : begin + min(done + steps, length)] for begin, length, _ in lanes]
        read = np.full((len(lanes), steps), network.nothing, np.int64)
        for row, target in enumerate(targets):
            read[row, 0] = last[row]
            read[row, 1 : len(target)] = target[:-1]
        logits, state = network(on_device(network, read), [part[: len(lanes)] for part in state])
        for row, (target, (begin, _, place)) in enumerate(zip(targets, lanes, strict=True)):
            n, at = len(target), place + done
            found.put(slice(at, at + n), logits[row, :n], target, begin + done + np.arange(n),
                      done + 1 + np.arange(n), unseen)  # fmt: skip
        last = np.array([target[-1] for target in targets], np.int64)
        done += steps


def cold(network: TextNetwork, ids: Ids, spans: Ints, *, training_symbols: int, window: int = 256) -> Predicted:
    """Predict the symbols of windows, each read from a fresh state, as nanoGPT judges its models.

    A span's windows begin at 0, `window`, 2 `window` ...; each reads `window` symbols and predicts the one after each
    of them. What does not fill a window at a span's end is left out, and so is the span's first symbol.

    Parameters
    ----------
    ids, spans, training_symbols
        See :func:`carried`.
    window
        Symbols that are read.

    Returns
    -------
    Predicted
        The predicted symbols, window after window; ``position`` counts the symbols that were read.
    """
    spans = checked_spans(spans, len(ids))
    unseen = unseen_cost(training_symbols)
    starts = np.concatenate([np.arange(b, e - window, window) for b, e in spans] or [np.empty(0, np.int64)])
    found = Predicted.empty(len(starts) * window)
    together = max(1, min(_LANES, _ROWS // window, _LOGITS // (window * network.symbols)))
    with torch.inference_mode(), evaluating(network):
        for first in range(0, len(starts), together):
            begins = starts[first : first + together]
            text = np.stack([ids[int(b) : int(b) + window + 1] for b in begins])
            logits, _ = network(on_device(network, text[:, :-1]))
            where = begins[:, None] + 1 + np.arange(window)
            position = np.broadcast_to(1 + np.arange(window), where.shape)
            rows = slice(first * window, (first + len(begins)) * window)
            found.put(rows, logits.flatten(0, 1), text[:, 1:].ravel(), where.ravel(), position.ravel(), unseen)
    return found


def memory_curve(
    network: TextNetwork,
    ids: Ids,
    spans: Ints,
    *,
    training_symbols: int,
    contexts: Sequence[int] = (1, 3, 10, 50, 250),
    samples: int = 5000,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Return the loss when the network may read only the last k symbols, each time from a fresh state.

    The same symbols, drawn from those that have the longest context before them, are predicted with every k.

    Parameters
    ----------
    ids, spans, training_symbols
        See :func:`carried`.
    contexts
        Every k; one that no span is longer than is left out.
    samples
        Symbols that are predicted, at most.
    seed
        Of the drawing.

    Returns
    -------
    list
        Rows ``{"context", "nats_per_char", "standard_error", "accuracy", "n"}``, shortest context first.

    Raises
    ------
    InputError
        If a context is not a whole number above 0.
    """
    spans = checked_spans(spans, len(ids))
    if any(k < 1 for k in contexts):
        raise InputError(f"a context is a number of symbols from 1 on (found {list(contexts)})")
    longest = int((spans[:, 1] - spans[:, 0]).max(initial=0))
    usable = sorted({k for k in contexts if k < longest})
    if not usable:
        return []
    drawn = _draw(spans, usable[-1], samples, np.random.default_rng(seed))
    rows = []
    for context in usable:
        made = _predict_from(network, ids, drawn, context, unseen_cost(training_symbols))
        rows.append(
            {
                "context": context,
                "nats_per_char": float(-made.log_probs.mean()),
                "standard_error": float(made.log_probs.std(ddof=1) / len(made) ** 0.5) if len(made) > 1 else None,
                "accuracy": float(made.right.mean()),
                "n": len(made),
            }
        )
    return rows


def _draw(spans: Ints, context: int, samples: int, generator: np.random.Generator) -> Ints:
    """Return places in the text, in order, that have `context` symbols of their span before them."""
    lengths = np.maximum(spans[:, 1] - spans[:, 0] - context, 0)
    ends = np.cumsum(lengths)
    chosen = np.sort(generator.choice(int(ends[-1]), min(samples, int(ends[-1])), replace=False, shuffle=False))
    span = np.searchsorted(ends, chosen, side="right")
    places: Ints = spans[span, 0] + context + chosen - (ends - lengths)[span]
    return places


def _predict_from(network: TextNetwork, ids: Ids, places: Ints, context: int, unseen: float) -> Predicted:
    """Predict the symbols at `places` from the `context` symbols before each."""
    found = Predicted.empty(len(places))
    together = max(1, min(512, 16 * _ROWS // context, _LOGITS // (context * network.symbols)))
    with torch.inference_mode(), evaluating(network):
        for first in range(0, len(places), together):
            at = places[first : first + together]
            text = np.stack([ids[int(p) - context : int(p) + 1] for p in at])
            logits, _ = network(on_device(network, text[:, :-1]))
            position = np.full(len(at), context)
            found.put(slice(first, first + len(at)), logits[:, -1], text[:, -1], at, position, unseen)
    return found


def chunk_steps(network: TextNetwork, lanes: int) -> int:
    """Return how many steps to read at once, so that what the network gives stays small."""
    return max(1, min(_ROWS, _LOGITS // network.symbols) // lanes)


def on_device(network: TextNetwork, ids: Ints) -> Tensor:
    """Return ids as a tensor where the network's weights are."""
    return torch.tensor(ids).to(next(network.parameters()).device)


def checked_spans(spans: Ints, n: int) -> Ints:
    """Return spans as ``(S, 2)`` whole numbers that lie in a text of n symbols."""
    found: Ints = np.asarray(spans, np.int64).reshape(-1, 2)
    if (found[:, 0] < 0).any() or (found[:, 1] > n).any() or (found[:, 0] > found[:, 1]).any():
        raise InputError(f"spans must lie in a text of {n} symbols (found {found.min()} to {found.max()})")
    return found


def first_symbols(spans: Ints, most: int) -> Ints:
    """Return spans cut so that they hold at most the first `most` symbols."""
    return _kept(np.asarray(spans, np.int64).reshape(-1, 2), most)


def last_symbols(spans: Ints, most: int) -> Ints:
    """Return spans cut so that they hold at most the last `most` symbols."""
    turned = -np.asarray(spans, np.int64).reshape(-1, 2)[::-1, ::-1]
    kept: Ints = -_kept(turned, most)[::-1, ::-1]
    return kept


def _kept(spans: Ints, most: int) -> Ints:
    before = np.cumsum(spans[:, 1] - spans[:, 0]) - (spans[:, 1] - spans[:, 0])
    ends = np.minimum(spans[:, 1], spans[:, 0] + most - before)
    kept: Ints = np.stack([spans[:, 0], ends], axis=1)[ends > spans[:, 0]]
    return kept
