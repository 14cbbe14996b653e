"""Pooling: what is taken from a stack's outputs over a whole text.

Every pooling maps outputs ``(B, T, F)`` and a mask ``(B, T)`` (True where a token is real; None where all are) to
``(B, F)``. With two directions the first half of F is the forward one's. A new pooling is a class here or anywhere, and
a line in ``gatewise.registry.POOLINGS``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gatewise import registry
from gatewise.models.heads import dense


class Pooling(nn.Module):
    """Base of the poolings.

    Parameters
    ----------
    width
        Width F of the outputs.
    directions
        1, or 2 where the second half of F reads from the end to the start.
    generator
        Draws the start weights of a pooling that has some.
    """

    #: Whether the cells are to read the padding like tokens.
    reads_padding = False

    def __init__(self, width: int, directions: int, generator: torch.Generator | None = None) -> None:  # noqa: ARG002
        super().__init__()
        self.width, self.directions = width, directions


class Last(Pooling):
    """What each direction says after the last token that it reads: over masked steps the output stays as it is."""

    def forward(self, y: Tensor, mask: Tensor | None) -> Tensor:  # noqa: ARG002
        """Return the forward direction's last output and the backward one's first."""
        if self.directions == 1:
            return y[:, -1]
        half = self.width // 2
        return torch.cat([y[:, -1, :half], y[:, 0, half:]], dim=-1)


class LastPadded(Pooling):
    """The last step of the padded batch.

    There the backward direction has read one step, and the forward one has run over the padding (zeros here; the
    report's encoder gave the padding states of its own).
    """

    reads_padding = True

    def forward(self, y: Tensor, mask: Tensor | None) -> Tensor:  # noqa: ARG002
        """Return the outputs at the last step."""
        return y[:, -1]


class Mean(Pooling):
    """Mean over the tokens."""

    def forward(self, y: Tensor, mask: Tensor | None) -> Tensor:
        """Return the mean of the real steps."""
        if mask is None:
            return y.mean(dim=1)
        real = mask.to(y.dtype)[..., None]
        return (y * real).sum(dim=1) / real.sum(dim=1).clamp(min=1)


class Max(Pooling):
    """Largest value over the tokens."""

    def forward(self, y: Tensor, mask: Tensor | None) -> Tensor:
        """Return the largest of the real steps."""
        if mask is not None:
            y = y.masked_fill(~mask[..., None], torch.finfo(y.dtype).min)
        return y.amax(dim=1)


class Attention(Pooling):
    """Mean weighted by a learned score: ``softmax(v . tanh(W y + b))`` (Yang et al. 2016, eq. 5 to 7)."""

    def __init__(self, width: int, directions: int, generator: torch.Generator | None = None) -> None:
        super().__init__(width, directions, generator)
        self.inner = dense(width, width, generator)
        self.score = dense(width, 1, generator)

    def forward(self, y: Tensor, mask: Tensor | None) -> Tensor:
        """Return the weighted mean of the real steps."""
        score = self.score(torch.tanh(self.inner(y)))  # (B, T, 1); its bias changes nothing
        if mask is not None:
            score = score.masked_fill(~mask[..., None], torch.finfo(score.dtype).min)
        mean: Tensor = (y * score.softmax(dim=1)).sum(dim=1)
        return mean


def create_pooling(name: str, width: int, directions: int, generator: torch.Generator | None = None) -> Pooling:
    """Make the pooling called `name`.

    Raises
    ------
    UnknownNameError
        If there is none.

    Examples
    --------
    >>> y = torch.tensor([[[1.0], [3.0], [0.0]]])
    >>> create_pooling("mean", 1, 1)(y, torch.tensor([[True, True, False]])).item()
    2.0
    """
    made: Pooling = registry.POOLINGS.load(name)(width, directions, generator)
    return made
