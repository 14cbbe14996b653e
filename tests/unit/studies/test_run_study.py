import io
import json
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from gatewise.errors import DiskFullError, GatewiseError, InputError, InterruptedRunError, RunLockedError
from gatewise.studies import run_study
from gatewise.studies.engines.local import LocalEngine
from gatewise.studies.file import resolve
from gatewise.studies.folder import StudyFolder
from gatewise.studies.progress import Lines, Silent

RUNNER = '''
import os, signal
from gatewise.errors import DataError, DivergedError, InterruptedRunError
from gatewise.runs import RunFolder


def run(settings, folder, *, threads, exclusive, progress):
    """Stands in for a training: counts its calls and finishes, unless the study's folder holds an order."""
    place = RunFolder.create(folder)
    orders = folder.parent.parent / "orders"
    order = orders.read_text() if orders.exists() else ""
    calls = folder / "checkpoint"
    calls.mkdir(exist_ok=True)
    with open(calls / "calls", "a") as file:
        file.write("x")
    if order == "refuse":
        raise DataError("A.csv, row 3: not a number")
    if order == "full" and settings.seed == 1:
        raise OSError(28, "No space left on device", "weights")
    if order == "diverge gru" and settings.model.cell == "gru":
        raise DivergedError("the loss became NaN at step 3")
    if order == "stop" and settings.seed == 1:
        place.write_settings({"half": "done"})
        os.kill(os.getppid(), signal.SIGTERM)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pause()
    if settings.task == "generate":
        place.write_settings({"units": settings.model.units})
    result = {
        "status": "finished", "name": settings.name, "parameters": settings.model.units, "leaking": False,
        "epochs": {"run": settings.train.epochs, "best": 1}, "exclusive": exclusive, "threads": threads,
        "seconds": {"per_epoch": 1.5, "per_step_median": 0.001},
        "metrics": {"test": {"mse": 100.0 + settings.seed + 5 * (settings.model.cell == "gru")}},
        "baselines": {"last_value": {"test": {"mse": 90.0}}}, "notes": [],
    }
    place.write_result(result)
    return result
'''


@pytest.fixture
def runner(tmp_path, monkeypatch):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "study_runner.py").write_text(RUNNER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "code"), prepend=os.pathsep)
    return "study_runner:run"


def study(**tree):
    file = {"name": "small", "data": {"files": ["sample:A"]}, "vary": {"model.cell": ["rnn", "gru"]}, "seeds": 2}
    return resolve({**file, **tree})


def do(folder, runner, progress=None, **tree):
    return run_study(study(**tree), folder, runner=runner, digest=lambda data: "digest", progress=progress)


def calls(folder):
    return {path.parent.parent.name: len(path.read_text()) for path in folder.glob("*/*/checkpoint/calls")}


def test_a_study_is_run_compared_and_returned_as_json(tmp_path, runner):
    out = do(tmp_path / "s", runner)
    assert list(out) == ["name", "folder", "page", "runs", "comparisons", "findings", "claims", "failed"]
    assert json.loads(json.dumps(out)) == out
    assert (out["name"], out["folder"], out["page"], out["failed"]) == ("small", str(tmp_path / "s"), None, [])
    assert [run["name"] for run in out["runs"]] == ["rnn, seed 0", "rnn, seed 1", "gru, seed 0", "gru, seed 1"]
    assert {run["threads"] for run in out["runs"]} == {1}
    assert out["comparisons"][0]["difference"] == -5.0
    assert {path.name for path in (tmp_path / "s").iterdir()} == {"study.json", "comparison.json", "runs"}


def test_the_task_of_a_study_says_what_runs_it_and_with_which_settings(tmp_path, runner, monkeypatch):
    """Without a runner of its own a worker does what the settings' task names."""
    import dataclasses

    from gatewise.registry import TASKS
    from gatewise.studies.worker import _runner

    for name, task in TASKS.items():
        monkeypatch.setitem(TASKS, name, dataclasses.replace(task, runner="json:loads"))
        function, kind = _runner(None, {"task": name})
        assert (function, kind.model_fields["task"].default) == (json.loads, name)
    text = {"task": "generate", "data": {"files": ["sample:A"]}, "metric": "loss"}
    out = do(tmp_path / "s", runner, **text)
    saved = [json.loads(path.read_text()) for path in (tmp_path / "s").glob("runs/*/settings.json")]
    assert {one["units"] for one in saved} == {384}  # what a text network has by default
    assert out["failed"] == []


