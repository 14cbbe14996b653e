"""What a text network is worth: metrics by protocol, baselines beside them, and a verdict in one word."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatewise.data.text import TextSplit, Vocabulary
from gatewise.metrics import (
    bootstrap_interval,
    compare_log_probs,
    loss_by_position,
    metrics_by_place,
    reliability,
    text_metrics,
    word_places,
)
from gatewise.metrics.own import measure
from gatewise.metrics.table import Metric
from gatewise.models import TextNetwork
from gatewise.registry import TEXT_BASELINES
from gatewise.settings import TextSettings
from gatewise.tasks.generate.adaptive import dynamic, prequential, running_curve
from gatewise.tasks.generate.evaluation import carried, cold, first_symbols, last_symbols
from gatewise.tasks.generate.part import Part
from gatewise.tasks.generate.predicted import Floats, Ids, Ints, Predicted

#: Longer parts are judged by their first symbols, as the baselines are; a pass over them takes minutes.
MOST_SYMBOLS = 5_000_000
#: Vocabulary of the training part that are judged where nothing is held out.
TRAIN_SYMBOLS = 100_000
#: Vocabulary that a cold window reads, as in nanoGPT's recipes.
COLD_WINDOW = 256

#: What was predicted: part -> protocol -> symbols.
Predictions = dict[str, dict[str, Predicted]]


@dataclass(frozen=True)
class BaselineScore:
    """What a baseline reached on the test part.

    ``log_probs`` stand beside the network's, symbol by symbol; None for a compressor, which has one number for all.
    """

    metrics: dict[str, float]
    log_probs: Floats | None = None
    notes: tuple[str, ...] = ()


def gather(
    settings: TextSettings,
    network: TextNetwork,
    ids: Ids,
    split: TextSplit,
    *,
    training_symbols: int,
    make_network: Callable[[], TextNetwork] | None = None,
) -> Predictions:
    """Let the network predict every part under every protocol that applies.

    Parameters
    ----------
    split
        The training part is judged by its last symbols, as many as the test part has.
    training_symbols
        Number N of symbols in the training part.
    make_network
        Makes the network with its start weights; needed with ``settings.prequential``.
    """
    spans, window = judged(settings, split)
    drawn = settings.split.kind == "windows"
    made: Predictions = (
        {name: {} for name in spans} if drawn else _carried_together(network, ids, spans, training_symbols)
    )
    for name, part in spans.items():
        made[name]["cold"] = cold(network, ids, part, training_symbols=training_symbols, window=window)
    if settings.dynamic_evaluation is not None and "test" in made:
        rate = settings.dynamic_evaluation
        made["test"]["dynamic"] = dynamic(network, ids, spans["test"], rate, training_symbols=training_symbols)
    if settings.prequential and make_network is not None:
        part = first_symbols(split.train, MOST_SYMBOLS)
        made["train"]["prequential"] = prequential(
            make_network, settings.train, ids, part, training_symbols=training_symbols, chunk=settings.data.window
        )
    return made


def judged(settings: TextSettings, split: TextSplit) -> tuple[dict[str, Ints], int]:
    """Return the spans of each part that are judged, and how many symbols a cold window reads."""
    if settings.split.kind == "windows":
        return _drawn_windows(split), settings.data.window
    return judged_spans(split), COLD_WINDOW


def judged_spans(split: TextSplit) -> dict[str, Ints]:
    """Return the spans of each part that are judged; a part that is empty is left out."""
    held_out = {"validation": split.validation, "test": split.test}
    spans = {name: first_symbols(part, MOST_SYMBOLS) for name, part in held_out.items()}
    most = _size(spans["test"]) or _size(spans["validation"]) or TRAIN_SYMBOLS
    spans = {"train": last_symbols(split.train, most), **spans}
    return {name: part for name, part in spans.items() if _size(part)}


def score_baselines(names: Sequence[str], train: Part, test: Part, byte_lengths: Ints) -> dict[str, BaselineScore]:
    """Let each baseline learn from the training part and predict the test part.

    Parameters
    ----------
    names
        Of ``gatewise.registry.TEXT_BASELINES``; "uniform" is always there.
    train, test
        What they learn from, and what they predict.
    byte_lengths : (V,)
        Bytes of each symbol in UTF-8.
    """
    scores = {}
    for name in dict.fromkeys(["uniform", *names]):
        baseline = TEXT_BASELINES.load(name)()
        metrics = baseline.evaluate(train, test, byte_lengths)
        log_probs = None
        if hasattr(baseline, "log_probs"):
            drawn = test.ids.ndim == 2  # windows, each read from its own first symbol
            each = [baseline.log_probs(window)[1:] for window in test.ids] if drawn else []
            log_probs = np.concatenate(each) if drawn else baseline.log_probs(test.ids[:MOST_SYMBOLS])
        scores[name] = BaselineScore(metrics, log_probs, tuple(baseline.notes))
    return scores


def summarise(
    vocabulary: Vocabulary,
    predictions: Predictions,
    baselines: Mapping[str, BaselineScore],
    losses: Mapping[str, float] | None = None,
    own: Sequence[Metric] = (),
) -> dict[str, Any]:
    """Return the part of ``result.json`` that says how good the network is.

    Parameters
    ----------
    predictions
        From :func:`gather`.
    baselines
        From :func:`score_baselines`.
    losses
        The trained loss of each part, over cold windows.
    own
        Metrics of the user's own.

    Returns
    -------
    dict
        ``metrics`` by part, ``baselines``, ``verdict``; of the test part (of validation where there is none)
        ``by_position``, ``words`` and ``calibration``; ``prequential``, the curve along the training part, or None.
    """
    metrics = {
        part: {"loss": (losses or {}).get(part)} | part_metrics(vocabulary, protocols, own)
        for part, protocols in predictions.items()
    }
    shown = next((predictions[part] for part in ("test", "validation", "train") if part in predictions), {})
    whole = shown.get("carried", shown.get("cold"))
    once = predictions.get("train", {}).get("prequential")
    return {
        "metrics": metrics,
        "baselines": {name: {"test": score.metrics} for name, score in baselines.items()},
        "verdict": verdict(predictions["test"], baselines) if "test" in predictions and baselines else None,
        "compressor": beside_compressor(predictions["test"], baselines) if "test" in predictions else None,
        "by_position": loss_by_position(shown["cold"].log_probs, shown["cold"].position) if "cold" in shown else {},
        "words": by_place(vocabulary, whole, cut="carried" not in shown) if whole else {},
        "calibration": reliability(whole.confidence, whole.right) if whole else [],
        "prequential": running_curve(once.log_probs) if once else None,
    }


def part_metrics(
    vocabulary: Vocabulary, protocols: Mapping[str, Predicted], own: Sequence[Metric] = ()
) -> dict[str, float | None]:
    """Return ``carried_nats_per_char`` and the rest, for every protocol of a part.

    Metrics of the user's `own` are those of the first protocol that predicted anything.
    """
    # A symbol that training never saw has no known length: one byte, the least there is.
    lengths = np.append(vocabulary.byte_lengths, 1)
    found: dict[str, float | None] = {}
    for protocol, made in protocols.items():
        given = {"log_probs": made.log_probs, "right": made.right, "confidence": made.confidence}
        given["byte_lengths"] = lengths[made.target]
        figures = text_metrics(made.log_probs, made.right, made.confidence, given["byte_lengths"])
        found |= {f"{protocol}_{name}": value for name, value in figures.items()}
        if len(made):
            found = measure(own, given) | found
    return found


def by_place(vocabulary: Vocabulary, made: Predicted, *, cut: bool) -> dict[str, dict[str, Any]]:
    """Return accuracy and loss by place in the word.

    Parameters
    ----------
    cut
        The text is cut into windows whose neighbours are not known: the symbols at their ends are left out.
    """
    starts = np.flatnonzero(np.diff(made.where, prepend=-2) != 1 if cut else made.position == 1)
    places = word_places(made.target, vocabulary.symbols, kind=vocabulary.kind, starts=starts)
    if cut:
        places[starts] = places[starts - 1] = -1
    return metrics_by_place(made.log_probs, made.right, places)


def verdict(test: Mapping[str, Predicted], baselines: Mapping[str, BaselineScore]) -> dict[str, Any] | None:
    """Compare with the best baseline that learns from the training part alone, as the network does.

    It is the one with the least loss on the test part: it is given every advantage. Both losses are compared symbol by
    symbol, by a block bootstrap. A compressor goes on learning from the held-out text; see :func:`beside_compressor`.
    """
    protocol = "carried" if "carried" in test else "cold"
    metric, ours = f"{protocol}_nats_per_char", test[protocol].log_probs
    known = {
        name: (score.metrics[metric], score.log_probs)
        for name, score in baselines.items()
        if score.log_probs is not None and score.metrics.get(metric) is not None
    }
    if not known or not len(ours):
        return None
    against = min(known, key=lambda name: known[name][0])
    least, theirs = known[against]
    found = compare_log_probs(ours, theirs[: len(ours)])
    return {
        "metric": metric,
        "against": against,
        "ratio": float(-ours.mean()) / least if least else None,
        "says": found.says,
        "p": found.p,
        "interval": list(found.interval) if found.interval else None,
        "nats_interval": list(bootstrap_interval(-ours)),
        "test": f"Block bootstrap over {found.n} symbols in blocks of {found.block}",
        "note": found.note,
    }


def beside_compressor(test: Mapping[str, Predicted], baselines: Mapping[str, BaselineScore]) -> dict[str, Any] | None:
    """Lay the best compressor beside the network.

    A compressor goes on learning from the held-out text, so it stands beside the network that does (dynamic evaluation)
    where the settings ask for it, and else beside the one that does not, which is said.
    """
    metric = "carried_nats_per_char"
    packed = {
        name: score.metrics[metric]
        for name, score in baselines.items()
        if score.log_probs is None and score.metrics.get(metric) is not None
    }
    protocol = next((name for name in ("dynamic", "carried") if name in test), None)
    if not packed or protocol is None:
        return None
    against = min(packed, key=lambda name: packed[name])
    ours, theirs = float(-test[protocol].log_probs.mean()), packed[against]
    why = "both go on learning from the held-out text"
    if protocol == "carried":
        why = f"{against} goes on learning from the held-out text, the network does not: dynamic_evaluation makes it"
    share = 100 * (ours / theirs - 1) if theirs else 0.0
    return {
        "against": against,
        "protocol": protocol,
        "nats_per_char": theirs,
        "ours": ours,
        "ratio": ours / theirs if theirs else None,
        "note": f"The best compressor, {against}, needs {theirs:.3f} nats a character, the network {ours:.3f} "
        f"({protocol}), {abs(share):.1f} % {'more' if share > 0 else 'less'}: {why}.",
    }


def _carried_together(network: TextNetwork, ids: Ids, spans: Mapping[str, Ints], training_symbols: int) -> Predictions:
    """Carry all parts side by side, which costs little more than the longest of them."""
    if not spans:
        return {}
    made = carried(network, ids, np.concatenate(list(spans.values())), training_symbols=training_symbols)
    ends = np.cumsum([_size(part) for part in spans.values()])
    sizes = zip(spans, ends, strict=True)
    return {name: {"carried": made[int(end) - _size(spans[name]) : int(end)]} for name, end in sizes}


def _drawn_windows(split: TextSplit) -> dict[str, Ints]:
    """Return the windows of each part, of the training part as many as the test part has."""
    most = len(split.test) or len(split.validation) or 1000
    spans = {"train": split.train[-most:], "validation": split.validation, "test": split.test}
    return {name: part for name, part in spans.items() if len(part)}


def _size(spans: Ints) -> int:
    return int((spans[:, 1] - spans[:, 0]).sum())
