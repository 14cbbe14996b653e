"""Training, the grid, what is kept, and what is said about it."""

import json
from collections import Counter

import pytest
import torch

from gatewise.errors import GatewiseError, InputError, SettingsError
from gatewise.probes import ProbeSettings, run_probe
from gatewise.probes import train as training
from gatewise.probes.progress import RowLines
from gatewise.probes.settings import FLOW, ProbeJob, jobs_of
from gatewise.probes.table import notes, summarise, table
from gatewise.registry import CELLS, PROBES
from gatewise.settings import parse
from leaky_cell import Leaky

SMALL = ProbeSettings(cells=("rnn", "gru"), tasks=("parity", "adding"), seeds=2, units=4, steps=2)


@pytest.fixture
def quick(monkeypatch):
    """Count the jobs that are done, and do them in no time."""
    done = Counter()

    def flow(job):
        return {"half_life": 2.0, "left_after_100": 0.1, "lags": [0, 1, 2], "influence": [1.0, 0.7, 0.5]}

    def train(job):
        done[job.cell, job.task, job.seed] += 1
        share = 0.9 if job.cell == "gru" else 0.5 + 0.01 * job.seed
        accuracy = {"40": 1.0, "80": 1.0, "256": share}
        return {
            "accuracy": accuracy,
            "learning_rate": 0.01,
            "steps": 2,
            "skipped": 0,
            "seconds": 0.1,
            "flow": flow(job),
        }

    monkeypatch.setattr(training, "train_probe", train)
    monkeypatch.setattr(training, "_flow_at_start", lambda job: {"flow": flow(job)})
    return done


def test_rnn_solves_parity_beyond_what_it_was_trained_on():
    found = training.train_probe(ProbeJob(cell="rnn", task="parity", seed=0, units=32, steps=1000))
    assert found["accuracy"]["40"] > 0.98
    assert found["accuracy"]["256"] > 0.98
    assert found["steps"] < 1000  # it stops when it is solved
    assert found["skipped"] == 0


def test_a_job_gives_the_same_numbers_again_and_each_seed_its_own():
    jobs = [ProbeJob(cell="gru", task="copying", seed=seed, units=4, steps=4) for seed in (0, 0, 1)]
    first, again, other = (training.train_probe(job)["flow"]["influence"] for job in jobs)
    assert first == again
    assert first != other


def test_steps_whose_gradient_is_not_finite_are_not_taken(monkeypatch):
    monkeypatch.setattr(PROBES.load("parity"), "loss", staticmethod(lambda answer, batch: answer.sum() * torch.nan))
    found = training.train_probe(ProbeJob(cell="rnn", task="parity", seed=0, units=4, steps=6))
    assert found["skipped"] == 6
    assert 0.3 < found["accuracy"]["40"] < 0.7


def test_what_is_there_is_not_made_again(quick, tmp_path):
    first = run_probe(SMALL, tmp_path, jobs=1)
    assert sorted(quick.values()) == [1] * 8
    second = run_probe(SMALL, tmp_path, jobs=1)
    assert sum(quick.values()) == 8
    assert second == first
    run_probe(SMALL.model_copy(update={"seeds": 3}), tmp_path, jobs=1)
    assert sum(quick.values()) == 12
    run_probe(SMALL.model_copy(update={"steps": 3}), tmp_path, jobs=1)  # another budget, other results
    assert sum(quick.values()) == 20


def test_results_of_an_older_version_are_made_again(quick, tmp_path, monkeypatch):
    run_probe(SMALL, tmp_path, jobs=1)
    monkeypatch.setattr("gatewise.probes.run.RESULTS_VERSION", -1)
    run_probe(SMALL, tmp_path, jobs=1)
    assert sum(quick.values()) == 16


def test_the_folder(quick, tmp_path):
    found = run_probe(SMALL, tmp_path, jobs=1)
    assert json.loads((tmp_path / "probe.json").read_text()) == found
    assert found["figures"] == ["gradient-flow.svg", "table.svg"]
    for name in found["figures"]:
        assert (tmp_path / name).read_text().startswith("<svg")
    assert "gru" in (tmp_path / "gradient-flow.svg").read_text()
    one = json.loads((tmp_path / "results" / "4-units-2-steps" / "gru" / "parity" / "1.json").read_text())
    assert one["job"] == {"cell": "gru", "task": "parity", "seed": 1, "units": 4, "steps": 2}