def test_only_what_is_missing_is_trained(tmp_path, runner):
    do(tmp_path / "s", runner)
    first = calls(tmp_path / "s")
    do(tmp_path / "s", runner)
    assert calls(tmp_path / "s") == first
    out = do(tmp_path / "s", runner, seeds=3)
    assert len(out["runs"]) == 6
    assert sorted(calls(tmp_path / "s").values()) == [1] * 6


def test_timing_runs_are_alone_short_and_with_all_threads(tmp_path, runner, monkeypatch):
    monkeypatch.setattr("gatewise.studies.engines.local.cores", lambda: 3)
    do(tmp_path / "s", runner, timing={"epochs": 2})
    found = [json.loads(path.read_text()) for path in (tmp_path / "s").glob("timing/*/result.json")]
    assert [(one["exclusive"], one["threads"], one["epochs"]["run"]) for one in found] == [(True, 3, 2)] * 2
    comparison = StudyFolder(tmp_path / "s").read_comparison()
    assert {level["seconds"]["per_epoch"] for level in comparison["levels"]} == {1.5}


def test_levels_that_amount_to_the_same_run_share_it(tmp_path, runner):
    fair = {"train.epochs": {"by model.cell": {"rnn": 3, "gru": 5}}}
    out = do(tmp_path / "s", runner, vary={"model.cell": ["rnn", "gru"], "plan": {"a": {"train.epochs": 3}, "b": fair}})
    assert len(out["runs"]) == 6
    assert len(StudyFolder(tmp_path / "s").read_comparison()["levels"]) == 4


def test_failed_runs_are_kept_with_their_error_and_tried_again_next_time(tmp_path, runner):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "orders").write_text("diverge gru")
    stream = io.StringIO()
    out = do(tmp_path / "s", runner, progress=Lines(stream))
    error = "the loss became NaN at step 3"
    assert out["failed"] == [{"run": "gru, seed 0", "error": error}, {"run": "gru, seed 1", "error": error}]
    assert len(out["runs"]) == 2
    assert f"failed: {error}" in stream.getvalue()
    (tmp_path / "s" / "orders").unlink()
    assert len(StudyFolder(tmp_path / "s").read_diverged()) == 2
    again = do(tmp_path / "s", runner)
    assert (again["failed"], len(again["runs"])) == ([], 4)
    assert StudyFolder(tmp_path / "s").read_diverged() == {}
    assert sorted(calls(tmp_path / "s").values()) == [1, 1, 2, 2]


def test_when_every_run_fails_on_its_input_the_study_is_wrong_input(tmp_path, runner):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "orders").write_text("refuse")
    with pytest.raises(InputError, match=r"small: all 4 runs failed; the first one: A\.csv, row 3: not a number"):
        do(tmp_path / "s", runner)


def test_when_every_run_fails_otherwise_the_study_has_failed(tmp_path, runner):
    with pytest.raises(GatewiseError, match="all 4 runs failed") as caught:
        do(tmp_path / "s", "no.such:runner")
    assert caught.value.exit_code == 1


def test_a_study_that_is_to_fail_fast_stops_at_the_first_failure_and_goes_on_later(tmp_path, runner):
    (tmp_path / "s").mkdir()
    orders = tmp_path / "s" / "orders"
    orders.write_text("refuse")
    with pytest.raises(GatewiseError, match=r"not a number\nsmall: stopped with 0 of 4 runs done"):
        run_study(study(), tmp_path / "s", runner=runner, digest=lambda data: "digest", jobs=1, fail_fast=True)
    assert len(StudyFolder(tmp_path / "s").read_failures()) == 1
    orders.write_text("diverge gru")  # an answer about the setting, which stops nothing
    out = run_study(study(), tmp_path / "s", runner=runner, digest=lambda data: "digest", jobs=1, fail_fast=True)
    assert (len(out["runs"]), len(out["failed"])) == (2, 2)


def test_a_full_disk_is_said_once_and_the_study_goes_on_later(tmp_path, runner):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "orders").write_text("full")
    with pytest.raises(DiskFullError, match=r"the disk is full.*\nsmall: stopped with 1 of 4") as e:
        run_study(study(), tmp_path / "s", runner=runner, digest=lambda data: "digest", jobs=1)
    assert e.value.exit_code == 2
    assert StudyFolder(tmp_path / "s").read_failures() == {}  # a full disk is no fault of a run
    (tmp_path / "s" / "orders").unlink()
    assert len(do(tmp_path / "s", runner)["runs"]) == 4


