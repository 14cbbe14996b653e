"""Which part of a text trains, which chooses, which judges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gatewise.data.text.corpus import Corpus, Index
from gatewise.errors import DataError, SettingsError
from gatewise.settings import TextDataSettings, TextSplitSettings

NONE: Index = np.empty((0, 2), dtype=np.int64)

LEAKS = (
    "split windows: windows that judge lie between windows that trained; they share no symbol, but names, style and "
    "sentences that a border cuts, so the loss is lower than on text from elsewhere"
)


@dataclass(frozen=True, eq=False)
class TextSplit:
    """Spans of a corpus.

    Attributes
    ----------
    train, validation, test
        Spans [begin, end): int64 (n, 2). None overlaps another.
    kind
        ``position``, ``document`` or ``windows``.
    leaks
        Whether what judges lies among what trained.
    """

    train: Index
    validation: Index
    test: Index
    kind: str
    leaks: bool = False
    notes: tuple[str, ...] = ()

    def parts(self) -> dict[str, Index]:
        """Return the parts by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def lengths(self) -> dict[str, int]:
        """Return how many symbols each part has."""
        return {name: int((spans[:, 1] - spans[:, 0]).sum()) for name, spans in self.parts().items()}


def split_text(corpus: Corpus, split: TextSplitSettings, data: TextDataSettings) -> TextSplit:
    """Divide a corpus into parts.

    Raises
    ------
    DataError
        If a part that is asked for would be shorter than a window and its target, or have no document.
    SettingsError
        If drawn windows would overlap.

    Notes
    -----
    position
        The last `test` of the symbols are the test part, the last `validation` of the rest is the validation part.
    document
        Whole documents: scikit-learn's ``train_test_split`` draws those of the test part with the seed, the last share
        of the others, in drawn order, is the validation part. Each part keeps the order of the text.
    windows
        Windows of ``window + 1`` symbols (the last is only predicted) every ``stride`` symbols, ``window + 1`` when
        absent, divided as documents are and left in drawn order.

    Examples
    --------
    >>> split = split_text(corpus_of("to be or not to be " * 99, data := TextDataSettings()), TextSplitSettings(), data)
    >>> split.train.tolist(), split.test.tolist()
    ([[0, 1607]], [[1692, 1881]])
    """
    if len(corpus) < data.window + 1:
        raise DataError(
            f"the text has {len(corpus)} symbols, and one window of {data.window} with its target needs "
            f"{data.window + 1}: give more text or a smaller window"
        )
    made = {"position": _by_position, "document": _by_document, "windows": _by_windows}[split.kind](corpus, split, data)
    least = data.window + 1
    for part, length in made.lengths().items():
        share = getattr(split, part, 1.0)  # the training part is always asked for
        if share > 0 and length < least:
            raise _too_short(part, length, corpus, split, data)
    return made


def _by_position(corpus: Corpus, split: TextSplitSettings, data: TextDataSettings) -> TextSplit:  # noqa: ARG001
    end = int(len(corpus) * (1 - split.test))
    cut = int(end * (1 - split.validation))
    edges = ((0, cut), (cut, end), (end, len(corpus)))
    train, validation, test = (np.array([edge], dtype=np.int64) if edge[1] > edge[0] else NONE for edge in edges)
    return TextSplit(train, validation, test, "position")


def _by_document(corpus: Corpus, split: TextSplitSettings, data: TextDataSettings) -> TextSplit:
    spans = np.stack([corpus.documents[:-1], corpus.documents[1:]], axis=1)
    wanted = 1 + (split.test > 0) + (split.validation > 0)
    if len(spans) < wanted:
        raise DataError(
            f"split document: {len(spans)} documents for {wanted} parts; give more files, say what a document is "
            f"(documents line or blank_line, now {data.documents}), or split by position"
        )
    train, validation, test = (spans[np.sort(part)] for part in _draw(len(spans), split))
    return TextSplit(train, validation, test, "document")


def _by_windows(corpus: Corpus, split: TextSplitSettings, data: TextDataSettings) -> TextSplit:
    size = data.window + 1
    stride = data.stride or size
    if stride < size:
        raise SettingsError(
            f"stride {stride}: drawn windows of {data.window} symbols and a target would overlap, and what trains "
            f"would judge; a stride of {size} or more is needed"
        )
    begins = np.arange(0, len(corpus) - size + 1, stride, dtype=np.int64)
    spans = np.stack([begins, begins + size], axis=1)
    train, validation, test = (spans[part] for part in _draw(len(spans), split))
    return TextSplit(train, validation, test, "windows", leaks=split.test > 0, notes=(LEAKS,) if split.test > 0 else ())


def _draw(count: int, split: TextSplitSettings) -> tuple[Index, Index, Index]:
    """Draw which of `count` things go to which part."""
    everything = np.arange(count, dtype=np.int64)
    if split.test == 0 or count < 2:
        rest, test = np.random.RandomState(split.seed).permutation(everything), everything[:0]
    else:
        from sklearn.model_selection import train_test_split

        try:
            rest, test = train_test_split(everything, test_size=split.test, random_state=split.seed)
        except ValueError:  # nothing would be left to train on
            rest, test = everything[:0], everything
    cut = int(len(rest) * (1 - split.validation))
    return rest[:cut], rest[cut:], test


def _too_short(part: str, length: int, corpus: Corpus, split: TextSplitSettings, data: TextDataSettings) -> DataError:
    called = "training" if part == "train" else part
    shares = f"test {split.test:g}, validation {split.validation:g}"
    return DataError(
        f"split {split.kind}: the {called} part has {length} of {len(corpus)} symbols, and a window of {data.window} "
        f"with its target needs {data.window + 1} ({shares}): give more text, a smaller window or other shares"
    )
