"""What labelled texts look like: lengths, duplicates, annotators' agreement, what cleaning does to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gatewise.data.labelled.cleaning import Cleaner, whole
from gatewise.data.labelled.duplicates import near_duplicates
from gatewise.data.labelled.labelled import Ints, Labelled
from gatewise.data.labelled.words import words_of

#: Takes texts and returns their tokens: offsets (n + 1,) of what is kept, and how many were lost (n,).
Tokenize = Callable[[list[str]], Any]

#: Lengths at which texts may be cut.
LENGTHS = (16, 32, 64, 128, 256, 512)
#: Examples of each kind that are shown, and letters of a text.
_EXAMPLES, _WIDTH = 3, 110


def text_lengths(labelled: Labelled, tokenize: Tokenize | None, limit: int) -> dict[str, Any]:
    """Return lengths in characters and tokens, and the share of texts that is cut at several lengths and at `limit`."""
    characters = np.array([len(text) for text in labelled.texts], dtype=np.int64)
    if tokenize is None:
        units, tokens = "words", np.array([len(words_of(text)) for text in labelled.clean], dtype=np.int64)
    else:
        made = tokenize(labelled.clean)
        units, tokens = "tokens", np.diff(made.offsets) + np.asarray(made.lost)
    cut = {str(length): float((tokens > length).mean()) for length in sorted({*LENGTHS, limit})}
    return {"characters": _summary(characters), "unit": units, "tokens": _summary(tokens), "cut": cut}


def _summary(values: Ints) -> dict[str, float]:
    return {
        "mean": float(values.mean()),
        "median": float(np.median(values)),
        "p95": float(np.quantile(values, 0.95)),
        "longest": int(values.max()),
    }


def duplicates(labelled: Labelled) -> dict[str, Any]:
    """Count texts that are the same or nearly the same as others, and show those whose labels differ."""
    groups = near_duplicates(labelled.texts)
    sizes = np.bincount(groups)
    members = np.split(np.argsort(groups, kind="stable"), np.cumsum(sizes)[:-1])
    several = [members[group] for group in np.flatnonzero(sizes > 1)]
    torn = [rows for rows in several if len(set(labelled.labels[rows].tolist())) > 1]
    return {
        "same": len(labelled) - len(set(labelled.texts)),
        "same_cleaned": len(labelled) - len(set(labelled.clean)),
        "near": int(sum(len(rows) for rows in several)),
        "groups": len(several),
        "conflicts": len(torn),
        "examples": [_conflict(labelled, rows) for rows in torn[:_EXAMPLES]],
    }


def _conflict(labelled: Labelled, rows: Ints) -> list[dict[str, str]]:
    """Return one text of each class."""
    _, first = np.unique(labelled.labels[rows], return_index=True)
    return [
        {"where": labelled.where(row), "class": labelled.classes[labelled.labels[row]], "text": labelled.texts[row]}
        for row in rows[np.sort(first)].tolist()
    ]


def agreement(labelled: Labelled) -> dict[str, Any] | None:
    """Return the share of texts on which all annotators agree, by class; None without votes."""
    if labelled.votes is None:
        return None
    votes, labels = labelled.votes, labelled.labels
    unanimous = votes.max(axis=1) == votes.sum(axis=1)
    chosen = votes[np.arange(len(labels)), labels]
    return {
        "annotators": float(np.median(votes.sum(axis=1))),
        "unanimous": float(unanimous.mean()),
        "by_class": {name: float(unanimous[labels == number].mean()) for number, name in enumerate(labelled.classes)},
        "outvoted": int((chosen < votes.max(axis=1)).sum()),
    }


def cleaning_report(texts: Sequence[str], steps: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return for each step how many texts it changes, and up to three of them before and after it."""
    cleaner = Cleaner(steps)
    made: dict[str, dict[str, Any]] = {step: {"changed": 0, "examples": []} for step in cleaner.steps}
    for text in texts:
        before = whole(text)
        for step, after in cleaner.trace(before):
            if after != before:
                found = made[step]
                found["changed"] += 1
                if len(found["examples"]) < _EXAMPLES:
                    found["examples"].append(_around(before, after))
            before = after
    return made


def _around(before: str, after: str) -> dict[str, str]:
    """Return two texts from a little before the place where they begin to differ."""
    same = next(
        (i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after))
    )
    begin = max(same - 30, 0) if same > 40 else 0
    return {"before": excerpt(before, begin), "after": excerpt(after, begin)}


def excerpt(text: str, begin: int = 0) -> str:
    """Return so much of a text as fits into a line.

    Examples
    --------
    >>> excerpt("short"), len(excerpt("long " * 99))
    ('short', 112)
    """
    shown = text[begin : begin + _WIDTH]
    return ("… " if begin else "") + shown + (" …" if begin + _WIDTH < len(text) else "")
