"""The classifying network: tokens' vectors -> cells -> pooling over the text -> head -> a logit for every class."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from gatewise.errors import InputError
from gatewise.models.dropout import Dropout
from gatewise.models.heads import DenseHead
from gatewise.models.pooling import create_pooling
from gatewise.models.stack import create_stack
from gatewise.settings import ClassifyModelSettings


class ClassifyNetwork(nn.Module):
    """Reads texts as vectors of their tokens and gives a logit for every class.

    Where the vectors come from:

    - an encoder that was run before: `states` ``(B, L, T, D)`` of L hidden layers, joined by a mix whose weights are
      learned and sum to one, times a scale (the scalar mix of Peters et al. 2018, arXiv:1802.05365, eq. 1);
    - trained vectors of the tokens' numbers `ids` ``(B, T)``: beside those states, or alone;
    - `encoder`, a module that computes the states from `ids` because parts of it are trained too.

    Parameters
    ----------
    settings
        Cells, sizes, dropout, pooling and head.
    classes
        Number C of classes.
    width
        Width D of the encoder's states; 0 where there is none.
    layers
        Hidden layers L that are mixed.
    vocabulary
        Number of tokens that have a trained vector; 0 where none has.
    encoder
        Maps ids ``(B, T)`` and mask ``(B, T)`` to states ``(B, L, T, D)``.
    encoder_rate
        Step size of what is trained of the encoder.
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
    >>> settings = ClassifyModelSettings(units=4, head=(8,))
    >>> network = ClassifyNetwork(settings, classes=3, width=6, layers=2)
    >>> tuple(network(torch.ones(5, 7, dtype=torch.bool), states=torch.zeros(5, 2, 7, 6)).shape)
    (5, 3)
    """

    def __init__(
        self,
        settings: ClassifyModelSettings,
        *,
        classes: int,
        width: int = 0,
        layers: int = 1,
        vocabulary: int = 0,
        encoder: nn.Module | None = None,
        encoder_rate: float = 2e-5,
        init_generator: torch.Generator | None = None,
        dropout_generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.dropout_generator = dropout_generator
        self.encoder, self.encoder_rate = encoder, encoder_rate
        self.mix = nn.Parameter(torch.zeros(layers)) if width and layers > 1 else None
        self.mix_scale = nn.Parameter(torch.ones(())) if width and layers > 1 else None
        own = (settings.token_embedding if width else settings.embedding) if vocabulary else 0
        # Short, so that a token that training rarely saw says little beside the encoder's states.
        scale = 0.1 if width else 1.0
        self.embedding = nn.Parameter(scale * torch.randn(vocabulary, own, generator=init_generator)) if own else None
        self.stack = create_stack(
            settings,
            width + own,
            bidirectional=settings.bidirectional,
            init_generator=init_generator,
            dropout_generator=dropout_generator,
        )
        each = self.stack.output_size
        self.poolings = nn.ModuleList(
            create_pooling(name, each, self.stack.directions, init_generator) for name in settings.pooling
        )
        self.output_dropout = Dropout(settings.output_dropout, generator=dropout_generator)
        self.reads_padding = any(bool(pooling.reads_padding) for pooling in self.poolings)
        self.head = DenseHead(
            each * len(self.poolings),
            settings.head,
            classes,
            dropout=settings.head_dropout if settings.head else 0.0,
            activation=settings.head_activation,
            norm=settings.head_norm,
            init_generator=init_generator,
            dropout_generator=dropout_generator,
        )

    def forward(self, mask: Tensor, states: Tensor | None = None, ids: Tensor | None = None) -> Tensor:
        """Return the logits of a batch of texts, ``(B, C)``.

        Parameters
        ----------
        mask
            ``(B, T)`` bool, True where a token is real; padding stands at the end.
        states
            Hidden states of the encoder, ``(B, L, T, D)``.
        ids
            Numbers of the tokens, ``(B, T)``; whatever stands in the padding.

        Raises
        ------
        InputError
            If what this network reads is not there, or there is no token.
        """
        if mask.dim() != 2 or mask.dtype != torch.bool or 0 in mask.shape:
            raise InputError(f"mask must be (texts, tokens) of bool, with a token at least (found {tuple(mask.shape)})")
        real = None if bool(mask.all()) else mask
        x = self._vectors(mask, states, ids)
        if real is not None and self.reads_padding:
            x = x.masked_fill(~mask[..., None], 0.0)  # elsewhere no cell and no pooling looks at it
        y, _ = self.stack(x, mask=None if self.reads_padding else real)
        pooled = torch.cat([pooling(y, real) for pooling in self.poolings], dim=-1)
        logits: Tensor = self.head(self.output_dropout(pooled))
        return logits

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return the weights to train in groups: those of the encoder have a step size of their own."""
        inside = [] if self.encoder is None else list(self.encoder.parameters())
        known = {id(weight) for weight in inside}
        own = [weight for weight in self.parameters() if id(weight) not in known]
        return [{"params": own}, *([{"params": inside, "lr": self.encoder_rate}] if inside else [])]

    def mix_weights(self) -> list[float]:
        """Return the share of each hidden layer in the mix."""
        return [1.0] if self.mix is None else [float(share) for share in self.mix.detach().softmax(dim=0)]

    def _vectors(self, mask: Tensor, states: Tensor | None, ids: Tensor | None) -> Tensor:
        """Return what the first layer reads, ``(B, T, I)``."""
        parts = []
        if self.encoder is not None:
            if ids is None:
                raise InputError("this network computes its encoder: it needs ids")
            states = self.encoder(ids, mask)
        if states is not None:
            if self.mix is None or self.mix_scale is None:
                parts.append(states[:, 0])
            else:
                parts.append(torch.einsum("l,bltd->btd", self.mix_scale * self.mix.softmax(dim=0), states))
        if self.embedding is not None:
            if ids is None:
                raise InputError("this network has vectors of tokens: it needs ids")
            parts.append(functional.embedding(ids, self.embedding))
        x = torch.cat(parts, dim=-1) if parts else mask.new_zeros(*mask.shape, 0, dtype=torch.float32)
        if x.shape[-1] != self.stack.input_size:
            raise InputError(f"this network reads {self.stack.input_size} values a token (found {x.shape[-1]})")
        return x
