"""Make run and study folders of plausible numbers, so that the report is tested without training anything."""

from __future__ import annotations

import itertools
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

PARAMETERS = {"rnn": 428162, "gru": 957058, "lstm": 1219202}
ENVIRONMENT = {
    "python": "3.11.2",
    "packages": {"gatewise": "0.1.0", "torch": "2.13.0", "statsforecast": None},
    "platform": "Linux 6.1 x86_64",
    "cpu": {"model": "Example CPU", "cores": 2},
    "memory_gib": 8.0,
    "threads": 1,
    "git": {"commit": "0123abcd", "dirty": False},
}


def make_prices(names: tuple[str, ...], rows: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Random walks that start at different prices."""
    return {
        name: 100.0 * (index + 1) * np.exp(np.cumsum(rng.normal(0.0006, 0.014, rows)))
        for index, name in enumerate(names)
    }


def business_days(count: int) -> list[datetime]:
    days = (datetime(2010, 1, 4) + timedelta(days=offset) for offset in itertools.count())
    return list(itertools.islice((day for day in days if day.weekday() < 5), count))


def make_predictions(
    prices: dict[str, np.ndarray],
    *,
    window: int,
    offset: int,
    error: float,
    random_split: bool,
    seed: int,
    integer_times: bool = False,
    horizon: int = 1,
) -> pl.DataFrame:
    """Forecasts that follow the last value with some error, as trained networks do on prices."""
    rows = len(next(iter(prices.values())))
    times: list[Any] = list(range(rows)) if integer_times else business_days(rows)
    count = rows - window - offset - horizon + 2
    part = np.array(["train"] * count, dtype=object)
    order = np.random.default_rng(42).permutation(count) if random_split else np.arange(count)
    test = order[-max(count // 10, 2) :]
    part[test] = "test"
    part[order[-2 * max(count // 10, 2) : -max(count // 10, 2)]] = "validation"
    rng = np.random.default_rng(seed)
    table: dict[str, list[Any]] = {
        key: []
        for key in (
            "part",
            "window",
            "unique_id",
            "cutoff",
            "ds",
            "step",
            "y",
            "mean",
            "q0.025",
            "q0.1",
            "q0.9",
            "q0.975",
            "last_value",
        )
    }
    for name, series in prices.items():
        for start, step in itertools.product(range(count), range(1, horizon + 1)):
            last_row = start + window - 1
            row = last_row + offset + step - 1
            last, truth = series[last_row], series[row]
            mean = last * (1 + error * (0.4 + rng.normal(0, 0.6)))
            width = truth * (0.016 + abs(error))
            values = (
                part[start],
                start,
                name,
                times[last_row],
                times[row],
                step,
                truth,
                mean,
                mean - 1.96 * width,
                mean - 1.28 * width,
                mean + 1.28 * width,
                mean + 1.96 * width,
                last,
            )
            for column, value in zip(table.values(), values, strict=True):
                column.append(value)
    frame = pl.DataFrame(table)
    return frame if integer_times else frame.with_columns(pl.col("ds", "cutoff").cast(pl.Datetime("us")))


def scores(frame: pl.DataFrame, column: str) -> dict[str, float]:
    y, forecast = frame["y"].to_numpy(), frame[column].to_numpy()
    error = forecast - y
    return {
        "mse": float(np.mean(error**2)),
        "rmse": float(np.sqrt(np.mean(error**2))),
        "mae": float(np.mean(abs(error))),
        "mape": float(100 * np.mean(abs(error / y))),
        "r2": float(1 - np.mean(error**2) / np.var(y)),
        "pearson": float(np.corrcoef(y, forecast)[0, 1]),
        "mase": float(np.mean(abs(error)) / 2.0),
        "hit_rate": float(
            np.mean(np.sign(forecast - frame["last_value"].to_numpy()) == np.sign(y - frame["last_value"].to_numpy()))
        ),
        "hit_rate_base": 0.53,
    }


def make_log(epochs: int, error: float, seed: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    rows = []
    best = np.inf
    for epoch in range(1, epochs + 1):
        loss = 20000 * np.exp(-(0.5 + 20 * error) * epoch) + 80 * (1 + 300 * error**2) * (1 + 0.05 * rng.normal())
        rows.append(
            {
                "epoch": epoch,
                "train_loss": loss * 0.9,
                "validation_loss": loss,
                "learning_rate": 1e-4,
                "seconds": 3.1,
                "steps": 226,
                "step_ms_median": 13.2,
                "best": bool(loss < best),
            }
        )
        best = min(best, loss)
    return rows


def make_run(
    folder: Path,
    *,
    cell: str = "lstm",
    seed: int = 0,
    error: float = 0.02,
    prices: dict[str, np.ndarray],
    dropout: float = 0.0,
    patience: int | None = 3,
    random_split: bool = False,
    window: int = 30,
    offset: int = 2,
    notes: tuple[str, ...] = (),
    **options: Any,
) -> dict[str, Any]:
    """Write one finished run folder and return its result."""
    folder.mkdir(parents=True)
    frame = make_predictions(
        prices, window=window, offset=offset, error=error, random_split=random_split, seed=seed, **options
    )
    test = frame.filter(pl.col("part") == "test")
    log = make_log(5 if patience is None else 10 + seed % 5, error, seed)
    metrics: dict[str, Any] = {
        part: scores(frame.filter(pl.col("part") == part), "mean") for part in ("train", "validation", "test")
    }
    metrics["series"] = {name: scores(test.filter(pl.col("unique_id") == name), "mean") for name in prices}
    last = scores(test, "last_value")
    for values in (metrics["test"], last):
        values["skill"] = 1 - values["mse"] / last["mse"]
    ratio = metrics["test"]["mse"] / last["mse"]
    result = {
        "format_version": 1,
        "status": "finished",
        "task": "forecast",
        "name": f"{cell}-{seed}",
        "folder": folder.name,
        "parameters": PARAMETERS.get(cell, 1000),
        "leaking": random_split,
        "trained": 1,
        "epochs": {"run": len(log), "best": len(log) - 3},
        "seconds": {
            "total": 40.0,
            "data": 0.2,
            "train": 39.0,
            "per_epoch": {"rnn": 2.1, "gru": 4.9}.get(cell, 6.2) + seed / 50,
            "per_step_median": {"rnn": 0.0085, "gru": 0.0203}.get(cell, 0.0262),
        },
        "exclusive": True,
        "threads": 1,
        "kernel": "torch",
        "metrics": metrics,
        "baselines": {"last_value": {"test": last}, "drift": {"test": {k: v * 1.02 for k, v in last.items()}}},
        "intervals": {"80": {"coverage": 0.79, "width": 12.1, "crps": 3.3}, "95": {"coverage": 0.94, "width": 18.4}},
        "lag": {"shift": offset, "correlation": 0.02},
        "verdict": {
            "metric": "mse",
            "against": "last_value",
            "ratio": ratio,
            "p": 0.004,
            "interval": [0.5 * last["mse"], last["mse"]],
            "test": "Diebold-Mariano over 57 times",
            "note": None,
            "says": "worse" if ratio > 1 else "better",
        },
        "notes": list(notes),
    }
    settings = {
        "name": f"{cell}-{seed}",
        "task": "forecast",
        "seed": seed,
        "data": {
            "files": ["GOOG.csv"],
            "column": ["Close"],
            "window": window,
            "target_offset": offset,
            "horizon": options.get("horizon", 1),
        },
        "split": {
            "kind": "random" if random_split else "chronological",
            "test": 0.1,
            "validation": 0.1,
            "seed": 42,
        },
        "model": {"cell": cell, "units": 512, "input_dropout": dropout},
        "levels": [80, 95],
        "train": {"loss": "mse", "optimizer": "adam", "learning_rate": 1e-4, "batch_size": 8, "patience": patience},
    }
    write(folder / "settings.json", settings)
    write(folder / "environment.json", ENVIRONMENT)
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log))
    frame.write_parquet(folder / "predictions.parquet")
    write(folder / "result.json", result)
    return result


def make_single(folder: Path, *, names: tuple[str, ...] = ("GOOG", "AAPL"), rows: int = 600, **options: Any) -> Path:
    """Write a run folder that stands alone."""
    prices = make_prices(names, rows, np.random.default_rng(7))
    make_run(folder, prices=prices, **options)
    return folder


def make_study(
    folder: Path,
    *,
    names: tuple[str, ...] = ("GOOG", "AAPL"),
    cells: tuple[str, ...] = ("rnn", "gru", "lstm"),
    dropouts: tuple[float, ...] = (0.0, 0.1),
    schedules: tuple[str, ...] = ("five epochs", "early stopped"),
    seeds: int = 3,
    rows: int = 400,
    random_split: bool = False,
    notes: tuple[str, ...] = (),
    beats: bool = False,
    **options: Any,
) -> Path:
    """Write a study folder with every level, seed and comparison."""
    prices = make_prices(names, rows, np.random.default_rng(7))
    base_error = {"rnn": 0.012, "gru": 0.009, "lstm": 0.010}
    levels = []
    for schedule, dropout, cell in itertools.product(schedules, dropouts, cells):
        error = (base_error.get(cell, 0.01) + 0.05 * dropout) * (2.5 if schedule == "five epochs" else 1)
        error *= 0.0 if beats else 1
        runs, results = [], []
        for seed in range(seeds):
            fingerprint = f"{len(levels):08x}{seed:08x}"
            runs.append(fingerprint)
            results.append(
                make_run(
                    folder / "runs" / fingerprint,
                    cell=cell,
                    seed=seed,
                    error=error * (1 + 0.15 * np.sin(seed * 3 + len(levels))),
                    prices=prices,
                    dropout=dropout,
                    patience=3 if schedule == "early stopped" else None,
                    random_split=random_split,
                    **options,
                )
            )
        levels.append(
            level_entry(f"{cell}, {schedule}, input dropout {dropout:g}", cell, schedule, dropout, runs, results)
        )
    baselines = {name: values["test"] for name, values in results[0]["baselines"].items()}
    study = {
        "name": "stocks-cells",
        "question": "Are LSTM, GRU or SimpleRNN better at tomorrow's close, how long does each take "
        "to train, and does any of them beat the same as the last close?",
        "task": "forecast",
        "seeds": seeds,
    }
    comparison = {
        "format_version": 1,
        **study,
        "factors": {"model.cell": list(cells), "schedule": list(schedules), "model.input_dropout": list(dropouts)},
        "main": "model.cell",
        "metric": "mse",
        "levels": levels,
        "baselines": baselines,
        "comparisons": pairs(cells, schedules, dropouts, levels, seeds),
        "against_baseline": [against(level, baselines["last_value"]["mse"]) for level in levels],
        "findings": [
            {
                "text": "GRU and LSTM cannot be told apart on test MSE.",
                "evidence": ["difference -3.1, 95 % interval -9.8 to 3.6", "7 seeds, p = 0.30"],
            },
            {
                "text": "Input dropout 0.1 makes every cell worse, at every length of training.",
                "evidence": ["mean MSE ratio 3.4", "p = 0.016 in 3 of 3 cells"],
            },
        ],
        "claims": [
            {
                "claim": "GRU has the lowest test MAPE when early stopped",
                "report": "1.991",
                "ours": "2.02",
                "interval": [1.96, 2.08],
                "verdict": "undecided",
            }
        ],
        "leaking": random_split,
        "failed": [{"run": "lstm, five epochs, seed 5", "error": "loss became NaN at step 812"}],
        "notes": ["sorted: newest row came first", *notes],
        "test": "exact sign-flip permutation, Holm within each condition",
    }
    write(folder / "study.json", study)
    write(folder / "comparison.json", comparison)
    return folder


def level_entry(
    label: str, cell: str, schedule: str, dropout: float, runs: list[str], results: list[dict[str, Any]]
) -> dict[str, Any]:
    names = results[0]["metrics"]["test"]

    def spread(values: list[float]) -> dict[str, Any]:
        array = np.array(values)
        std = float(array.std(ddof=1)) if len(values) > 1 else 0.0
        return {
            "mean": float(array.mean()),
            "std": std,
            "min": float(array.min()),
            "max": float(array.max()),
            "values": values,
        }

    series = results[0]["metrics"]["series"]
    return {
        "label": label,
        "settings": {"model.cell": cell, "schedule": schedule, "model.input_dropout": dropout},
        "runs": runs,
        "parameters": results[0]["parameters"],
        "metrics": {name: spread([result["metrics"]["test"][name] for result in results]) for name in names},
        "epochs": {"run": [r["epochs"]["run"] for r in results], "best": [r["epochs"]["best"] for r in results]},
        "seconds": {
            "per_epoch": results[0]["seconds"]["per_epoch"],
            "per_step_ms": 1000 * results[0]["seconds"]["per_step_median"],
            "exclusive": True,
        },
        "series": {
            key: {"mse": {"mean": float(np.mean([r["metrics"]["series"][key]["mse"] for r in results])), "std": 1.0}}
            for key in series
        },
    }


def pairs(
    cells: tuple[str, ...],
    schedules: tuple[str, ...],
    dropouts: tuple[float, ...],
    levels: list[dict[str, Any]],
    seeds: int,
) -> list[dict[str, Any]]:
    found = []
    by = {
        (lv["settings"]["schedule"], lv["settings"]["model.input_dropout"], lv["settings"]["model.cell"]): lv
        for lv in levels
    }
    for schedule, dropout in itertools.product(schedules, dropouts):
        for a, b in itertools.combinations(cells, 2):
            means = [by[schedule, dropout, cell]["metrics"]["mse"]["mean"] for cell in (a, b)]
            difference = means[0] - means[1]
            half = 0.2 * min(means)
            says = "undecided" if abs(difference) < half else ("worse" if difference > 0 else "better")
            found.append(
                {
                    "condition": {"schedule": schedule, "model.input_dropout": dropout},
                    "a": a,
                    "b": b,
                    "metric": "mse",
                    "difference": difference,
                    "interval": [difference - half, difference + half],
                    "p": 0.0156,
                    "p_holm": 0.3 if says == "undecided" else 0.047,
                    "says": says,
                    "seeds": seeds,
                    "seeds_needed": 14 if says == "undecided" else None,
                }
            )
    return found


def against(level: dict[str, Any], reference: float) -> dict[str, Any]:
    ratio = level["metrics"]["mse"]["mean"] / reference
    says = "worse" if ratio > 1.05 else "better" if ratio < 0.95 else "undecided"
    return {
        "label": level["label"],
        "baseline": "last_value",
        "metric": "mse",
        "ratio": ratio,
        "interval": [ratio * 0.95, ratio * 1.05],
        "p": 0.0156,
        "p_holm": 0.047,
        "says": says,
    }


def write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1))
