"""The page of text runs and studies of them, from folders alone."""

import json
import math
import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from gatewise.report import make_report, summary_lines
from gatewise.report.evidence import read_evidence
from gatewise.report.parts import parts_of
from gatewise.report.samples import harmless, tint

TEXTS = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "text_report_fixture.py")))


def words(page):
    body = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def ids(page):
    return re.findall(r' id="([^"]+)"', re.sub(r"<(script|svg)\b.*?</\1>", "", page, flags=re.DOTALL))


@pytest.fixture(scope="module")
def run_page(tmp_path_factory):
    return make_report(TEXTS.make_text_run(tmp_path_factory.mktemp("text") / "run")).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    return TEXTS.cells_study(tmp_path_factory.mktemp("text") / "cells")


@pytest.fixture(scope="module")
def cells_page(cells):
    return make_report(cells).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "said",
    [
        "GRU beats the best n-gram.",
        "It has a test carried nats/char of 1.470.",
        "the loss is 0.948 times as large",
        "Nats/char, carried",
        "Nats/char, cold",
        "guessing evenly",
        "after 1 s",
        "after 100 s",
        "at the end, after 126 s",
        "first letter",
        "within a word",
        "Loss by place in the window",
        "When it is sure, is it right?",
        "longest copy",
        "real text as long",
    ],
)
def test_the_page_of_a_run_says(run_page, said):
    assert said in words(run_page)


@pytest.mark.parametrize("never", ["yesterday", "last value", "Forecast", "last close", "squared error"])
def test_the_page_of_a_text_never_speaks_of_forecasts(run_page, cells_page, never):
    assert never not in words(run_page)
    assert never not in words(cells_page)


def test_a_network_that_does_not_beat_the_n_gram_is_told_so_at_the_top(tmp_path):
    folder = TEXTS.make_text_run(tmp_path / "run", 1.7)
    text = words(make_report(folder).read_text())
    assert text.index("GRU does not beat the best n-gram.") < text.index("Results")
    assert "An n-gram counts which characters followed the last few" in text
    assert summary_lines(folder)[0] == "GRU does not beat the best n-gram."


def test_samples_stand_side_by_side_and_every_character_has_its_tint(run_page):
    quotes = re.findall(r'<blockquote dir="auto">(.*?)</blockquote>', run_page, re.DOTALL)
    assert len(quotes) == 4
    for quote, row in zip(quotes, TEXTS.samples(TEXTS.TEXT, 0), strict=True):
        pieces = re.findall(r'<span class="(t\d)">(.*?)</span>', quote, re.DOTALL)
        shown = "".join(kind * len(text.replace("&#39;", "'")) for kind, text in pieces)
        assert shown == "".join(tint(value) for value in row["log_probs"])
        assert f"<b>{row['prompt']}</b>" in quote


def test_tints_have_an_alternative_in_words(run_page):
    assert "Share of characters by how sure the network was" in run_page
    assert "under 10 %" in words(run_page)


@pytest.mark.parametrize(
    ("p", "kind"), [(1.0, "t0"), (0.9, "t0"), (0.89, "t1"), (0.3, "t2"), (0.1, "t3"), (1e-9, "t4")]
)
def test_a_tint_follows_the_probability(p, kind):
    assert tint(math.log(p) + 1e-12) == kind


def test_what_was_written_cannot_harm_the_page(tmp_path):
    evil = "</blockquote><script>alert(1)</script>\x1b[31m\u202e<b onclick=x>"
    folder = TEXTS.make_text_run(tmp_path / "run", text=evil)
    page = make_report(folder).read_text(encoding="utf-8")
    assert page.count("<script") == 4
    assert "<b onclick" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_persian_keeps_its_joiners_and_its_own_direction(tmp_path):
    assert harmless(TEXTS.PERSIAN) == TEXTS.PERSIAN
    assert "\u200c" in TEXTS.PERSIAN
    page = make_report(TEXTS.make_text_run(tmp_path / "run", text=TEXTS.PERSIAN)).read_text(encoding="utf-8")
    assert page.count('<blockquote dir="auto">') == 4
    assert "unicode-bidi: isolate" in page


def test_a_text_whose_symbols_are_not_its_characters_has_no_tint(tmp_path):
    folder = TEXTS.make_text_run(tmp_path / "run")
    row = {"moment": None, "step": 1, "epoch": 1, "seconds": 2.0, "text": "e\u0301a", "log_probs": [-0.01, -9.0]}
    (folder / "samples.jsonl").write_text(json.dumps(row) + "\n")
    (group,) = parts_of(read_evidence(folder)).extra["written"]
    assert group.texts[0].pieces == (("", "e\u0301a"),)
    (folder / "samples.jsonl").write_text(json.dumps({**row, "symbols": ["e\u0301", "a"]}) + "\n")
    (group,) = parts_of(read_evidence(folder)).extra["written"]
    assert group.texts[0].pieces == (("t0", "e\u0301"), ("t4", "a"))


def test_a_run_without_samples_or_a_held_out_part_has_a_page(tmp_path):
    bare = {"verdict": None, "baselines": {}, "by_position": {}, "words": {}, "calibration": [], "copying": None}
    folder = TEXTS.make_text_run(tmp_path / "run", **bare)
    (folder / "samples.jsonl").unlink()
    text = words(make_report(folder).read_text())
    assert "No verdict" in text
    assert "What it writes" not in text


def test_a_study_shows_levels_baselines_and_every_condition(cells_page):
    text = words(cells_page)
    for said in ["Equal units", "Equal time", "rnn vs gru", "guessing evenly", "What the others wrote at the end"]:
        assert said in text
    assert len(ids(cells_page)) == len(set(ids(cells_page)))
    for target in re.findall(r'href="#([^"]+)"', cells_page):
        assert target in ids(cells_page)


def test_a_learning_rate_has_its_curve_and_divergence_its_finding(tmp_path):
    text = words(make_report(TEXTS.rates_study(tmp_path / "rates")).read_text())
    assert "Test carried nats/char by learning rate" in text
    assert "Training diverged at learning rate 1 with 3 of 3 seeds." in text
    assert "Training diverges at learning rate 1 with every seed" in text


def test_contexts_are_one_curve_a_cell_and_trainings_are_counted_once(tmp_path):
    evidence = read_evidence(TEXTS.memory_study(tmp_path / "memory"))
    parts = parts_of(evidence)
    (curve,) = parts.figures["curve"]
    assert curve.table.heads == ("context", "cell rnn", "cell lstm")
    assert [row[0].text for row in curve.table.rows] == ["1", "10", "100"]
    assert [row[0].text for row in parts.figures["loss"][0].table.rows] == ["cell rnn", "cell lstm"]
    assert "6 trainings" in re.sub(r"trainings 6", "6 trainings", words(make_report(tmp_path / "memory").read_text()))


def test_samplings_are_shown_with_a_text_of_each(tmp_path):
    text = words(make_report(TEXTS.sampling_study(tmp_path / "sampling")).read_text())
    assert "One text of each sampling" in text
    assert "Known words" in text
    assert "longest copy" in text


def test_a_leaking_split_is_said_in_the_words_of_text(tmp_path):
    text = words(make_report(TEXTS.make_text_run(tmp_path / "run", leaking=True)).read_text())
    assert "This split leaks." in text
    assert "no window is in two parts" in text
    assert "tomorrow" not in text


def test_same_folder_same_bytes(cells, cells_page, tmp_path):
    assert make_report(cells, tmp_path / "again.html").read_text(encoding="utf-8") == cells_page
