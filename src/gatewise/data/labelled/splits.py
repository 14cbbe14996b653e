"""Which texts train, which choose, which judge.

Texts are drawn by a hash of seed and text, not by their place: the same texts in another order are split in the same
way, and a text keeps its part when cleaning changes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from gatewise.data.labelled.drawing import Drawing, divide, in_shares
from gatewise.data.labelled.duplicates import near_duplicates
from gatewise.data.labelled.labelled import PARTS, Ints, Labelled
from gatewise.errors import DataError, SettingsError
from gatewise.settings import ClassifySplitSettings

_NONE: Ints = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class LabelledSplit:
    """Parts of labelled texts.

    Attributes
    ----------
    train, validation, test
        Numbers of the texts, ascending: int64. None is in two parts.
    kind
        ``stratified``, ``random``, ``folds`` or ``given``.
    leaks
        Whether texts that judge have near-duplicates among those that train, or nobody looked.
    """

    train: Ints
    validation: Ints
    test: Ints
    kind: str
    leaks: bool = False
    notes: tuple[str, ...] = ()

    def parts(self) -> dict[str, Ints]:
        """Return the parts by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def sizes(self) -> dict[str, int]:
        """Return how many texts each part has."""
        return {name: len(rows) for name, rows in self.parts().items()}


def split_labelled(labelled: Labelled, settings: ClassifySplitSettings | None = None) -> LabelledSplit:
    """Divide labelled texts into parts.

    Raises
    ------
    DataError
        If a class has too few texts for the parts, or a part would be empty.
    SettingsError
        If the training part is to have more texts than there are, or fewer than classes.

    Notes
    -----
    stratified
        A share `test` judges and a share `validation` of the rest chooses, each with the classes' shares. Texts of
        equal `group`, and near-duplicates unless they are drawn apart, stay on one side.
    random
        scikit-learn's ``train_test_split``, twice, whatever the class and the near-duplicates: it leaks.
    folds
        The texts are divided into `folds` parts as stratified does; one of them judges, the rest is divided again.
    given
        As files or a column say; where they give no validation part, the training part is divided as stratified does.

    Examples
    --------
    >>> from gatewise.data.labelled import labelled_of
    >>> made = labelled_of([f"{i} * {i} = {i * i}" for i in range(100, 150)], ["odd", "even"] * 25)
    >>> split_labelled(made).sizes()
    {'train': 31, 'validation': 4, 'test': 15}
    """
    settings = settings or ClassifySplitSettings()
    if settings.kind == "random":
        made = _random(labelled, settings)
    elif settings.kind == "given":
        made = _given(labelled, settings)
    else:
        made = _stratified(labelled, settings)
    if settings.train_size is not None:
        train = _subset(labelled, made.train, settings)
        note = f"the training part is cut from {len(made.train):,} to {len(train):,} texts"
        made = LabelledSplit(train, made.validation, made.test, made.kind, made.leaks, (*made.notes, note))
    _check(labelled, made, settings)
    return made


def _stratified(labelled: Labelled, settings: ClassifySplitSettings) -> LabelledSplit:
    apart = settings.near_duplicates == "apart"
    groups, notes = _groups(labelled, apart=apart)
    drawing = Drawing(labelled.labels, groups, _keys(labelled, settings.seed))
    everything = np.arange(len(labelled))
    wanted = settings.folds if settings.kind == "folds" else 1 + (settings.test > 0) + (settings.validation > 0)
    _refuse_rare(labelled, everything, wanted, settings)
    if settings.kind == "folds":
        judges = divide(drawing, everything, [1 / settings.folds] * settings.folds) == settings.fold
    else:
        judges = _drawn(drawing, everything, settings.test)
    rest = everything[~judges]
    chooses = _drawn(drawing, rest, settings.validation)
    made = (rest[~chooses], rest[chooses], everything[judges])
    leaks = False
    if apart:
        across, said = _across(labelled, made)
        leaks, notes = across > 0, notes + said
    return LabelledSplit(*made, settings.kind, leaks, notes)


def _drawn(drawing: Drawing, rows: Ints, share: float) -> NDArray[np.bool_]:
    """Tell which of some rows are drawn."""
    if share == 0:
        return np.zeros(len(rows), dtype=bool)
    size = ceil(len(rows) * share)
    parts = divide(drawing, rows, [1 - share, share], sizes=[len(rows) - size, size])
    return np.asarray(parts == 1, dtype=bool)


def _random(labelled: Labelled, settings: ClassifySplitSettings) -> LabelledSplit:
    from sklearn.model_selection import train_test_split

    rest, parts = np.arange(len(labelled)), []
    for share in (settings.test, settings.validation):
        taken = _NONE
        if share > 0:
            try:
                rest, taken = train_test_split(rest, test_size=share, random_state=settings.seed)
            except ValueError:  # nothing would be left to train on
                raise DataError(f"split random: {len(labelled)} texts are too few for the shares asked for") from None
        parts.append(np.sort(taken))
    made = (np.sort(rest), parts[1], parts[0])
    _, said = _across(labelled, made)
    return LabelledSplit(*made, "random", settings.test > 0, said)