def test_when_no_run_can_be_alone_no_times_are_taken_and_that_is_said(tmp_path, runner):
    class Shared(LocalEngine):
        never_alone = "several Ray nodes share each machine"

    stream = io.StringIO()
    run_study(
        study(timing={"epochs": 2}), tmp_path / "s", engine=Shared(), runner=runner, digest=lambda data: "digest",
        progress=Lines(stream),
    )  # fmt: skip
    assert "warning: no times are taken: several Ray nodes share each machine" in stream.getvalue()
    assert not (tmp_path / "s" / "timing").exists()


def test_a_stopped_study_keeps_what_is_done_and_goes_on(tmp_path, runner):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "orders").write_text("stop")
    with pytest.raises(
        InterruptedRunError, match=r"small: stopped with 1 of 4 runs done, .* the same command goes on"
    ) as stop:
        run_study(study(), tmp_path / "s", runner=runner, digest=lambda data: "digest", jobs=1)
    assert stop.value.exit_code == 130
    (tmp_path / "s" / "orders").unlink()
    out = do(tmp_path / "s", runner)
    assert len(out["runs"]) == 4
    assert sorted(calls(tmp_path / "s").values()) == [1, 1, 1, 2]


def test_two_studies_cannot_work_in_one_folder(tmp_path, runner):
    with StudyFolder(tmp_path / "s").lock(), pytest.raises(RunLockedError, match=f"process {os.getpid()} is working"):
        do(tmp_path / "s", runner)
    assert do(tmp_path / "s", runner)["failed"] == []


def test_a_study_whose_starter_is_killed_leaves_no_worker_behind(tmp_path, runner):
    (tmp_path / "s").mkdir()
    script = (
        "import os, signal\n"
        "from gatewise.studies.engines.process import Worker\n"
        "worker = Worker(1, 'orphan:run')\n"
        "print(worker._process.pid, flush=True)\n"
        "from gatewise.studies.engines import Request\n"
        "from gatewise.settings import ForecastSettings\n"
        f"request = Request('k', ForecastSettings().model_dump(mode='json'), {str(tmp_path / 'r')!r})\n"
        "worker.ask(request)\n"
    )
    (tmp_path / "code" / "orphan.py").write_text(
        "import os, signal, time\n"
        "def run(settings, folder, **options):\n"
        "    saved = lambda *_: (folder.with_suffix('.saved').write_text('yes'), os._exit(3))\n"
        "    signal.signal(signal.SIGTERM, saved)\n"
        "    os.kill(os.getppid(), signal.SIGKILL)\n"
        "    while True:\n"
        "        time.sleep(0.01)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    pid = int(done.stdout)
    wait_for_end(pid)
    assert (tmp_path / "r.saved").read_text() == "yes"


def wait_for_end(pid):
    """Wait for a process that is nobody's child."""
    with suppress(ProcessLookupError):  # it has ended
        handle = os.pidfd_open(pid)
        select.select([handle], [], [], 60)
        os.close(handle)


@pytest.mark.parametrize("jobs", [0, -1])
def test_a_wrong_number_of_jobs_is_refused_and_nothing_is_written(tmp_path, runner, jobs):
    with pytest.raises(InputError, match="jobs: at least 1"):
        run_study(study(), tmp_path / "s", runner=runner, digest=lambda data: "digest", jobs=jobs)
    assert not (tmp_path / "s").exists()


def test_processes_never_exceed_the_cores(tmp_path, runner, monkeypatch):
    seen = []
    monkeypatch.setattr("gatewise.studies.engines.local.cores", lambda: 2)

    class Watch(Silent):
        def start(self, *, jobs, **rest):
            seen.append(jobs)

    run_study(study(), tmp_path / "s", runner=runner, digest=lambda data: "digest", jobs=64, progress=Watch())
    assert seen == [2]


def test_progress_tells_the_plan_each_run_and_what_cannot_be_decided(tmp_path, runner):
    stream = io.StringIO()
    do(tmp_path / "s", runner, progress=Lines(stream))
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("warning: 2 seeds cannot decide one comparison of model.cell")
    assert lines[1].startswith("small: 4 runs to do; ")
    assert lines[-1].startswith("[4/4] ")
    assert "test" not in lines[-1]  # what is looked at while it runs is the validation part
