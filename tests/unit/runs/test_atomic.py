import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewise.errors import OutputError
from gatewise.runs import atomic

SLOW_DISK = {"deadline": None, "max_examples": 25}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("atomic")


@settings(**SLOW_DISK)
@given(first=st.binary(max_size=200), second=st.binary(max_size=200))
def test_a_file_holds_what_was_written_last(place, first, second):
    path = place / "file"
    atomic.write_bytes(path, first)
    atomic.write_bytes(path, second)
    assert path.read_bytes() == second
    assert names(place) == ["file"]


@settings(**SLOW_DISK)
@given(
    code=st.sampled_from([errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EIO]),
    where=st.sampled_from(["open", "write", "fsync", "replace"]),
    old=st.one_of(st.none(), st.binary(max_size=50)),
)
def test_any_failure_leaves_the_old_file_and_nothing_half_written(place, code, where, old):
    path = place / "kept"
    path.unlink(missing_ok=True)
    if old is not None:
        path.write_bytes(old)
    before = names(place)

    def fail(*args, **kwargs):
        raise OSError(code, os.strerror(code))

    def write():
        with atomic.replacing(path) as new, new.open("xb") as file:
            file.write(b"half")
            if where == "write":
                fail()

    with pytest.MonkeyPatch.context() as patch:
        if where == "open":
            patch.setattr(Path, "open", fail)
        elif where == "fsync":
            patch.setattr(os, "fsync", fail)
        elif where == "replace":
            patch.setattr(os, "replace", fail)
        with pytest.raises(OutputError, match=r"cannot write .*kept: ") as caught:
            write()
    assert names(place) == before
    assert (path.read_bytes() if old is not None else None) == old
    assert caught.value.exit_code == 2
    assert "choose another folder" in str(caught.value)


def test_an_error_of_the_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def write():
        with atomic.replacing(path) as new:
            new.write_text("half")
            raise KeyError("the writer's own")

    with pytest.raises(KeyError, match="the writer's own"):
        write()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_it_reaches_the_disk_before_it_takes_its_place(tmp_path, monkeypatch):
    done = []
    real_fsync, real_replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append("fsync"), real_fsync(handle))[1])
    monkeypatch.setattr(os, "replace", lambda old, new: (done.append("replace"), real_replace(old, new))[1])
    atomic.write_text(tmp_path / "file", "text")
    assert done == ["fsync", "replace", "fsync"]  # file, then its name


def test_permissions_are_the_usual_ones(tmp_path):
    (tmp_path / "usual").write_text("")
    atomic.write_text(tmp_path / "ours", "")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda place: (place / "file").write_text(""), "a file"),
        (lambda place: None, None),
    ],
)
def test_a_folder_is_made_or_refused(tmp_path, make, words):
    make(tmp_path)
    if words is None:
        atomic.make_folder(tmp_path / "a" / "b")
        assert (tmp_path / "a" / "b").is_dir()
        return
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError, match=words):
            atomic.make_folder(path)


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path):
    (tmp_path / "file").mkdir()
    with pytest.raises(OutputError, match=r"cannot write .*file: "):
        atomic.write_text(tmp_path / "file", "text")
    assert names(tmp_path) == ["file"]


def test_json_is_standard_json(tmp_path):
    tree = {
        "nan": float("nan"), "inf": [float("inf"), -float("inf")], "number": np.float32(0.5), "count": np.int64(3),
        "array": np.array([1.0, np.nan]), "path": Path("a/b"), "tuple": (1, "é"), 2: None, "yes": True,
    }  # fmt: skip
    atomic.write_json(tmp_path / "file.json", tree)
    expected = {
        "nan": None, "inf": [None, None], "number": 0.5, "count": 3, "array": [1.0, None],
        "path": os.path.join("a", "b"), "tuple": [1, "é"], "2": None, "yes": True,
    }  # fmt: skip
    assert json.loads((tmp_path / "file.json").read_text(encoding="utf-8")) == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_come_back_to_the_last_bit(number):
    assert json.loads(atomic.to_json([number])) == [number]


def test_what_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / f".file.0123{atomic.UNFINISHED}").write_text("half")
    (tmp_path / f".folder.0123{atomic.UNFINISHED}").mkdir()
    (tmp_path / f".folder.0123{atomic.UNFINISHED}" / "part").write_text("half")
    (tmp_path / "file").write_text("whole")
    (tmp_path / ".hidden").write_text("somebody's")
    atomic.remove_unfinished(tmp_path)
    assert names(tmp_path) == [".hidden", "file"]


def test_remove(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("")
    (tmp_path / "file").write_text("")
    for name in ("folder", "file", "absent"):
        atomic.remove(tmp_path / name)
    assert names(tmp_path) == []


def fill(folder, **files):
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def test_a_folder_is_replaced_whole(tmp_path):
    path = tmp_path / "model"
    for files in ({"config": "1", "weights": "1"}, {"config": "2"}):
        with atomic.replacing_folder(path, known_by="config") as new:
            fill(new, **files)
        assert {file.name: file.read_text() for file in path.iterdir()} == files
    assert names(tmp_path) == ["model"]


def test_a_folder_of_something_else_is_never_replaced(tmp_path):
    fill(tmp_path / "photos", holiday="jpg")
    with (
        pytest.raises(OutputError, match="holds something else"),
        atomic.replacing_folder(tmp_path / "photos", known_by="config") as new,
    ):
        fill(new, config="1")
    assert names(tmp_path / "photos") == ["holiday"]
    assert names(tmp_path) == ["photos"]


@pytest.mark.parametrize("failing_call", [1, 2])
def test_a_folder_that_cannot_be_replaced_stays(tmp_path, monkeypatch, failing_call):
    path = tmp_path / "model"
    fill(path, config="old")
    real, calls = os.replace, []

    def replace(old, new):
        calls.append(new)
        if len(calls) == failing_call:
            raise OSError(errno.ENOSPC, "full")
        real(old, new)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OutputError, match="disk is full"), atomic.replacing_folder(path, known_by="config") as new:
        fill(new, config="new")
    assert (path / "config").read_text() == "old"
    assert names(tmp_path) == ["model"]


def test_an_error_of_polars_is_told_by_the_number_in_its_text(tmp_path):
    with (
        pytest.raises(OutputError, match=r"f\.csv: the file system is read-only: choose"),
        atomic.replacing(tmp_path / "f.csv"),
    ):
        raise OSError(f"Read-only file system (os error {errno.EROFS}): .f.csv.1.unfinished")
