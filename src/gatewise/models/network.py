"""The forecasting network: window -> input dropout -> cells -> dense head -> horizon x channels x outputs per value."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gatewise.errors import InputError
from gatewise.models.heads import DenseHead
from gatewise.models.stack import create_stack
from gatewise.settings import ForecastModelSettings


class ForecastNetwork(nn.Module):
    """Stack and head as the settings say.

    Parameters
    ----------
    settings
        Cell, sizes, dropout and head.
    input_size
        Number of inputs I of one row of the window.
    horizon
        Number of rows that are forecast.
    channels
        Number of target channels C.
    outputs_per_value
        Outputs Q for each value: quantiles, or parameters of a distribution.
    static_size
        Number K of static covariates; they enter at the head.
    future_size
        Number F of covariates known for the forecast rows; they enter at the head.
    init_generator
        Draws the start weights.
    dropout_generator
        Draws all dropout masks; kept as ``dropout_generator``, so that a checkpoint can hold its state.

    Raises
    ------
    SettingsError
        If an option of the cell cannot be used.

    Examples
    --------
    >>> network = ForecastNetwork(ForecastModelSettings(cell="gru", units=512), input_size=2, horizon=1, channels=2)
    >>> count_parameters(network)
    957058
    """

    def __init__(
        self,
        settings: ForecastModelSettings,
        *,
        input_size: int,
        horizon: int,
        channels: int,
        outputs_per_value: int = 1,
        static_size: int = 0,
        future_size: int = 0,
        init_generator: torch.Generator | None = None,
        dropout_generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.output_shape = (horizon, channels, outputs_per_value)
        self.static_size = static_size
        self.future_shape = (horizon, future_size)
        self.dropout_generator = dropout_generator
        self.stack = create_stack(
            settings,
            input_size,
            bidirectional=settings.bidirectional,
            init_generator=init_generator,
            dropout_generator=dropout_generator,
        )
        self.head = DenseHead(
            self.stack.output_size + static_size + horizon * future_size,
            settings.head,
            horizon * channels * outputs_per_value,
            dropout=settings.head_dropout,
            activation=settings.head_activation,
            init_generator=init_generator,
            dropout_generator=dropout_generator,
        )

    def forward(self, x: Tensor, static: Tensor | None = None, future: Tensor | None = None) -> Tensor:
        """Forecast from windows.

        Parameters
        ----------
        x
            Windows, ``(B, T, I)``.
        static
            Static covariates, ``(B, K)``.
        future
            Covariates of the forecast rows, ``(B, horizon, F)``.

        Returns
        -------
        Tensor
            ``(B, horizon, C, Q)``.

        Raises
        ------
        InputError
            If a tensor is missing, was not expected, or has the wrong shape, number format or place.
        """
        y, _ = self.stack(x)
        parts = [
            self.stack.summary(y),
            *_covariates("static", static, (x.shape[0], self.static_size)),
            *_covariates("future", future, (x.shape[0], *self.future_shape)),
        ]
        output: Tensor = self.head(torch.cat(parts, dim=-1))  # (B, horizon * C * Q)
        return output.view(x.shape[0], *self.output_shape)


def _covariates(name: str, given: Tensor | None, shape: tuple[int, ...]) -> list[Tensor]:
    """Return the covariates as ``(B, ...)`` where the network takes them, after checking that it got them."""
    if given is None or given.shape[-1] == 0:
        if shape[-1]:
            raise InputError(f"{name}: this network needs covariates of shape {shape} (found none)")
        return []
    if not shape[-1]:
        raise InputError(f"{name}: this network was made without these covariates (found shape {tuple(given.shape)})")
    if tuple(given.shape) != shape:
        raise InputError(f"{name}: this network needs covariates of shape {shape} (found {tuple(given.shape)})")
    return [given.flatten(1)]


def count_parameters(module: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
