"""Text as the training loop sees it: batches of streams whose state is carried, or of windows that stand alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gatewise.errors import DataError
from gatewise.models import TextNetwork
from gatewise.settings import TextSettings
from gatewise.tasks.generate.losses import TextLoss, create_text_loss
from gatewise.tasks.generate.predicted import Ids, Ints
from gatewise.training.distributed import own_rows, summed


class Key(NamedTuple):
    """Where each text of a batch begins, which of them begin afresh, and which of all streams they are."""

    starts: Ints
    fresh: NDArray[np.bool_]
    rows: slice = slice(None)


#: Windows that are judged at once.
_JUDGED = 64
#: Steps of a stream that are judged at once.
_CHUNK = 256


class TextBatch(NamedTuple):
    """One step's worth of text.

    Attributes
    ----------
    inputs : (B, T) numbers of the symbols that are read; V where a text begins.
    targets : (B, T) numbers of the symbols that follow them.
    fresh : (B,) whether a stream starts from a fresh state; None when all do.
    rows : which of all streams these are.
    """

    inputs: Tensor
    targets: Tensor
    fresh: Tensor | None
    rows: slice = slice(None)


class Streams:
    """The training part cut into B long streams side by side, each read from its start to its end, T steps at a time.

    Every epoch shifts where the chunks are cut. Before a chunk each stream forgets its state with the chance
    `reset_rate` and reads "nothing" in the place of the chunk's first symbol: so the network learns to begin.

    Parameters
    ----------
    network
        Gets a place for the state that is carried from chunk to chunk, which the checkpoint keeps.
    """

    def __init__(self, network: TextNetwork, ids: Ids, spans: Ints, settings: TextSettings) -> None:
        self.network, self.text = network, _Joined(ids, spans)
        self.steps = settings.data.window
        self.reset_rate = settings.train.reset_rate
        asked = settings.train.batch_size
        self.batch_size = max(1, min(asked, len(self.text) // (self.steps + 1)))
        self.notes: tuple[str, ...] = ()
        if self.batch_size < asked:
            self.notes = (f"the text is short: {self.batch_size} streams are read side by side, not {asked}",)
        if self.batch_size < settings.train.processes:
            raise DataError(
                f"{settings.train.processes} processes cannot share a text that gives {self.batch_size} streams: "
                "take fewer, give more text, or a smaller window"
            )
        length = len(self.text) // self.batch_size
        self.shift = self.steps if length >= 2 * self.steps else 1  # an epoch begins at 0 .. shift - 1
        self.chunks = (length - self.shift) // self.steps
        if self.chunks < 1:
            raise DataError(
                f"the training part has {len(self.text)} symbols, which is too short for a window of {self.steps}: "
                "give more text, or a smaller window"
            )
        self.starts = np.arange(self.batch_size, dtype=np.int64) * length
        network.carry_state(self.batch_size)

    def plan(self, generator: torch.Generator) -> Sequence[Key]:
        """Return for each chunk of an epoch where the streams stand and which of them begin afresh."""
        shift = int(torch.randint(self.shift, (), generator=generator))
        fresh = (torch.rand(self.chunks, self.batch_size, generator=generator) < self.reset_rate).numpy()
        fresh[0] = True  # what was carried is the end of the text
        return [Key(self.starts + shift + chunk * self.steps, fresh[chunk]) for chunk in range(self.chunks)]

    def batch(self, key: Key) -> TextBatch:
        """Read the chunk at `key`."""
        starts, fresh, rows = key
        text = self.text[starts[:, None] + np.arange(self.steps + 1)]
        return TextBatch(*_read_and_said(text, fresh, self.network.nothing), torch.from_numpy(fresh), rows)

    def batch_size_of(self, key: Key) -> int:
        """Return how many symbols the chunk predicts."""
        return len(key.starts) * self.steps


class DrawnWindows:
    """Windows of T symbols, each read from a fresh state, in a new order every epoch (the reference report's way).

    A share `reset_rate` of them begins with "nothing" in the place of the first symbol.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, network: TextNetwork, ids: Ids, starts: Ints, settings: TextSettings) -> None:
        self.network, self.ids, self.starts = network, ids, starts
        self.steps = settings.data.window
        self.batch_size = settings.train.batch_size
        self.reset_rate = settings.train.reset_rate

    def plan(self, generator: torch.Generator) -> Sequence[Key]:
        """Return the starts of the windows of each batch, and which of them begin with nothing."""
        order = self.starts[torch.randperm(len(self.starts), generator=generator).numpy()]
        begins = (torch.rand(len(order), generator=generator) < self.reset_rate).numpy()
        cuts = range(0, len(order), self.batch_size)
        return [Key(order[cut : cut + self.batch_size], begins[cut : cut + self.batch_size]) for cut in cuts]

    def batch(self, key: Key) -> TextBatch:
        """Read the windows at `key`."""
        starts, begins, _ = key
        text = self.ids[starts[:, None] + np.arange(self.steps + 1)]
        return TextBatch(*_read_and_said(text, begins, self.network.nothing), None)

    def batch_size_of(self, key: Key) -> int:
        """Return how many symbols the batch predicts."""
        return len(key.starts) * self.steps


