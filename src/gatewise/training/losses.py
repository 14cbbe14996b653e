"""What training minimises, and how a network's outputs are read under it.

Shapes: prediction (B, T, C, Q) with T forecast steps, C target channels and Q outputs per value; target (B, T, C).
Every loss is the mean over all B x T x C values. A new loss is a class here or anywhere, and a line in
``gatewise.registry``; the contract tests then hold it to all of this.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from gatewise import registry
from gatewise.errors import SettingsError
from gatewise.settings import ForecastTrainSettings

#: Smallest scale of a distribution, so that a perfect fit has a finite likelihood.
_LEAST_SCALE = 1e-6
#: Keras' smallest truth in a percentage error.
_LEAST_TRUTH = 1e-7


class Loss(ABC):
    """A loss, made from the training settings.

    Attributes
    ----------
    outputs_per_value
        Q: how many numbers the network gives for one value.
    needs_original_units
        Prediction and target must come in the user's units, not in those of the target transform.
    """

    needs_original_units: ClassVar[bool] = False

    def __init__(self, settings: ForecastTrainSettings) -> None:  # noqa: ARG002 - most losses take nothing from them
        self.outputs_per_value = 1

    @abstractmethod
    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss, a scalar, of a prediction (B, T, C, Q) against its target (B, T, C)."""

    @abstractmethod
    def point(self, prediction: Tensor) -> Tensor:
        """Return one number a value, (B, T, C): mean or median."""


class ProbabilisticLoss(Loss):
    """A loss whose network says how sure it is."""

    #: Lowest and highest level that `quantiles` can give.
    levels: tuple[float, float] = (0.0, 1.0)

    @abstractmethod
    def quantiles(self, prediction: Tensor, levels: Sequence[float]) -> Tensor:
        """Return the quantiles at rising `levels`, (B, T, C, L); they rise too, never cross.

        Raises
        ------
        SettingsError
            If a level lies outside what the network was trained for (``self.levels``), or not within 0 and 1.
        """

    def check(self, levels: Sequence[float]) -> None:
        """Refuse levels that cannot be given."""
        low, high = self.levels
        for level in levels:
            if not (0 < level < 1 and low <= level <= high):
                raise SettingsError(
                    f"quantile {level:g} cannot be given: this network knows {low:g} to {high:g}: "
                    "add the level to quantiles and train again, or ask for a narrower interval"
                )


