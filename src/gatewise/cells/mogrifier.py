"""Mogrifier: input and last output gate each other before a step. Melis et al. 2019, arXiv:1909.01792."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from gatewise.cells import checks
from gatewise.cells.initialise import glorot_uniform
from gatewise.errors import SettingsError


class Mogrifier(nn.Module):
    """Rounds in which x and h scale each other, by factors from 0 to 2 that start near 1.

    ::

        x = 2 sigmoid(Q_i h) * x      odd rounds, eq. 1
        h = 2 sigmoid(R_i x) * h      even rounds, eq. 2

    Weights: ``left`` has Q ``(I, H)`` or R ``(H, I)`` of each round; with a `rank` k, ``left`` ``(I, k)`` or ``(H, k)``
    times ``right`` ``(k, H)`` or ``(k, I)``.

    Parameters
    ----------
    input_size
        Width I of x.
    width
        Width H of h.
    rounds
        Number of rounds, at least 1; the paper found 4 to 6 best.
    rank
        Rank k of the matrices; full rank when absent.
    generator
        Draws the start weights (Glorot uniform); torch's global generator when absent.
    """

    def __init__(
        self, input_size: int, width: int, rounds: int, rank: int | None, generator: torch.Generator | None
    ) -> None:
        super().__init__()
        self.rounds = checks.count("mogrifier_rounds", rounds)
        rank = None if rank is None else checks.count("mogrifier_rank", rank)
        self.left, self.right = nn.ParameterList(), nn.ParameterList()
        for number in range(self.rounds):
            scaled, other = (input_size, width) if number % 2 == 0 else (width, input_size)
            self.left.append(nn.Parameter(glorot_uniform(scaled, rank or other, generator)))
            if rank is not None:
                self.right.append(nn.Parameter(glorot_uniform(rank, other, generator)))

    @staticmethod
    def parameter_formula(input_size: int, width: int, rounds: int = 0, rank: int | None = None) -> int:
        """Return r I H, or r k (I + H) with a rank k."""
        return rounds * (input_size * width if rank is None else rank * (input_size + width))

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """Return x ``(B, I)`` and h ``(B, H)`` after all rounds."""
        for number, matrix in enumerate(self.left):
            source = x if number % 2 else h
            if len(self.right):
                source = linear(source, self.right[number])
            scale = 2.0 * torch.sigmoid(linear(source, matrix))
            if number % 2 == 0:
                x = scale * x  # eq. 1
            else:
                h = scale * h  # eq. 2
        return x, h

    def recurrent_weights(self) -> tuple[str, ...]:
        """Return the names of the parameters that multiply h, as the cell knows them."""
        room = "right" if len(self.right) else "left"
        return tuple(f"mogrifier.{room}.{number}" for number in range(0, self.rounds, 2))


def create_mogrifier(
    input_size: int, width: int, rounds: int, rank: int | None, generator: torch.Generator | None
) -> Mogrifier | None:
    """Return a mogrifier, or None for 0 rounds.

    Raises
    ------
    SettingsError
        If a value cannot be used.
    """
    if checks.count("mogrifier_rounds", rounds, least=0):
        return Mogrifier(input_size, width, rounds, rank, generator)
    if rank is not None:
        raise SettingsError(f"mogrifier_rank is set ({rank!r}) and mogrifier_rounds is 0: set rounds, e.g. 5")
    return None
