"""Start weights as in Keras, for matrices that are stored as (outputs, inputs).

All gates of a cell share one matrix, and as in Keras the drawing sees that whole matrix, not one gate of it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def glorot_uniform(outputs: int, inputs: int, generator: torch.Generator | None) -> Tensor:
    """Draw from U(-a, a) with a = sqrt(6 / (inputs + outputs)) (Glorot & Bengio 2010, eq. 16)."""
    return nn.init.xavier_uniform_(torch.empty(outputs, inputs), generator=generator)


def orthogonal(outputs: int, inputs: int, generator: torch.Generator | None) -> Tensor:
    """Draw a matrix whose columns (rows, where those are fewer) are orthonormal (Saxe et al. 2014)."""
    return nn.init.orthogonal_(torch.empty(outputs, inputs), generator=generator)


def small_normal(outputs: int, inputs: int, generator: torch.Generator | None) -> Tensor:
    """Draw from N(0, 2 / (5 * inputs)) (Nguyen & Salazar 2019, arXiv:1910.05895)."""
    return torch.empty(outputs, inputs).normal_(0.0, (0.4 / inputs) ** 0.5, generator=generator)
