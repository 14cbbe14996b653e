"""A run in its folder, whatever the task: begun, gone on with, or found finished."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
import torch

from gatewise.errors import GatewiseError, OutputError
from gatewise.metrics.own import describe, own_metrics
from gatewise.registry.outside import strangers_refused
from gatewise.runs import RunFolder, environment
from gatewise.runs.atomic import to_json
from gatewise.settings import RunSettings, TrainSettings, parse
from gatewise.training import Trained
from gatewise.training.device import cpu_threads
from gatewise.training.gradients import summary
from gatewise.training.joining import HelperDone, Run, several_processes

#: Module of the processes that help a run to train.
HELPER = "gatewise.tasks.helper"
#: Version of the run folder's files.
FORMAT_VERSION = 1


def run_in_folder(
    settings: RunSettings,
    digest: str,
    folder: Path | None,
    fit: Callable[[RunFolder | None], dict[str, Any]],
    *,
    threads: int | None,
) -> dict[str, Any]:
    """Call `fit` with the run's folder, unless the folder holds the finished run.

    Parameters
    ----------
    digest
        Of the data that the run reads.
    folder
        Where the run lives; nothing is written when absent.
    fit
        Trains and judges, writes the run's files, and returns the content of ``result.json``.
    threads
        CPU threads.

    Raises
    ------
    OutputError
        If the folder cannot be written, or holds another run.
    GatewiseError
        Whatever `fit` raises; a new run that did not come to the end of an epoch leaves nothing behind then.
    """
    fingerprint = settings.fingerprint(digest)
    training = _training_of(settings)
    request = to_json(settings.model_dump(mode="json"))
    with several_processes(training, fingerprint, helper=HELPER, request=request) as shared:
        if shared is not None and shared.helps:
            return _help(shared, fit)
        if folder is None:
            with cpu_threads(threads):
                return fit(None)
        place = RunFolder.create(folder)
        try:
            with place.lock():
                return _run(settings, digest, place, fit, threads)
        except GatewiseError:
            with suppress(OSError):
                place.path.rmdir()  # when it is empty again
            raise


def result_of_training(
    settings: RunSettings,
    trained: Trained,
    place: RunFolder | None,
    *,
    parameters: int,
    leaking: bool,
    exclusive: bool,
    reading: float,
    total: float,
) -> dict[str, Any]:
    """Return what ``result.json`` says of every run, whatever the task.

    Parameters
    ----------
    parameters
        Trained weights.
    leaking
        Whether the split tells training something of the test part.
    exclusive
        Whether the run had the machine to itself.
    reading, total
        Seconds until training began, and in all.
    """
    norms = summary(trained.history)
    own = [describe(metric) for metric in own_metrics(settings.metrics, settings.task)]
    return {
        "format_version": FORMAT_VERSION,
        "status": trained.status,
        "task": settings.task,
        "name": settings.name,
        "folder": str(place.path) if place else None,
        "parameters": parameters,
        "leaking": leaking,
        "trained": 1,
        "epochs": {"run": trained.epochs_run, "best": trained.best_epoch},
        "seconds": {
            "total": total,
            "data": reading,
            "train": trained.seconds,
            "per_epoch": trained.per_epoch,
            "per_step_median": trained.per_step_median,
        },
        "exclusive": exclusive,
        "threads": trained.threads,
        "processes": _training_of(settings).processes,
        "kernel": trained.kernel,
        **({"gradient_norm": norms} if norms else {}),
        **({"own_metrics": own} if own else {}),
    }


def _training_of(settings: RunSettings) -> TrainSettings:
    """Return how a run trains; a task of a user's own that has other settings for it trains in one process."""
    train = getattr(settings, "train", None)
    return train if isinstance(train, TrainSettings) else TrainSettings()


def keep_outcome(
    place: RunFolder | None, save: Callable[[Path], object], predictions: pl.DataFrame, result: dict[str, Any]
) -> None:
    """Write what a run found; ``result.json`` comes last, so that it stands for a whole folder.

    Parameters
    ----------
    save
        Writes the model into a folder.
    """
    if place is None:
        return
    save(place.model_path)
    place.write_predictions(predictions)
    place.write_result(result)
    if result["status"] == "finished":
        place.remove_checkpoints()


def _help(shared: Run, fit: Callable[[RunFolder | None], dict[str, Any]]) -> dict[str, Any]:
    """Do of a run what its training needs, once process 0 comes to train; nothing is judged or written."""
    if not shared.wait_for_first():
        return {"status": "finished"}
    try:
        return fit(None)
    except HelperDone as done:
        return {"status": done.status}


def _run(
    settings: RunSettings,
    digest: str,
    place: RunFolder,
    fit: Callable[[RunFolder | None], dict[str, Any]],
    threads: int | None,
) -> dict[str, Any]:
    """Call `fit` in the folder that is locked for it."""
    fresh, fingerprint = not place.has_settings(), settings.fingerprint(digest)
    if not fresh:
        _refuse_other_run(place, settings, fingerprint)
        if place.is_finished:
            return {**place.read_result(), "folder": str(place.path)}
    with cpu_threads(threads):
        # The settings come last: where they are, the fingerprint is too.
        facts = {
            "torch_threads": torch.get_num_threads(),
            "processes": _training_of(settings).processes,
            "fingerprint": fingerprint,
            "data_digest": digest,
        }
        place.write_environment({**environment(), **facts})
        place.write_settings(settings.model_dump(mode="json"))
        try:
            result = fit(place)
        except GatewiseError:
            if fresh and not place.read_log():  # not one epoch: there is nothing to look at or to go on from
                place.remove_run()
            raise
        place.write_environment({**place.read_environment(), "kernel": result["kernel"]})
    return result


def _refuse_other_run(place: RunFolder, settings: RunSettings, fingerprint: str) -> None:
    """Refuse a folder whose run has other settings, or was made from other data."""
    if place.read_environment().get("fingerprint") == fingerprint:
        return
    before = place.read_settings()
    if before.get("task") != settings.task:
        found = f"a run of the task {before.get('task')!r}"
    else:
        with strangers_refused():  # the folder may be anybody's
            known = parse(type(settings), before, where=f"{place.path} holds a run that this version cannot read")
        found = f"a run with other settings ({_differences(known, settings)})"
    raise OutputError(f"{place.path} holds {found}: choose another folder, or replace that run with --overwrite")


def _differences(before: RunSettings, after: RunSettings) -> str:
    """Name the settings in which two runs differ."""
    old, new = before.to_flat(), after.to_flat()
    changed = [
        f"{name} {old[name]!r} there, {new[name]!r} here" for name in new if name != "name" and old[name] != new[name]
    ]
    return "; ".join(changed[:5]) or "the data have other content now"
