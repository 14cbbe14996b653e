"""What is looked at once a text network is trained: how far back it remembers, how it writes, what it copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gatewise.data.text import Corpus, TextSplit
from gatewise.settings import SamplingSettings, read_sampling
from gatewise.tasks.generate.baselines import MOST_COUNTED, NGram
from gatewise.tasks.generate.copying import copying_report, distinct, longest_copies
from gatewise.tasks.generate.evaluation import last_symbols, memory_curve
from gatewise.tasks.generate.generation import generate
from gatewise.tasks.generate.model import TextModel
from gatewise.tasks.generate.predicted import Ids, Ints
from gatewise.tasks.generate.reading import log_probs

#: Texts, and symbols in each, that every run writes to see what it copies: as the network is, at temperature 1.
TEXTS, LENGTH = 8, 500
#: Under this name stand the same figures of the real held-out text.
HELD_OUT = "held_out"


def examine(model: TextModel, corpus: Corpus, ids: Ids, split: TextSplit) -> dict[str, Any]:
    """Return what every run looks at, and what its settings ask for, by its name in ``result.json``.

    Returns
    -------
    dict
        ``copying``: what the network's own texts have in common with the training part, beside held-out text of the
        same length; None without samples.
        ``memory``: nats per character by the number of symbols that the network may see before each one.
        ``sampling``: figures of each way of writing, and of held-out text.
    """
    settings = model.settings
    held_out = split.test if len(split.test) else split.validation
    found: dict[str, Any] = {"copying": None, "memory": {}, "sampling": {}}
    if settings.sample_length:
        texts = write(model, SamplingSettings(length=LENGTH, n=TEXTS))
        real = _real_texts(ids, held_out, 1, TEXTS * LENGTH)
        other = real[0] if real else np.zeros(0, np.int64)
        report = copying_report(texts, ids, other, model.vocabulary.decode, split.train)
        shown = [
            {"text": model.vocabulary.decode(text), **row} for text, row in zip(texts, report["samples"], strict=True)
        ]
        normal = _copied(report["normal"]) if len(other) else None
        found["copying"] = {**_copied(report["samples"]), HELD_OUT: normal, "texts": shown}
    if settings.memory_contexts and len(held_out):
        rows = memory_curve(
            model.network, ids, held_out, training_symbols=model.vocabulary.total, contexts=settings.memory_contexts
        )
        found["memory"] = {str(row["context"]): row["nats_per_char"] for row in rows}
    if settings.samplings:
        found["sampling"] = _samplings(model, corpus, ids, split, held_out)
    return found


def write(model: TextModel, sampling: SamplingSettings) -> list[Ints]:
    """Return the symbols of texts that begin from nothing, drawn with the run's seed."""
    seeded = sampling.model_copy(update={"seed": model.settings.seed, "unknown": "skip"})
    made = generate(model.network, model.vocabulary, [model.settings.sample_prompt], seeded)
    number = {symbol: place for place, symbol in enumerate(model.vocabulary.symbols)}
    return [np.array([number[symbol] for symbol in one.symbols], np.int64) for one in made]


def _copied(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the longest copy of some texts, and the means of what share is copied and of how varied they are."""
    lengths = sorted({n for row in rows for n in row["shares"]}, key=int)
    return {
        "longest": max(row["longest"] for row in rows),
        "share": {n: _mean([row["shares"].get(n) for row in rows]) for n in lengths},
        "distinct": {
            n: _mean([row["distinct"]["characters"][n] for row in rows]) for n in rows[0]["distinct"]["characters"]
        },
        "distinct_words": {
            n: _mean([row["distinct"]["words"][n] for row in rows]) for n in rows[0]["distinct"]["words"]
        },
        "loops": sum(row["loop"] is not None for row in rows),
    }


def _samplings(model: TextModel, corpus: Corpus, ids: Ids, split: TextSplit, held_out: Ints) -> dict[str, Any]:
    settings = model.settings
    count, length = settings.sampling_texts, settings.sampling_length
    counted = last_symbols(split.train, MOST_COUNTED)
    train = np.concatenate([ids[int(begin) : int(end)] for begin, end in counted])
    ngram = NGram().fit(train, len(model.vocabulary))
    words = set(_words("".join(corpus.text(int(begin), int(end)) for begin, end in counted)))
    batches = {
        name: write(model, read_sampling(name).model_copy(update={"n": count, "length": length}))
        for name in settings.samplings
    }
    if len(held_out):
        batches[HELD_OUT] = _real_texts(ids, held_out, count, length)
    return {name: _figures(model, texts, ids, split.train, ngram, words) for name, texts in batches.items() if texts}


def _figures(
    model: TextModel, texts: Sequence[Ints], ids: Ids, train: Ints, ngram: NGram, words: set[str]
) -> dict[str, Any]:
    """Return quality (known words, how likely it is), variety and copying of some texts, and the first of them."""
    copies = longest_copies(texts, ids, train)
    decoded = [model.vocabulary.decode(text) for text in texts]
    own = [log_probs(model.network, model.vocabulary, text) for text in decoded]
    written = [word for text in decoded for word in _words(text)[1:-1]]  # the ends of a text cut words
    return {
        "known_words": float(np.mean([word in words for word in written])) if written else None,
        "ngram_nats_per_char": float(-np.concatenate([ngram.log_probs(text) for text in texts]).mean()),
        "own_nats_per_char": float(-np.concatenate(own).mean()),
        "distinct_4": _mean([distinct(text.tolist(), 4) for text in texts]),
        "copied_20": _mean([copy.shares.get(20) for copy in copies]),
        "longest_copy": float(max(copy.longest for copy in copies)),
        "text": decoded[0][:LENGTH],
    }


def _real_texts(ids: Ids, spans: Ints, count: int, length: int) -> list[Ints]:
    """Return up to `count` stretches of the longest span, spread evenly over it."""
    if not len(spans):
        return []
    begin, end = (int(place) for place in spans[np.argmax(spans[:, 1] - spans[:, 0])])
    length = min(length, end - begin)
    starts = np.unique(np.linspace(begin, end - length, count).astype(np.int64))
    return [ids[int(start) : int(start) + length] for start in starts]


def _words(text: str) -> list[str]:
    """Return the runs of letters, marks and digits, in small letters."""
    return "".join(one if one.isalnum() or one in "'\u200c" else " " for one in text.lower()).split()


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
