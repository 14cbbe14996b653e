"""What `gatewise generate` hands to the model, what it prints, and what it refuses; the model is stood in for."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import gatewise.tasks.generate.saved
from gatewise.cli.main import run
from gatewise.harmless import harmless
from gatewise.settings import SamplingSettings
from gatewise.tasks.generate.int8 import Int8Cost
from gatewise.tasks.generate.result import Generated

TEXT = "red \x1b[31m\nend"


class Stream:
    def __init__(self, text: str) -> None:
        self._pieces: Iterator[str] = iter(text)
        self.result = Generated(text, tuple(text), (-1.0,) * len(text), "stop")

    def __iter__(self) -> Iterator[str]:
        return self._pieces


class Model:
    """Writes always the same."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def use_int8(self) -> Int8Cost:
        return Int8Cost(1.5, 1.5012)

    def generate(self, prompts: list[str], sampling: SamplingSettings) -> list[Generated]:
        self.calls.append((prompts, sampling.model_dump(exclude_unset=True)))
        one = Generated(TEXT, tuple(TEXT), (-0.5,) * len(TEXT), "length")
        return [one] * (len(prompts) * sampling.n)

    def stream(self, prompt: str, sampling: SamplingSettings) -> Stream:
        self.calls.append((prompt, sampling.model_dump(exclude_unset=True)))
        return Stream(TEXT)


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    model = Model()

    def load(folder: Path) -> tuple[Model, dict[str, Any]]:
        model.calls.append(folder)
        return model, {}

    monkeypatch.setattr(gatewise.tasks.generate.saved, "load", load)
    monkeypatch.chdir(tmp_path)
    return model.calls


def test_what_was_typed_is_asked_for(stand_in: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    line = ["generate", "book", "--prompt", "a,b ", "--length", "20", "--temperature", "0.8", "--seed", "3", "--n", "2"]
    assert run([*line, "--stop", r"\n\n", "--stop", ", ", "--banned", "\\\\"]) == 0
    sampling = {"length": 20, "temperature": 0.8, "seed": 3, "n": 2, "stop": ("\n\n", ", "), "banned": ("\\",)}
    assert stand_in == [Path("book"), (["a,b "], sampling)]
    out, err = capsys.readouterr()
    assert out == f"a,b {harmless(TEXT)}\n\n---\n\na,b {harmless(TEXT)}\n"
    assert "26 symbols in" in err
    assert "length (2), seed 3." in err


def test_without_a_seed_one_is_drawn_and_said(stand_in: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["generate", "book"]) == 0
    prompts, sampling = stand_in[1]
    assert prompts == [""]
    assert f"seed {sampling['seed']}." in capsys.readouterr().err


def test_json_is_one_document_with_the_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["generate", "book", "--prompt", "x", "--prompt", "y", "--json", "--out", "there/text.json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [(row["prompt"], row["text"]) for row in document["texts"]] == [("x", TEXT), ("y", TEXT)]
    assert document["texts"][0]["log_probs"] == [-0.5] * len(TEXT)
    assert document["texts"][0]["finish_reason"] == "length"
    assert document["characters_per_second"] > 0
    assert json.loads(Path("there/text.json").read_text())["texts"] == document["texts"]


def test_a_text_file_has_the_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["generate", "book", "--prompt", "x", "--out", "text.txt"]) == 0
    assert Path("text.txt").read_text() == f"x{TEXT}\n"
    assert capsys.readouterr().out == ""


def test_a_stream_is_shown_harmless(stand_in: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["generate", "book", "--prompt", "x", "--stream", "--int8", "--greedy"]) == 0
    out, err = capsys.readouterr()
    assert out == "xred \\x1b[31m\nend\n"
    assert "1.5012 nats a symbol where float32 has 1.5000 (+0.0012)" in err
    assert "ended by stop." in err  # nothing was drawn: no seed


def test_a_prompt_from_a_file_or_standard_input(stand_in: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("prompt.txt").write_bytes("\ufeffone\r\ntwo\n".encode())
    assert run(["generate", "book", "--prompt-file", "prompt.txt"]) == 0
    assert stand_in[1][0] == ["one\ntwo"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"in\n")))
    assert run(["generate", "book", "--prompt-file", "-"]) == 0
    assert stand_in[3][0] == ["in"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--temperature", "0"], "--temperature: a temperature must be above 0"),
        (["--top-p", "2"], "--top-p: "),
        (["--length", "0"], "--length: "),
        (["--stream", "--json"], "leave one of them out"),
        (["--stream", "--prompt", "a", "--prompt", "b"], "--stream shows one text (found 2 prompts)"),
        (["--out", "text.pdf"], "must end in .txt or .json"),
        (["--prompt-file", "none.txt"], "none.txt: No such file"),
        (["--prompt-file", "latin.txt"], "byte 1 is not UTF-8"),
    ],
)
def test_what_cannot_be_is_refused_before_the_model_is_read(
    options: list[str], message: str, stand_in: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("latin.txt").write_bytes(b"a\xe9b")
    assert run(["generate", "book", *options]) == 2
    assert message in capsys.readouterr().err
    assert stand_in == []
    assert [path.name for path in Path().iterdir()] == ["latin.txt"]


def test_control_characters_become_codes() -> None:
    assert harmless("a\tb\nآ é 🙂") == "a\tb\nآ é 🙂"
    assert harmless("\x00\r\x7f\x9b2J\u2028\u202e") == r"\x00\r\x7f\x9b2J\u2028\u202e"


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    code = (
        "import sys; import gatewise.tasks.generate.saved as saved\n"
        "class T:\n"
        "  stream = lambda s, p, settings: iter(lambda: 'a' * 5000, 0)\n"
        "saved.load = lambda folder: (T(), {})\n"
        "from gatewise.cli.main import run; sys.exit(run(['generate', 'x', '--stream']))"
    )
    reads, writes = os.pipe()
    process = subprocess.Popen([sys.executable, "-c", code], stdout=writes, stderr=subprocess.PIPE, text=True)
    os.close(writes)
    os.read(reads, 10)
    os.close(reads)
    _, err = process.communicate(timeout=60)
    assert err == ""
    assert process.returncode == 1
