import hashlib
import json
import os
import socket
import sys
from dataclasses import asdict

import pytest

from gatewise.errors import DiskFullError, InputError, InterruptedRunError
from gatewise.registry.outside import sources
from gatewise.settings import ForecastSettings
from gatewise.studies.engines import Request, create_engine
from gatewise.studies.engines.cluster import lone_node, refuse_other_version, room
from gatewise.studies.engines.parcel import unpack
from gatewise.studies.engines.remote import RemoteSeat

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:subprocess:ResourceWarning"),  # Ray leaves its own processes to the collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

RUNNER = '''
import json, os, signal, time
from pathlib import Path
from gatewise.errors import DivergedError, InterruptedRunError

STARTER = os.getppid()  # later it may be somebody else


def run(settings, folder, *, threads, exclusive, progress):
    """Stands in for a training: what it does is written in the run's name."""
    folder.mkdir(parents=True, exist_ok=True)
    name, board = settings.name, Path(os.environ["GATEWISE_TEST_BOARD"])
    with open(board / f"{name} tries", "a") as tries:
        tries.write("x")
    tries = len((board / f"{name} tries").read_text())
    files = settings.data.files
    (folder / "settings.json").write_text(json.dumps({"files": files}))
    (folder / "model").mkdir(exist_ok=True)
    (folder / "model" / "weights").write_bytes(name.encode())
    if "diverges" in name:
        raise DivergedError("the loss became NaN at step 3")
    if "loses its actor" in name and (tries == 1 or "always" in name):
        os.kill(STARTER, signal.SIGKILL)
        time.sleep(60)
    if "dies" in name:
        os.kill(os.getpid(), signal.SIGKILL)
    if "full" in name:
        raise OSError(28, "No space left on device", "model/weights")
    if "waits" in name:
        def stop(number, frame):
            raise KeyboardInterrupt
        signal.signal(signal.SIGTERM, stop)
        (folder / "checkpoint").mkdir(exist_ok=True)
        if (folder / "checkpoint" / "saved").exists():
            return {"went on": True}
        try:
            os.kill(int((board / "starter").read_text()), signal.SIGINT)
            time.sleep(60)
        except KeyboardInterrupt:
            (folder / "checkpoint" / "saved").write_text("yes")
            raise InterruptedRunError("stopped") from None
    seen = [Path(file).read_text() for file in files if Path(file).exists()]
    return {"folder": str(folder), "threads": threads, "exclusive": exclusive, "pid": os.getpid(), "seen": seen,
            "variables": os.environ["OMP_NUM_THREADS"], "nan": float("nan"), "read": list(files)}
'''


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    pytest.importorskip("ray", reason="ray is not installed: pip install 'gatewise[ray]'")
    place = tmp_path_factory.mktemp("board")
    (place / "ray_test_runner.py").write_text(RUNNER)
    (place / "starter").write_text(str(os.getpid()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(place), prepend=os.pathsep)
        patch.setenv("GATEWISE_TEST_BOARD", str(place))
        yield place


@pytest.fixture(scope="module")
def engine(board):
    with create_engine("ray", jobs=2) as engine:
        yield engine


def request_for(folder, name, files=(), **options):
    settings = ForecastSettings(name=name, data={"files": list(files)})
    return Request(name, settings.model_dump(mode="json"), str(folder / name), **options)


def do(engine, folder, names, **options):
    found = {}
    requests = [request_for(folder, name) for name in names]
    engine.do(requests, lambda one: found.setdefault(one.key, one), runner="ray_test_runner:run", **options)
    return found


def test_runs_are_done_on_ray_and_their_folders_come_back_whole(engine, tmp_path):
    started = []
    found = do(engine, tmp_path, [f"run {i}" for i in range(5)], on_start=started.append)
    assert sorted(found) == sorted(started) == [f"run {i}" for i in range(5)]
    assert {one.error for one in found.values()} == {None}
    assert len({one.result["pid"] for one in found.values()}) <= 2
    first = found["run 0"].result
    assert first["folder"] == str(tmp_path / "run 0")
    assert (first["threads"], first["variables"], first["exclusive"], first["nan"]) == (1, "1", False, None)
    assert {path.name for path in tmp_path.iterdir()} == set(found)
    assert (tmp_path / "run 3" / "model" / "weights").read_bytes() == b"run 3"


def test_failures_are_told_in_words_and_the_others_go_on(engine, board, tmp_path):
    names = ["diverges", "dies", "loses its actor", "loses its actor always", "good"]
    found = do(engine, tmp_path, names)
    assert (found["diverges"].kind, found["diverges"].error) == ("DivergedError", "the loss became NaN at step 3")
    assert "the worker died 3 times: killed by the system or by hand (often: out of memory" in found["dies"].error
    assert found["loses its actor"].error is None
    assert found["loses its actor always"].error.startswith("the worker was lost 3 times: ")
    assert (board / "loses its actor tries").read_text() == "xx"
    assert (board / "loses its actor always tries").read_text() == "xxx"
    assert found["good"].error is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the whole of 127.0.0.0/8")
def test_a_ray_of_ones_own_listens_to_this_machine_alone(engine):
    nodes = engine._ray.nodes()
    ports = [node[f"{who}Port"] for node in nodes for who in ("NodeManager", "ObjectManager")]
    ports.append(int(engine._ray.get_runtime_context().gcs_address.rpartition(":")[2]))
    for port in ports:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        with pytest.raises(ConnectionRefusedError):  # who listens everywhere listens here too
            socket.create_connection(("127.0.0.2", port), timeout=5)


def test_how_a_run_ended_may_ask_for_more_runs(engine, tmp_path):
    then = lambda one: [] if one.key.count("+") == 2 else [request_for(tmp_path, f"{one.key}+")]  # noqa: E731
    assert sorted(do(engine, tmp_path, ["a", "b"], then=then)) == ["a", "a+", "a++", "b", "b+", "b++"]


def test_a_timing_run_has_all_cpus_of_a_machine(engine, tmp_path, monkeypatch):
    found = []
    requests = [request_for(tmp_path, f"time {i}", exclusive=True) for i in range(2)]
    engine.do(requests, found.append, alone=True, runner="ray_test_runner:run")
    cpus = int(engine._ray.cluster_resources()["CPU"])
    assert [(one.result["exclusive"], one.result["threads"]) for one in found] == [(True, cpus)] * 2
    assert engine.never_alone == ""


def test_ctrl_c_brings_back_what_was_saved_and_the_next_time_it_goes_on(engine, tmp_path):
    with pytest.raises(InterruptedRunError):
        do(engine, tmp_path, ["waits"])
    assert (tmp_path / "waits" / "checkpoint" / "saved").read_text() == "yes"
    assert do(engine, tmp_path, ["waits"])["waits"].result == {"went on": True}


def test_a_full_disk_stops_all(engine, tmp_path):
    with pytest.raises(DiskFullError, match="cannot write model/weights: the disk is full"):
        do(engine, tmp_path, ["full", "good"])


def test_an_error_of_the_listener_ends_the_work_and_is_passed_on(engine, tmp_path):
    def listen(outcome):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        engine.do([request_for(tmp_path, f"r {i}") for i in range(3)], listen, runner="ray_test_runner:run")


def test_data_that_the_worker_lacks_are_read_under_their_hash_and_spelled_as_the_study_does(engine, board, tmp_path):
    content = b"Close\n1\n"
    digest = hashlib.sha256(content).hexdigest()
    asked = str(tmp_path / "not here" / "a.csv")
    request = request_for(tmp_path, "reads", [asked])
    seat = RemoteSeat(1, "ray_test_runner:run", str(board))
    told, parcel = seat.serve(asdict(request), None, {asked: [asked]}, {asked: (digest, engine._ray.put(content))})
    scratch = seat._scratch
    seat.close()
    assert told["error"] is None
    assert told["result"]["seen"] == [content.decode()]
    assert told["result"]["read"] == [asked]
    unpack(parcel, tmp_path / "reads")
    assert json.loads((tmp_path / "reads" / "settings.json").read_text()) == {"files": [asked]}
    assert not scratch.exists()
    assert not (tmp_path / "not here").exists()


def test_modules_of_the_users_own_travel_with_the_runs(engine, tmp_path, monkeypatch):
    """The workers have neither the working folder nor the module: a cell of it trains there nevertheless."""
    text = "from my_ray_base import Base\n\nclass Mine(Base):\n    pass\n"
    (tmp_path / "my_ray_cell.py").write_text(text)
    (tmp_path / "my_ray_base.py").write_text("from gatewise.cells.rnn import SimpleRNN as Base\n")
    prices = tmp_path / "prices.csv"
    prices.write_text("Close\n" + "".join(f"{100 + i % 7}\n" for i in range(120)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    flat = {"files": [str(prices)], "cell": "my_ray_cell:Mine", "units": 4, "window": 5, "epochs": 1}
    settings = ForecastSettings.from_flat(flat)
    code, found = sources(), []
    assert {"my_ray_cell.py", "my_ray_base.py"} <= set(code)
    request = Request("mine", settings.model_dump(mode="json"), str(tmp_path / "mine"))
    for name in ("my_ray_cell.py", "my_ray_base.py"):  # not by way of a file system that both see
        (tmp_path / name).unlink()
    monkeypatch.setattr("gatewise.studies.engines.ray.sources", lambda: code)
    engine.do([request], found.append)
    assert found[0].error is None
    assert (tmp_path / "mine" / "result.json").is_file()


def test_a_worker_that_comes_later_clears_away_what_a_dead_one_left(board):
    first = RemoteSeat(1, None, "")
    left = first._scratch.parent / "left-by-a-dead-one"
    left.mkdir()
    second = RemoteSeat(1, None, "")
    assert (first._scratch.is_dir(), left.exists()) == (True, False)
    first.close()
    second.close()


def test_times_are_not_taken_when_machines_are_shared(monkeypatch):
    """Two Ray nodes of one host: who has all CPUs of one of them is not alone."""
    node = {"NodeID": "1", "NodeManagerHostname": "a", "Resources": {"CPU": 8.0}}
    assert lone_node([node, {**node, "NodeID": "2"}]) is None
    small = {**node, "NodeManagerHostname": "b", "Resources": {"CPU": 4.0}}
    assert lone_node([small, node])["NodeID"] == "1"
    assert lone_node([small, node], 1) is None
    with_gpu = {**small, "Resources": {"CPU": 4.0, "GPU": 2.0}}
    assert lone_node([with_gpu, node], 1) is with_gpu


def test_a_run_that_fits_on_no_machine_is_refused():
    nodes = [{"Resources": {"CPU": 8.0, "GPU": 1.0}}, {"Resources": {"CPU": 4.0}}]
    assert (room(nodes, 1, 0), room(nodes, 4, 0), room(nodes, 2, 0.5)) == (12, 3, 2)
    with pytest.raises(InputError, match=r"asks for 2 CPUs and 2 GPUs, and no machine .* \(most: 8 CPUs, 1 GPUs\)"):
        room(nodes, 2, 2)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1", "auto, host:port or ray://host:port is needed"),
        ("ray://host", "auto, host:port or ray://host:port is needed"),
        ("127.0.0.1:9", "nobody listens there"),
        ("ray://no-such-host.invalid:10001", "nobody listens there"),
    ],
)
def test_a_dead_address_is_said_at_once(board, address, why):
    with pytest.raises(InputError, match=why), create_engine("ray", address=address):
        pass


def test_an_address_where_somebody_else_listens_is_said_within_ten_seconds(board):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(InputError, match=r"no Ray answered within 7 s"), create_engine("ray", address=address):
            pass


def test_a_worker_of_another_version_is_refused():
    with pytest.raises(InputError, match=r"the Ray worker w1 has gatewise 0\.0\.1, and this study needs"):
        refuse_other_version("w1", "0.0.1")
    with pytest.raises(InputError, match="has no gatewise"):
        refuse_other_version("w1", "")
