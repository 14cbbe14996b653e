import errno
import json
import math
import os
import subprocess
import sys

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewise.errors import InputError, OutputError, RunLockedError
from gatewise.runs import RunFolder

ROWS = [{"epoch": 1, "train_loss": 0.1 + 0.2, "best": True}, {"epoch": 2, "train_loss": None, "best": False}]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_is_read(tmp_path):
    folder = RunFolder.create(tmp_path / "deep" / "run")
    folder.write_settings({"name": "é", "data": {"files": ["a.csv"]}})
    folder.write_environment({"threads": 2})
    folder.write_result({"status": "finished", "metrics": {"r2": math.nan}})
    frame = pl.DataFrame({"part": ["test"], "q0.025": [1.5]})
    folder.write_predictions(frame)
    again = RunFolder(folder.path)
    assert again.read_settings() == {"name": "é", "data": {"files": ["a.csv"]}}
    assert again.read_environment() == {"threads": 2}
    assert again.read_result() == {"status": "finished", "metrics": {"r2": None}}
    assert again.read_predictions().equals(frame)
    assert names(folder.path) == ["environment.json", "predictions.parquet", "result.json", "settings.json"]


def test_only_a_finished_run_is_finished(tmp_path):
    folder = RunFolder(tmp_path)
    assert not folder.is_finished
    for status in ("interrupted", "failed"):
        folder.write_result({"status": status})
        assert not folder.is_finished
    folder.write_result({"status": "finished"})
    assert folder.is_finished


@pytest.mark.parametrize("read", ["read_settings", "read_environment", "read_result", "read_predictions"])
def test_what_is_missing_or_broken_is_said(tmp_path, read):
    with pytest.raises(InputError, match="the folder does not exist"):
        getattr(RunFolder(tmp_path / "absent"), read)()
    with pytest.raises(InputError, match="it holds no "):
        getattr(RunFolder(tmp_path), read)()
    name = read.removeprefix("read_") + (".parquet" if read == "read_predictions" else ".json")
    for content in (b"", b"{", b"\xff\xfe", b"[1]"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=name):
            getattr(RunFolder(tmp_path), read)()


def test_the_log_grows_row_by_row(tmp_path):
    folder = RunFolder(tmp_path)
    assert folder.read_log() == []
    for number, row in enumerate(ROWS, start=1):
        folder.append_log(row)
        assert folder.read_log() == ROWS[:number]
    folder.write_log(ROWS[:1])
    assert folder.read_log() == ROWS[:1]


@settings(deadline=None, max_examples=30)
@given(cut=st.integers(0, 200))
def test_a_torn_last_line_does_not_count_and_is_overwritten(tmp_path_factory, cut):
    folder = RunFolder(tmp_path_factory.mktemp("log"))
    folder.write_log(ROWS)
    path = folder.path / "log.jsonl"
    content = path.read_bytes()
    path.write_bytes(content[:cut])
    whole = ROWS[: content[:cut].count(b"\n")]
    assert folder.read_log() == whole
    folder.append_log({"epoch": 9})
    assert folder.read_log() == [*whole, {"epoch": 9}]


def test_a_broken_line_in_the_middle_is_named(tmp_path):
    folder = RunFolder(tmp_path)
    (tmp_path / "log.jsonl").write_text('{"epoch": 1}\n{"epo\n{"epoch": 3}\n')
    with pytest.raises(InputError, match=r"log\.jsonl, line 2: not a JSON row"):
        folder.read_log()


def test_a_full_disk_leaves_the_log_as_it_was(tmp_path, monkeypatch):
    folder = RunFolder(tmp_path)
    folder.append_log(ROWS[0])
    before = (tmp_path / "log.jsonl").read_bytes()

    class Full:
        """A file whose disk takes a few bytes more and no others."""

        def __init__(self, file):
            self._file = file

        def __getattr__(self, name):
            return getattr(self._file, name)

        def __enter__(self):
            self._file.__enter__()
            return self

        def __exit__(self, *error):
            return self._file.__exit__(*error)

        def write(self, content):
            self._file.write(content[:7])
            self._file.flush()
            raise OSError(28, "No space left on device")

    real = type(tmp_path).open
    monkeypatch.setattr(type(tmp_path), "open", lambda path, mode="r": Full(real(path, mode)))
    with pytest.raises(OutputError, match=r"log\.jsonl: the disk is full"):
        folder.append_log(ROWS[1])
    monkeypatch.undo()
    assert (tmp_path / "log.jsonl").read_bytes() == before


