"""`gatewise doctor` says what is there and how to get what is missing."""

from __future__ import annotations

import json
import os
from importlib import metadata
from pathlib import Path

import pytest

from gatewise.cli import doctor
from gatewise.cli.main import run

REQUIRES = [
    "numpy>=2",
    "not-there>=1 ; python_version > '3'",
    'also-not-there[x]<3,>=2.1; extra == "baselines"',
    "pytest>=9; extra == 'baselines'",
    'ruff; extra == "dev"',
    'gatewise[baselines]; extra == "all"',
]


def test_this_machine_is_ready(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["packages"]["torch"] == metadata.version("torch")
    assert found["cpu"]["cores"] == len(os.sched_getaffinity(0))
    assert found["torch"]["threads"] >= 1
    assert found["kernels"][0] == "reference"
    assert found["broken"] == []
    assert run(["doctor"]) == 0
    assert "Ready" in capsys.readouterr().out


def test_what_is_missing_comes_with_its_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(metadata, "requires", lambda name: REQUIRES)
    assert run(["doctor"]) == 1
    text = capsys.readouterr().out
    assert "Needed: not-there is missing: pip install gatewise" in text
    assert "also-not-there: pip install 'gatewise[baselines]'" in text
    assert "ruff" not in text
    assert "Ready" not in text


@pytest.mark.parametrize(("flags", "has"), [("fpu avx avx2 fma", True), ("fpu avx", False), (None, None)])
def test_avx2_is_read_from_the_processor(
    flags: str | None, has: bool | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    cpuinfo = tmp_path / "cpuinfo"
    if flags is not None:
        cpuinfo.write_text(f"processor\t: 0\nflags\t\t: {flags}\nbogomips: 1\n")
    assert doctor.has_avx2(cpuinfo) is has


def test_avx2_is_no_question_on_other_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    assert doctor.has_avx2() is None


def test_a_processor_without_avx2_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor, "has_avx2", lambda: False)
    assert run(["doctor"]) == 1
    assert "no AVX2" in capsys.readouterr().out
