"""One classification run, from files to result: read, clean, split, encode once, train, judge, explain, save."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gatewise.data.labelled import Labelled, LabelledSplit, read_labelled, split_labelled
from gatewise.encoders import encoder_digests
from gatewise.errors import SettingsError, did_you_mean
from gatewise.metrics.own import own_metrics
from gatewise.registry import CLASS_BASELINES
from gatewise.runs import RunFolder
from gatewise.settings import ClassifySettings, ClassifyTrainSettings
from gatewise.tasks.classify import afterwards, saved
from gatewise.tasks.classify.beside import answer_all, note_of
from gatewise.tasks.classify.judge import Answers, Ints, Judged, Settled, agreement
from gatewise.tasks.classify.losses import create_class_loss
from gatewise.tasks.classify.model import ClassifyModel, create_network
from gatewise.tasks.classify.reader import EncoderReader, Inputs, Reader, create_reader
from gatewise.tasks.classify.training import ClassifyTask, predict_logits
from gatewise.tasks.running import keep_outcome, result_of_training, run_in_folder
from gatewise.training import Progress, Seeds, Trained, train
from gatewise.training.device import choose_device

#: Times as many epochs, at most, where texts are few.
_MOST_TIMES = 10


@dataclass
class Outcome:
    """What a run gives back in memory."""

    model: ClassifyModel
    result: dict[str, Any]
    predictions: pl.DataFrame
    log: list[dict[str, Any]]


@dataclass(frozen=True)
class Prepared:
    """All that can refuse a run, done: texts in parts, and what reads them."""

    labelled: Labelled
    split: LabelledSplit
    reader: Reader
    empty: NDArray[np.bool_]


def run_classify(
    settings: ClassifySettings,
    folder: Path | None,
    *,
    threads: int | None = None,
    exclusive: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Do one run and leave its run folder behind.

    A run that has finished is not trained again; one that was stopped goes on from its last checkpoint, and encoding
    from the last texts that were kept.

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
        If the settings or the data cannot be used; nothing is written then.
    OutputError
        If the folder cannot be written, or holds another run.
    DivergedError
        If the loss does not stay finite.
    """
    started = time.perf_counter()
    labelled = read_labelled(settings.data, settings.split.column)
    prepared = prepare(settings, labelled)
    seconds = time.perf_counter() - started

    def fit(place: RunFolder | None) -> dict[str, Any]:
        return fit_classify(
            settings, prepared, place=place, exclusive=exclusive, progress=progress, data_seconds=seconds
        ).result

    digest = "".join([labelled.digest, *encoder_digests(settings.encoder)])
    return run_in_folder(settings, digest, folder, fit, threads=threads or settings.train.threads)


def prepare(settings: ClassifySettings, labelled: Labelled) -> Prepared:
    """Let everything that can refuse these settings do so before anything is written."""
    choose_device(settings.train.device)
    for name in (
        *settings.wanted_recall,
        *settings.wanted_precision,
        *([settings.harmless] if settings.harmless else ()),
    ):
        if name not in labelled.classes:
            raise SettingsError(f"there is no class {name!r}{did_you_mean(name, labelled.classes)}")
    for name in settings.baselines:
        CLASS_BASELINES.load(name)
    own_metrics(settings.metrics, settings.task)
    split = split_labelled(labelled, settings.split)
    empty = np.array([not text for text in labelled.clean], np.bool_)
    create_class_loss(settings.train, np.bincount(labelled.labels[split.train], minlength=len(labelled.classes)))
    reader = create_reader(settings, [labelled.clean[row] for row in split.train])
    create_network(settings, reader, len(labelled.classes))
    return Prepared(labelled, split, reader, empty)