def test_a_cell_that_breaks_fails_alone(quick, tmp_path, monkeypatch):
    well = training.train_probe

    def breaks(job):
        if job.cell == "rnn":
            raise RuntimeError("a defect")
        return well(job)

    monkeypatch.setattr(training, "train_probe", breaks)
    found = run_probe(SMALL, tmp_path, jobs=1)
    assert len(found["failed"]) == 4
    assert "a defect" in found["failed"][0]["error"]
    assert table(found)[1][0][1] == "failed"
    monkeypatch.setattr(training, "_flow_at_start", breaks)
    with pytest.raises(GatewiseError, match="all 6 jobs failed; the first one: RuntimeError: a defect"):
        run_probe(SMALL.model_copy(update={"cells": ("rnn",)}), tmp_path / "other", jobs=1)


def test_a_cell_of_ones_own(quick, tmp_path):
    CELLS.register("mine", Leaky)
    try:
        found = run_probe(ProbeSettings(cells=("mine",), tasks=("parity",), seeds=1, steps=2), tmp_path, jobs=2)
    finally:
        CELLS.unregister("mine")
    assert found["rows"][0]["tasks"]["parity"]["accuracy"]["40"]["mean"] == 1.0


def test_a_line_for_each_finished_cell(quick, tmp_path, capsys):
    run_probe(SMALL, tmp_path, jobs=1, progress=RowLines())
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition("  ")[0] for line in lines[1:]] == ["[6/12] rnn: finished", "[12/12] gru: finished"]


def results(seeds, of):
    """Return results of parity at the longest length, by cell."""
    flow = {"half_life": 2.0, "left_after_100": 0.1, "lags": [0, 1], "influence": [1.0, 0.5]}
    rest = {"learning_rate": 0.01, "steps": 2, "skipped": 0, "seconds": 1.0, "flow": flow}
    return [
        {
            "job": {"cell": cell, "task": "parity", "seed": seed},
            "accuracy": {"40": 1.0, "80": 1.0, "256": value(seed)},
            **rest,
        }
        for cell, value in of.items()
        for seed in range(seeds)
    ]


@pytest.mark.parametrize(("seeds", "says"), [(1, "undecided"), (3, "undecided"), (6, "better")])
def test_only_a_test_calls_a_cell_better(seeds, says):
    of = {"gru": lambda seed: 0.99, "rnn": lambda seed: 0.5 + 0.01 * seed}
    settings = ProbeSettings(cells=("gru", "rnn"), tasks=("parity",), seeds=seeds)
    found = summarise(settings, results(seeds, of), {})
    assert [one["says"] for one in found["comparisons"]] == [says]
    text = "\n".join(notes(found))
    assert ("gru better than rnn" in text) == (says == "better")
    assert ("at least 6 (--seeds 6)" in text) == (seeds < 6)
    assert ("one seed, which is no result" in text) == (seeds == 1)
    assert "parity: gru." in text
    heads, rows = table(found)
    assert heads == ["cell", "parity", "half-life new / trained", "left after 100"]
    assert [row[0] for row in rows] == ["gru", "rnn", "guessing"]
    assert rows[0][1] == ("100 / 99" if seeds == 1 else "100 / 99\n±0 / ±0")
    assert rows[2][1] == "50 / 50"


def test_a_half_life_beyond_what_was_measured():
    settings = ProbeSettings(cells=("gru",), tasks=("adding",), seeds=2)
    both = results(2, {"gru": lambda seed: 0.9})
    for one in both:
        one["job"]["task"] = "adding"
    both[1]["flow"] = {**both[1]["flow"], "half_life": None}
    found = summarise(settings, both, {})
    assert found["rows"][0]["tasks"]["adding"]["memory"]["beyond"] == 1
    assert table(found)[1][0][-2:] == ["- / > 999", "- / 10.0"]


def test_every_cell_has_the_same_jobs():
    assert [one.task for one in jobs_of(SMALL, "rnn")] == [FLOW, FLOW, "parity", "parity", "adding", "adding"]
    assert {one.units for one in jobs_of(SMALL, "gru")} == {4}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"cells": ["lstmm"]}, "did you mean 'lstm'"),
        ({"tasks": ["party"]}, "did you mean 'parity'"),
        ({"tasks": []}, "at least one is needed"),
        ({"seeds": 0}, "greater than or equal to 1"),
        ({"units": 0}, "greater than or equal to 1"),
    ],
)
def test_settings_that_cannot_be_used(wrong, says):
    with pytest.raises(SettingsError, match=says):
        parse(ProbeSettings, wrong)


def test_no_jobs(tmp_path):
    with pytest.raises(InputError, match="jobs: at least 1"):
        run_probe(SMALL, tmp_path, jobs=0)
