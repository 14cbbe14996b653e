"""Samples written while a network learns: what a person looks at to see it learn."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from gatewise.data.text import Vocabulary
from gatewise.models import TextNetwork
from gatewise.runs import RunFolder
from gatewise.settings import SamplingSettings, TextSettings
from gatewise.tasks.generate.generation import generate

#: Surer than the network is, so that a reader sees what it knows and not its dice.
TEMPERATURE = 0.8


class SampleWriter:
    """Writes a sample when training has taken 1, 3, 10, 30, 100, ... seconds, and one at its end.

    Every sample begins with the same prompt and draws the same random numbers: what differs is what was learned.

    Parameters
    ----------
    place
        Gets the samples as rows; a row of the same moment, from before the run was stopped, is replaced.
    show
        Told of each sample.
    """

    def __init__(
        self,
        settings: TextSettings,
        vocabulary: Vocabulary,
        place: RunFolder | None,
        show: Callable[[str], None] | None = None,
    ) -> None:
        self.vocabulary, self.place, self.show = vocabulary, place, show
        self.prompt = settings.sample_prompt
        self.sampling: SamplingSettings | None = None
        if settings.sample_length:
            self.sampling = SamplingSettings(
                length=settings.sample_length, temperature=TEMPERATURE, seed=settings.seed, unknown="skip"
            )
        self.rows: list[dict[str, Any]] = place.read_samples() if place else []

    def due(self, before: float, now: float) -> bool:
        """Return whether a moment lies between the two."""
        return self.sampling is not None and _moment(now) != _moment(before)

    def look(self, network: nn.Module, *, epoch: int, step: int, seconds: float) -> None:
        """Write a sample."""
        self._write(network, _moment(seconds), epoch=epoch, step=step, seconds=seconds)

    def end(self, network: nn.Module, *, epoch: int, step: int, seconds: float) -> None:
        """Write the sample of the trained network."""
        if self.sampling is not None:
            self._write(network, None, epoch=epoch, step=step, seconds=seconds)

    def _write(self, network: nn.Module, moment: float | None, *, epoch: int, step: int, seconds: float) -> None:
        assert isinstance(network, TextNetwork)
        assert self.sampling is not None
        device = next(network.parameters()).device
        with torch.autocast(device.type, enabled=False):  # it will write in the precision of its weights
            found = generate(network.to("cpu"), self.vocabulary, [self.prompt], self.sampling)[0]
        network.to(device)
        row = {
            "moment": moment,
            "step": step,
            "epoch": epoch,
            "seconds": seconds,
            "prompt": self.prompt,
            "text": found.text,
            "symbols": list(found.symbols),
            "log_probs": [round(value, 4) for value in found.log_probs],
        }
        self.rows = [kept for kept in self.rows if kept["moment"] != moment] + [row]
        if self.place:
            self.place.write_samples(self.rows)
        if self.show:
            when = "at the end" if moment is None else f"after {moment:g} s"
            self.show(f"{when} (step {step:,}): {self.prompt}{found.text}")


def _moment(seconds: float) -> float | None:
    """Return the last of 1, 3, 10, 30, 100, ... seconds that has passed."""
    if seconds < 1:
        return None
    power = 10.0 ** math.floor(math.log10(seconds))
    return 3 * power if seconds >= 3 * power else power
