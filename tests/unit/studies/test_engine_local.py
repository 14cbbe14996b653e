import json
import os
import signal

import pytest

from gatewise.errors import InterruptedRunError
from gatewise.settings import ForecastSettings
from gatewise.studies.engines import Request
from gatewise.studies.engines.local import LocalEngine, run_pool
from gatewise.studies.engines.process import worker_environment

RUNNER = '''
import json, os, signal, sys, time
from pathlib import Path
from gatewise.errors import DivergedError, InterruptedRunError, RunLockedError


def run(settings, folder, *, threads, exclusive, progress):
    """Stands in for a training: what it does is written in the run's name."""
    folder.mkdir(parents=True, exist_ok=True)
    tries = folder / "tries"
    tries.write_text(str(int(tries.read_text()) + 1 if tries.exists() else 1))
    print("noise on standard output")
    name = settings.name
    if "diverges" in name:
        raise DivergedError("the loss became NaN at step 3")
    if "is saved" in name and tries.read_text() == "1":
        raise RunLockedError("process 7 is working in this folder")
    if "breaks" in name:
        raise RuntimeError("a defect")
    if "dies always" in name or ("dies once" in name and tries.read_text() == "1"):
        print("my last words", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    if "waits" in name:
        def stop(number, frame):
            raise KeyboardInterrupt
        signal.signal(signal.SIGTERM, stop)
        try:
            with open(folder / "ready", "w") as ready:
                ready.write("yes")
            os.kill(int((folder.parent / "starter").read_text()), signal.SIGINT)
            while True:
                time.sleep(0.01)
        except KeyboardInterrupt:
            (folder / "saved").write_text("yes")
            raise InterruptedRunError("stopped") from None
    return {"pid": os.getpid(), "threads": threads, "exclusive": exclusive, "variables": os.environ["OMP_NUM_THREADS"],
            "nan": float("nan")}
'''


@pytest.fixture
def runner(tmp_path, monkeypatch):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "fake_runner.py").write_text(RUNNER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "code"), prepend=os.pathsep)
    return "fake_runner:run"


def request_for(folder, name, **options):
    return Request(name, ForecastSettings(name=name).model_dump(mode="json"), str(folder / name), **options)


def do(folder, names, runner, **options):
    found = {}
    run_pool(
        [request_for(folder, name) for name in names],
        lambda outcome: found.setdefault(outcome.key, outcome),
        runner=runner,
        **options,
    )
    return found


def test_every_run_is_done_once_by_as_many_processes_as_asked(tmp_path, runner):
    found = do(tmp_path, [f"run {i}" for i in range(7)], runner, workers=2)
    assert sorted(found) == [f"run {i}" for i in range(7)]
    assert {outcome.error for outcome in found.values()} == {None}
    assert len({outcome.result["pid"] for outcome in found.values()}) <= 2
    assert {(tmp_path / f"run {i}" / "tries").read_text() for i in range(7)} == {"1"}
    assert found["run 0"].result == {
        "pid": found["run 0"].result["pid"], "threads": 1, "exclusive": False, "variables": "1", "nan": None,
    }  # fmt: skip


def test_runs_of_several_processes_leave_room_for_them(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("gatewise.studies.engines.local.cores", lambda: 8)
    monkeypatch.setattr(
        "gatewise.studies.engines.local.run_pool", lambda *_, workers, threads, **__: asked.append((workers, threads))
    )
    for processes in (1, 3, 9):
        settings = ForecastSettings.from_flat({"processes": processes}).model_dump(mode="json")
        LocalEngine().do([Request("one", settings, str(tmp_path))], print)
    assert asked == [(8, 1), (2, 1), (1, 1)]


def test_how_a_run_ended_may_ask_for_more_runs(tmp_path, runner):
    """As a search does, whose next trial depends on the last; the workers go on from one to the next."""

    def then(outcome):
        name = outcome.key
        return [] if name.count("+") == 2 else [request_for(tmp_path, f"{name}+")]

    found = do(tmp_path, ["a", "b breaks"], runner, workers=2, then=then)
    assert sorted(found) == ["a", "a+", "a++", "b breaks", "b breaks+", "b breaks++"]
    assert len({outcome.result["pid"] for outcome in found.values() if outcome.result}) <= 2
    assert found["b breaks++"].error == "RuntimeError: a defect"


def test_a_run_that_fails_is_told_and_the_others_go_on(tmp_path, runner):
    found = do(tmp_path, ["diverges", "breaks", "good"], runner, workers=1)
    assert (found["diverges"].error, found["diverges"].exit_code) == ("the loss became NaN at step 3", 1)
    assert found["breaks"].error == "RuntimeError: a defect"
    assert found["good"].error is None
    assert (tmp_path / "breaks" / "tries").read_text() == "1"  # only a death is worth another try


def test_a_killed_worker_loses_one_run_which_is_tried_again(tmp_path, runner):
    found = do(tmp_path, ["good 1", "dies once", "good 2"], runner, workers=1)
    assert [found[name].error for name in ("good 1", "dies once", "good 2")] == [None, None, None]
    assert (tmp_path / "dies once" / "tries").read_text() == "2"
    assert found["good 1"].result["pid"] != found["good 2"].result["pid"]


def test_a_run_waits_for_the_worker_of_a_killed_study_that_still_saves_it(tmp_path, runner):
    assert do(tmp_path, ["is saved"], runner, workers=1)["is saved"].error is None
    assert (tmp_path / "is saved" / "tries").read_text() == "2"


def test_a_run_that_kills_its_worker_three_times_has_failed_and_says_how(tmp_path, runner):
    found = do(tmp_path, ["dies always", "good"], runner, workers=1)
    assert found["good"].error is None
    assert "the worker died 3 times: killed by the system or by hand" in found["dies always"].error
    assert found["dies always"].error.endswith("my last words")


def test_a_runner_that_cannot_be_imported_is_an_error_of_each_run(tmp_path):
    found = do(tmp_path, ["one"], "no.such:module", workers=1)
    assert found["one"].error == "ModuleNotFoundError: No module named 'no'"


def test_ctrl_c_lets_the_workers_save_and_ends(tmp_path, runner):
    (tmp_path / "starter").write_text(str(os.getpid()))
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with pytest.raises(InterruptedRunError):
        do(tmp_path, ["waits", "never begun"], runner, workers=1)
    assert (tmp_path / "waits" / "saved").read_text() == "yes"
    assert not (tmp_path / "never begun").exists()
    assert {number: signal.getsignal(number) for number in before} == before


def test_an_error_of_the_listener_stops_the_pool_and_is_passed_on(tmp_path, runner):
    def listen(outcome):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        run_pool([request_for(tmp_path, f"run {i}") for i in range(4)], listen, workers=1, runner=runner)


def test_timing_runs_are_told_that_they_are_alone(tmp_path, runner):
    found = []
    run_pool([request_for(tmp_path, "t", exclusive=True)], found.append, workers=1, threads=3, runner=runner)
    assert (found[0].result["exclusive"], found[0].result["threads"], found[0].result["variables"]) == (True, 3, "3")


def test_every_numerical_library_is_held_to_the_threads():
    held = worker_environment(2)
    assert {held[f"{name}_NUM_THREADS"] for name in ("OMP", "MKL", "OPENBLAS")} == {"2"}
    assert held["POLARS_MAX_THREADS"] == "2"
    assert "OMP_WAIT_POLICY" not in held.keys() - os.environ.keys()  # a passive wait would falsify every time taken
    assert json.dumps(held)
