"""A run over two processes ends where one does, goes on after a helper is killed, and refuses what cannot be."""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.numpy import load_file

from class_samples import QUICK as QUICK_CLASSES
from class_samples import labelled_texts
from encoder_folders import make_encoder
from gatewise import TextClassifier
from gatewise.cli.main import run as gatewise
from gatewise.errors import DivergedError, InputError
from gatewise.registry import task_of
from gatewise.runs import RunFolder
from text_samples import QUICK as QUICK_TEXT
from text_samples import sentences

TESTS = Path(__file__).parents[1]
#: A step of Adam is the learning rate times a sign where a gradient is nearly zero, so its last digits weigh more.
SGD = {"optimizer": "sgd", "momentum": 0.9, "learning_rate": 0.05, "clip_norm": 1.0}
TEXT = {**QUICK_TEXT, **SGD, "epochs": 3, "batch_size": 5, "symbol_dropout": 0.1, "recurrent_dropout": 0.1}
FORECAST = {
    "cell": "lstm", "units": 4, "head": [8], "window": 6, "epochs": 4, "batch_size": 16, "input_dropout": 0.1,
    "recurrent_dropout": 0.2, "transform": "standard", "threads": 1, "baselines": ["last_value"], **SGD,
}  # fmt: skip
CLASSES = {**QUICK_CLASSES, **SGD, "epochs": 3, "batch_size": 7, "test_size": 0.2, "validation_size": 0.2}


def run(task, flat, folder, **more):
    """Do a run of a task by flat settings."""
    entry = task_of({"task": task})
    return entry.load("runner")(entry.load("settings").from_flat({**flat, **more}), folder)


