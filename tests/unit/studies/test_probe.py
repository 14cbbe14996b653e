import json
import os
import shutil
import time

import pytest

from gatewise.cli.main import run as command
from gatewise.errors import InputError
from gatewise.studies.file import resolve
from gatewise.studies.folder import StudyFolder
from gatewise.studies.plan import plan_study
from gatewise.studies.probe import Probe, _without_start, estimate

RUNNER = '''
import time
from gatewise.errors import DivergedError, SettingsError


def run(settings, folder, *, threads, exclusive, progress):
    """Says that an epoch takes as many seconds as there are units; hangs with 5, diverges with 6, refuses 7."""
    units = settings.model.units
    folder.mkdir(parents=True)
    (folder / "model").write_bytes(bytes(1000 * units))
    (folder / "checkpoint").mkdir()
    (folder / "checkpoint" / "big").write_bytes(bytes(100_000))
    if units == 5:
        time.sleep(600)
    if units == 6:
        raise DivergedError("no longer finite")
    if units == 7:
        raise SettingsError("7 units cannot be divided among 4 heads")
    assert 0 < settings.train.minutes < 0.1
    return {"seconds": {"total": 2.5, "train": 1.5, "per_epoch": float(units)}}
'''


@pytest.fixture
def runner(tmp_path, monkeypatch):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "probe_runner.py").write_text(RUNNER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "code"))
    return "probe_runner:run"


def plan(**tree):
    file = {"name": "small", "data": {"files": ["sample:A"]}, "vary": {"model.units": [2, 4]}, "seeds": 3}
    return plan_study(resolve({**file, **tree}), lambda data: "digest")


def test_runs_are_reckoned_from_a_moment_of_each_combination(tmp_path, runner):
    planned = plan(train={"epochs": 10})
    place = StudyFolder(tmp_path / "s")
    cost = estimate(planned, place, jobs=1, runner=runner)
    assert cost.seconds == {"units 2": 21.0, "units 4": 41.0}
    assert (cost.runs, cost.finished, cost.jobs) == (6, 0, 1)
    assert cost.total == pytest.approx(3 * 21 + 3 * 41)
    assert cost.size == 3 * 2000 + 3 * 4000
    assert cost.how.startswith("from 2 of 2 combinations, each trained for a moment; runs that stop early take less")
    assert not place.path.exists()


def test_what_is_finished_costs_nothing_more(tmp_path, runner):
    planned, place = plan(train={"epochs": 10}), StudyFolder(tmp_path / "s")
    for run in planned.runs[:3]:
        place.run(run.fingerprint).path.mkdir(parents=True)
        place.run(run.fingerprint).write_result({"status": "finished"})
    cost = estimate(planned, place, jobs=1, runner=runner)
    assert (cost.runs, cost.finished) == (3, 3)
    assert cost.total == pytest.approx(3 * 41)


def test_levels_that_take_no_other_time_share_a_probe_and_minutes_are_minutes(tmp_path, runner):
    planned = plan(vary={"train.learning_rate": [1e-3, 1e-2], "train.epochs": [1, 10]}, model={"units": 2}, timing=True)
    cost = estimate(planned, StudyFolder(tmp_path / "s"), jobs=1, runner=runner)
    assert sorted(set(cost.seconds.values())) == [3.0, 21.0]
    assert cost.how.startswith("from 1 of 4 combinations")
    timed = plan(budget={"minutes": 2})
    cost = estimate(timed, StudyFolder(tmp_path / "s"), runner=runner)
    assert (set(cost.seconds.values()), cost.jobs) == ({121.0}, 1)


def test_probes_end_when_their_time_is_over(tmp_path, runner):
    started = time.monotonic()
    planned = plan(vary={"model.units": [2, 5, 3]}, train={"epochs": 10})
    cost = estimate(planned, StudyFolder(tmp_path / "s"), jobs=1, runner=runner, longest=6)
    assert time.monotonic() - started < 60
    assert cost.seconds == {"units 2": 21.0, "units 5": 21.0, "units 3": 21.0}
    none = estimate(plan(vary={"model.units": [6]}), StudyFolder(tmp_path / "s"), runner=runner)
    assert (none.total, none.size) == (None, None)
    assert none.how.startswith("no estimate")


def test_what_a_run_refuses_is_refused_before_all_of_them_do(tmp_path, runner):
    planned = plan(vary={"model.units": [2, 7]})
    with pytest.raises(InputError, match="the combination units 7: 7 units cannot be divided among 4 heads"):
        estimate(planned, StudyFolder(tmp_path / "s"), runner=runner)


def test_loading_libraries_is_not_counted_for_every_run():
    first, second = (
        Probe(name, {}, epoch=1.0, steps=1, around=around, size=1) for name, around in (("a", 9), ("b", 2))
    )
    assert [probe.around for probe in _without_start([first, second])] == [2, 2]
    assert _without_start([first]) == [first]


def test_a_study_that_does_not_fit_on_the_disk_is_refused(tmp_path, runner, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 11_000))
    with pytest.raises(InputError, match="6 runs that are missing need about 18 kB and 11 kB are free"):
        estimate(plan(), StudyFolder(tmp_path / "s"), runner=runner)


STUDY = """
name: tiny
data: {files: [a.csv], window: 5}
model: {units: 4, head: []}
train: {epochs: 2, batch_size: 16}
vary:
  train.loss: [mse, huber]
  train.huber_delta: {when: {train.loss: huber}, levels: [0.5, 1]}
seeds: {initialisation: 2}
baselines: [last_value]
"""