def _read_and_said(text: Ints, begins: NDArray[np.bool_], nothing: int) -> tuple[Tensor, Tensor]:
    """Return what is read of texts ``(B, T + 1)`` and what should follow; nothing stands first where one begins."""
    read, said = text[:, :-1].copy(), text[:, 1:].copy()
    read[begins, 0] = nothing
    return torch.from_numpy(read), torch.from_numpy(said)


class TextTask:
    """The job of a text run, as the training loop asks for it.

    Parameters
    ----------
    ids
        The whole text.
    train, validation
        Spans ``(n, 2)`` of the parts.
    """

    def __init__(
        self, network: TextNetwork, ids: Ids, settings: TextSettings, *, train: Ints, validation: Ints
    ) -> None:
        self.criterion, self.symbols = create_text_loss(settings.train), network.symbols
        self.ids, self.validation, self.window = ids, validation, settings.data.window
        self.batches: Streams | DrawnWindows
        if settings.train.regime == "streams":
            self.batches = Streams(network, ids, train, settings)
        else:
            stride = settings.data.stride or settings.data.window
            self.batches = DrawnWindows(network, ids, window_starts(train, self.window, stride), settings)
        self.plan, self.batch, self.batch_size_of = (
            self.batches.plan,
            self.batches.batch,
            self.batches.batch_size_of,
        )
        self.notes = self.batches.notes
        self.carried = settings.train.regime == "streams"

    def rows_of(self, key: Key) -> int:
        """Return how many texts the batch can be cut into."""
        return len(key.starts)

    def share(self, key: Key, rows: slice) -> Key:
        """Return some texts of a batch."""
        return Key(key.starts[rows], key.fresh[rows], rows)

    def weight(self, batch: TextBatch) -> float:
        """Return how many symbols the mean is over: those that training saw."""
        return float((batch.targets < self.symbols).sum())

    def loss(self, network: nn.Module, batch: TextBatch) -> Tensor:
        """Return the mean loss of a batch; streams go on from where their last batch ended."""
        assert isinstance(network, TextNetwork)
        if batch.fresh is None:
            logits, _ = network(batch.inputs)
        else:
            logits, end = network(batch.inputs, network.carried_state(batch.fresh, batch.rows))
            network.keep_state(end, batch.rows)
        return self.criterion(logits, batch.targets)

    def validation_loss(self, network: nn.Module) -> float | None:
        """Return the mean loss over the validation part, None when there is none.

        Windows as in training; or for streams some long pieces side by side, each read from a fresh state. This chooses
        an epoch; what is reported is judged on one carried pass.
        """
        assert isinstance(network, TextNetwork)
        if not len(self.validation):
            return None
        if self.carried:
            text = _Joined(self.ids, self.validation)
            return mean_loss(network, text, *_pieces(len(text), self.window), self.criterion)
        starts = window_starts(self.validation, self.window, self.window)
        return mean_loss(network, self.ids, starts, self.window, self.criterion)


@torch.no_grad()
def mean_loss(network: TextNetwork, ids: Ids | _Joined, starts: Ints, steps: int, criterion: TextLoss) -> float:
    """Return the mean loss over `steps` symbols from each of some places, each read from a fresh state.

    Symbols that training never saw are left out, as the loss leaves them out.
    """
    device = next(network.parameters()).device
    total = count = 0.0
    own = starts[own_rows(len(starts))]
    for first in range(0, len(own), _JUDGED):
        some, state = own[first : first + _JUDGED], None
        for begin in range(0, steps, _CHUNK):
            size = min(_CHUNK, steps - begin)
            text = torch.from_numpy(ids[some[:, None] + np.arange(begin, begin + size + 1)]).to(device)
            logits, state = network(text[:, :-1], state)
            seen = int((text[:, 1:] < network.symbols).sum())
            total += float(criterion(logits, text[:, 1:])) * seen
            count += seen
    total, count = summed(np.array([total, count]))
    return float(total) / max(float(count), 1)


def window_starts(spans: Ints, window: int, stride: int) -> Ints:
    """Return where windows of `window` symbols and the one after them begin, every `stride` symbols of each span.

    Raises
    ------
    DataError
        If no span is long enough.
    """
    found = [np.arange(begin, end - window, stride, dtype=np.int64) for begin, end in spans]
    starts = np.concatenate(found) if found else np.zeros(0, np.int64)
    if not len(starts):
        raise DataError(f"no part of the text holds a window of {window} symbols and the one after it")
    return starts


def _pieces(length: int, window: int) -> tuple[Ints, int]:
    """Cut a text into up to 16 pieces of equal length; return where they start, and how much of each is predicted."""
    pieces = max(1, min(16, (length - 1) // (4 * window)))
    steps = (length - 1) // pieces
    return np.arange(pieces, dtype=np.int64) * steps, steps


class _Joined:
    """The symbols of some spans, joined one after the other."""

    def __init__(self, ids: Ids, spans: Ints) -> None:
        sizes = spans[:, 1] - spans[:, 0]
        self.ids, self.ends = ids, np.cumsum(sizes)
        self.moves = spans[:, 0] - (self.ends - sizes)

    def __len__(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0

    def __getitem__(self, places: Ints) -> Ints:
        return self.ids[places + self.moves[np.searchsorted(self.ends, places, side="right")]]