class _PointLoss(Loss):
    """A loss on one number a value."""

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the mean over all values."""
        return self.each(self.point(prediction), target).mean()

    def point(self, prediction: Tensor) -> Tensor:
        """Return the network's only output."""
        return prediction[..., 0]

    @abstractmethod
    def each(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each value; all three are (B, T, C)."""


class MeanSquaredError(_PointLoss):
    """``(y - f)^2``, in squared units of the target."""

    def each(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the squared error of each value."""
        return (target - prediction).square()


class MeanAbsoluteError(_PointLoss):
    """``|y - f|``, in units of the target."""

    def each(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the absolute error of each value."""
        return (target - prediction).abs()


class MeanAbsolutePercentageError(_PointLoss):
    """``100 |y - f| / max(|y|, 1e-7)``, in percent, as in Keras 3."""

    needs_original_units = True

    def each(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the error of each value in percent of the truth."""
        return 100 * (target - prediction).abs() / target.abs().clamp_min(_LEAST_TRUTH)


class Huber(_PointLoss):
    """Half the squared error up to `huber_delta`, beyond it ``delta (|e| - delta / 2)`` (Huber 1964)."""

    def __init__(self, settings: ForecastTrainSettings) -> None:
        super().__init__(settings)
        self.delta = settings.huber_delta

    def each(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the Huber loss of each value."""
        return functional.huber_loss(prediction, target, reduction="none", delta=self.delta)


class Quantile(ProbabilisticLoss):
    """Pinball loss ``max(a (y - f), (a - 1)(y - f))``, mean over the levels `a` too (Koenker & Bassett 1978).

    Outputs that cross are sorted when quantiles are read, which never raises the loss (Chernozhukov et al. 2010).
    """

    def __init__(self, settings: ForecastTrainSettings) -> None:
        super().__init__(settings)
        self.trained = settings.quantiles
        self.outputs_per_value = len(self.trained)
        self.levels = (self.trained[0], self.trained[-1])

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the mean over all values and levels."""
        levels = torch.tensor(self.trained, dtype=prediction.dtype, device=prediction.device)
        error = target.unsqueeze(-1) - prediction  # (B, T, C, Q)
        return torch.maximum(levels * error, (levels - 1) * error).mean()

    def point(self, prediction: Tensor) -> Tensor:
        """Return the median, or the trained level that is nearest to it."""
        low, high = self.levels
        return self.quantiles(prediction, [min(max(0.5, low), high)])[..., 0]

    def quantiles(self, prediction: Tensor, levels: Sequence[float]) -> Tensor:
        """Return quantiles, between trained levels by linear interpolation."""
        self.check(levels)
        known = prediction.sort(dim=-1).values
        found = []
        for level in levels:
            above = next(number for number, trained in enumerate(self.trained) if trained >= level)
            if self.trained[above] == level:
                found.append(known[..., above])
                continue
            low, high = self.trained[above - 1 : above + 1]
            found.append(torch.lerp(known[..., above - 1], known[..., above], (level - low) / (high - low)))
        return torch.stack(found, dim=-1)


class Gaussian(ProbabilisticLoss):
    """Negative log-likelihood (nats) of a normal distribution; outputs: mean, and scale before softplus."""

    def __init__(self, settings: ForecastTrainSettings) -> None:
        super().__init__(settings)
        self.outputs_per_value = 2

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return ``log s + z^2 / 2 + log(2 pi) / 2`` with ``z = (y - mean) / s``, mean over all values."""
        mean, scale = self.parameters(prediction)
        z = (target - mean) / scale
        return (scale.log() + z.square() / 2).mean() + math.log(2 * math.pi) / 2

    def parameters(self, prediction: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation, each (B, T, C)."""
        mean, raw = prediction.unbind(dim=-1)
        return mean, functional.softplus(raw) + _LEAST_SCALE

    def point(self, prediction: Tensor) -> Tensor:
        """Return the mean."""
        return prediction[..., 0]

    def quantiles(self, prediction: Tensor, levels: Sequence[float]) -> Tensor:
        """Return ``mean + s * inverse normal(level)``."""
        self.check(levels)
        mean, scale = self.parameters(prediction)
        z: Tensor = torch.special.ndtri(torch.tensor(levels, dtype=torch.float64)).to(prediction)
        return mean.unsqueeze(-1) + scale.unsqueeze(-1) * z


class StudentT(ProbabilisticLoss):
    """Negative log-likelihood (nats) of a Student-t distribution with more than 2 degrees of freedom.

    Outputs: location, and scale and degrees of freedom (less 2) before softplus.
    """

    def __init__(self, settings: ForecastTrainSettings) -> None:
        super().__init__(settings)
        self.outputs_per_value = 3

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the mean over all values of minus the logarithm of the density."""
        location, scale, freedom = self.parameters(prediction)
        z = (target - location) / scale
        tail = (freedom + 1) / 2 * torch.log1p(z.square() / freedom)
        norm = torch.lgamma(freedom / 2) - torch.lgamma((freedom + 1) / 2) + (math.pi * freedom).log() / 2
        return (tail + scale.log() + norm).mean()

    def parameters(self, prediction: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return location, scale and degrees of freedom, each (B, T, C)."""
        location, raw_scale, raw_freedom = prediction.unbind(dim=-1)
        return location, functional.softplus(raw_scale) + _LEAST_SCALE, functional.softplus(raw_freedom) + 2

    def point(self, prediction: Tensor) -> Tensor:
        """Return the location, which is mean and median."""
        return prediction[..., 0]

    def quantiles(self, prediction: Tensor, levels: Sequence[float]) -> Tensor:
        """Return ``location + s * inverse t(level, degrees of freedom)``; no gradient flows through it."""
        from scipy.stats import t

        self.check(levels)
        location, scale, freedom = (part.detach().unsqueeze(-1) for part in self.parameters(prediction))
        z = torch.from_numpy(t.ppf(list(levels), freedom.double().cpu().numpy())).to(prediction)  # (B, T, C, L)
        return location + scale * z


def create_loss(settings: ForecastTrainSettings) -> Loss:
    """Make the loss that ``settings.loss`` names.

    Examples
    --------
    >>> create_loss(ForecastTrainSettings(loss="quantile")).outputs_per_value
    5
    """
    loss: Loss = registry.LOSSES.load(settings.loss)(settings)
    return loss
