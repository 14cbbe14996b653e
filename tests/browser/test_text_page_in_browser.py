"""The page of a text run in a real browser: what a network wrote is shown as text and as nothing else."""

from __future__ import annotations

import pytest

from browser_checks import CONTRAST, overflow
from gatewise.report import make_report
from text_report_fixture import cells_study, make_text_run

pytestmark = pytest.mark.browser
EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>"
PERSIAN = "الا یا ایها الساقی ادر کأسا و ناولها \u202e که عشق"


@pytest.mark.parametrize("text", [EVIL, PERSIAN, "\x1b[31mred\x07 and a tab\t, a line\nanother"])
def test_samples_are_shown_and_not_obeyed(visit, tmp_path, text):
    page = visit(make_report(make_text_run(tmp_path / "run", text=text * 3)))
    shown = page.locator("body").inner_text()
    assert "What it writes" in shown
    for word in ("script", "الساقی", "red"):
        if word in text:
            assert word in shown
    assert "\u202e" not in page.content()
    assert "\x1b" not in page.content()


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window(visit, tmp_path, width):
    for folder in (make_text_run(tmp_path / "run"), cells_study(tmp_path / "study")):
        assert overflow(visit(make_report(folder), width=width)) <= 0


def test_tints_can_be_read_in_both_themes(visit, tmp_path):
    page_file = make_report(make_text_run(tmp_path / "run"))
    for scheme in ("light", "dark"):
        found = visit(page_file, color_scheme=scheme).evaluate(CONTRAST, ".t0, .t1, .t2, .t3, .t4")
        assert len(found) > 10
        assert min(found) >= 4.5  # WCAG 2.2, level AA
