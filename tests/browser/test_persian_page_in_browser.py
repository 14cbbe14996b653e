"""Pages in Persian in a real browser: they run from right to left, fit, can be read, and print."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from browser_checks import CONTRAST, overflow
from classify_report_fixture import make_classify_run
from gatewise.report import make_report, write_report
from report_fixture import make_study
from text_report_fixture import cells_study

pytestmark = pytest.mark.browser
MAKERS = {
    "forecast": lambda place: make_study(place, rows=220, seeds=2),
    "text": cells_study,
    "classify": make_classify_run,
}


@pytest.fixture(scope="module", params=list(MAKERS))
def page_file(request, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("persian")
    return make_report(MAKERS[request.param](place / "study"), place / "page.html", language="fa")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_and_runs_from_right_to_left(visit, page_file, width):
    page = visit(page_file, width=width)
    assert overflow(page) <= 0
    assert page.evaluate("document.documentElement.dir") == "rtl"
    head, whole = (page.locator(name).bounding_box() for name in ("h1", "main"))
    assert head["x"] + head["width"] == pytest.approx(whole["x"] + whole["width"], abs=1)
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).textAlign") == "start"
    assert page.evaluate("getComputedStyle(document.querySelector('.plot svg')).direction") == "ltr"


def test_text_can_be_read_in_both_themes(visit, page_file):
    for scheme in ("light", "dark"):
        found = visit(page_file, color_scheme=scheme).evaluate(CONTRAST, "p, h1, h2, h3, td, th, li, summary")
        assert len(found) > 20
        assert min(found) >= 4.5  # WCAG 2.2, level AA


def test_without_scripts_every_figure_and_what_can_be_copied_are_there(visit, page_file):
    page = visit(page_file, java_script_enabled=False)
    assert page.locator(".still svg").count() == page.locator("figure .plot").count() > 0
    assert page.locator("button.copy").first.is_hidden()
    page.locator("details.paper > summary").click()
    assert "\\toprule" in page.locator("#table").inner_text()


def test_a_pdf_is_printed(tmp_path):
    if shutil.which("chromium") is None:
        pytest.skip("no chromium found")
    (made,) = write_report(MAKERS["classify"](tmp_path / "run"), tmp_path / "report.pdf", kind="pdf", language="fa")
    assert made.read_bytes().startswith(b"%PDF-")
    assert made.stat().st_size > 20_000