def fit_classify(
    settings: ClassifySettings,
    prepared: Prepared,
    *,
    place: RunFolder | None = None,
    exclusive: bool = False,
    progress: Progress | None = None,
    data_seconds: float = 0.0,
) -> Outcome:
    """Train on prepared texts and judge the result."""
    started = time.perf_counter()
    labelled, split, reader = prepared.labelled, prepared.split, prepared.reader
    seeds = Seeds.of(settings)
    inputs = reader.read(labelled.clean, keep=True, progress=progress)
    network = create_network(settings, reader, len(labelled.classes), seeds)
    rows = split.train[~prepared.empty[split.train]]
    shares = np.bincount(labelled.labels[split.train], minlength=len(labelled.classes)).clip(0.5)
    task = ClassifyTask(
        network,
        inputs,
        _targets(labelled, settings.train.vote_share),
        labelled.labels,
        settings,
        train=rows,
        validation=split.validation[~prepared.empty[split.validation]],
    )
    reading = data_seconds + time.perf_counter() - started
    training = long_enough(settings, len(rows))
    trained = train(network, task, training, seeds=seeds, folder=place, progress=progress)
    network.to("cpu")
    model = ClassifyModel(_with_columns(settings, labelled), network, reader, labelled.classes, shares / shares.sum())
    found = _judge(model, task, inputs, prepared)
    shared = result_of_training(
        settings, trained, place, parameters=model.parameters, leaking=split.leaks, exclusive=exclusive,
        reading=reading, total=data_seconds + time.perf_counter() - started,
    )  # fmt: skip
    result = {
        **shared,
        "sizes": split.sizes(),
        **found.figures,
        "encoder": _encoder_facts(model, inputs),
        "cut": _cut(inputs),
        "empty": int(prepared.empty.sum()),
        "notes": [*_more_epochs(settings, training), *_notes(prepared, inputs, trained)],
    }
    outcome = Outcome(model, result, found.predictions, trained.history)
    keep_outcome(place, partial(saved.save, outcome.model, result=outcome.result), outcome.predictions, outcome.result)
    return outcome


@dataclass
class _Judged:
    figures: dict[str, Any]
    predictions: pl.DataFrame


def _judge(model: ClassifyModel, task: ClassifyTask, inputs: Inputs, prepared: Prepared) -> _Judged:
    """Let the network and the baselines answer, and work out every figure of the result."""
    settings, labelled, split, empty = model.settings, prepared.labelled, prepared.split, prepared.empty
    own = own_metrics(settings.metrics, settings.task)
    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    most = len(split.test) or len(split.validation) or len(split.train)
    parts["train"] = split.train[:most]  # as many as the test part has
    parts = {name: rows for name, rows in parts.items() if len(rows)}
    logits = {
        name: predict_logits(model.network, inputs, rows, batch_size=settings.train.batch_size)
        for name, rows in parts.items()
    }
    raw = {name: model.calibrated(logits[name], empty[rows]) for name, rows in parts.items()}
    target = {name: labelled.labels[rows] for name, rows in parts.items()}
    if "validation" in parts:
        some = ~empty[parts["validation"]]
        settled = Settled.on(raw["validation"][some], target["validation"][some])
        model.temperature, model.offsets = settled.temperature, settled.offsets
    answers = {
        name: Answers(target[name], model.calibrated(logits[name], empty[rows]), model.offsets, own)
        for name, rows in parts.items()
    }
    judged = Judged(
        labelled.classes,
        answers,
        answer_all(settings.baselines, labelled, split, inputs.features, own) if "test" in parts else {},
        wanted=[
            *((name, "recall", share) for name, share in settings.wanted_recall.items()),
            *((name, "precision", share) for name, share in settings.wanted_precision.items()),
        ],
        temperature=model.temperature,
        uncalibrated=raw.get("test"),
        losses={name: task.mean_loss(logits[name], rows) for name, rows in parts.items()},
    )
    figures = judged.figures()
    shown = next((name for name in ("test", "validation", "train") if name in parts), "train")
    figures["agreement"] = agreement(labelled, parts[shown], answers[shown])
    figures |= afterwards.examine(model, labelled, parts[shown], answers[shown])
    return _Judged(figures, _table(labelled, {name: parts[name] for name in parts if name != "train"}, answers))


def _with_columns(settings: ClassifySettings, labelled: Labelled) -> ClassifySettings:
    """Return the settings with the columns that were taken: a saved model looks for the same ones in other tables."""
    taken = labelled.columns
    if taken.label is None:  # data at hand have no columns
        return settings
    return settings.replace({"data.text": taken.text, "data.label": taken.label})


