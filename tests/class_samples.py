"""Small labelled texts and quick settings for the tests of classification runs."""

from __future__ import annotations

import random
from typing import Any

_FILLER = ("red", "blue", "cat", "dog", "sun", "moon", "tree", "house", "river", "stone", "at", "by", "under", "near")
_SIGNS = ("awful", "lovely", "plain")

#: Flat settings of an estimator that fits in a tenth of a second.
QUICK: dict[str, Any] = {
    "units": 4, "embedding": 4, "head": (5,), "epochs": 1, "least_steps": 0, "batch_size": 8, "learning_rate": 0.02,
    "baselines": ("majority",), "explained": 0, "threads": 1, "near_duplicates": "apart", "minimum_count": 1,
}  # fmt: skip


def labelled_texts(count: int, *, classes: int = 3, seed: int = 0) -> tuple[list[str], list[int]]:
    """Return distinct texts, from 3 to 9 words long, in each of which one word tells the class, and the classes."""
    draw = random.Random(seed)
    labels = [row % classes for row in range(count)]
    texts = []
    for row, label in enumerate(labels):
        words = [*draw.choices(_FILLER, k=draw.randint(1, 7)), _SIGNS[label], f"no{row}"]
        draw.shuffle(words)
        texts.append(" ".join(words))
    return texts, labels
