"""The page in a real browser, opened from a file, with no network."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from browser_checks import CONTRAST
from gatewise.report import make_report

pytestmark = pytest.mark.browser
EVIL = "<script>alert(1)</script>"
BREAK = "</script><img src=x onerror=alert(2)>"


DATES = (
    "[...document.querySelectorAll('#forecast-0 .live .role-axis-label text')].map((t) => t.textContent).sort().join()"
)


def until(page, condition, arg=None):
    """Wait, picture by picture, until a condition holds (the page's policy forbids Playwright's own waiting)."""
    waiting = """async (arg) => {
      for (let i = 0; i < 600; i++) {
        if (%s) return true;
        await new Promise(requestAnimationFrame);
      }
      return false;
    }"""
    assert page.evaluate(waiting % condition, arg), condition


def wake(page):
    """Scroll through the page until every figure is alive."""
    for box in page.locator("[data-figure]").all():
        box.scroll_into_view_if_needed()
    until(page, "document.querySelectorAll('.alive').length === document.querySelectorAll('[data-figure]').length")
    return page


def background(page):
    return page.evaluate("getComputedStyle(document.documentElement).backgroundColor")


def path_of_forecast(page):
    return page.locator("#forecast-0 .live .mark-line path[stroke='#1f5fa8']").first.get_attribute("d")


def dates_on_axis(page):
    return page.evaluate(DATES)


def test_every_figure_comes_alive_without_network_or_complaint(visit, study_page):
    page = wake(visit(study_page))
    assert page.locator(".alive").count() == 9
    for box in page.locator(".alive").all():
        assert box.locator(".live svg").bounding_box()["height"] > 150
        assert not box.locator(".still").is_visible()


def test_pictures_stand_without_scripts(visit, study_page):
    page = visit(study_page, java_script_enabled=False)
    assert page.locator(".still svg").count() == 9
    for picture in page.locator(".still svg").all():
        assert picture.is_visible()
        assert picture.bounding_box()["height"] > 100
    assert not page.locator("#theme").is_visible()
    assert page.locator(".controls:visible").count() == 0
    assert page.get_by_text("No cell beats the last close.").first.is_visible()


def test_dark_follows_the_system_and_the_button_and_is_remembered(visit, study_page):
    light = visit(study_page, color_scheme="light")
    dark = visit(study_page, color_scheme="dark")
    colours = background(light), background(dark)
    assert colours[0] != colours[1]
    assert dark.locator("#theme").get_attribute("aria-pressed") == "true"
    light.locator("#theme").click()
    assert background(light) == colours[1]
    assert light.locator("#theme").get_attribute("aria-pressed") == "true"
    light.reload()
    assert background(light) == colours[1]
    light.locator("#theme").click()
    assert background(light) == colours[0]


def test_figures_change_colour_with_the_page(visit, study_page):
    page = wake(visit(study_page, color_scheme="light"))
    colour = "getComputedStyle(document.querySelector(\"#forecast-0 .live path[stroke='#1f5fa8']\")).stroke"
    before = page.evaluate(colour)
    page.locator("#theme").click()
    assert page.evaluate(colour) != before


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "selector", ["h1", ".lede", ".note", "td.worse", "td.undecided", "nav a", "thead th", "summary"]
)
def test_text_can_be_read(visit, study_page, scheme, selector):
    assert visit(study_page, color_scheme=scheme).evaluate(CONTRAST, selector)[0] >= 4.5


def test_keyboard_reaches_everything_in_the_order_of_reading(visit, study_page):
    page = visit(study_page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    box = page.locator(".skip").bounding_box()
    assert box["x"] >= 0
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "theme"
    page.keyboard.press("Enter")
    assert page.locator("#theme").get_attribute("aria-pressed") == "true"
    seen = []
    for _ in range(200):
        page.keyboard.press("Tab")
        found = page.evaluate(
            """() => {
              const e = document.activeElement;
              if (e === document.body) return null;
              const style = getComputedStyle(e);
              const top = e.getBoundingClientRect().top + scrollY;
              return [e.tagName, e.dataset.zoom || e.id || "", top, style.outlineStyle];
            }"""
        )
        if found is None:
            break
        seen.append(found)
    names = [tag for tag, *_ in seen]
    assert {"A", "DIV", "SUMMARY", "SELECT", "BUTTON"} <= set(names)
    assert [name for _, name, *_ in seen if name in ("in", "out", "earlier", "later", "whole")] == [
        "in", "out", "earlier", "later", "whole"
    ]  # fmt: skip
    assert {style for *_, style in seen} == {"solid"}  # where one is can be seen
    tops = [top for _, _, top, _ in seen]
    assert sum(after < before - 200 for before, after in pairwise(tops)) <= 2  # two columns of figures


def test_skip_link_leads_past_the_header(visit, study_page):
    page = visit(study_page)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_buttons_zoom_every_series_and_say_so(visit, study_page):
    page = wake(visit(study_page))
    whole = path_of_forecast(page), dates_on_axis(page)
    other = page.locator("#forecast-1 .live").inner_html()
    page.get_by_role("button", name="Zoom in").click()
    until(page, "document.querySelector('#status').textContent.startsWith('Shown: 20')")
    until(page, f"{DATES} !== arg", whole[1])
    assert path_of_forecast(page) != whole[0]
    assert page.locator("#forecast-1 .live").inner_html() != other
    first = page.locator("#status").text_content()
    page.get_by_role("button", name="Later").focus()
    page.keyboard.press("Enter")
    assert page.locator("#status").text_content() > first
    page.get_by_role("button", name="Whole").click()
    assert page.locator("#status").text_content() == "Shown: the whole test part."
    until(page, f"{DATES} === arg", whole[1])


def test_scrolling_zooms_only_with_ctrl_and_dragging_moves(visit, study_page):
    page = wake(visit(study_page))
    plot = page.locator("#forecast-0 .live svg")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    before = page.evaluate("scrollY")
    page.mouse.wheel(0, 40)
    until(page, "scrollY !== arg", before)  # the page scrolls as any page does
    assert page.locator("#status").text_content() == ""
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    until(page, "document.querySelector('#status').textContent.startsWith('Shown: 20')")
    zoomed = page.locator("#status").text_content()
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 120, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    until(page, "document.querySelector('#status').textContent !== arg", zoomed)


def test_another_setting_is_drawn_everywhere(visit, study_page):
    page = wake(visit(study_page))
    before = [page.locator(f"#{name} .live").inner_html() for name in ("forecast-0", "forecast-1", "scatter-change")]
    page.locator("#level-forecast").select_option(index=3)
    assert page.locator("#level-scatter").input_value() == "3"
    for name, old in zip(("forecast-0", "forecast-1", "scatter-change"), before, strict=True):
        until(page, "document.querySelector(`#${arg[0]} .live`).innerHTML !== arg[1]", [name, old])


def test_values_appear_under_the_pointer(visit, study_page):
    page = wake(visit(study_page))
    plot = page.locator("#forecast-0 .live svg")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    for step in range(8):
        page.mouse.move(box["x"] + box["width"] * (0.4 + 0.01 * step), box["y"] + box["height"] / 2)
    tip = page.locator("#vg-tooltip-element.visible")
    tip.wait_for()
    assert re.search(r"time.*real.*forecast.*the last value", tip.inner_text(), re.DOTALL)


@pytest.mark.parametrize("width", [360, 390, 768])
@pytest.mark.parametrize("scripts", [True, False])
def test_a_phone_never_scrolls_sideways(visit, study_page, width, scripts):
    page = visit(study_page, width=width, java_script_enabled=scripts)
    if scripts:
        wake(page)
        for part in page.locator("details").all():
            part.evaluate("part => part.open = true")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    for heading in page.locator("h1, h2, p:visible, summary").all():
        box = heading.bounding_box()
        assert box is None or box["x"] + box["width"] <= width + 1 or "unseen" in (heading.get_attribute("class") or "")


def test_wide_tables_scroll_inside_their_box(visit, study_page):
    page = visit(study_page, width=360)
    box = page.locator(".table[aria-labelledby='results-table']")
    assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    box.focus()
    page.keyboard.press("ArrowRight")
    until(page, "document.querySelector(\".table[aria-labelledby='results-table']\").scrollLeft > 0")


def test_paper_shows_the_pictures_in_light(visit, study_page):
    page = wake(visit(study_page, color_scheme="dark"))
    page.locator("#theme").click()
    page.locator("#theme").click()
    page.emulate_media(media="print")
    assert page.locator(".still:visible").count() == 9
    assert page.locator(".live:visible").count() == 0
    ink = page.evaluate("getComputedStyle(document.body).color")
    assert ink == "rgb(34, 37, 42)"
    assert page.locator("nav, .controls, #theme").locator("visible=true").count() == 0


def test_no_table_is_cut_on_paper(visit, study_page):
    page = visit(study_page, width=711)  # what a letter has between its margins
    page.emulate_media(media="print")
    table = "document.querySelector(\".table[aria-labelledby='results-table'] table\")"
    assert page.evaluate(f"{table}.offsetWidth - document.querySelector('main').clientWidth") <= 0


def test_names_from_data_run_nothing(visit, tmp_path, folders):
    folder = folders.make_study(
        tmp_path / "study", names=(EVIL, BREAK), notes=(BREAK,), rows=150, seeds=1, cells=("rnn", EVIL, "{{7*7}}"),
        schedules=("early stopped",), dropouts=(0.0,),
    )  # fmt: skip
    page = wake(visit(make_report(folder)))
    assert page.locator("#forecast-0 h3").text_content() == EVIL
    assert page.locator("img").count() == 0
    plot = page.locator("#scatter-change .live svg")
    assert EVIL in plot.text_content()
    plot.scroll_into_view_if_needed()
    for path in page.locator("#scatter-change .live .mark-symbol path").all()[:3]:
        path.hover(force=True)
    assert page.locator("img").count() == 0


def test_a_single_run_opens_too(visit, tmp_path, folders):
    page = wake(visit(make_report(folders.make_single(tmp_path / "run", rows=150, integer_times=True))))
    page.get_by_role("button", name="Zoom in").click()
    until(page, r"/^Shown: \d+ to \d+\.$/.test(document.querySelector('#status').textContent)")