def assert_same(one, several):
    """The log and the weights of two runs differ by the order of sums alone."""
    logs = [RunFolder(folder).read_log() for folder in (one, several)]
    for name in ("train_loss", "validation_loss", "gradient_norm"):
        np.testing.assert_allclose(*([row[name] for row in log] for log in logs), rtol=1e-5)
    assert [row["best"] for row in logs[0]] == [row["best"] for row in logs[1]]
    first, second = (load_file(RunFolder(folder).model_path / "model.safetensors") for folder in (one, several))
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_allclose(second[name], first[name], rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.fixture
def book(tmp_path):
    (tmp_path / "book.txt").write_text(sentences(900))
    return str(tmp_path / "book.txt")


@pytest.fixture
def series(tmp_path):
    y = 50 + np.random.default_rng(0).normal(size=110).cumsum()
    pl.DataFrame({"y": y}).write_csv(tmp_path / "data.csv")
    return str(tmp_path / "data.csv")


@pytest.fixture
def table(tmp_path):
    texts, labels = labelled_texts(90)
    pl.DataFrame({"text": texts, "label": labels}).write_csv(tmp_path / "table.csv")
    return str(tmp_path / "table.csv")


def test_text_in_streams(tmp_path, book):
    for processes in (1, 2):
        result = run("generate", TEXT, tmp_path / str(processes), files=[book], processes=processes)
        assert (result["status"], result["processes"]) == ("finished", processes)
    assert_same(tmp_path / "1", tmp_path / "2")
    assert RunFolder(tmp_path / "2").read_environment()["processes"] == 2
    assert run("generate", TEXT, tmp_path / "2", files=[book], processes=2) == {
        **result,
        "folder": str(tmp_path / "2"),
    }  # found finished, no process is started


@pytest.mark.slow
@pytest.mark.parametrize(
    "more",
    [
        {
            "regime": "windows",
            "split": "windows",
            "cell": "lstm",
            "layers": 2,
            "cell_options": {"zoneout": 0.1, "weight_drop": 0.1},
        },
        {"minutes": 0.02, "schedule": "cosine"},
    ],
    ids=["windows", "minutes"],
)
def test_text(tmp_path, book, more):
    flat = {**TEXT, **more, "files": [book]}
    for processes in (1, 2):
        assert run("generate", flat, tmp_path / str(processes), processes=processes)["status"] == "finished"
    if "minutes" not in more:
        assert_same(tmp_path / "1", tmp_path / "2")


@pytest.mark.slow
@pytest.mark.parametrize("folds", [{}, {"split": "walk_forward", "folds": 2}], ids=["one", "folds"])
def test_forecast(tmp_path, series, folds):
    flat = {**FORECAST, **folds, "files": [series]}
    results = [run("forecast", flat, tmp_path / str(count), processes=count) for count in (1, 2)]
    if folds:
        for fold in range(2):
            one, two = (tmp_path / count / "folds" / str(fold) for count in "12")
            for name in ("train_loss", "validation_loss"):
                logs = ([row[name] for row in RunFolder(folder).read_log()] for folder in (one, two))
                np.testing.assert_allclose(*logs, rtol=1e-5)
    else:
        assert_same(tmp_path / "1", tmp_path / "2")
    assert results[0]["metrics"]["test"]["mse"] == pytest.approx(results[1]["metrics"]["test"]["mse"], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    "more",
    [
        {"encoder": "words", "class_weight": "balanced", "head_dropout": 0.2, "output_dropout": 0.1},
        {"encoder": "words", "pooling": ["last_padded"]},
        {"encoder": "tiny", "encoder_layers": [-2, -1], "averaging": 0.5},
    ],
    ids=["weighted", "padding", "encoder"],
)
def test_classify(tmp_path, table, monkeypatch, more):
    monkeypatch.setenv("GATEWISE_CACHE", str(tmp_path / "cache"))
    if more["encoder"] == "tiny":
        more = {**more, "encoder": str(tmp_path / "tiny")}
        make_encoder(tmp_path / "tiny", "bert")
    flat = {**CLASSES, **more, "files": [table]}
    results = [run("classify", flat, tmp_path / str(count), processes=count) for count in (1, 2)]
    assert_same(tmp_path / "1", tmp_path / "2")
    assert results[0]["metrics"]["test"] == pytest.approx(results[1]["metrics"]["test"], rel=1e-4)


def start(folder, flat, steps):
    """Start a text run that has made so many steps, and return it."""
    process = subprocess.Popen(
        [sys.executable, str(TESTS / "text_program.py"), str(folder), json.dumps(flat)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(steps):
        assert process.stdout.readline() == "step\n"
    return process


def helpers_of(process):
    """Return the process ids of a run's helpers."""
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for the helpers as Linux shows them")
def test_a_killed_helper_is_named_and_the_run_goes_on(tmp_path, book):
    flat = {**TEXT, "files": [book], "processes": 2, "checkpoint_seconds": 0.0, "batch_size": 4}
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert run("generate", flat, whole)["status"] == "finished"
    with start(parts, flat, 7) as process:
        (helper,) = helpers_of(process)
        os.kill(helper, signal.SIGKILL)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "process 1 of 2 was killed by signal 9" in err
    with start(parts, flat, 5) as process:
        helpers = helpers_of(process)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=120)
    assert (process.returncode, out.splitlines()[-1]) == (0, "interrupted")
    assert not any(Path(f"/proc/{helper}").exists() for helper in helpers)
    with start(parts, flat, 3) as process:
        helpers = helpers_of(process)
        process.kill()
        process.communicate(timeout=120)
    assert run("generate", flat, parts)["status"] == "finished"
    for folder in helpers:
        assert not Path(f"/proc/{folder}").exists()
    assert (parts / "model" / "model.safetensors").read_bytes() == (whole / "model" / "model.safetensors").read_bytes()
    with pytest.raises(InputError, match=r"processes 2 there, 1 here"):
        run("generate", flat, parts, processes=1)


def free_port():
    """Return a port below those that systems give to whoever asks for any: nobody takes it until process 0 does."""
    for port in np.random.default_rng().permutation(range(20_000, 30_000)).tolist():
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


def started_together(*command, processes=2):
    """Start a command once for each process, as torchrun and clusters do, and return codes and outputs."""
    told = {**os.environ, "WORLD_SIZE": str(processes), "LOCAL_WORLD_SIZE": str(processes)}
    told |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    started = [
        subprocess.Popen(
            [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**told, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(processes)
    ]  # fmt: skip
    said = [process.communicate(timeout=120) for process in started]
    return [process.returncode for process in started], said


@pytest.mark.slow
def test_started_together_as_by_torchrun(tmp_path, book):
    words = [
        "-m",
        "gatewise",
        "fit",
        "generate",
        book,
        "--preset",
        "fast",
        "--units",
        "6",
        "--embedding",
        "4",
        "--window",
        "8",
    ]
    words += ["--batch-size", "4", "--epochs", "2", "--minutes", "none", "--sample-length", "0", "--baselines"]
    words += ["unigram", "--threads", "1", "--out", str(tmp_path / "run"), "--json", "--processes", "2"]
    codes, ((out, _), (other, err)) = started_together(*words)
    assert codes == [0, 0], err
    result = json.loads(out)
    assert (result["status"], result["processes"], other) == ("finished", 2, "")
    codes, ((out, _), (other, err)) = started_together(*words)  # the run is finished: nobody waits for anybody
    assert (codes, json.loads(out), other) == ([0, 0], result, "")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--processes", "9", "--batch-size", "8"], "9 share the rows of a batch, and batch_size is 8"),
        (["--processes", "2000", "--batch-size", "4000"], "2000 on this machine, which has"),
        (["--processes", "2", "--device", "cuda:1"], "take a GPU each: say cuda, not cuda:1"),
        (["--processes", "0"], "processes"),
    ],
)
def test_refused(tmp_path, series, capsys, options, said):
    assert gatewise(["fit", "forecast", series, "--out", str(tmp_path / "run"), *options]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_text_with_fewer_streams_than_processes_is_refused(tmp_path):
    (tmp_path / "book.txt").write_text(sentences(12))
    flat = {**TEXT, "test_size": 0.0, "validation_size": 0.0, "batch_size": 8}
    with pytest.raises(InputError, match=r"8 processes cannot share a text that gives 1 streams"):
        run("generate", flat, None, files=[str(tmp_path / "book.txt")], processes=8)


@pytest.mark.slow
def test_a_program_of_ones_own_fits_estimators(tmp_path):
    (tmp_path / "program.py").write_text(_PROGRAM)
    codes, said = started_together(str(tmp_path / "program.py"), str(TESTS))
    assert codes == [0, 0], said
    first, second = (json.loads(out) for out, _ in said)
    assert first == second  # every process has the whole model
    texts, labels = labelled_texts(40)
    model = TextClassifier(**{**CLASSES, "test_size": 0.0}).fit(texts, labels)
    np.testing.assert_allclose(first, [row["train_loss"] for row in model.history_] * 2, rtol=1e-5)


_PROGRAM = """
import json, sys
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/end_to_end"]
from class_samples import labelled_texts
from gatewise import TextClassifier
from test_several_processes import CLASSES
texts, labels = labelled_texts(40)
losses = []
for _ in range(2):
    model = TextClassifier(**{**CLASSES, "test_size": 0.0, "processes": 2}).fit(texts, labels)
    losses += [row["train_loss"] for row in model.history_]
print(json.dumps(losses))
"""


@pytest.mark.slow
def test_a_loss_that_is_no_longer_finite_is_said_by_process_0(tmp_path, series):
    flat = {**FORECAST, "files": [series], "learning_rate": 1e30, "clip_norm": None, "transform": "none"}
    with pytest.raises(DivergedError, match="training diverged at epoch 1, step 2 of"):
        run("forecast", flat, tmp_path / "run", processes=2)
    assert not list((tmp_path / "run").glob("*"))


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_a_gpu_for_each_process(tmp_path, book):
    for processes in (1, 2):
        run("generate", TEXT, tmp_path / str(processes), files=[book], processes=processes, device="cuda")
    assert_same(tmp_path / "1", tmp_path / "2")


def test_started_together_and_not_told_so_is_refused(monkeypatch, series):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="2 were started together, and 1 are asked for: ask for 2"):
        run("forecast", FORECAST, None, files=[series])


def test_an_estimator_says_where_its_data_can_be_shared():
    texts, labels = labelled_texts(30)
    with pytest.raises(InputError, match="data at hand cannot be given to 2 processes"):
        TextClassifier(**QUICK_CLASSES, processes=2).fit(texts, labels)
