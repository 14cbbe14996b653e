"""Writing: prompts are read once, then the state is carried from symbol to symbol and nothing is computed twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from gatewise.data.text import Vocabulary
from gatewise.errors import InputError, SettingsError
from gatewise.models import TextNetwork
from gatewise.models.steps import TextSteps
from gatewise.settings import SamplingSettings
from gatewise.tasks.generate.beam import beam_search
from gatewise.tasks.generate.reading import read
from gatewise.tasks.generate.result import Generated, finished
from gatewise.tasks.generate.sampling import Sampler
from gatewise.tasks.generate.stopping import GrowingText
from gatewise.tasks.generate.symbols import read_prompt

Ids = NDArray[np.int64]


class Writing:
    """A batch of streams that are being written; step by step, each on its own.

    Parameters
    ----------
    network, vocabulary
        What writes, on the CPU, and its symbols.
    prompts
        Numbers of each stream's prompt's symbols; an empty one begins from nothing.
    settings
        How; its seed must be set.
    streams
        Number of each stream, which decides its random numbers.
    """

    def __init__(
        self,
        network: TextNetwork,
        vocabulary: Vocabulary,
        prompts: Sequence[Ids],
        settings: SamplingSettings,
        streams: Sequence[int],
    ) -> None:
        self._network, self._vocabulary, self._settings = network, vocabulary, settings
        self._sampler = Sampler(settings, vocabulary, [prompt.tolist() for prompt in prompts], streams)
        self._texts = [GrowingText.of(settings, vocabulary) for _ in prompts]
        self._log_probs: list[list[float]] = [[] for _ in prompts]
        self._ids: list[list[int]] = [[] for _ in prompts]
        self._rows = list(range(len(prompts)))  # the stream that each row of the batch writes
        logits, state = read(network, prompts)
        if not np.isfinite(logits).all():
            raise InputError("the network gives no numbers that are finite: its weights are damaged")
        self._logits: NDArray[np.float32] | None = logits
        self._steps = TextSteps(network, state)

    @torch.inference_mode()
    def step(self) -> list[tuple[int, str]]:
        """Write one symbol of every stream that goes on; return the number of each and what it can show."""
        if self._logits is None:
            return []
        ids, log_probs = self._sampler(self._logits)
        shown, going = [], []
        for row, (chosen, log_prob) in enumerate(zip(ids.tolist(), log_probs.tolist(), strict=True)):
            stream = self._rows[row]
            text = self._texts[stream]
            if chosen < 0:  # nothing may follow
                shown.append((stream, text.finish()))
                continue
            self._ids[stream].append(chosen)
            self._log_probs[stream].append(log_prob)
            piece = text.add(chosen)
            if text.stopped or len(self._ids[stream]) == self._settings.length:
                piece += text.finish()
            else:
                going.append(row)
            shown.append((stream, piece))
        self._go_on(ids, going)
        return shown

    def results(self) -> list[Generated]:
        """Return every stream's text, once none goes on."""
        streams = zip(self._texts, self._ids, self._log_probs, strict=True)
        return [finished(self._vocabulary, self._settings, *stream) for stream in streams]

    @property
    def goes_on(self) -> bool:
        """Whether any stream is unfinished."""
        return self._logits is not None

    def _go_on(self, ids: Ids, going: list[int]) -> None:
        """Read what was written; finished streams leave the batch."""
        if not going:
            self._logits = None
            return
        if len(going) < len(ids):
            rows = np.asarray(going)
            ids, self._rows = ids[rows], [self._rows[row] for row in going]
            self._sampler.select(rows)
            self._steps.select(torch.from_numpy(rows))
        self._logits = self._steps(torch.from_numpy(ids)).numpy()


def generate(
    network: TextNetwork,
    vocabulary: Vocabulary,
    prompts: Sequence[str],
    settings: SamplingSettings,
    *,
    first_stream: int = 0,
) -> list[Generated]:
    """Write ``settings.n`` texts after each prompt, all of them in one batch.

    Parameters
    ----------
    prompts
        What the texts begin with; an empty one begins from nothing. The result does not repeat them.
    first_stream
        Number of the first text; text n of a batch, alone with ``first_stream=n``, is the same text.

    Raises
    ------
    InputError
        If a prompt has a character that training never saw, unless ``unknown`` is "skip"; if no allowed character was
        seen.
    """
    ids = [read_prompt(vocabulary, prompt, settings.unknown) for prompt in prompts]
    if settings.beams > 1:
        return [found for prompt in ids for found in beam_search(network, vocabulary, prompt, settings)]
    repeated = [prompt for prompt in ids for _ in range(settings.n)]
    if not repeated:
        return []
    streams = range(first_stream, first_stream + len(repeated))
    writing = Writing(network, vocabulary, repeated, with_seed(settings), streams)
    while writing.goes_on:
        writing.step()
    return writing.results()


def stream(
    network: TextNetwork, vocabulary: Vocabulary, prompt: str, settings: SamplingSettings, *, first_stream: int = 0
) -> Stream:
    """Write one text and yield it piece by piece as it grows; ``result`` of what is returned is the whole, at the end.

    What is yielded never shows part of a stop string, nor of a letter.

    Raises
    ------
    SettingsError
        If ``beams`` or ``n`` is above 1: then it is not known before the end what the text is.
    InputError
        As for :func:`generate`; at once, not with the first piece.
    """
    if settings.beams > 1:
        raise SettingsError(
            "beams: the likeliest text is known at its end only, so it cannot be streamed: set beams to 1"
        )
    if settings.n > 1:
        raise SettingsError(f"n: one text is streamed at a time (found {settings.n})")
    ids = read_prompt(vocabulary, prompt, settings.unknown)
    return Stream(Writing(network, vocabulary, [ids], with_seed(settings), [first_stream]))


class Stream(Iterator[str]):
    """The pieces of one text as they are written."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing

    def __next__(self) -> str:
        """Return the next piece, never an empty one."""
        while self._writing.goes_on:
            ((_, piece),) = self._writing.step()
            if piece:
                return piece
        raise StopIteration

    @property
    def result(self) -> Generated:
        """What was written so far, the whole text when nothing more comes."""
        return self._writing.results()[0]


def with_seed(settings: SamplingSettings) -> SamplingSettings:
    """Return the settings with a seed, drawn from the system's entropy where none is set."""
    if settings.seed is not None:
        return settings
    drawn = int(np.random.SeedSequence().generate_state(1)[0] >> 1)
    return settings.model_copy(update={"seed": drawn})
