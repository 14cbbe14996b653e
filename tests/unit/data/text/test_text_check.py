"""``gatewise check generate``: what a text is made of, and everything that would be refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatewise.cli.main import run
from gatewise.data.text import check_text
from gatewise.settings import TextDataSettings, TextSplitSettings


def put(folder: Path, name: str, content: str | bytes) -> str:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return str(folder / name)


def test_a_text_is_described(tmp_path: Path) -> None:
    text = "علي علی \x1b[0m a\u200cb\n" * 200 + "é?\n" * 50
    report = check_text(TextDataSettings(files=put(tmp_path, "a.txt", text), window=20, documents="line"))
    assert not report.refused
    assert (report.length, report.bytes, report.documents) == (len(text), len(text.encode()), 250)
    assert report.distinct == len(set(text))
    assert report.frequent["' '"] == 600
    assert report.control == {"U+001B": 200, "U+200C ZERO WIDTH NON-JOINER": 200}
    assert sum(report.parts.values()) == len(text)
    assert report.vocabulary == len(set(text)) - 2
    assert [note.split(":")[0] for note in report.notes] == ["look-alike yeh", "test part"]
    said = report.to_text()
    assert "\x1b" not in said
    assert "' ' 1" in said
    assert json.loads(json.dumps(report.to_json()))["refused"] is False


def test_every_problem_is_told(tmp_path: Path) -> None:
    files = (put(tmp_path, "a.txt", b"\xff\xfa"), str(tmp_path / "none.txt"), put(tmp_path, "b.txt", ""), "sample:x")
    report = check_text(TextDataSettings(files=(*files, "sample:licence")))
    assert report.refused
    said = "\n".join(report.problems)
    for file in files:
        assert f"{file}: " in said
    assert len(report.problems) == 4


@pytest.mark.parametrize("kind", ["characters", "graphemes", "bytes"])
def test_bytes_are_those_of_the_text(kind: str, tmp_path: Path) -> None:
    text = "e\u0301x 👩‍🚀" * 99
    report = check_text(TextDataSettings(files=put(tmp_path, "a.txt", text), symbols=kind, normalize="none", window=5))
    assert report.bytes == len(text.encode())
    assert report.kind == kind


def test_a_split_without_room_and_rare_symbols(tmp_path: Path) -> None:
    file = put(tmp_path, "a.txt", "abcd" * 30 + "z")
    short = check_text(TextDataSettings(files=file))
    assert (short.length, short.parts, short.vocabulary) == (121, {}, None)
    assert "the validation part has" in short.problems[0]
    rare = check_text(TextDataSettings(files=file, window=2, minimum_count=2), TextSplitSettings(test=0, validation=0))
    assert any("1 symbols of the training part are rarer" in note for note in rare.notes)
    assert rare.vocabulary == 5


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["check", "generate", "sample:python-docs", "--lower", "--split", "windows", "--window", "250"]
    assert run(args) == 0
    assert "most frequent: ' ' " in capsys.readouterr().out
    assert run([*args, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["parts"]["test"] % 251 == 0
    assert not any(symbol.isupper() for symbol in found["frequent"])

    assert run(["check", "generate", put(tmp_path, "a.txt", "x")]) == 2
    told = capsys.readouterr()
    assert "refused: the whole text has 1 symbols" in told.out
    assert "would be refused" in told.err
    assert run(["check", "generate"]) == 2
