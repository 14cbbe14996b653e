"""Folders to report on, made once for all tests of the report."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

FOLDERS = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "report_fixture.py")))


@pytest.fixture(scope="session")
def folders() -> SimpleNamespace:
    """Functions that make run and study folders."""
    return FOLDERS


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return FOLDERS.make_study(tmp_path_factory.mktemp("report") / "study", rows=220, seeds=3)


@pytest.fixture(scope="session")
def single(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return FOLDERS.make_single(tmp_path_factory.mktemp("report") / "run", rows=220)


@pytest.fixture(scope="session")
def study_page(study: Path) -> str:
    from gatewise.report import make_report

    return make_report(study).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def single_page(single: Path) -> str:
    from gatewise.report import make_report

    return make_report(single).read_text(encoding="utf-8")
