"""A browser without a network. Tests are skipped where there is none, and fail where one is required."""

from __future__ import annotations

import os
import runpy
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    path = shutil.which("chromium")
    if path is None:
        reason = "no chromium found: apt-get install chromium"
        if os.environ.get("GATEWISE_REQUIRE_BROWSER") == "1":
            pytest.fail(f"GATEWISE_REQUIRE_BROWSER=1, but {reason}")
        pytest.skip(reason)
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Any]:
    """Open a file as a person would; whatever the page asks of a network or complains of fails the test."""
    opened, complaints = [], []

    def go(path: Path, *, width: int = 1280, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        opened.append(context)
        page = context.new_page()

        def watch(route: Any) -> None:
            if route.request.url.startswith("file:"):
                route.continue_()
            else:
                complaints.append(f"asked for {route.request.url}")
                route.abort()

        context.route("**/*", watch)
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.goto(path.as_uri())
        return page

    yield go
    for context in opened:
        context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def folders() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "report_fixture.py")))


@pytest.fixture(scope="session")
def study_page(tmp_path_factory: pytest.TempPathFactory, folders: SimpleNamespace) -> Path:
    from gatewise.report import make_report

    folder = tmp_path_factory.mktemp("browser") / "study"
    return make_report(folders.make_study(folder, rows=260, seeds=2, schedules=("early stopped",)))