def _given(labelled: Labelled, settings: ClassifySplitSettings) -> LabelledSplit:
    if labelled.parts is None:
        raise DataError("split given: the data do not say which text belongs to which part")
    train, validation, test = (np.flatnonzero(labelled.parts == part).astype(np.int64) for part in range(3))
    notes: tuple[str, ...] = ()
    if not len(validation) and settings.validation > 0:
        groups, notes = _groups(labelled, apart=settings.near_duplicates == "apart")
        _refuse_rare(labelled, train, 2, settings)
        chooses = _drawn(Drawing(labelled.labels, groups, _keys(labelled, settings.seed)), train, settings.validation)
        train, validation = train[~chooses], train[chooses]
        notes += (f"no validation part was given: {len(validation):,} texts of the training part choose",)
    _, said = _across(labelled, (train, validation, test))
    return LabelledSplit(train, validation, test, "given", False, notes + said)


def _groups(labelled: Labelled, *, apart: bool) -> tuple[Ints, tuple[str, ...]]:
    """Return the number of the group of each text that stays together, and what was found."""
    count = len(labelled)
    notes: tuple[str, ...] = ()
    links: list[Ints] = []
    if not apart:
        found = near_duplicates(labelled.texts)
        links.append(found)
        sizes = np.bincount(found)
        if (many := sizes[sizes > 1]).size:
            said = f"{many.sum():,} texts are near-duplicates, in {many.size:,} groups of up to {many.max():,}"
            notes = (f"{said}; each group stays in one part",)
    if labelled.groups is not None:
        # A row without a value belongs to nobody, so it is a group of its own.
        named = [value or f"\0{row}" for row, value in enumerate(labelled.groups)]
        links.append(np.unique(named, return_inverse=True)[1].astype(np.int64))
    if not links:
        return np.arange(count), notes
    # Texts and groups are the nodes of a graph; what hangs together stays together.
    rows = np.tile(np.arange(count), len(links))
    ends = np.concatenate([link + count * (1 + which) for which, link in enumerate(links)])
    size = count * (1 + len(links))
    graph = coo_matrix((np.ones(len(rows), dtype=np.int8), (rows, ends)), shape=(size, size))
    return connected_components(graph, directed=False)[1][:count].astype(np.int64), notes


def _keys(labelled: Labelled, seed: int) -> NDArray[np.uint64]:
    """Return a number for each text by which it is drawn."""
    salt = str(seed).encode()[:16]
    digests = b"".join(hashlib.blake2b(text.encode(), digest_size=8, salt=salt).digest() for text in labelled.texts)
    return np.frombuffer(digests, dtype="<u8")


def _across(labelled: Labelled, parts: tuple[Ints, Ints, Ints]) -> tuple[int, tuple[str, ...]]:
    """Count the texts that judge and have a near-duplicate among those that train or choose."""
    train, validation, test = parts
    if not len(test):
        return 0, ()
    groups = near_duplicates(labelled.texts)
    seen = np.isin(groups[test], groups[np.concatenate([train, validation])])
    count = int(seen.sum())
    if not count:
        return 0, ()
    return count, (
        f"{count:,} of {len(test):,} test texts have a near-duplicate in another part: their score is too good",
    )


def _subset(labelled: Labelled, train: Ints, settings: ClassifySplitSettings) -> Ints:
    """Return so many texts of the training part; fewer are always among more."""
    size, classes = settings.train_size or 0, len(labelled.classes)
    if size > len(train):
        raise SettingsError(f"train_size {size}: the training part has {len(train)} texts")
    if size < classes:
        raise SettingsError(f"train_size {size}: there are {classes} classes, and each needs a text")
    order = in_shares(labelled.labels[train], _keys(labelled, settings.seed)[train])
    return np.sort(train[order[:size]])


def _refuse_rare(labelled: Labelled, rows: Ints, wanted: int, settings: ClassifySplitSettings) -> None:
    counts = np.bincount(labelled.labels[rows], minlength=len(labelled.classes))
    rarest = int(np.argmin(counts))
    if counts[rarest] < wanted:
        need = f"{settings.folds} folds need" if settings.kind == "folds" else f"{wanted} parts need"
        raise DataError(
            f"split {settings.kind}: the class {labelled.classes[rarest]!r} has {counts[rarest]} texts, and {need} "
            f"{wanted}; give more texts of it, join it with another class, or ask for fewer parts"
        )


def _check(labelled: Labelled, made: LabelledSplit, settings: ClassifySplitSettings) -> None:
    """Refuse a split in which a class is never learned, or a part that was asked for is empty."""
    missing = set(range(len(labelled.classes))) - set(labelled.labels[made.train].tolist())
    if missing:
        name = labelled.classes[min(missing)]
        raise DataError(
            f"split {made.kind}: no text of the class {name!r} is left to train on{_blame(labelled, settings)}; "
            "give more texts of it or other shares"
        )
    asked = {"validation": settings.validation > 0, "test": settings.test > 0 or settings.kind == "folds"}
    for part in PARTS[1:]:
        if asked[part] and not len(made.parts()[part]) and made.kind != "given":
            raise DataError(
                f"split {made.kind}: the {part} part has no texts{_blame(labelled, settings)}; "
                "give more texts or other shares"
            )


def _blame(labelled: Labelled, settings: ClassifySplitSettings) -> str:
    """Say so where it is large groups that leave a part empty."""
    if settings.kind == "random":
        return ""
    groups, _ = _groups(labelled, apart=settings.near_duplicates == "apart")
    largest = int(np.bincount(groups).max())
    if largest < len(groups) / 4:
        return ""
    return f" (one group of {largest} texts stays together; near_duplicates apart and no group column part them)"