@pytest.mark.slow
def test_plan_run_edit_and_run_again_from_the_command_line(tmp_path, monkeypatch, capsys):
    """A whole life of a study: planned with a real probe, run, changed harmlessly, changed otherwise."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("\n".join(["y", *(str(50 + i % 7) for i in range(120))]))
    (tmp_path / "tiny.yaml").write_text(STUDY)
    assert command(["study", "tiny.yaml", "--plan", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["cost"]["missing"], told["cost"]["finished"]) == (6, 0)
    assert set(told["cost"]["seconds_a_run"]) == {"mse", "huber, huber delta 0.5", "huber, huber delta 1"}
    assert 0 < told["cost"]["seconds"] < 60
    assert 1000 < told["cost"]["bytes"] < told["cost"]["bytes_free"]
    assert not (tmp_path / "studies").exists()
    assert command(["study", "tiny.yaml", "--jobs", "1", "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert len(done["runs"]) == 6
    assert {str(row["condition"]) for row in done["comparisons"]} == {
        "{'train.huber_delta': 0.5}", "{'train.huber_delta': 1.0}",
    }  # fmt: skip
    assert command(["study", "tiny.yaml", "--set", "seeds=2", "--plan", "--no-probe"]) == 2
    assert "seeds: other kinds of chance differ" in capsys.readouterr().err
    (tmp_path / "tiny.yaml").write_text(STUDY.replace("levels: [0.5, 1]", "levels: [0.5, 1, 2]"))
    assert command(["study", "tiny.yaml", "--plan", "--no-probe"]) == 0
    shown = capsys.readouterr()
    assert "tiny: 8 runs" in shown.out
    assert "train.huber_delta: 2.0 is new" in shown.err
    assert "test: exact sign-flip" in shown.err
    (tmp_path / "tiny.yaml").write_text(STUDY.replace("epochs: 2", "epochs: 3"))
    assert command(["study", "tiny.yaml"]) == 2
    assert "train.epochs: 2 there, 3 here" in capsys.readouterr().err
    (tmp_path / "a.csv").write_text("\n".join(["y", *(str(40 + i % 7) for i in range(120))]))
    (tmp_path / "tiny.yaml").write_text(STUDY)
    assert command(["study", "tiny.yaml"]) == 2
    assert "data: their content has changed, so 6 runs are of other data" in capsys.readouterr().err


def test_combinations_written_out_are_run_and_compared(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("\n".join(["y", *(str(50 + i % 7) for i in range(120))]))
    rows = "combinations: [{model.cell: rnn}, {model.cell: gru, model.units: 3}]"
    text = STUDY[: STUDY.index("vary:")]
    (tmp_path / "tiny.yaml").write_text(f"{text}{rows}\nseeds: 2\nbaselines: [last_value]\n")
    assert command(["study", "tiny.yaml", "--jobs", "1", "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert [(row["a"], row["b"]) for row in done["comparisons"]] == [("rnn", "gru, units 3")]
    assert done["findings"]


def test_what_follows_a_training_may_take_longer_than_a_probe(tmp_path, monkeypatch):
    """Then the training alone is reckoned, and the plan says that it all takes more."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "slow_judge.py").write_text(
        "import time\n"
        "from gatewise.studies.probed import Watch, note_of\n"
        "def run(settings, folder, *, threads, exclusive, progress):\n"
        "    folder.mkdir(parents=True)\n"
        "    watch = Watch(note_of(folder))\n"
        "    watch.start(epochs=None, steps_per_epoch=10, steps_done=0)\n"
        "    watch.end_epoch({'steps': 5, 'seconds': 1.5, 'step_ms_median': 200})\n"
        "    watch.stop()\n"
        "    time.sleep(600)\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'code'}:{os.environ.get('PYTHONPATH', '')}")
    cost = estimate(
        plan(train={"epochs": 10}), StudyFolder(tmp_path / "s"), jobs=1, runner="slow_judge:run", longest=12
    )
    assert cost.seconds["units 2"] > 10 * (10 * 0.2 + 0.5)
    assert "judging takes longer than a probe may" in cost.how


def test_the_trials_of_a_search_are_reckoned_too(tmp_path, runner):
    search = {"trials": 5, "settings": {"train.learning_rate": [1e-3, 1e-2, 1e-1, 1.0, 2.0]}, "sampler": "random"}
    planned = plan(train={"epochs": 10}, search=search)
    place = StudyFolder(tmp_path / "s")
    runs = 3 * 21 + 3 * 41
    assert estimate(planned, place, jobs=1, runner=runner).total == pytest.approx(runs + 5 * 21 + 5 * 41)
    for number in range(5):
        place.trial(f"done{number}").path.mkdir(parents=True)
    assert estimate(planned, place, jobs=1, runner=runner).total == pytest.approx(runs + (5 * 21 + 5 * 41) / 2)
    halved = plan(train={"epochs": 10}, search={**search, "halving": {"reduction": 5, "least_epochs": 2}})
    first, last = 5 * (1 + 2 * 2) + 5 * (1 + 2 * 4), (1 + 2 * 10) + (1 + 4 * 10)
    assert estimate(halved, StudyFolder(tmp_path / "t"), jobs=1, runner=runner).total == pytest.approx(
        runs + first + last
    )