def test_create_goes_on_refuses_or_replaces(tmp_path):
    path = tmp_path / "run"
    folder = RunFolder.create(path, exists="error")
    RunFolder.create(path, exists="error")  # still empty
    folder.write_settings({"name": "first"})
    folder.append_log(ROWS[0])
    (path / "model").mkdir()
    (path / "notes.txt").write_text("a person's own")
    assert RunFolder.create(path).read_settings() == {"name": "first"}
    with pytest.raises(OutputError, match="holds a run already"):
        RunFolder.create(path, exists="error")
    RunFolder.create(path, exists="replace")
    assert names(path) == ["notes.txt"]


def test_a_folder_of_other_things_is_refused(tmp_path):
    (tmp_path / "thesis.docx").write_text("years of work")
    for exists in ("resume", "error", "replace"):
        with pytest.raises(OutputError, match=r"holds 'thesis\.docx' and no run"):
            RunFolder.create(tmp_path, exists=exists)
    assert names(tmp_path) == ["thesis.docx"]


def test_a_file_or_a_forbidden_folder_is_refused(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="a file"):
        RunFolder.create(tmp_path / "file")
    monkeypatch.setattr(os, "access", lambda *args: False)  # the tests may run as root, who may write anywhere
    with pytest.raises(OutputError, match="no permission to write"):
        RunFolder.create(tmp_path / "forbidden")


def test_checkpoints_are_removed_those_of_folds_too(tmp_path):
    folder = RunFolder(tmp_path)
    folder.remove_checkpoints()
    for run in (folder, RunFolder(folder.fold_path(0)), RunFolder(folder.fold_path(1))):
        run.checkpoint_path.mkdir(parents=True)
        (run.checkpoint_path / "newest.safetensors").write_text("")
        run.append_log(ROWS[0])
    folder.remove_checkpoints()
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()) == [
        "folds/0/log.jsonl", "folds/1/log.jsonl", "log.jsonl",
    ]  # fmt: skip


def test_a_second_process_is_kept_out_and_told_who_works(tmp_path):
    folder = RunFolder.create(tmp_path / "run")
    with folder.lock():
        with pytest.raises(RunLockedError, match=f"process {os.getpid()} is working in this folder"), folder.lock():
            pass
        assert (folder.path / "lock").exists()
    assert names(folder.path) == []
    with folder.lock():
        pass


def test_the_lock_is_given_back_when_the_work_fails(tmp_path):
    folder = RunFolder.create(tmp_path)
    with pytest.raises(KeyError), folder.lock():
        raise KeyError
    with folder.lock():
        pass


def test_on_a_full_disk_no_empty_folder_stays(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    folder = RunFolder.create(tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OutputError, match=r"cannot write .*run.lock: the disk is full"), folder.lock():
            pytest.fail("the work began")
    assert names(tmp_path) == []
    folder = RunFolder.create(tmp_path / "run")
    folder.write_settings({"half": "done"})
    with pytest.raises(OutputError), folder.lock():
        raise OutputError("the disk is full")
    assert names(folder.path) == ["settings.json"]


def test_a_dead_owner_keeps_nobody_out(tmp_path):
    folder = RunFolder.create(tmp_path)
    program = (
        "import os, sys; from gatewise.runs import RunFolder\n"
        "with RunFolder(sys.argv[1]).lock():\n"
        "    open(sys.argv[1] + '/.log.0.unfinished', 'w').close()\n"
        "    os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert done.returncode == -9
    assert names(tmp_path) == [".log.0.unfinished", "lock"]
    with folder.lock():
        assert names(tmp_path) == ["lock"]
    assert names(tmp_path) == []


def test_runs_need_no_torch():
    program = (
        "import sys, gatewise.runs; print(json.dumps([m for m in ('torch', 'polars', 'scipy') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", "import json; " + program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
