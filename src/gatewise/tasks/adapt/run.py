"""One adaptation, from an encoder and texts to an encoder's folder: read, cut, train, judge before and after, write."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from gatewise.encoders.find import find_encoder
from gatewise.encoders.source import EncoderSource
from gatewise.errors import DataError
from gatewise.runs import RunFolder
from gatewise.runs.atomic import remove
from gatewise.settings import AdaptSettings
from gatewise.tasks.adapt import saved
from gatewise.tasks.adapt.network import MaskedNetwork, load_masked
from gatewise.tasks.adapt.pieces import MaskTokenizer
from gatewise.tasks.adapt.texts import AdaptTexts, read_adapt_texts
from gatewise.tasks.adapt.training import AdaptTask
from gatewise.tasks.running import HELPER, run_in_folder
from gatewise.training import Progress, Seeds, Trained, train
from gatewise.training.device import choose_device
from gatewise.training.joining import more_to_train, only_helps, several_processes

#: Version of the facts in an adapted encoder's folder.
FORMAT_VERSION = 1


def run_adapt(
    settings: AdaptSettings,
    folder: Path | None,
    *,
    overwrite: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train an encoder on by guessing hidden tokens of new texts, and write it as an encoder's folder.

    The recipe is that of HateBERT (Caselli et al. 2021, arXiv:2010.12472; Gururangan et al. 2020, arXiv:2004.10964).
    While it runs, its checkpoints lie beside `folder`, in the folder of that name with ``.training`` behind it; a run
    that was stopped goes on from there, and `folder` appears when all is done.

    Parameters
    ----------
    settings
        What to do.
    folder
        The folder that is written; it can be given as an encoder then. None in a process that only helps to train.
    overwrite
        Replace another adapted encoder in `folder`, and drop what a stopped run has left.
    threads
        CPU threads, over ``settings.train.threads``.

    Returns
    -------
    dict
        What ``adapted.json`` in the folder holds: sizes, perplexity before and after, seconds, notes.

    Raises
    ------
    SettingsError, DataError, InputError
        If the settings, the texts or the encoder cannot be used; nothing is written then.
    OutputError
        If the folder cannot be written, holds something else, or is the encoder's own.
    DivergedError
        If the loss does not stay finite.
    """
    started = time.perf_counter()
    source = find_encoder(settings.encoder.name, revision=settings.encoder.revision, download=settings.encoder.download)
    choose_device(settings.train.device)
    texts = read_adapt_texts(settings.data, settings.split)
    fingerprint = settings.fingerprint(f"{source.digest} {texts.digest}")
    helps = folder is None or only_helps(settings.train)
    work = None if folder is None else folder.with_name(f"{folder.name}.training")
    if folder is not None and work is not None and not helps:
        finished = saved.find_finished(folder, source, fingerprint, overwrite=overwrite)
        if finished is not None:
            remove(work)
            with several_processes(settings.train, fingerprint, helper=HELPER):  # there is nothing to train
                return finished
        if overwrite and work.exists():
            RunFolder.create(work, exists="replace")
    network, new_head = load_masked(source, Seeds.of(settings).init_generator())
    prepared = _prepare(settings, source, texts, network, new_head)
    prepared.result |= {"fingerprint": fingerprint, "folder": str(folder)}

    def fit(place: RunFolder | None) -> dict[str, Any]:
        result = _fit(settings, prepared, place, progress)
        result["seconds"]["total"] = time.perf_counter() - started
        if folder is not None and result["status"] == "finished":
            saved.write(folder, source, settings, network, result)
        return result

    result = run_in_folder(
        settings, f"{source.digest} {texts.digest}", work, fit, threads=threads or settings.train.threads
    )
    if work is not None and not helps and result["status"] == "finished":
        remove(work)
    return result


@dataclass
class _Prepared:
    """What training needs, and what is known before it."""

    network: MaskedNetwork
    task: AdaptTask
    new_head: bool
    processes: int
    result: dict[str, Any]


