"""The text network: symbols -> vectors -> cells -> dense head -> a logit for every symbol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from gatewise.cells import State
from gatewise.errors import InputError
from gatewise.models.dropout import Dropout
from gatewise.models.heads import DenseHead
from gatewise.models.mixture import NGramMixture
from gatewise.models.stack import create_stack
from gatewise.settings import TextModelSettings

#: Half the width of the uniform distribution that small embeddings start from, as in Keras.
_SMALL = 0.05


class TextNetwork(nn.Module):
    """Reads symbols by their numbers and says at every step how likely each symbol is next.

    The number ``V`` (one past the last symbol) stands for nothing: the start of a text, or a symbol that training never
    saw. It is read as a vector of zeros, like a symbol that ``symbol_dropout`` has dropped, and never predicted.

    A trained network may be given n-grams beside it (``mixture``); its outputs are then logarithms of mixed
    probabilities, and its state has one more part.

    Parameters
    ----------
    settings
        Embedding, cells, sizes, dropout and head.
    symbols
        Number V of symbols.
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
    The network of the reference report, over 57 symbols:

    >>> settings = TextModelSettings(cell="lstm", units=1024, embedding=64, head=(256, 128), head_dropout=0.1)
    >>> sum(weight.numel() for weight in TextNetwork(settings, symbols=57).parameters())
    4766841
    """

    def __init__(
        self,
        settings: TextModelSettings,
        symbols: int,
        *,
        init_generator: torch.Generator | None = None,
        dropout_generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.symbols = symbols
        self.dropout_generator = dropout_generator
        width = settings.embedding or symbols
        self.embedding: nn.Parameter | None = None
        if settings.embedding:
            self.embedding = nn.Parameter(_start(settings, symbols, width, init_generator))
        self.symbol_dropout = Dropout(settings.symbol_dropout, mask="symbol", generator=dropout_generator)
        self.stack = create_stack(
            settings,
            width,
            init_generator=init_generator,
            dropout_generator=dropout_generator,
        )
        self.output_dropout = Dropout(settings.output_dropout, generator=dropout_generator)
        self.head = DenseHead(
            self.stack.output_size,
            settings.head,
            symbols,
            dropout=settings.head_dropout if settings.head else 0.0,
            activation=settings.head_activation,
            init_generator=init_generator,
            dropout_generator=dropout_generator,
        )
        if settings.tied and self.embedding is not None:
            self.head.layers[-1].weight = self.embedding
        self.mixture: NGramMixture | None = None

    @property
    def nothing(self) -> int:
        """The number that stands for the start of a text or an unknown symbol."""
        return self.symbols

    def initial_state(self, batch: int) -> State:
        """Return the state of `batch` texts before their first symbol."""
        start = self.stack.initial_state(batch)
        return start if self.mixture is None else (*start, self.mixture.initial_state(batch))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Leave the n-grams out while the block runs."""
        kept, self.mixture = self.mixture, None
        try:
            yield
        finally:
            self.mixture = kept

    def carry_state(self, batch: int) -> None:
        """Make a place for the state that a training carries from batch to batch; a checkpoint keeps it."""
        self.carried = nn.Module()
        for number, part in enumerate(self.initial_state(batch)):
            self.carried.register_buffer(str(number), part.detach().clone())

    def carried_state(self, fresh: Tensor, rows: slice = slice(None)) -> State:
        """Return the state that was kept, and a fresh one for each text where `fresh` ``(B,)`` is True.

        Parameters
        ----------
        rows
            Which of the texts, where they are some of those that a state is carried for.
        """
        start = self.initial_state(len(fresh))
        return tuple(
            torch.where(fresh.view(-1, *[1] * (new.dim() - 1)), new, kept[rows])
            for new, kept in zip(start, self.carried.buffers(), strict=True)
        )

    def keep_state(self, state: Sequence[Tensor], rows: slice = slice(None)) -> None:
        """Keep a state of some texts for the next batch; no gradient flows through it."""
        with torch.no_grad():
            for kept, part in zip(self.carried.buffers(), state, strict=True):
                kept[rows].copy_(part)

    def forward(self, ids: Tensor, state: Sequence[Tensor] | None = None) -> tuple[Tensor, State]:
        """Read whole sequences.

        Parameters
        ----------
        ids
            Numbers of the symbols, ``(B, T)`` integers from 0 to V.
        state
            State before the first of them; ``initial_state(B)`` when absent.

        Returns
        -------
        logits
            ``(B, T, V)``: at step t of the symbol that follows ``ids[:, t]``.
        state
            State after the last step.

        Raises
        ------
        InputError
            If `ids` is not of rank 2 or holds a number that is no symbol's.
        """
        _check_ids(ids, 2, self.symbols)
        state = self.initial_state(len(ids)) if state is None else state
        own = state if self.mixture is None else state[:-1]
        y, end = self.stack(self.symbol_dropout(self._vectors(ids)), own)
        logits: Tensor = self.head(self.output_dropout(y))
        if self.mixture is None:
            return logits, end
        mixed, last = self.mixture.mix(logits, ids, state[-1])
        return mixed, (*end, last)

    def step(self, ids: Tensor, state: Sequence[Tensor]) -> tuple[Tensor, State]:
        """Read one symbol of each text, for use after training: nothing is dropped.

        Parameters
        ----------
        ids
            ``(B,)`` integers from 0 to V.

        Returns
        -------
        logits
            ``(B, V)``: of the symbol that follows.
        state
            State after the step.
        """
        own = state if self.mixture is None else state[:-1]
        y, end = self.stack.step(self._vectors(ids), own)
        logits = self.head.step(y)
        if self.mixture is None:
            return logits, end
        mixed, last = self.mixture.mix(logits[:, None], ids[:, None], state[-1])
        return mixed[:, 0], (*end, last)

    def symbol_vectors(self) -> Tensor:
        """Return the vector of each symbol, and zeros for nothing as the last, ``(V + 1, E)``."""
        if self.embedding is None:
            weight = next(self.parameters())
            return torch.eye(self.symbols + 1, self.symbols, dtype=weight.dtype, device=weight.device)
        return functional.pad(self.embedding, (0, 0, 0, 1))

    def _vectors(self, ids: Tensor) -> Tensor:
        """Return the vector of each symbol, zeros for nothing."""
        if self.embedding is None:
            dtype = self.head.layers[-1].weight.dtype
            return functional.one_hot(ids, self.symbols + 1)[..., :-1].to(dtype)  # type: ignore[arg-type]
        return functional.embedding(ids, self.symbol_vectors())


def _start(settings: TextModelSettings, symbols: int, width: int, generator: torch.Generator | None) -> Tensor:
    """Draw the vectors that symbols have before training."""
    if settings.embedding_start == "small":
        return (2 * torch.rand(symbols, width, generator=generator) - 1) * _SMALL
    drawn = torch.randn(symbols, width, generator=generator)
    return drawn * width**-0.5 if settings.tied else drawn  # as the output layer's rows, they must not be long


def _check_ids(ids: Tensor, rank: int, symbols: int) -> None:
    if ids.dim() != rank or ids.is_floating_point():
        raise InputError(
            f"symbols must be a tensor of {rank} dimensions of integers (found {tuple(ids.shape)}, {ids.dtype})"
        )
    if ids.numel() and not 0 <= int(ids.min()) <= int(ids.max()) <= symbols:
        raise InputError(f"symbols go from 0 to {symbols} (found {int(ids.min())} to {int(ids.max())})")
