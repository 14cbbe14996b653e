"""Weights that training found, as a model folder keeps them; no other state of a network is kept."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """Return the trained weights by name, tied ones once; frozen ones stay where they came from.

    Examples
    --------
    >>> weights = weights_of(nn.Linear(2, 3))
    >>> list(weights)
    ['weight', 'bias']
    """
    return {name: weight.detach().cpu().contiguous() for name, weight in _trained(network).items()}


def load_weights(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load what :func:`weights_of` gave.

    Raises
    ------
    ValueError
        If a weight is missing, unknown or of another shape.
    """
    own = _trained(network)
    if own.keys() != weights.keys():
        wrong = sorted(own.keys() ^ weights.keys())
        raise ValueError(f"weights do not fit the settings: {', '.join(wrong[:3])}")
    with torch.no_grad():
        for name, weight in own.items():
            if weight.shape != weights[name].shape:
                raise ValueError(f"{name} has the shape {tuple(weights[name].shape)}, not {tuple(weight.shape)}")
            weight.copy_(weights[name])


def _trained(network: nn.Module) -> dict[str, nn.Parameter]:
    return {name: weight for name, weight in network.named_parameters() if weight.requires_grad}
