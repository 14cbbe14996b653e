"""One text run, from files to result: read, split, number, train, predict, judge, save."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from gatewise.data.text import Corpus, TextSplit, Vocabulary, read_corpus, split_text, unseen_note
from gatewise.metrics.own import own_metrics
from gatewise.models.mixture import NGramMixture
from gatewise.registry import TEXT_BASELINES
from gatewise.runs import RunFolder
from gatewise.settings import TextSettings
from gatewise.tasks.generate import afterwards, judge, saved
from gatewise.tasks.generate.baselines import MOST_COUNTED, MOST_SCORED
from gatewise.tasks.generate.evaluation import first_symbols, last_symbols
from gatewise.tasks.generate.losses import create_text_loss
from gatewise.tasks.generate.model import TextModel, create_network
from gatewise.tasks.generate.part import Part
from gatewise.tasks.generate.predicted import Ids, Ints
from gatewise.tasks.generate.samples import SampleWriter
from gatewise.tasks.generate.training import TextTask, mean_loss, window_starts
from gatewise.tasks.running import keep_outcome, result_of_training, run_in_folder
from gatewise.training import Progress, Seeds, train
from gatewise.training.device import choose_device


@dataclass
class Outcome:
    """What a run gives back in memory."""

    model: TextModel
    result: dict[str, Any]
    predictions: pl.DataFrame
    log: list[dict[str, Any]]
    samples: list[dict[str, Any]]


def run_text(
    settings: TextSettings,
    folder: Path | None,
    *,
    threads: int | None = None,
    exclusive: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Do one run and leave its run folder behind.

    A run that has finished is not trained again; one that was stopped goes on from its last checkpoint.

    Parameters
    ----------
    settings
        What to do.
    folder
        The run folder; nothing is written when absent.
    threads
        CPU threads, over ``settings.train.threads``.
    exclusive
        Whether the run has the machine to itself, so that its seconds may be reported as times.

    Returns
    -------
    dict
        The content of ``result.json``.

    Raises
    ------
    SettingsError, DataError
        If the settings or the text cannot be used; nothing is written then.
    OutputError
        If the folder cannot be written, or holds another run.
    DivergedError
        If the loss does not stay finite.
    """
    started = time.perf_counter()
    corpus = read_corpus(settings.data)
    split = split_text(corpus, settings.split, settings.data)
    refuse_early(settings, corpus, split)
    seconds = time.perf_counter() - started

    def fit(place: RunFolder | None) -> dict[str, Any]:
        return fit_text(
            settings, corpus, split=split, place=place, exclusive=exclusive, progress=progress, data_seconds=seconds
        ).result

    return run_in_folder(settings, corpus.digest, folder, fit, threads=threads or settings.train.threads)


def refuse_early(settings: TextSettings, corpus: Corpus, split: TextSplit) -> None:
    """Let everything that can refuse these settings do so before anything is written."""
    choose_device(settings.train.device)
    create_text_loss(settings.train)
    vocabulary = Vocabulary.fit(corpus, split.train, settings.data)
    network = create_network(settings, len(vocabulary))
    TextTask(network, vocabulary.ids(corpus), settings, train=split.train, validation=split.validation)
    for name in settings.baselines:
        TEXT_BASELINES.load(name)()
    own_metrics(settings.metrics, settings.task)


def fit_text(
    settings: TextSettings,
    corpus: Corpus,
    *,
    split: TextSplit | None = None,
    place: RunFolder | None = None,
    exclusive: bool = False,
    progress: Progress | None = None,
    data_seconds: float = 0.0,
    begin_with: TextModel | None = None,
) -> Outcome:
    """Train on `corpus` and judge the result.

    Parameters
    ----------
    begin_with
        A trained model to go on from, with the vocabulary that is kept; fresh weights and a vocabulary from the
        training part when absent.
    """
    started = time.perf_counter()
    split = split_text(corpus, settings.split, settings.data) if split is None else split
    seeds = Seeds.of(settings)
    vocabulary = begin_with.vocabulary if begin_with else Vocabulary.fit(corpus, split.train, settings.data)
    network = begin_with.network if begin_with else create_network(settings, len(vocabulary), seeds)
    model, ids = TextModel(settings, network, vocabulary), vocabulary.ids(corpus)
    samples = SampleWriter(settings, vocabulary, place, progress.show if progress else None)
    with network.alone():  # a network that goes on learning does so without the n-grams that it was given
        task = TextTask(network, ids, settings, train=split.train, validation=split.validation)
        reading = data_seconds + time.perf_counter() - started
        trained = train(network, task, settings.train, seeds=seeds, folder=place, progress=progress, watcher=samples)
    network.mixture = network.mixture or _count_ngrams(model, ids, split.train)
    samples.end(network, epoch=trained.epochs_run, step=trained.steps, seconds=trained.seconds)
    found = _judge(model, corpus, ids, split)
    shared = result_of_training(
        settings, trained, place, parameters=model.parameters, leaking=split.leaks, exclusive=exclusive,
        reading=reading, total=data_seconds + time.perf_counter() - started,
    )  # fmt: skip
    result = {
        **shared,
        "symbols": len(vocabulary),
        "sizes": split.lengths(),
        **found.figures,
        "notes": list(
            dict.fromkeys(
                [
                    *corpus.notes,
                    *split.notes,
                    *unseen_note(corpus, split, vocabulary),
                    *task.notes,
                    *trained.notes,
                    *found.notes,
                ]
            )
        ),
    }
    outcome = Outcome(model, result, found.predictions, trained.history, samples.rows)
    keep_outcome(place, partial(saved.save, outcome.model, result=outcome.result), outcome.predictions, outcome.result)
    return outcome


