"""What the network reads: rows of a series turned into tensors, the same way for training, scoring and forecasting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gatewise.data.series import CovariateScaler, SeriesSet, TargetTransform, Windows
from gatewise.errors import DataError
from gatewise.settings import ForecastTrainSettings
from gatewise.training import Loss
from gatewise.training.device import DTYPES, choose_device
from gatewise.training.distributed import own_rows, summed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Windows that go through the network at once when nothing is learned.
PREDICTION_BATCH = 512

#: Larger numbers cannot be squared and added up, which every scale, metric and test does.
LARGEST = 1e100


@dataclass(frozen=True)
class WindowRows:
    """The rows behind `B` windows, in the user's units.

    Attributes
    ----------
    target : (B, T, C) values of the target up to the window's last row.
    past : (B, T, P) covariates known up to the window's last row.
    known : (B, T, F) covariates known in advance, over the window.
    ahead : (B, H, F) the same over the rows to forecast.
    series_of : (B,) which series each window belongs to.
    """

    target: Floats
    past: Floats
    known: Floats
    ahead: Floats
    series_of: Ints


class NetworkInputs(NamedTuple):
    """Tensors of `B` windows as the network takes them.

    Attributes
    ----------
    window : (B, T, I) transformed targets, scaled covariates side by side.
    static : (B, K) or None.
    ahead : (B, H, F) or None.
    last : (B, C) the window's last values in the user's units, to undo the transform.
    series_of : (B,)
    """

    window: Tensor
    static: Tensor | None
    ahead: Tensor | None
    last: Floats
    series_of: Ints


class InputBuilder:
    """Turns rows into network inputs with everything that was fitted on the training part."""

    def __init__(
        self, transform: TargetTransform, covariates: CovariateScaler, static: Floats, settings: ForecastTrainSettings
    ) -> None:
        self.transform = transform
        self.covariates = covariates
        self.static = static  # (S, K)
        self.device = choose_device(settings.device)
        self.dtype = DTYPES[settings.precision]

    def rows(self, series: SeriesSet, windows: Windows, indices: Ints) -> WindowRows:
        """Gather the rows behind some windows."""
        return WindowRows(
            target=windows.inputs(series.target, indices),
            past=windows.inputs(series.past, indices),
            known=windows.inputs(series.future, indices),
            ahead=windows.targets(series.future, indices),
            series_of=windows.series_at(indices),
        )

    def build(self, rows: WindowRows) -> NetworkInputs:
        """Transform, scale and lay side by side what the network reads."""
        parts = [self.transform.apply_inputs(rows.target, rows.series_of)]  # (B, T, C)
        if rows.past.shape[-1]:
            parts.append(self.covariates.apply_past(rows.past, rows.series_of))
        if rows.known.shape[-1]:
            parts.append(self.covariates.apply_future(rows.known, rows.series_of))
        window = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)  # (B, T, I)
        static = self.covariates.apply_static(self.static[rows.series_of], rows.series_of)
        ahead = self.covariates.apply_future(rows.ahead, rows.series_of)
        return NetworkInputs(
            window=self.tensor(window),
            static=self.tensor(static) if static.shape[-1] else None,
            ahead=self.tensor(ahead) if ahead.shape[-1] else None,
            last=rows.target[:, -1],
            series_of=rows.series_of,
        )

    def tensor(self, values: Floats) -> Tensor:
        """Return `values` in the network's number format, on its device."""
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device, self.dtype)


class ForecastBatch(NamedTuple):
    """One step's worth of windows: what the network reads, and what it should have said."""

    inputs: NetworkInputs
    target: Tensor  # (B, H, C) in the space the loss works in


class ForecastTask:
    """The forecasting job as the training loop sees it.

    Batches are gathered from views of the series when they are needed, so a million windows cost no more memory than
    the rows they look at.
    """

    def __init__(
        self,
        series: SeriesSet,
        windows: Windows,
        builder: InputBuilder,
        loss: Loss,
        settings: ForecastTrainSettings,
        *,
        train: Ints,
        validation: Ints,
    ) -> None:
        self.series = series
        self.windows = windows
        self.builder = builder
        self.criterion = loss
        self.batch_size = settings.batch_size
        self.train = train
        self.validation = validation

    def plan(self, generator: torch.Generator) -> Sequence[Ints]:
        """Return the window indices of each batch of one epoch, shuffled by `generator`."""
        order = self.train[torch.randperm(len(self.train), generator=generator).numpy()]
        return [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]

    def batch(self, key: Ints) -> ForecastBatch:
        """Gather the windows at `key`."""
        inputs = self.builder.build(self.builder.rows(self.series, self.windows, key))
        target = self.windows.targets(self.series.target, key)  # (B, H, C)
        if not self.criterion.needs_original_units:
            target = self.builder.transform.apply_targets(target, inputs.last, inputs.series_of)
        return ForecastBatch(inputs, self.builder.tensor(target))

    def batch_size_of(self, key: Ints) -> int:
        """Return how many windows the batch at `key` holds."""
        return len(key)

    def rows_of(self, key: Ints) -> int:
        """Return how many windows the batch can be cut into."""
        return len(key)

    def share(self, key: Ints, rows: slice) -> Ints:
        """Return some windows of a batch."""
        return key[rows]

    def weight(self, batch: ForecastBatch) -> float:
        """Return how many windows the mean is over."""
        return float(len(batch.target))

    def loss(self, network: nn.Module, batch: ForecastBatch) -> Tensor:
        """Return the mean loss of a batch."""
        # Under bfloat16 the network's outputs are short; differences of prices must not be.
        prediction = run_network(network, batch.inputs).to(batch.target.dtype)
        if self.criterion.needs_original_units:
            prediction = self.builder.transform.invert(
                prediction, self.builder.tensor(batch.inputs.last), batch.inputs.series_of
            )
        value: Tensor = self.criterion(prediction, batch.target)
        return value

    @torch.no_grad()
    def validation_loss(self, network: nn.Module) -> float | None:
        """Return the mean loss over the validation windows, None when there are none."""
        if not len(self.validation):
            return None
        own, total = self.validation[own_rows(len(self.validation))], 0.0
        for start in range(0, len(own), PREDICTION_BATCH):
            key = own[start : start + PREDICTION_BATCH]
            total += float(self.loss(network, self.batch(key))) * len(key)
        return float(summed(np.array([total]))[0]) / len(self.validation)


def refuse_huge(series: SeriesSet) -> None:
    """Refuse numbers that are too large to compute with.

    Raises
    ------
    DataError
        Naming the series and time of the first one, or the covariate.
    """
    bad = np.argwhere(np.abs(series.target) > LARGEST)
    if len(bad):
        row, channel = (int(i) for i in bad[0])
        raise DataError(f"{series.say(row, channel)}: numbers beyond {LARGEST:g} are too large: rescale the column")
    for kind in ("past", "future", "static"):
        values, names = getattr(series, kind), getattr(series, f"{kind}_names")
        huge = np.flatnonzero((np.abs(values) > LARGEST).any(axis=0))
        if len(huge):
            raise DataError(f"covariate {names[huge[0]]!r} holds numbers beyond {LARGEST:g}: rescale the column")


def run_network(network: nn.Module, inputs: NetworkInputs) -> Tensor:
    """Return what the network says, (B, H, C, Q), in the transformed space."""
    output: Tensor = network(inputs.window, inputs.static, inputs.ahead)
    return output
