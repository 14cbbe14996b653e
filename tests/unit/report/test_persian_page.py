"""Pages in Persian, of all three tasks: laid out from right to left, and no English sentence left over."""

from __future__ import annotations

import re
import runpy
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import pytest

from gatewise.errors import UnknownNameError
from gatewise.report import make_report, summary_lines
from gatewise.wording import ISOLATES

HERE = Path(__file__).parents[2]
TEXT = SimpleNamespace(**runpy.run_path(str(HERE / "text_report_fixture.py")))
CLASSES = SimpleNamespace(**runpy.run_path(str(HERE / "classify_report_fixture.py")))
#: More English words than this in a row, with small letters, are a sentence that somebody forgot.
MOST_WORDS = 4
#: Runs of Latin words that are names, texts of others or code.
ALLOWED = re.compile(
    r"Are LSTM, GRU or SimpleRNN.*|GRU and LSTM cannot be.*|Input dropout 0\.1 makes.*|GRU has the lowest.*"
    r"|sorted: newest.*|loss became NaN.*|difference -3.*|mean MSE ratio.*|7 seeds, p.*"
    r"|Harmless texts of the group.*|This says how this model.*|are a great part.*"
    r"|Linux.*|gatewise (study|fit) .*|gatewise \d.*|.*settings\.json.*|One folder holds.*|.*\.csv.*"
)
NOT_SENTENCES = re.compile(
    r"<(script|style|svg|pre|blockquote)\b.*?</\1>|<p class=\"question\".*?</p>|<li><bdi>.*?</bdi></li>"
    r"|<p class=\"said\">.*?</p>|<tr[^>]*>\s*<th scope=\"row\">[a-z_.]+</th>.*?</tr>",
    re.DOTALL,
)


def english(page: str) -> list[str]:
    """Return runs of Latin words of a page that look like a sentence."""
    body = NOT_SENTENCES.sub(" ", page)
    texts = [unescape(text) for text in re.split(r"<[^>]*>", body)]
    texts += [unescape(text) for text in re.findall(r'(?:aria-label|title)="([^"]*)"', body)]
    found = []
    for text in texts:
        plain = re.sub(f"[{ISOLATES}]", "", text)
        for run in re.findall(r"[A-Za-z][A-Za-z0-9 ,.'’:()/%–-]*", plain):
            words = re.findall(r"\b[a-z]{2,}\b", run)
            if len(words) > MOST_WORDS and not ALLOWED.fullmatch(run.strip()):
                found.append(run)
    return found


@pytest.fixture(scope="module")
def pages(study, single, tmp_path_factory) -> dict[str, str]:
    place = tmp_path_factory.mktemp("persian")
    folders = {
        "study": study,
        "single": single,
        "cells": TEXT.cells_study(place / "cells"),
        "sampling": TEXT.sampling_study(place / "sampling"),
        "tweets": CLASSES.encoders_study(place / "tweets"),
        "tweet": CLASSES.make_classify_run(place / "tweet"),
    }
    return {
        name: make_report(folder, place / f"{name}.html", language="fa").read_text(encoding="utf-8")
        for name, folder in folders.items()
    }


@pytest.mark.parametrize("name", ["study", "single", "cells", "sampling", "tweets", "tweet"])
def test_no_english_sentence_is_left_over(pages, name):
    assert not english(pages[name])


def test_an_english_page_is_full_of_sentences(study_page):
    assert len(english(study_page)) > 20


def test_a_persian_page_runs_from_right_to_left_with_its_own_digits(pages):
    page = pages["study"]
    assert '<html lang="fa" dir="rtl">' in page
    assert "هیچ سلولی از آخرین قیمت پایانی بهتر نیست." in page
    assert '"numerals":["۰","۱"' in page
    glance = re.search(r'<dl class="glance">.*?</dl>', page, re.DOTALL)
    assert glance is not None
    assert not re.search("[0-9]", re.sub(r"<[^>]*>|F1", "", glance[0]))
    assert 'dir="ltr"' not in re.sub(r"<bdi[^>]*>", "", page.split("<body>")[0])


def test_an_english_page_is_as_it_was(study_page):
    assert '<html lang="en" dir="ltr">' in study_page
    assert not any(mark in study_page.split('<script type="application/json"')[0] for mark in ISOLATES)


def test_the_terminal_speaks_the_same_language(study):
    lines = summary_lines(study, language="fa")
    assert lines[0] == "هیچ سلولی از آخرین قیمت پایانی بهتر نیست."
    assert any("بدتر" in line for line in lines)


def test_an_unknown_language_is_refused(study, tmp_path):
    with pytest.raises(UnknownNameError, match="unknown language 'fr'"):
        make_report(study, tmp_path / "page.html", language="fr")
