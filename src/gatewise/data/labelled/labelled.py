"""What reading gives: labelled texts, and texts to predict."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.data.labelled.cleaning import CLEANING_VERSION

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Parts that files or a column give, by their number in `Labelled.parts`.
PARTS = ("train", "validation", "test")
#: What `Labelled.origin` calls data that came from no file.
AT_HAND = "data at hand"


@dataclass(frozen=True)
class Columns:
    """The columns that were taken."""

    text: str
    label: str | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Sourced:
    """Texts that know where they stand.

    Attributes
    ----------
    texts, clean
        The texts as they stood, and cleaned.
    origin, file, rows
        Names of the files; for each text the number of its file, and its row there (data at hand count from 0).
    columns
        The columns that were taken.
    notes
        What reading guessed and found.
    """

    texts: list[str]
    clean: list[str]
    origin: list[str]
    file: NDArray[np.int32]
    rows: Ints
    columns: Columns
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.texts)

    def where(self, index: int) -> str:
        """Say where a text stands.

        Examples
        --------
        >>> from gatewise.data.labelled import labelled_of
        >>> labelled_of(["a b", "c d"], [0, 1]).where(1)
        'data at hand, row 1'
        """
        return f"{self.origin[self.file[index]]}, row {self.rows[index]}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Texts(Sourced):
    """Texts to predict.

    Attributes
    ----------
    labels
        What stood in the column of the label, where it is there.
    """

    labels: list[str] | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Labelled(Sourced):
    """Texts with their classes.

    Attributes
    ----------
    labels
        Number of each text's class: int64 (n,).
    classes
        Names of the classes, by their number.
    codes
        What stood in the column of the label for each class.
    votes
        Votes of annotators for each class: float64 (n, C).
    groups, fairness
        Values of the columns that keep rows together, and by which false alarms are counted.
    parts
        0 train, 1 validation, 2 test, where files or a column say it: int8 (n,).
    digest
        Changes when anything that training or judging reads changes.
    """

    labels: Ints
    classes: tuple[str, ...]
    codes: tuple[str, ...]
    votes: Floats | None = None
    groups: list[str] | None = None
    fairness: list[str] | None = None
    parts: NDArray[np.int8] | None = None
    digest: str = ""

    def counts(self) -> Ints:
        """Return how many texts each class has."""
        return np.bincount(self.labels, minlength=len(self.classes)).astype(np.int64)


def digest_of(
    texts: Sequence[str], clean: Sequence[str], labels: Ints, classes: Sequence[str], others: Iterable[Any]
) -> str:
    """Return 64 hex digits over everything that a run reads."""
    found = hashlib.sha256(json.dumps([CLEANING_VERSION, list(classes)]).encode())
    for one in (texts, clean, labels, *others):
        if isinstance(one, np.ndarray):
            found.update(str(one.dtype).encode() + np.ascontiguousarray(one).tobytes())
        else:
            found.update(json.dumps(one, ensure_ascii=True).encode() if one is not None else b"-")
        found.update(b"\0")
    return found.hexdigest()
