"""What is looked at once a text network is trained: how far back it remembers, how it writes, what it copies."""

from __future__ import annotations

from typing import Any

from gatewise.data.text import Corpus, TextSplit
from gatewise.tasks.generate.evaluation import memory_curve
from gatewise.tasks.generate.model import TextModel
from gatewise.tasks.generate.predicted import Ids


def examine(model: TextModel, corpus: Corpus, ids: Ids, split: TextSplit) -> dict[str, Any]:
    """Return what the settings ask for, by its name in ``result.json``.

    Returns
    -------
    dict
        ``memory``: nats per character by the number of symbols that the network may see before each one, or None.
    """
    settings, held_out = model.settings, split.test if len(split.test) else split.validation
    memory = None
    if settings.memory_contexts and len(held_out):
        memory = memory_curve(
            model.network, ids, held_out, training_symbols=model.vocabulary.total, contexts=settings.memory_contexts
        )
    return {"memory": memory}
