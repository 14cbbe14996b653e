"""One forecasting run, from data to result: read, split, fit scalers, train, forecast, judge, save."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from gatewise.data.series import (
    CovariateScaler,
    SeriesSet,
    Split,
    Windows,
    create_transform,
    divides_by_truth,
    last_rows,
    read_series,
    split_windows,
)
from gatewise.runs import RunFolder
from gatewise.settings import ForecastSettings
from gatewise.tasks.forecast import judge, saved, tables
from gatewise.tasks.forecast.checks import check_values, refuse_early
from gatewise.tasks.forecast.inputs import ForecastTask
from gatewise.tasks.forecast.intervals import ConformalIntervals
from gatewise.tasks.forecast.model import ForecastModel, create_network
from gatewise.tasks.running import keep_outcome, result_of_training, run_in_folder
from gatewise.training import Progress, Seeds, train
from gatewise.training.joining import more_to_train


@dataclass
class Outcome:
    """What a run gives back in memory."""

    model: ForecastModel
    result: dict[str, Any]
    predictions: pl.DataFrame
    log: list[dict[str, Any]]
    evidence: dict[str, judge.Evidence]


def run_forecast(
    settings: ForecastSettings,
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
        If the settings or data cannot be used; nothing is written then.
    OutputError
        If the folder cannot be written, or holds another run.
    DivergedError
        If the loss does not stay finite.
    """
    started = time.perf_counter()
    series = read_series(settings.data, nonzero=divides_by_truth(settings.train))
    splits = _splits(settings, series)
    refuse_early(settings, series)
    seconds = time.perf_counter() - started

    def fit(place: RunFolder | None) -> dict[str, Any]:
        return fit_forecast(
            settings, series, splits=splits, place=place, exclusive=exclusive, progress=progress, data_seconds=seconds
        ).result

    return run_in_folder(settings, series.digest, folder, fit, threads=threads or settings.train.threads)


def fit_forecast(
    settings: ForecastSettings,
    series: SeriesSet,
    *,
    splits: list[Split] | None = None,
    place: RunFolder | None = None,
    exclusive: bool = False,
    progress: Progress | None = None,
    data_seconds: float = 0.0,
) -> Outcome:
    """Train on `series` and judge the result, once for each fold of the split.

    With several folds the metrics are over the test windows of all of them, and the model is the last fold's.
    """
    splits = splits or _splits(settings, series)
    folds = []
    for split in splits:
        alone = len(splits) == 1
        one = settings if alone else settings.replace({"split.fold": split.fold})
        inner = place if alone or place is None else RunFolder.create(place.fold_path(split.fold))
        with more_to_train() if split is not splits[-1] else nullcontext():
            folds.append(_fit_fold(one, series, split, inner, exclusive, progress, data_seconds))
        if folds and folds[-1].result["status"] != "finished":
            break
    outcome = folds[0] if len(splits) == 1 else _join_folds(settings, folds, place)
    keep_outcome(place, partial(saved.save, outcome.model, result=outcome.result), outcome.predictions, outcome.result)
    return outcome


def _fit_fold(
    settings: ForecastSettings,
    series: SeriesSet,
    split: Split,
    place: RunFolder | None,
    exclusive: bool,
    progress: Progress | None,
    data_seconds: float,
) -> Outcome:
    started = time.perf_counter()
    windows = Windows(series, settings.data.window, settings.data.horizon, settings.data.target_offset)
    model = build_model(settings, series, windows, split)
    task = ForecastTask(
        series, windows, model.builder, model.loss, settings.train, train=split.train, validation=split.validation
    )
    reading = data_seconds + time.perf_counter() - started
    trained = train(model.network, task, settings.train, seeds=Seeds.of(settings), folder=place, progress=progress)
    forecasts = {name: model.predict(series, windows, idx) for name, idx in split.parts().items() if len(idx)}
    if "validation" in forecasts:
        truth, made = windows.targets(series.target, split.validation), forecasts["validation"]
        model.intervals = ConformalIntervals.fit(truth, made.mean, settings.levels, made.bounds or None)
        forecasts = {name: model.with_intervals(made) for name, made in forecasts.items()}
    evidence = judge.gather(settings, series, windows, split, forecasts, model.season, model.scales)
    shared = result_of_training(
        settings, trained, place, parameters=model.parameters, leaking=split.leaks, exclusive=exclusive,
        reading=reading, total=data_seconds + time.perf_counter() - started,
    )  # fmt: skip
    result = {
        **shared,
        **judge.summarise(settings, evidence),
        "notes": [*series.notes, *split.notes, *_interval_notes(model), *trained.notes, *_baseline_notes(evidence)],
    }
    predictions = tables.prediction_frame(series, windows, split, forecasts)
    return Outcome(model, result, predictions, trained.history, evidence)


def _join_folds(settings: ForecastSettings, folds: list[Outcome], place: RunFolder | None) -> Outcome:
    """Judge the test windows of all folds together; the model is the last fold's, which knows the most."""
    last, results = folds[-1], [fold.result for fold in folds]
    evidence = judge.pool([fold.evidence for fold in folds])
    result = {
        **last.result,
        "folder": str(place.path) if place else None,
        "trained": len(folds),
        "epochs": {key: sum(one["epochs"][key] for one in results) / len(folds) for key in ("run", "best")},
        "seconds": {
            key: None if None in (values := [one["seconds"][key] for one in results]) else sum(values)
            for key in ("total", "data", "train")
        }
        | {key: last.result["seconds"][key] for key in ("per_epoch", "per_step_median")},
        **judge.summarise(settings, evidence),
        "folds": [{"fold": k, "metrics": one["metrics"].get("test")} for k, one in enumerate(results)],
        "notes": [
            f"trained {len(folds)} times, once a fold; the saved model is the last fold's",
            *dict.fromkeys(note for one in results for note in one["notes"]),
        ],
    }
    # A fold with few validation windows has no column for its widest intervals.
    predictions = pl.concat(
        [fold.predictions.with_columns(fold=pl.lit(k, dtype=pl.Int64)) for k, fold in enumerate(folds)],
        how="diagonal",
    )
    return Outcome(last.model, result, predictions, last.log, evidence)


def build_model(settings: ForecastSettings, series: SeriesSet, windows: Windows, split: Split) -> ForecastModel:
    """Make an untrained model: start weights from the seed, transform and scalers fitted on the training windows."""
    check_values(settings, series)
    transform = create_transform(settings.data.transform).fit(series, windows, split)
    covariates = CovariateScaler().fit(series, windows, split)
    season = settings.season or series.frequency.season
    seeds = Seeds.of(settings)
    network = create_network(
        settings,
        series,
        init_generator=seeds.init_generator(),
        dropout_generator=seeds.dropout_generator(settings.train.device),
    )
    reach = settings.data.target_offset - 1 + settings.data.horizon
    history = last_rows(series, max(settings.data.window + reach, season + reach))
    scales = judge.training_scales(series, windows, split, season)
    return ForecastModel(settings, network, transform, covariates, history, season, scales)


def _splits(settings: ForecastSettings, series: SeriesSet) -> list[Split]:
    windows = Windows(series, settings.data.window, settings.data.horizon, settings.data.target_offset)
    return split_windows(windows, settings.split)


def _interval_notes(model: ForecastModel) -> tuple[str, ...]:
    if model.intervals is None:
        return ("no validation part, so no intervals",)
    return model.intervals.notes


def _baseline_notes(evidence: dict[str, judge.Evidence]) -> tuple[str, ...]:
    return evidence["test"].notes if "test" in evidence else ()
