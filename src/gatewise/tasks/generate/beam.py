"""Beam search: the likeliest texts, found by following several at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from gatewise.data.text import Vocabulary
from gatewise.models import TextNetwork
from gatewise.models.steps import TextSteps
from gatewise.settings import SamplingSettings
from gatewise.tasks.generate.constraints import Constraints
from gatewise.tasks.generate.reading import read
from gatewise.tasks.generate.result import Generated, finished
from gatewise.tasks.generate.stopping import GrowingText


class Beam(NamedTuple):
    """A text that is followed: its symbols, their log-probabilities, and the score it is ranked by."""

    score: float
    ids: list[int]
    log_probs: list[float]
    text: GrowingText

    @property
    def rank(self) -> float:
        """The score for each symbol, so that texts that stop at different places compare."""
        return self.score / max(1, len(self.ids))


@torch.inference_mode()
def beam_search(
    network: TextNetwork, vocabulary: Vocabulary, prompt: NDArray[np.int64], settings: SamplingSettings
) -> list[Generated]:
    """Return the ``settings.n`` likeliest texts after a prompt, the likeliest first.

    At every step the ``settings.beams`` likeliest continuations of all texts are followed on. A text that meets a stop
    string is put aside; the search ends with as many of these as there are beams, or at ``length``.
    """
    width = settings.beams
    logits, state = read(network, [prompt])
    steps = TextSteps(network, state)
    rules = Constraints.of(settings, vocabulary, [prompt.tolist()])
    live, done = [Beam(0.0, [], [], GrowingText.of(settings, vocabulary))], list[Beam]()
    while live and len(done) < width and len(live[0].ids) < settings.length:
        logs = torch.from_numpy(logits).double().log_softmax(dim=1).numpy()
        scores = logs if rules is None else rules(logs)
        chosen = _likeliest(np.array([beam.score for beam in live])[:, None] + scores, 2 * width)
        before, live, rows = live, [], list[int]()
        done += [beam for beam, row in zip(before, scores, strict=True) if row.max() == -np.inf]  # nothing may follow
        for row, symbol in chosen:
            beam = _longer(before[row], symbol, float(scores[row, symbol]), float(logs[row, symbol]))
            if beam.text.stopped:
                done.append(beam)
            elif len(live) < width:
                live.append(beam)
                rows.append(row)
        if live:
            ids = np.array([beam.ids[-1] for beam in live])
            if rules is not None:
                rules.select(np.array(rows))
                rules.write(ids)
            steps.select(torch.tensor(rows))
            logits = steps(torch.from_numpy(ids)).numpy()
    best = sorted(done + live, key=lambda beam: beam.rank, reverse=True)[: settings.n]
    for beam in best:
        beam.text.finish()
    return [finished(vocabulary, settings, beam.text, beam.ids, beam.log_probs) for beam in best]


def _likeliest(scores: NDArray[np.float64], count: int) -> list[tuple[int, int]]:
    """Return row and symbol of the largest scores, the largest first; nothing that is left out."""
    order = np.argsort(-scores, axis=None, kind="stable")[:count]
    pairs = (divmod(int(place), scores.shape[1]) for place in order)
    return [(row, symbol) for row, symbol in pairs if scores[row, symbol] > -np.inf]


def _longer(beam: Beam, symbol: int, score: float, log_prob: float) -> Beam:
    text = beam.text.copy()
    text.add(symbol)
    return Beam(beam.score + score, [*beam.ids, symbol], [*beam.log_probs, log_prob], text)