def long_enough(settings: ClassifySettings, texts: int) -> ClassifyTrainSettings:
    """Return the settings of the training, with more epochs where the texts are few."""
    train = settings.train
    steps = train.epochs * -(-texts // train.batch_size)
    more = min(_MOST_TIMES, train.least_steps / max(1, steps))
    return train if more <= 1 else train.model_copy(update={"epochs": math.ceil(more * train.epochs)})


def _more_epochs(asked: ClassifySettings, training: ClassifyTrainSettings) -> list[str]:
    if training.epochs == asked.train.epochs:
        return []
    return [
        f"the training texts are few, so there were up to {training.epochs} epochs in the place of "
        f"{asked.train.epochs}, for {training.least_steps:,} steps (least_steps)"
    ]


def _targets(labelled: Labelled, vote_share: float) -> NDArray[np.float32]:
    """Return what is to be predicted of each text: its label, or partly what its annotators said."""
    targets: NDArray[np.float32] = np.eye(len(labelled.classes), dtype=np.float32)[labelled.labels]
    if vote_share and labelled.votes is not None:
        total = labelled.votes.sum(axis=1, keepdims=True)
        votes = np.where(total > 0, labelled.votes / np.maximum(total, 1), targets)
        targets = ((1 - vote_share) * targets + vote_share * votes).astype(np.float32)
    return targets


def _encoder_facts(model: ClassifyModel, inputs: Inputs) -> dict[str, Any] | None:
    """Return which encoder it was, how long it took, and how its layers are mixed."""
    if not isinstance(model.reader, EncoderReader):
        return None
    encoder, features = model.reader.encoder, inputs.features
    facts: dict[str, Any] = {
        "name": model.settings.encoder.name,
        "architecture": encoder.source.architecture,
        "digest": encoder.source.digest,
        "revision": encoder.source.revision,
        "layers": list(model.settings.encoder.layers),
        "mix": model.network.mix_weights(),
        "width": encoder.width,
        "texts": len(inputs),
    }
    if features is not None:
        speed = features.fresh / features.seconds if features.fresh and features.seconds else None
        facts |= {"fresh": features.fresh, "seconds": features.seconds, "texts_per_second": speed}
        facts["bytes"] = features.bytes
    return facts


def _cut(inputs: Inputs) -> dict[str, Any]:
    """Return how many texts were longer than what is read."""
    lost, read = int(inputs.lost.sum()), int(inputs.lengths.sum())
    return {"texts": int((inputs.lost > 0).sum()), "tokens": lost, "share": lost / (lost + read) if lost else 0.0}


def _notes(prepared: Prepared, inputs: Inputs, trained: Trained) -> list[str]:
    notes = [*prepared.labelled.notes, *prepared.split.notes, *prepared.reader.notes, *trained.notes]
    notes += note_of(prepared.split)
    cut = _cut(inputs)
    if cut["texts"]:
        share = 100 * cut["share"]
        notes.append(
            f"{cut['texts']:,} of {len(inputs):,} texts are longer than what is read and were cut: {share:.2g} % of "
            "all tokens are lost (max_tokens)"
        )
    return list(dict.fromkeys(notes))


def _table(labelled: Labelled, parts: dict[str, Ints], answers: dict[str, Answers]) -> pl.DataFrame:
    """Return a row for every text of the validation and test parts."""
    names, tables = list(labelled.classes), []
    for part, rows in parts.items():
        made, probs = answers[part], np.exp(answers[part].log_probs)
        columns: dict[str, Any] = {
            "part": [part] * len(rows),
            "file": [labelled.origin[one] if labelled.origin else "" for one in labelled.file[rows]],
            "row": labelled.rows[rows],
            "text": [labelled.texts[row] for row in rows],
            "label": [names[one] for one in made.target],
            "predicted": [names[one] for one in made.predicted],
            "tuned": [names[one] for one in made.tuned],
        }
        columns |= {f"prob_{name}": probs[:, number] for number, name in enumerate(names)}
        tables.append(pl.DataFrame(columns))
    return pl.concat(tables) if tables else pl.DataFrame()
