"""What the baselines answer beside the network: learned from the training part, settled on validation as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from gatewise.data.labelled import Labelled, LabelledSplit
from gatewise.encoders import Features
from gatewise.metrics.table import Metric
from gatewise.recent import Recent, digest
from gatewise.registry import CLASS_BASELINES
from gatewise.tasks.classify.baselines import BaselineTexts, ClassBaseline
from gatewise.tasks.classify.judge import Answers, Floats, Ints, Settled

#: Texts that a baseline learns from at most: TF-IDF of more would take more memory than all else, and gain little.
MOST_TEXTS = 100_000

_Means: TypeAlias = NDArray[np.float32] | None
#: Of validation and test part. A study's runs differ in seed and network, of which no baseline knows.
_RECENT = Recent[tuple[Floats, Floats]](most=32)


def answer_all(
    names: Sequence[str],
    labelled: Labelled,
    split: LabelledSplit,
    features: Features | None,
    own: tuple[Metric, ...] = (),
) -> dict[str, Answers]:
    """Return the answers of each baseline to the test part; of those that read an encoder's means, where there are any.

    What they answered to the same texts, parts and means in this process is remembered.
    """
    parts = (_some(split.train, labelled.labels, MOST_TEXTS), split.validation, split.test)
    texts = [BaselineTexts([labelled.clean[row] for row in rows]) for rows in parts]
    means = None if features is None else features.means()
    read = digest(labelled.digest, *parts)
    found: dict[str, Answers] = {}
    for name in dict.fromkeys(["majority", *names]):
        baseline = CLASS_BASELINES.load(name)()
        if baseline.needs_means and means is None:
            continue
        seen = means if baseline.needs_means else None

        def learn(baseline: ClassBaseline = baseline, seen: _Means = seen) -> tuple[Floats, Floats]:
            return _learned(baseline, texts, labelled, parts, seen)

        key = digest(name, read, *([] if seen is None else [seen]))
        validation, test = _RECENT.get(key, learn)
        settled = Settled.on(validation, labelled.labels[split.validation])
        found[name] = settled.answers(test, labelled.labels[split.test], own)
    return found


def note_of(split: LabelledSplit) -> list[str]:
    """Say that the baselines learn from fewer texts than the network, where they do."""
    if len(split.train) <= MOST_TEXTS:
        return []
    return [f"the baselines learn from {MOST_TEXTS:,} of the {len(split.train):,} training texts, some of every class"]


def _some(rows: Ints, labels: Ints, most: int) -> Ints:
    """Return about `most` of the rows, evenly from each class, one of each at least; all where they are no more."""
    if len(rows) <= most:
        return rows
    by_class = rows[np.argsort(labels[rows], kind="stable")]
    firsts = np.unique(labels[by_class], return_index=True)[1]
    evenly = np.linspace(0, len(rows) - 1, most).astype(np.int64)
    return np.sort(by_class[np.union1d(firsts, evenly)])


def _learned(
    baseline: ClassBaseline,
    texts: list[BaselineTexts],
    labelled: Labelled,
    parts: tuple[Ints, Ints, Ints],
    means: _Means,
) -> tuple[Floats, Floats]:
    """Let one baseline learn, and return the log-probabilities of validation and test part."""
    classes = len(labelled.classes)
    train, *held_out = texts
    rows_of_train, *rows_held_out = parts

    def of(rows: Ints) -> _Means:
        return None if means is None else means[rows]

    baseline.fit(train, labelled.labels[rows_of_train], classes, means=of(rows_of_train))
    validation, test = (
        baseline.log_probs(some, means=of(rows)) if len(some) else np.zeros((0, classes))
        for some, rows in zip(held_out, rows_held_out, strict=True)
    )
    return validation, test
