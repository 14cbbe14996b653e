"""The page of a classification run in a real browser: matrices without scripts, texts as texts, both themes."""

from __future__ import annotations

import pytest

from browser_checks import CONTRAST, overflow
from classify_report_fixture import encoders_study, make_classify_run, many_classes, mistakes, size_study
from gatewise.report import make_report

pytestmark = pytest.mark.browser
EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script> \u202e bad"


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window(visit, tmp_path, width):
    for folder in (
        make_classify_run(tmp_path / "run"),
        encoders_study(tmp_path / "study"),
        many_classes(tmp_path / "m"),
    ):
        page = visit(make_report(folder), width=width)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert overflow(page) <= 0


@pytest.mark.parametrize(("width", "side_by_side"), [(1280, 2), (390, 1)])
def test_names_of_lines_stay_within_the_figure(visit, tmp_path, width, side_by_side):
    page = visit(make_report(size_study(tmp_path / "size")), width=width)
    figure = page.locator("[data-figure=curve]")
    figure.scroll_into_view_if_needed()
    page.locator("[data-figure=curve].alive .live").wait_for()
    names = [one.bounding_box() for one in figure.locator(".live .role-legend-label text").all()]
    edge = figure.bounding_box()
    assert len(names) >= 3
    assert max(one["x"] + one["width"] for one in names) <= edge["x"] + edge["width"]
    assert len({round(one["x"]) for one in names}) == side_by_side


def test_three_matrices_stand_side_by_side_and_fit_a_phone_without_scripts(visit, tmp_path):
    page_file = make_report(make_classify_run(tmp_path / "run"))
    wide = visit(page_file, java_script_enabled=False)
    tops = {round(one.bounding_box()["y"]) for one in wide.locator(".matrix tbody tr:first-child").all()}
    assert len(tops) == 1
    phone = visit(page_file, width=390, java_script_enabled=False)
    for box in phone.locator(".matrix table").all():
        assert box.bounding_box()["width"] <= 358
    assert "38 %" in phone.locator(".matrix").first.inner_text()


def test_texts_wait_behind_a_warning_and_are_not_obeyed(visit, tmp_path):
    rows = mistakes([("hate", "neither", EVIL, "bad onerror")])
    page = visit(make_report(make_classify_run(tmp_path / "run", mistakes=rows)))
    text = page.locator(".mistakes blockquote")
    assert not text.is_visible()
    page.locator("details.texts > summary").click()
    assert text.is_visible()
    assert "<script>alert(2)</script>" in text.inner_text()
    assert "\u202e" not in page.content()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_tints_can_be_read_in_both_themes(visit, tmp_path, scheme):
    page = visit(make_report(make_classify_run(tmp_path / "run")), color_scheme=scheme)
    page.locator("details.texts > summary").click()
    for selector in (".matrix td", ".mistakes blockquote span"):
        found = page.evaluate(CONTRAST, selector)
        assert len(found) >= 9
        assert min(found) >= 4.5  # WCAG 2.2, level AA
