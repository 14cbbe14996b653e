"""Small tasks whose right answer is known: what goes in, what must come out, and what blind guessing would reach.

A task joins by one line in ``gatewise.registry.PROBES`` (or by ``PROBES.register``): a subclass of :class:`ProbeTask`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, mse_loss, one_hot


class Batch(NamedTuple):
    """Strings of one length with their answers."""

    x: Tensor  # (B, T, I) float
    target: Tensor  # (B, T): a class, or a number
    trained: Tensor  # (B, T) bool, the steps whose answer enters the loss
    scored: Tensor  # (B, T) bool, the steps whose answer counts in the accuracy


class ProbeTask(ABC):
    """A task: strings of any length, and the right answer at each step."""

    inputs: ClassVar[int]  # features of one step
    outputs: ClassVar[int]  # classes, or 1 for a number
    chance: ClassVar[float]  # accuracy of the best answer that does not look at the string
    shortest: ClassVar[int]  # steps

    @staticmethod
    @abstractmethod
    def draw(count: int, length: int, generator: torch.Generator) -> Batch:
        """Draw `count` strings of `length` steps."""

    @staticmethod
    def loss(answer: Tensor, batch: Batch) -> Tensor:
        """Return the mean loss of answers ``(B, T, outputs)`` over the trained steps."""
        return cross_entropy(answer[batch.trained], batch.target[batch.trained])

    @staticmethod
    def right(answer: Tensor, batch: Batch) -> Tensor:
        """Return which scored answers are right, one bool for each."""
        return answer[batch.scored].argmax(-1) == batch.target[batch.scored]


class Parity(ProbeTask):
    """Is the number of ones so far odd? Grazzi et al. 2024, arXiv:2411.12537.

    Asked at every step while training, counted at the last one.
    """

    inputs, outputs, chance, shortest = 2, 2, 1 / 2, 3

    @staticmethod
    def draw(count: int, length: int, generator: torch.Generator) -> Batch:
        """Draw strings of fair bits."""
        bits = torch.randint(2, (count, length), generator=generator)
        return _every_step(bits, bits.cumsum(1) % 2, symbols=2)


class ModularAddition(ProbeTask):
    """The sum so far modulo 3, of digits 0 to 2. Grazzi et al. 2024, arXiv:2411.12537 (there modulo 5, with products).

    Asked at every step while training, counted at the last one.
    """

    inputs, outputs, chance, shortest = 3, 3, 1 / 3, 3

    @staticmethod
    def draw(count: int, length: int, generator: torch.Generator) -> Batch:
        """Draw strings of digits, all equally likely."""
        digits = torch.randint(3, (count, length), generator=generator)
        return _every_step(digits, digits.cumsum(1) % 3, symbols=3)


class BracketDepth(ProbeTask):
    """How many brackets are open? Strings as in Dyck-1 languages, never deeper than 6: Hewitt et al. 2020.

    A bracket opens or closes by a fair coin; at depth 0 it opens, at depth 6 it closes. (arXiv:2010.07515 for the
    bounded languages.) After an even number of steps the depth is 0, 2, 4 or 6 with shares 1 : 2 : 2 : 1. Asked at
    every step while training, counted at the last one.
    """

    inputs, outputs, chance, shortest = 2, 7, 1 / 3, 4

    @staticmethod
    def draw(count: int, length: int, generator: torch.Generator) -> Batch:
        """Draw strings of brackets: 0 closes, 1 opens."""
        coins = torch.randint(2, (count, length), generator=generator)
        depth, brackets, depths = torch.zeros(count, dtype=torch.long), [], []
        for step in range(length):
            opens = torch.where(depth == 0, 1, torch.where(depth == 6, 0, coins[:, step]))
            depth = depth + 2 * opens - 1
            brackets.append(opens)
            depths.append(depth)
        return _every_step(torch.stack(brackets, 1), torch.stack(depths, 1), symbols=2)


class Copying(ProbeTask):
    """Say five symbols again, in order, after a pause. Arjovsky et al. 2016, arXiv:1511.06464 (there ten symbols).

    Five of eight symbols, blanks, a sign to go, then five blanks over which the symbols are to be said.
    """

    inputs, outputs, chance, shortest = 10, 8, 1 / 8, 11

    @staticmethod
    def draw(count: int, length: int, generator: torch.Generator) -> Batch:
        """Draw strings whose symbols stand at the start."""
        places = torch.arange(5).expand(count, 5)
        return _copy(places, length, generator)


class SelectiveCopying(ProbeTask):
    """The same with the five symbols strewn at random over the pause. Gu & Dao 2023, arXiv:2312.00752."""

    inputs, outputs, chance, shortest = 10, 8, 1 / 8, 11

    @staticmethod
    def draw(count: int, length: int, generator: torch.Generator) -> Batch:
        """Draw strings whose symbols stand anywhere before the sign to go."""
        places = torch.rand(count, length - 6, generator=generator).argsort(1)[:, :5].sort(1).values
        return _copy(places, length, generator)


class Adding(ProbeTask):
    """The sum of the two marked numbers among many. Hochreiter & Schmidhuber 1997, "Long short-term memory".

    Numbers are uniform in 0 .. 1, one of each half of the string is marked. An answer is right within 0.04, as in the
    paper. Always answering 1 is right with the share of sums in 0.96 .. 1.04, 2 * 0.04 - 0.04 ** 2.
    """

    inputs, outputs, chance, shortest = 2, 1, 2 * 0.04 - 0.04**2, 4

    @staticmethod
    def draw(count: int, length: int, generator: torch.Generator) -> Batch:
        """Draw numbers and marks; the answer is wanted at the last step."""
        numbers, marks = torch.rand(count, length, generator=generator), torch.zeros(count, length)
        half = length // 2
        first = torch.randint(half, (count, 1), generator=generator)
        second = torch.randint(half, length, (count, 1), generator=generator)
        marks.scatter_(1, torch.cat([first, second], 1), 1.0)
        target = (numbers * marks).sum(1, keepdim=True).expand(count, length)
        last = _steps(count, length, slice(length - 1, length))
        return Batch(torch.stack([numbers, marks], -1), target, last, last)

    @staticmethod
    def loss(answer: Tensor, batch: Batch) -> Tensor:
        """Return the mean squared error of the last step."""
        return mse_loss(answer[batch.trained].squeeze(-1), batch.target[batch.trained])

    @staticmethod
    def right(answer: Tensor, batch: Batch) -> Tensor:
        """Return which sums are within 0.04."""
        return (answer[batch.scored].squeeze(-1) - batch.target[batch.scored]).abs() < 0.04


class AssociativeRecall(ProbeTask):
    """Which value came with this key? As in Arora et al. 2023, arXiv:2312.04927, with key and value in one step.

    Four pairs of a key and a value, eight of each kind, blanks, then the four keys in another order; the answer is
    wanted at the step that asks. A pair enters in one step, so that one layer can bind it. Who knows the four values
    but not their keys is right about one time in three.
    """

    inputs, outputs, chance, shortest = 17, 8, 1 / 8, 8

    @staticmethod
    def draw(count: int, length: int, generator: torch.Generator) -> Batch:
        """Draw strings of features: 0 to 7 keys, 8 to 15 values, 16 the blank."""
        keys = torch.rand(count, 8, generator=generator).argsort(1)[:, :4]
        values = torch.randint(8, (count, 4), generator=generator)
        order = torch.rand(count, 4, generator=generator).argsort(1)
        x = torch.zeros(count, length, 17)
        x[:, :4] = (one_hot(keys, 17) + one_hot(8 + values, 17)).float()
        x[:, 4:-4, 16] = 1.0
        x[:, -4:] = one_hot(keys.gather(1, order), 17).float()
        target = torch.zeros(count, length, dtype=torch.long)
        target[:, -4:] = values.gather(1, order)
        asked = _steps(count, length, slice(length - 4, length))
        return Batch(x, target, asked, asked)


def _every_step(symbols_drawn: Tensor, target: Tensor, *, symbols: int) -> Batch:
    """Make a batch that is trained at every step and scored at the last."""
    count, length = target.shape
    everywhere, last = _steps(count, length, slice(None)), _steps(count, length, slice(length - 1, length))
    return Batch(one_hot(symbols_drawn, symbols).float(), target, everywhere, last)


def _copy(places: Tensor, length: int, generator: torch.Generator) -> Batch:
    """Put five symbols at `places` ``(B, 5)``, a sign before the last five steps, and ask there: 8 blank, 9 go."""
    count = len(places)
    said = torch.randint(8, (count, 5), generator=generator)
    symbols = torch.full((count, length), 8).scatter(1, places, said)
    symbols[:, length - 6] = 9
    target = torch.zeros(count, length, dtype=torch.long)
    target[:, length - 5 :] = said
    asked = _steps(count, length, slice(length - 5, length))
    return Batch(one_hot(symbols, 10).float(), target, asked, asked)


def _steps(count: int, length: int, which: slice) -> Tensor:
    """Return ``(B, T)``, True at some steps of every string."""
    mask = torch.zeros(count, length, dtype=torch.bool)
    mask[:, which] = True
    return mask
