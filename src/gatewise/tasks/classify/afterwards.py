"""What is looked at when a classifier is trained: its worst mistakes word by word, and whom its false alarms meet."""

from __future__ import annotations

from typing import Any

import numpy as np

from gatewise.data.labelled import Labelled
from gatewise.tasks.classify.explain import occlusion, worst_mistakes
from gatewise.tasks.classify.fairness import fairness_report
from gatewise.tasks.classify.judge import Answers, Ints
from gatewise.tasks.classify.model import ClassifyModel


def examine(model: ClassifyModel, labelled: Labelled, rows: Ints, answers: Answers) -> dict[str, Any]:
    """Return ``mistakes`` and ``fairness`` of the part whose rows are given."""
    return {
        "mistakes": _mistakes(model, labelled, rows, answers),
        "fairness": _fairness(model, labelled, rows, answers),
    }


def _mistakes(model: ClassifyModel, labelled: Labelled, rows: Ints, answers: Answers) -> list[dict[str, Any]]:
    """Return the most confident mistakes, the worst first, with the words that moved them."""
    found = []
    for place in worst_mistakes(answers.log_probs, answers.target, model.settings.explained):
        row, said = int(rows[place]), int(answers.predicted[place])
        words = occlusion(model.log_probs, labelled.texts[row], said)
        found.append(
            {
                "file": labelled.origin[int(labelled.file[row])] if labelled.origin else "",
                "row": int(labelled.rows[row]),
                "text": labelled.texts[row],
                "label": labelled.classes[int(answers.target[place])],
                "predicted": labelled.classes[said],
                "prob": float(np.exp(answers.log_probs[place, said])),
                "words": [[word.start, word.end, word.effect] for word in words],
                "votes": None if labelled.votes is None else labelled.votes[row].tolist(),
            }
        )
    return found


def _fairness(model: ClassifyModel, labelled: Labelled, rows: Ints, answers: Answers) -> dict[str, Any] | None:
    """Return false alarms by group and by term; None where no harmless class is named."""
    if model.settings.harmless is None:
        return None
    groups = labelled.fairness
    return fairness_report(
        [labelled.texts[row] for row in rows],
        answers.target,
        answers.predicted,
        classes=labelled.classes,
        harmless=model.settings.harmless,
        groups=None if groups is None else [groups[row] for row in rows],
        terms=model.settings.terms,
        log_probs=model.log_probs,
    )
