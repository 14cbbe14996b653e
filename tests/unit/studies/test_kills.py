"""kill -9 at moments that a seed chose: the tables are those of a study that nobody disturbed, to the last byte."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib.util import find_spec

import pytest

from gatewise.errors import RunLockedError
from gatewise.runs import atomic
from gatewise.studies import run_study
from gatewise.studies.file import resolve

RUNNER = '''
import os, signal, time
from pathlib import Path
from gatewise.errors import InterruptedRunError
from gatewise.runs import RunFolder, atomic

STARTER = os.getppid()  # later it may be somebody else
STEPS, HOLD = Path(os.environ["GATEWISE_TEST_STEPS"]), Path(os.environ["GATEWISE_TEST_HOLD"])


def held():
    """Whether so many steps are taken that the rest waits until it is allowed."""
    return HOLD.exists() and STEPS.read_text().count("\\n") >= int(HOLD.read_text())


def run(settings, folder, *, threads, exclusive, progress):
    """Stands in for a training: steps that depend on the ones before, each saved, in no hurry."""
    asked = []
    signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    place = RunFolder.create(folder)
    with place.lock():
        place.write_settings(settings.model_dump(mode="json"))
        place.checkpoint_path.mkdir(exist_ok=True)
        saved = place.checkpoint_path / "state.json"
        state = atomic.read_json(saved) if saved.exists() else {"step": 0, "loss": settings.seed + 0.5}
        while state["step"] < 15:
            loss = (state["loss"] * 3.7 + len(settings.model.cell)) % 1.0
            state = {"step": state["step"] + 1, "loss": loss}
            atomic.write_json(saved, state)
            with open(STEPS, "a") as steps:
                steps.write(f"{os.getpid()} {STARTER}\\n")
            time.sleep(0.02)
            while held() and not asked:
                time.sleep(0.01)
            if asked:
                raise InterruptedRunError("stopped")
        result = {
            "status": "finished", "name": settings.name, "parameters": 7, "leaking": False, "notes": [],
            "epochs": {"run": 15, "best": 15}, "seconds": {"per_epoch": 1.0, "per_step_median": 0.1},
            "metrics": {"test": {"mse": state["loss"]}}, "baselines": {"last_value": {"test": {"mse": 0.5}}},
        }
        place.write_result(result)
    return result
'''
SCRIPT = """
import sys
from gatewise.studies import run_study
from gatewise.studies.engines import create_engine
from gatewise.studies.file import resolve
run_study(
    resolve({study}), sys.argv[2], engine=create_engine(sys.argv[1], jobs=2), runner="steps_runner:run",
    digest=lambda data: "digest",
)
"""
STUDY = {"name": "small", "data": {"files": ["sample:A"]}, "vary": {"model.cell": ["rnn", "gru"]}, "seeds": 5}
STEPS = 15 * 10
WITHOUT_RAY = pytest.mark.skipif(not find_spec("ray"), reason="ray is not installed: pip install 'gatewise[ray]'")
ENGINES = ["local", pytest.param("ray", marks=WITHOUT_RAY)]

pytestmark = pytest.mark.slow


class Place:
    """A study's folder, the steps its runs have taken, and how to start it."""

    def __init__(self, folder, engine):
        self.folder, self.engine, self.study = folder, engine, folder / "s"
        self.steps, self.hold = folder / "steps", folder / "hold"
        self.steps.touch()
        (folder / "steps_runner.py").write_text(RUNNER)
        path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
        files = {"GATEWISE_TEST_STEPS": str(self.steps), "GATEWISE_TEST_HOLD": str(self.hold)}
        self.environment = {**os.environ, "PYTHONPATH": path, **files}

    def start(self):
        line = [sys.executable, "-c", SCRIPT.replace("{study}", repr(STUDY)), self.engine, str(self.study)]
        return subprocess.Popen(line, env=self.environment, stderr=subprocess.PIPE, text=True)

    def finish(self):
        with self.start() as process:
            said = process.communicate(timeout=120)[1]
        assert process.returncode == 0, said
        return (self.study / "comparison.json").read_bytes()

    def taken(self):
        return self.steps.read_text().splitlines()

    @contextmanager
    def after(self, process, count):
        """Wait until so many steps are taken; in the block only a few more are: however late we come, work is left."""
        atomic.write_text(self.hold, str(count + 20))
        while len(self.taken()) < count and process.poll() is None:
            time.sleep(0.005)
        yield
        self.hold.unlink()

    def finished(self):
        """What is done, and when it was written."""
        return {path: path.stat().st_mtime_ns for path in self.study.glob("runs/*/result.json")}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("undisturbed"), "local")
    comparison = place.finish()
    assert len(place.taken()) == STEPS
    return comparison


@pytest.mark.parametrize("engine", ENGINES)
def test_a_study_killed_again_and_again_trains_only_what_is_missing(tmp_path, engine, undisturbed):
    place = Place(tmp_path, engine)
    done = {}
    for more in random.Random(7).sample(range(5, 50), 3 if engine == "local" else 2):
        process = place.start()
        with place.after(process, len(place.taken()) + more):
            process.kill()
            process.communicate()  # what it leaves has ended
        assert process.returncode == -signal.SIGKILL
        assert done.items() <= place.finished().items()  # what was done stays as it was
        done = place.finished()
    assert place.finish() == undisturbed
    assert done.items() <= place.finished().items()
    assert {path.name for path in (tmp_path / "s").iterdir()} == {"study.json", "comparison.json", "runs"}


@pytest.mark.parametrize(
    ("engine", "whom"),
    [
        ("local", "the worker"),
        pytest.param("ray", "the worker", marks=WITHOUT_RAY),
        pytest.param("ray", "who started it", marks=WITHOUT_RAY),
    ],
)
def test_killed_workers_cost_nothing_but_time(tmp_path, engine, whom, undisturbed):
    place = Place(tmp_path, engine)
    with place.start() as process:
        for count in sorted(random.Random(8).sample(range(5, STEPS - 20), 2)):
            with place.after(process, count):
                worker, starter = map(int, place.taken()[-1].split())
                os.kill(worker if whom == "the worker" else starter, signal.SIGKILL)
        said = process.communicate(timeout=120)[1]
    assert process.returncode == 0, said
    assert (tmp_path / "s" / "comparison.json").read_bytes() == undisturbed


@pytest.mark.parametrize("engine", ENGINES)
def test_ctrl_c_is_heard_at_once_and_the_next_call_goes_on(tmp_path, engine, undisturbed):
    place = Place(tmp_path, engine)
    with place.start() as process, place.after(process, 40):
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=120)[1]
    assert "InterruptedRunError: small: stopped with" in said
    assert len(place.taken()) < STEPS
    assert place.finish() == undisturbed
    assert len(place.taken()) == STEPS  # what was saved was not done again


def test_a_second_study_in_the_folder_is_told_who_works_there_and_harms_nothing(tmp_path, undisturbed):
    place = Place(tmp_path, "local")
    with place.start() as process:
        working = pytest.raises(RunLockedError, match=f"process {process.pid} is working in this folder")
        with place.after(process, 10), working as told:
            run_study(resolve(STUDY), tmp_path / "s", digest=lambda data: "digest")
        assert told.value.exit_code == 1
        assert process.wait(timeout=120) == 0
    assert (tmp_path / "s" / "comparison.json").read_bytes() == undisturbed
