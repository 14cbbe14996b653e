import errno
import sys

import pytest

from gatewise.errors import DataError, DiskFullError, InputError, MissingExtraError, UnknownNameError
from gatewise.studies.engines import Outcome, create_engine


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"name": "rai"}, "unknown engine 'rai': did you mean 'ray'"),
        ({"jobs": 0}, "jobs: at least 1 is needed"),
        ({"cpus_per_run": 0}, "cpus per run: at least 1 is needed"),
        ({"gpus_per_run": -1}, "gpus per run: 0 or more are needed"),
        ({"gpus_per_run": 1}, "the local engine shares out no GPUs"),
        ({"address": "auto"}, "the local engine has none"),
    ],
)
def test_what_an_engine_cannot_do_is_refused(options, error):
    with pytest.raises(InputError, match=error) as caught:
        create_engine(**options)
    assert isinstance(caught.value, UnknownNameError) == ("name" in options)


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"the engine ray needs .* pip install 'gatewise\[ray\]'") as caught:
        create_engine("ray")
    assert caught.value.exit_code == 2


def test_runs_with_several_cores_leave_room_for_fewer(monkeypatch):
    monkeypatch.setattr("gatewise.studies.engines.local.cores", lambda: 8)
    room = [create_engine(jobs=jobs, cpus_per_run=cpus).jobs for jobs, cpus in ((None, 1), (3, 1), (None, 3), (9, 16))]
    assert room == [8, 3, 2, 1]


def test_what_ended_a_run_is_said_in_words():
    told = Outcome.of_error("k", DataError("A.csv, row 3: not a number"))
    assert (told.error, told.kind, told.exit_code) == ("A.csv, row 3: not a number", "DataError", 2)
    assert Outcome.of_error("k", ValueError("x")).error == "ValueError: x"
    for error in (MemoryError("x"), RuntimeError("DefaultCPUAllocator: can't allocate memory")):
        assert Outcome.of_error("k", error).error.startswith("out of memory (fewer jobs, a smaller batch")
    full = Outcome.of_error("k", OSError(errno.ENOSPC, "No space left", "model/weights"))
    assert full.error.startswith("cannot write model/weights: the disk is full")
    with pytest.raises(DiskFullError):
        full.stop_if_disk_full()
    told.stop_if_disk_full()
