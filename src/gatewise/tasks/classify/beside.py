"""What the baselines answer beside the network: learned from the training part, settled on validation as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from gatewise.data.labelled import Labelled, LabelledSplit
from gatewise.encoders import Features
from gatewise.recent import Recent, digest
from gatewise.registry import CLASS_BASELINES
from gatewise.tasks.classify.baselines import BaselineTexts, ClassBaseline
from gatewise.tasks.classify.judge import Answers, Floats, Ints, Settled

_Means: TypeAlias = NDArray[np.float32] | None
#: Of validation and test part. A study's runs differ in seed and network, of which no baseline knows.
_RECENT = Recent[tuple[Floats, Floats]](most=32)


def answer_all(
    names: Sequence[str], labelled: Labelled, split: LabelledSplit, features: Features | None
) -> dict[str, Answers]:
    """Return the answers of each baseline to the test part; of those that read an encoder's means, where there are any.

    What they answered to the same texts, parts and means in this process is remembered.
    """
    texts = [BaselineTexts([labelled.clean[row] for row in rows]) for rows in split.parts().values()]
    means = None if features is None else features.means()
    read = digest(labelled.digest, *split.parts().values())
    found: dict[str, Answers] = {}
    for name in dict.fromkeys(["majority", *names]):
        baseline = CLASS_BASELINES.load(name)()
        if baseline.needs_means and means is None:
            continue
        seen = means if baseline.needs_means else None

        def learn(baseline: ClassBaseline = baseline, seen: _Means = seen) -> tuple[Floats, Floats]:
            return _learned(baseline, texts, labelled, split, seen)

        key = digest(name, read, *([] if seen is None else [seen]))
        validation, test = _RECENT.get(key, learn)
        settled = Settled.on(validation, labelled.labels[split.validation])
        found[name] = settled.answers(test, labelled.labels[split.test])
    return found


def _learned(
    baseline: ClassBaseline, texts: list[BaselineTexts], labelled: Labelled, split: LabelledSplit, means: _Means
) -> tuple[Floats, Floats]:
    """Let one baseline learn, and return the log-probabilities of validation and test part."""
    classes = len(labelled.classes)
    train, *held_out = texts

    def of(rows: Ints) -> _Means:
        return None if means is None else means[rows]

    baseline.fit(train, labelled.labels[split.train], classes, means=of(split.train))
    validation, test = (
        baseline.log_probs(some, means=of(rows)) if len(some) else np.zeros((0, classes))
        for some, rows in zip(held_out, (split.validation, split.test), strict=True)
    )
    return validation, test
