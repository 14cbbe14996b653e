"""A small study with the real trainer: stopped in the middle, gone on with, compared."""

import os
import signal

import numpy as np
import polars as pl
import pytest

from gatewise.errors import InterruptedRunError
from gatewise.studies import load_study, run_study
from gatewise.studies.folder import StudyFolder
from gatewise.studies.progress import Silent

STUDY = """
name: tiny
data: {files: [walk.csv], column: Close, window: 5, transform: last_value}
model: {units: 3, head: [4]}
train: {batch_size: 32, epochs: 3, patience: null, learning_rate: 1e-2}
vary: {model.cell: [rnn, lstm]}
seeds: 2
timing: {epochs: 1}
"""


@pytest.fixture
def study(tmp_path):
    rng = np.random.default_rng(1)
    days = pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 6, 18), "1d", eager=True)
    prices = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, len(days))))
    pl.DataFrame({"Date": days, "Close": prices}).write_csv(tmp_path / "walk.csv")
    (tmp_path / "tiny.yaml").write_text(STUDY)
    return load_study(tmp_path / "tiny.yaml")


class StopAfterTheFirst(Silent):
    def run_ended(self, event):
        if event.done == 1:
            os.kill(os.getpid(), signal.SIGTERM)


def scores(outcome):
    return {run["name"]: (run["metrics"], run["epochs"]) for run in outcome["runs"]}


@pytest.mark.slow
def test_a_study_that_was_stopped_goes_on_to_the_same_numbers(study, tmp_path):
    untimed = study.model_copy(update={"timing": None})
    with pytest.raises(InterruptedRunError, match="the same command goes on from here"):
        run_study(untimed, tmp_path / "stopped", jobs=1, progress=StopAfterTheFirst())
    stopped = run_study(untimed, tmp_path / "stopped", jobs=1)
    whole = run_study(study, tmp_path / "whole")
    assert len(whole["runs"]) == 4
    assert scores(stopped) == scores(whole)
    comparison = StudyFolder(tmp_path / "whole").read_comparison()
    assert [level["label"] for level in comparison["levels"]] == ["rnn", "lstm"]
    assert all(level["seconds"]["exclusive"] and level["seconds"]["per_epoch"] > 0 for level in comparison["levels"])
    assert {row["says"] for row in comparison["comparisons"]} == {"undecided"}
    assert comparison["baselines"]["last_value"]["mse"] > 0
    assert whole["findings"][0]["text"].startswith("None of two settings")