def _prepare(
    settings: AdaptSettings, source: EncoderSource, texts: AdaptTexts, network: MaskedNetwork, new_head: bool
) -> _Prepared:
    """Cut texts into pieces, and gather what the result says of them."""
    notes = list(texts.notes)
    tokenizer, most = MaskTokenizer(source), settings.data.max_tokens
    if source.max_tokens is not None and source.max_tokens < most:
        notes.append(f"the encoder {source.name} reads at most {source.max_tokens} tokens at once, not {most}")
        most = source.max_tokens
    train_pieces, validation = (tokenizer.cut(part, most) for part in (texts.train, texts.validation))
    if not train_pieces or not validation:
        raise DataError("the texts hold no token that the encoder knows: give other texts, or clean them less")
    if len(train_pieces) + len(validation) > len(texts):
        more = len(train_pieces) + len(validation) - len(texts)
        notes.append(f"texts longer than {most} tokens are read in pieces: {more:,} pieces more than texts")
    if new_head:
        notes.append(
            f"the encoder {source.name} comes without the head that guesses hidden tokens: it gets one that ends in "
            f"its own token embeddings and starts with a bias of 0, trained alone for {settings.train.head_epochs} "
            "epochs first; the perplexity before is that of the encoder as it was, under this head"
        )
    facts = {
        "format_version": FORMAT_VERSION,
        "task": settings.task,
        "name": settings.name,
        "encoder": {
            "name": source.name,
            "architecture": source.architecture,
            "revision": source.revision,
            "digest": source.digest,
        },
        "sizes": {"train": len(texts.train), "validation": len(texts.validation)},
        "pieces": {"train": len(train_pieces), "validation": len(validation)},
        "tokens": {
            "train": sum(len(piece) for piece in train_pieces),
            "validation": sum(len(piece) for piece in validation),
        },
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "new_head": new_head,
        "texts_digest": texts.digest,
        "notes": notes,
    }
    task = AdaptTask(train_pieces, validation, tokenizer, settings)
    return _Prepared(network, task, new_head, settings.train.processes, facts)


def _fit(
    settings: AdaptSettings, prepared: _Prepared, place: RunFolder | None, progress: Progress | None
) -> dict[str, Any]:
    """Train a new head, then everything; judge the encoder between the two and at the end."""
    network, task, seeds = prepared.network, prepared.task, Seeds.of(settings)
    head_seconds = 0.0
    if prepared.new_head and settings.train.head_epochs:
        network.learn(head_alone=True)
        alone = settings.train.model_copy(
            update={
                "epochs": settings.train.head_epochs,
                "learning_rate": settings.train.head_learning_rate,
                "schedule": "constant",
                "minutes": None,
                "patience": None,
            }
        )
        # Its checkpoints lie among the run's own, and go with them.
        inside = RunFolder.create(place.checkpoint_path / "head") if place else None
        with more_to_train():
            trained = train(network, task, alone, seeds=seeds, folder=inside, progress=progress)
            head_seconds = trained.seconds
            if trained.status != "finished":
                return _result(prepared, trained, before=None, after=None, head_seconds=head_seconds)
    before = None if only_helps(settings.train) else _judge(network, task, settings)
    network.learn(head_alone=False)
    trained = train(network, task, settings.train, seeds=seeds, folder=place, progress=progress)
    after = _judge(network, task, settings) if trained.status == "finished" else None
    return _result(prepared, trained, before=before, after=after, head_seconds=head_seconds)


@torch.no_grad()
def _judge(network: MaskedNetwork, task: AdaptTask, settings: AdaptSettings) -> float:
    """Return the mean nats of a hidden token; the same tokens are hidden whenever it is asked."""
    network.to(choose_device(settings.train.device))
    return task.validation_loss(network)


def _result(
    prepared: _Prepared, trained: Trained, *, before: float | None, after: float | None, head_seconds: float
) -> dict[str, Any]:
    notes = [*prepared.result["notes"], *trained.notes]
    if before is not None and after is not None and after >= before:
        notes.append("the validation texts are guessed no better than before: more texts, or a smaller learning rate")
    return {
        **prepared.result,
        "status": trained.status,
        "nats": {"before": before, "after": after},
        "perplexity": {"before": _exp(before), "after": _exp(after)},
        "epochs": {"run": trained.epochs_run, "best": trained.best_epoch},
        "seconds": {
            "train": trained.seconds + head_seconds,
            "head": head_seconds,
            "per_epoch": trained.per_epoch,
            "per_step_median": trained.per_step_median,
        },
        "threads": trained.threads,
        "processes": prepared.processes,
        "kernel": None,
        "notes": notes,
    }


def _exp(nats: float | None) -> float | None:
    return None if nats is None else math.exp(min(nats, 700.0))
