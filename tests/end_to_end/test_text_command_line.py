"""Text by character from the command line: train, judge, score, check; and what nobody should give it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gatewise import TextGenerator
from gatewise.cli.main import run
from text_samples import sentences

QUICK = [
    "--cell=gru", "--units=6", "--embedding=4", "--window=8", "--batch-size=16", "--epochs=1", "--learning-rate=0.01",
    "--baselines=unigram", "--sample-length=8", "--threads=1",
]  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder with a book in it."""
    monkeypatch.chdir(tmp_path)
    Path("book.txt").write_text(sentences(3000))
    return tmp_path


def document(capsys: pytest.CaptureFixture[str], args: list[str], code: int = 0) -> Any:
    """Run a command with --json and return its document, which is all that stands on standard output."""
    capsys.readouterr()
    assert run([*args, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_from_a_text_to_scores(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit = ["fit", "generate", "book.txt", *QUICK, "--out", "run"]
    result = document(capsys, fit)
    assert (result["status"], result["folder"], result["epochs"]["run"]) == ("finished", "run", 1)
    assert {"train", "validation", "test"} <= set(result["metrics"])
    assert set(result["baselines"]) == {"uniform", "unigram"}
    before = {path: path.stat().st_mtime_ns for path in sorted(Path("run").rglob("*")) if path.is_file()}
    assert document(capsys, fit) == result
    assert run([*fit, "--units", "4"]) == 2
    assert "other settings" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in before} == before

    Path("other.txt").write_text(sentences(400, 5) + "☃")
    scores = document(capsys, ["score", "run", "other.txt"])
    assert (scores["symbols"], scores["unseen"]) == (len(sentences(400, 5)) + 1, 1)
    own = TextGenerator.load("run").log_probs(Path("other.txt").read_text())
    assert scores["metrics"]["carried_nats_per_char"] == pytest.approx(-own.mean(), rel=1e-6)
    assert run(["score", "run", "other.txt"]) == 0
    assert "1 of them were never seen in training" in capsys.readouterr().out
    assert document(capsys, [*fit, "--units", "4", "--overwrite"])["parameters"] != result["parameters"]


def test_a_text_that_python_ships(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fit", "generate", "sample:licence", *QUICK, "--window=32", "--no-save"]) == 0
    shown = capsys.readouterr()
    assert "carried nats/char" in shown.out
    assert "unigram" in shown.out
    assert "Traceback" not in shown.err
    assert [path.name for path in Path().iterdir()] == ["book.txt"]


def test_presets_and_files_of_settings_and_what_wins(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("run.yaml").write_text(
        "task: generate\ndata: {files: [book.txt], window: 8}\nmodel: {cell: gru, units: 6, embedding: 4}\n"
        "train: {epochs: 1, batch_size: 16, learning_rate: 0.01, threads: 1}\nbaselines: [unigram]\nsample_length: 8\n"
    )
    typed = document(capsys, ["fit", "generate", "book.txt", *QUICK, "--no-save"])
    read = document(capsys, ["fit", "generate", "--config", "run.yaml", "--no-save"])
    assert read["metrics"] == typed["metrics"]
    fast = document(capsys, ["fit", "generate", "--config", "run.yaml", "--preset", "fast", "--out", "fast"])
    kept = json.loads(Path("fast/settings.json").read_text())
    assert kept["model"]["units"] == 6  # the file wins over the preset
    assert kept["split"]["validation"] == 0.0  # of the preset
    assert fast["epochs"]["run"] == 1
    assert run(["fit", "generate", "book.txt", "--preset", "fsat", "--out", "run"]) == 2
    assert "unknown preset 'fsat': did you mean 'fast'" in capsys.readouterr().err
    assert not Path("run").exists()


def test_check_trains_nothing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, ["check", "generate", "book.txt", "--lower"])
    assert str(len(sentences(3000))) in json.dumps(found)
    assert run(["check", "generate", "book.txt", "--window", "9000"]) == 2
    assert "refused" in capsys.readouterr().err
    assert [path.name for path in Path().iterdir()] == ["book.txt"]


BAD = {
    "missing file": (None, r"book\.txt: there is no such file"),
    "empty file": (b"", "empty"),
    "one character": (b"a", "1 symbols?"),
    "shorter than a window": (b"to be", "5 symbols"),
    "latin-1": ("Le café fermé. ".encode("latin-1") * 200, r"book\.txt.*byte.*(8|7).*encoding"),
    "binary": (bytes(range(256)) * 20, "binary|byte"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_texts_are_2_and_nothing_is_written(case: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content, said = BAD[case]
    Path("book.txt").unlink()
    if content is not None:
        Path("book.txt").write_bytes(content)
    before = sorted(Path().iterdir())
    assert run(["fit", "generate", "book.txt", *QUICK, "--out", "run", "--json"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.search(said, " ".join(shown.err.split()))
    assert "Traceback" not in shown.err
    assert sorted(Path().iterdir()) == before


def test_another_encoding_is_named_and_read(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = sentences(2000) + " café"
    Path("book.txt").write_bytes((words + sentences(900)).encode("cp1252"))
    fit = ["fit", "generate", "book.txt", *QUICK, "--test-size=0", "--validation-size=0", "--out", "run"]
    assert run(fit) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "0xe9" in said.lower()
    assert str(len(words) - 1) in said.replace(",", "")  # which byte
    assert "--encoding" in said or "encoding" in said
    assert document(capsys, [*fit, "--encoding", "cp1252"])["status"] == "finished"
    assert "é" in TextGenerator.load("run").symbols_
    Path("other.txt").write_bytes("the café".encode("cp1252") * 50)
    assert run(["score", "run", "other.txt", "--encoding", "utf-8"]) == 2
    assert document(capsys, ["score", "run", "other.txt", "--encoding", "cp1252"])["unseen"] == 0


def test_a_training_that_diverges(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit = ["fit", "generate", "book.txt", *QUICK, "--out", "run", "--json"]
    assert run([*fit, "--optimizer=sgd", "--learning-rate=1e38", "--clip-norm=none"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "diverged" in shown.err
    assert "Traceback" not in shown.err
    assert not Path("run").exists()


def test_a_learning_rate_of_10_is_no_crash(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["fit", "generate", "book.txt", *QUICK, "--learning-rate=10", "--out", "run", "--json"])
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    if code == 0:  # what is bounded cannot overflow: then the verdict says what it is worth
        assert json.loads(shown.out)["verdict"]["says"] == "worse"
    else:
        assert "diverged" in shown.err


def test_a_model_of_a_task_that_is_not_known(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("model").mkdir()
    Path("model/config.json").write_text('{"format_version": 1, "task": "paint"}')
    assert run(["score", "model", "book.txt"]) == 2
    assert "'paint'" in capsys.readouterr().err
