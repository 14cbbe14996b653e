"""How well a network predicts a text that it learns from, each symbol predicted before it is learned.

Two protocols. Dynamic evaluation: a copy of a trained network goes on learning from the held-out text. Prequential
coding (Dawid 1984): a network with fresh weights goes over the training text once; its mean loss is what it would cost
to send the text to somebody who runs the same program, so nothing can leak and no held-out part is needed.

A dropout mask would change what is predicted, and nothing is read twice, so dropout is off while learning too.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from gatewise.errors import DivergedError
from gatewise.models import TextNetwork
from gatewise.settings import TextTrainSettings
from gatewise.tasks.generate.evaluation import checked_spans, evaluating, on_device
from gatewise.tasks.generate.predicted import Ids, Ints, Predicted, unseen_cost
from gatewise.training.optimizers import create_optimizer

#: Shares of the text at which the prequential curve is read.
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def dynamic(
    network: TextNetwork,
    ids: Ids,
    spans: Ints,
    learning_rate: float,
    *,
    training_symbols: int,
    decay: float = 0.001,
    chunk: int = 64,
) -> Predicted:
    """Predict as :func:`~gatewise.tasks.generate.evaluation.carried` does, with a copy that goes on learning.

    After each chunk is predicted, the copy makes a step of gradient descent on its mean loss and is drawn back towards
    the trained weights: ``w <- w - learning_rate * gradient + decay * (w_trained - w)`` (Krause et al. 2018,
    arXiv:1709.07432, eq. 3 and 5, with plain gradient descent). What it learns goes on from span to span.

    Parameters
    ----------
    ids, spans, training_symbols
        As for the carried pass.
    learning_rate
        Step size; 0 learns nothing and gives the carried pass.
    decay
        Share of the way back to the trained weights at each step.
    chunk
        Symbols that are predicted between two steps.

    Raises
    ------
    DivergedError
        If a loss is no longer finite: the learning rate is too large.
    """
    learner = _twin(network)
    weights = [weight for weight in learner.parameters() if weight.requires_grad]
    trained = [weight.detach().clone() for weight in weights]

    @torch.no_grad()
    def learn() -> None:
        moved = [(w, w.grad, home) for w, home in zip(weights, trained, strict=True) if w.grad is not None]
        for weight, gradient, home in moved:
            # Krause et al. 2018, eq. 5: the step and the pull both start from the weights before them.
            weight.copy_(weight - learning_rate * gradient + decay * (home - weight))

    return _learn_along(learner, ids, spans, learn, unseen_cost(training_symbols), chunk)


def prequential(
    make_network: Callable[[], TextNetwork],
    settings: TextTrainSettings,
    ids: Ids,
    spans: Ints,
    *,
    training_symbols: int,
    chunk: int = 64,
) -> Predicted:
    """Go over a text once from fresh weights: each chunk is predicted, then learned by one step of the optimiser.

    The text is read in its order as one stream. The optimiser, its constant learning rate and the clipping are those
    of the run; its schedule, batches and loss are not used, because a text that comes once has no epochs. What the
    symbols are is taken as known.

    Parameters
    ----------
    make_network
        Makes the network with its start weights.
    settings
        ``optimizer``, ``learning_rate``, ``momentum``, ``weight_decay`` and ``clip_norm`` are used.
    ids, spans, training_symbols
        As for the carried pass; the spans of the training part.
    chunk
        Symbols that are predicted between two steps.

    Returns
    -------
    Predicted
        Every symbol of the spans in their order; :func:`running_curve` reads it.

    Raises
    ------
    DivergedError
        If a loss is no longer finite: the learning rate is too large.
    """
    network = make_network()
    optimizer = create_optimizer(network.parameters(), settings)

    def learn() -> None:
        if settings.clip_norm is not None:
            nn.utils.clip_grad_norm_(network.parameters(), settings.clip_norm)
        optimizer.step()

    return _learn_along(network, ids, spans, learn, unseen_cost(training_symbols), chunk)


def running_curve(log_probs: np.ndarray[Any, np.dtype[np.float64]]) -> list[dict[str, Any]]:
    """Return the bits per character so far after 1 %, 2 %, 5 %, 10 %, 20 %, 50 % and all of a text.

    Examples
    --------
    >>> running_curve(np.log(np.repeat([0.25, 0.5], 50)))[-2:]
    [{'share': 0.5, 'n': 50, 'bits_per_char': 2.0}, {'share': 1.0, 'n': 100, 'bits_per_char': 1.5}]
    """
    total = np.cumsum(-np.asarray(log_probs, np.float64)) / np.log(2)
    counts = [(share, round(share * len(total))) for share in SHARES]
    return [{"share": s, "n": n, "bits_per_char": float(total[n - 1] / n)} for s, n in counts if n]


def _learn_along(
    network: TextNetwork, ids: Ids, spans: Ints, learn: Callable[[], None], unseen: float, chunk: int
) -> Predicted:
    """Read spans in their order; after each predicted chunk its gradient is there and `learn` is called."""
    spans = checked_spans(spans, len(ids))
    found = Predicted.empty(int((spans[:, 1] - spans[:, 0]).sum()))
    at = 0
    with torch.enable_grad(), evaluating(network):
        for begin, end in spans.tolist():
            state, last = network.initial_state(1), network.nothing
            for first in range(begin, end, chunk):
                target = ids[first : min(first + chunk, end)]
                read = np.concatenate([[last], target[:-1]])[None]
                logits, state = network(on_device(network, read), state)
                where = first + np.arange(len(target))
                found.put(slice(at, at + len(target)), logits[0], target, where, where - begin + 1, unseen)
                if (target < network.symbols).any():
                    loss = functional.cross_entropy(logits[0], on_device(network, target), ignore_index=network.nothing)
                    if not bool(loss.isfinite()):
                        raise DivergedError(
                            f"learning along the text diverged after {at} symbols: choose a smaller learning rate"
                        )
                    network.zero_grad()
                    loss.backward()  # type: ignore[no-untyped-call]
                    learn()
                state, last = tuple(part.detach() for part in state), int(target[-1])
                at += len(target)
    return found


def _twin(network: TextNetwork) -> TextNetwork:
    """Return a copy that learns on its own."""
    learner = copy.deepcopy(network)
    learner.zero_grad()
    return learner
