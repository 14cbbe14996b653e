"""Study folders whose runs have made-up results, so that comparing is tested without training."""

from __future__ import annotations

import numpy as np
import polars as pl

from gatewise.studies.file import resolve
from gatewise.studies.folder import StudyFolder
from gatewise.studies.plan import plan_study

LAST = {"mse": 100.0, "mape": 2.0, "pearson": 0.9}
RIDGE = {"mse": 90.0, "mape": 1.9, "pearson": 0.91}
#: Small, uneven steps from seed to seed, the same for every level: seeds are paired.
STEPS = (0.0, 3.0, -2.0, 5.0, 1.0, -4.0, 2.0)


def result(mse, *, seed=0, leaking=False, notes=(), exclusive=False, per_epoch=1.0, epochs=10):
    return {
        "format_version": 1, "status": "finished", "name": f"run of {mse}", "task": "forecast",
        "parameters": 321, "leaking": leaking,
        "epochs": {"run": epochs, "best": epochs - 3}, "exclusive": exclusive, "threads": 2,
        "seconds": {"per_epoch": per_epoch, "per_step_median": 0.002},
        "metrics": {
            "test": {"mse": mse, "mape": mse / 50, "pearson": 1 - mse / 1000},
            "series": {"GOOG": {"mse": mse * 2, "pearson": 0.99}, "AAPL": {"mse": mse / 2, "pearson": 0.98}},
        },
        "baselines": {"last_value": {"test": LAST}, "ridge": {"test": RIDGE}}, "notes": list(notes),
    }  # fmt: skip


def make(folder, score, *, seeds=7, timing=None, skip=(), **tree):
    """Write a study folder whose runs have the results that ``score(levels, seed)`` gives."""
    file = {
        "name": "small",
        "question": "Which?",
        "data": {"files": ["sample:A"]},
        "seeds": seeds,
        "timing": bool(timing),
    }
    planned = plan_study(
        resolve({**file, "vary": {"model.cell": ["rnn", "gru", "lstm"]}, **tree}), lambda data: "digest"
    )
    place = StudyFolder(folder)
    folder.mkdir()
    place.write_study(planned.to_json())
    for run in planned.runs:
        if (run.label, run.seed) not in skip:
            made = score(run.levels, run.seed)
            write(place.run(run.fingerprint), made if isinstance(made, dict) else result(made))
    for run in planned.timing:
        write(place.timing(run.fingerprint), timing(run.levels))
    return place


def write(run, content):
    run.path.mkdir(parents=True, exist_ok=True)
    run.write_result(content)


def rows_of(tree):
    return {(row["a"], row["b"]): row for row in tree["comparisons"]}


def interacting(levels, seed):
    """The second level of the dropout doubles the error of the GRU and triples that of the RNN."""
    value = {"rnn": 120.0, "gru": 100.0}[levels["model.cell"]] * (1 + STEPS[seed] / 100)
    if levels["model.input_dropout"] == 0.1:
        value *= {"rnn": 3.0, "gru": 2.0}[levels["model.cell"]] * (1 + 0.001 * seed)
    return value


def forecast_study(folder, errors, seeds=7, **tree):
    """Write a study whose levels have the test errors that ``errors(levels, seed)`` gives, (n,)."""

    def score(levels, seed):
        return float(np.mean(errors(levels, seed) ** 2))

    place = make(folder, score, seeds=seeds, **tree)
    for run in place.read_study()["runs"]:
        made = errors(run["levels"], run["seed"])
        n = len(made)
        place.run(run["fingerprint"]).write_settings({"data": {"target_offset": 1}})
        place.run(run["fingerprint"]).write_predictions(
            pl.DataFrame(
                {
                    "part": ["train"] * 3 + ["test"] * n, "window": np.arange(n + 3), "unique_id": ["A"] * (n + 3),
                    "cutoff": np.arange(n + 3), "ds": np.arange(n + 3) + 1, "step": [1] * (n + 3),
                    "y": np.zeros(n + 3), "mean": np.concatenate([np.zeros(3), made]), "last_value": np.ones(n + 3),
                }
            )
        )  # fmt: skip
    return place
