import getpass
import json
import math
import platform
import subprocess
import sys

from gatewise import __version__
from gatewise.runs import environment
from gatewise.runs.environment import _quota, cores, git_state


def test_it_tells_the_machine_and_the_versions():
    found = environment(threads=3)
    assert found["python"] == platform.python_version()
    assert found["packages"]["gatewise"] == __version__
    assert found["packages"]["numpy"] is not None
    assert found["threads"] == 3
    assert 1 <= found["cpu"]["cores"] <= found["cpu"]["cores_of_machine"]
    assert found["cpu"]["model"]
    assert found["memory_gib"] > 0
    json.dumps(found, allow_nan=False)


def test_it_names_neither_the_host_nor_the_user(tmp_path):
    text = json.dumps(environment(folder=tmp_path))
    assert platform.node() not in text
    assert getpass.getuser() == "root" or getpass.getuser() not in text
    assert str(tmp_path) not in text


def test_threads_come_from_the_variable(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert environment()["threads"] == 7
    assert environment()["thread_variables"]["OMP_NUM_THREADS"] == "7"
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert environment()["threads"] == cores()


def test_a_containers_quota_counts(tmp_path):
    assert _quota(tmp_path) == math.inf
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    for text, expected in {"-1\n": math.inf, "250000\n": 2.5}.items():
        (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(text)
        assert _quota(tmp_path) == expected
    for text, expected in {"max 100000\n": math.inf, "150000 100000\n": 1.5}.items():
        (tmp_path / "cpu.max").write_text(text)
        assert _quota(tmp_path) == expected


def test_git_tells_commit_and_changes(tmp_path):
    assert git_state(tmp_path) is None

    def git(*words):
        identity = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
        return subprocess.run(
            ["git", "-C", str(tmp_path), *identity, *words], check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "-q")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "-q", "-m", "first", "--no-verify")
    assert git_state(tmp_path) == {"commit": git("rev-parse", "HEAD"), "dirty": False}
    (tmp_path / "file").write_text("2")
    assert git_state(tmp_path)["dirty"] is True


def test_without_git_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_state(tmp_path) is None


def test_it_does_not_import_torch():
    program = "import sys; from gatewise.runs import environment; environment(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