@dataclass
class _Judged:
    figures: dict[str, Any]
    predictions: pl.DataFrame
    notes: list[str]


def _judge(model: TextModel, corpus: Corpus, ids: Ids, split: TextSplit) -> _Judged:
    """Let the network and the baselines predict, and work out every figure of the result."""
    settings, network, vocabulary = model.settings, model.network, model.vocabulary
    predictions = judge.gather(
        settings,
        network,
        ids,
        split,
        training_symbols=vocabulary.total,
        make_network=lambda: create_network(settings, len(vocabulary)),
    )
    baselines = {}
    if len(split.test):
        learned, judged = split.train, split.test
        if settings.split.kind != "windows":  # those are few, and all of them are judged
            learned, judged = last_symbols(learned, MOST_COUNTED), first_symbols(judged, MOST_SCORED)
        train, test = (_part(corpus, ids, part, settings) for part in (learned, judged))
        baselines = judge.score_baselines(settings.baselines, train, test, vocabulary.byte_lengths)
    own = own_metrics(settings.metrics, settings.task)
    figures = judge.summarise(vocabulary, predictions, baselines, _losses(model, ids, split), own)
    if alone := _alone(model, ids, split):
        figures["baselines"] = {"network alone": {"test": alone}, **figures["baselines"]}
    network.to("cpu")  # where it writes
    figures |= afterwards.examine(model, corpus, ids, split)
    said: dict[str, list[str]] = {}
    for name, score in baselines.items():
        for note in score.notes:
            said.setdefault(note, []).append(name)
    notes = [f"{', '.join(names)}: {note}" for note, names in said.items()]
    sizes, cut = split.lengths(), settings.split.kind != "windows"
    if cut and sizes["train"] > MOST_COUNTED:
        notes.append(
            f"baselines learned from the last {MOST_COUNTED:,} symbols of the training part's {sizes['train']:,}"
        )
    if cut and sizes["test"] > MOST_SCORED:
        notes.append(f"judged by the first {MOST_SCORED:,} symbols of the held-out part's {sizes['test']:,}")
    return _Judged(figures, _table(vocabulary, predictions), notes)


def _count_ngrams(model: TextModel, ids: Ids, train: Ints) -> NGramMixture | None:
    """Return the n-grams that the settings want beside the network, counted in the training part."""
    settings, symbols = model.settings.model, len(model.vocabulary)
    if not settings.ngrams:
        return None
    pieces = [ids[int(begin) : int(end)] for begin, end in last_symbols(train, MOST_COUNTED)]
    nothing = np.full(1, symbols, np.int64)  # no n-gram runs from one piece into the next
    text = np.concatenate([part for piece in pieces for part in (piece, nothing)])
    return NGramMixture.count(text, symbols, settings.ngrams, settings.ngram_share)


def _alone(model: TextModel, ids: Ids, split: TextSplit) -> dict[str, float | None] | None:
    """Return the held-out metrics of the network without the n-grams beside it; None where there are none."""
    if model.network.mixture is None or not len(split.test):
        return None
    empty = replace(split, train=split.train[:0], validation=split.validation[:0])
    plain = model.settings.replace({"dynamic_evaluation": None, "prequential": False})
    with model.network.alone():
        made = judge.gather(plain, model.network, ids, empty, training_symbols=model.vocabulary.total)
    return judge.part_metrics(model.vocabulary, made["test"])


def _part(corpus: Corpus, ids: Ids, spans: Ints, settings: TextSettings) -> Part:
    """Return a part as the baselines take it: drawn windows as rows, everything else joined."""
    pieces = [ids[int(begin) : int(end)] for begin, end in spans]
    text: str | bytes
    if corpus.kind == "bytes":  # as they are: a part may begin within a letter
        number = np.array([ord(symbol) for symbol in corpus.symbols], np.uint8)
        text = b"".join(number[corpus.raw[int(begin) : int(end)]].tobytes() for begin, end in spans)
    else:
        text = "".join(corpus.text(int(begin), int(end)) for begin, end in spans)
    return Part(np.stack(pieces) if settings.split.kind == "windows" else np.concatenate(pieces), text)


def _losses(model: TextModel, ids: Ids, split: TextSplit) -> dict[str, float]:
    """Return the trained loss of each part that is judged, over cold windows."""
    found = {}
    criterion = create_text_loss(model.settings.train)
    spans, window = judge.judged(model.settings, split)
    for part, some in spans.items():
        if int((some[:, 1] - some[:, 0]).max()) > window:
            starts = window_starts(some, window, window)
            found[part] = mean_loss(model.network, ids, starts, window, criterion)
    return found


def _table(vocabulary: Vocabulary, predictions: judge.Predictions) -> pl.DataFrame:
    """Return a row for every symbol of the held-out part (of validation where there is none)."""
    shown = next((predictions[part] for part in ("test", "validation", "train") if part in predictions), {})
    made = shown.get("carried", shown.get("cold"))
    if made is None:
        return pl.DataFrame()
    symbols = pl.Series([*vocabulary.symbols, None], dtype=pl.String)
    return pl.DataFrame(
        {
            "position": made.where,
            "symbol": symbols.gather(made.target.astype(np.int64)),
            "log_prob": made.log_probs.astype(np.float32),
            "right": made.right,
            "confidence": made.confidence,
        }
    )
