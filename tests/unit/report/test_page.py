"""The page as a file: what it says, what it must never do."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from gatewise.errors import InputError, OutputError
from gatewise.report import make_report, summary_lines


class Outline(HTMLParser):
    """What a screen reader walks through: headings, ids, tables, figures."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def words(page: str) -> str:
    """Return the page's text without markup, scripts and styles."""
    page = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))


def scripts(page: str) -> list[str]:
    return re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)


def payload(page: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="payload">(.*?)</script>', page, re.DOTALL)[1])


def test_the_verdict_stands_before_everything_else(study_page, study):
    text = words(study_page)
    comparison = json.loads((study / "comparison.json").read_text())
    last = comparison["baselines"]["last_value"]["mse"]
    assert "<h1" in study_page
    assert text.index("No cell beats the last close.") < text.index("Findings")
    assert f"The last close has {last:.2f}" in text[: text.index("Findings")] or f"{last:.3f}" in text


def test_every_level_metric_and_baseline_is_in_one_table(study_page, study):
    table = re.search(r'<caption id="results-table".*?</table>', study_page, re.DOTALL)[0]
    for level in json.loads((study / "comparison.json").read_text())["levels"]:
        assert f"{level['parameters']:,}" in table
        assert f"{level['metrics']['mape']['mean']:.3f}" in table
    for said in ("the last value", "the drift", "MAPE, %", "Pearson r", "s an epoch", "ms a step", "±"):
        assert said in words(table)


@pytest.mark.parametrize(
    "said",
    [
        "Five epochs, input dropout 0.1",  # the condition above its cells
        "rnn vs gru",  # pairs, with their decision
        "undecided",
        "14",  # seeds that would decide
        "GRU has the lowest test MAPE when early stopped",  # claims
        "loss became NaN at step 812",  # what failed
        "sorted: newest row came first",  # notes
        "2.13.0",  # versions of the machine
        "Example CPU",
        "Is it only yesterday’s value?",
        "the last value seen",
        "Worse than the last value in",
        "exact sign-flip permutation, Holm within each condition",
        "inside the 80 % interval",
    ],
)
def test_the_page_says(study_page, said):
    assert said in words(study_page)


def test_a_leaking_split_is_said_at_the_top(tmp_path, folders, study_page):
    page = make_report(folders.make_single(tmp_path / "run", rows=150, random_split=True)).read_text()
    assert words(page).index("This split leaks.") < words(page).index("Results")
    assert "This split leaks." not in study_page


def test_a_single_run_has_its_own_verdict(single_page):
    text = words(single_page)
    assert "LSTM does not beat the last close." in text
    assert "(95 % interval 1.50 to 2.00, p = 0.004)" in text  # of the ratio; the run's file has it of the difference
    assert "Of 2 baselines the last close has the least error." in text
    assert "GOOG" in text
    assert "trainings" not in text


def test_same_input_same_bytes(study, single, study_page, single_page, tmp_path):
    """From another folder, in another process, after other pages were made."""
    shutil.copytree(study, tmp_path / "elsewhere" / "study")
    assert make_report(tmp_path / "elsewhere" / "study").read_text(encoding="utf-8") == study_page
    code = "import sys; from gatewise.report import make_report; make_report(*sys.argv[1:])"
    subprocess.run([sys.executable, "-c", code, str(single), str(tmp_path / "again.html")], check=True)
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == single_page


def test_a_quick_study_stays_under_three_megabytes(tmp_path, folders):
    folder = folders.make_study(
        tmp_path / "study", names=("AAPL", "GOOG", "IBM", "MSFT"), seeds=7, rows=1200, random_split=True
    )
    assert len(list((folder / "runs").iterdir())) == 84
    assert make_report(folder).stat().st_size < 3_000_000


EVIL = "<script>alert(1)</script>"
BREAK = "</script><script>alert(2)</script><!--"


def test_everything_from_data_is_escaped(tmp_path, folders):
    folder = folders.make_study(
        tmp_path / "study", names=(EVIL, BREAK), notes=(BREAK, "<img src=x onerror=alert(3)>"), rows=150, seeds=2,
        schedules=("early stopped",), dropouts=(0.0,), cells=("rnn", EVIL),
    )  # fmt: skip
    comparison = json.loads((folder / "comparison.json").read_text())
    comparison["question"] = comparison["name"] = BREAK
    comparison["claims"][0] |= {"claim": EVIL, "verdict": EVIL}
    comparison["failed"][0]["error"] = EVIL
    comparison["baselines"][BREAK] = comparison["baselines"]["drift"]
    comparison["levels"][0]["metrics"][EVIL] = comparison["levels"][0]["metrics"]["mse"]
    comparison["findings"][0] = {"text": EVIL, "evidence": [BREAK]}
    (folder / "comparison.json").write_text(json.dumps(comparison))
    page = make_report(folder).read_text()
    tags = Outline(page).tags
    assert [name for name, _ in tags].count("script") == 4
    assert not any(name.startswith("on") for _, attributes in tags for name in attributes)
    assert not [attributes for name, attributes in tags if name == "img"]
    raw = re.search(r'id="payload">(.*?)</script>', page, re.DOTALL)[1]
    assert not set("<>&") & set(raw)
    assert payload(page)["data"]["forecast"]


def test_policy_allows_exactly_the_page_s_own_scripts(study_page):
    policy = next(a["content"] for name, a in Outline(study_page).tags if name == "meta" and "http-equiv" in a)
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    found = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts(study_page)]
    assert len(found) == 3
    assert re.search(r"script-src ([^;]*)", policy)[1].split() == [f"'sha256-{digest}'" for digest in found]


def test_nothing_in_the_page_points_outside(study_page):
    for name, attributes in Outline(study_page).tags:
        for key in ("src", "href", "action", "data", "srcset", "poster"):
            value = attributes.get(key)
            assert value is None or value.startswith("#"), (name, key, value)
    styles = "".join(re.findall(r"<style>(.*?)</style>", study_page, re.DOTALL))
    assert "url(" not in styles
    assert "@import" not in styles


def test_a_screen_reader_finds_its_way(study_page):
    tags = Outline(study_page).tags
    levels = [int(name[1]) for name, _ in tags if re.fullmatch(r"h[1-6]", name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for name, attributes in tags:
        for key in ("aria-labelledby", "for"):
            for target in (attributes.get(key) or "").split():
                assert target in ids, (name, key, target)
        if name == "th":
            assert attributes.get("scope") in ("row", "col", "rowgroup")
        if name == "a":
            assert attributes["href"][1:] in ids
    names = [name for name, _ in tags]
    assert names.count("table") == names.count("caption")
    assert {"main", "header", "nav", "footer"} <= set(names)
    for target in [a for n, a in tags if n == "svg" or "live" in (a.get("class") or "").split()]:
        assert target["role"] == "img"
        assert target.get("aria-label") or target.get("aria-labelledby")


def test_each_figure_stands_as_picture_with_its_numbers(study_page):
    figures = re.findall(r"<figure\b.*?</figure>", study_page, re.DOTALL)
    assert len(figures) == len(payload(study_page)["specs"]) == 11
    for figure in figures:
        assert re.search(r"<svg [^>]*><title [^>]*>[^<]+</title><desc [^>]*>[^<]+</desc>.*</svg>", figure, re.DOTALL)
        assert figure.count("<details>") == 1
        assert figure.count("<td") > 2


def test_still_pictures_keep_the_numbers_they_write(study_page, study):
    """Places in a picture are rounded, texts are not."""
    mean = json.loads((study / "comparison.json").read_text())["levels"][0]["metrics"]["mse"]["mean"]
    picture = re.search(r'<figure id="seeds">.*?</svg>', study_page, re.DOTALL)[0]
    assert f">{float(f'{mean:.4g}'):g}<" in picture
    assert not re.search(r'd="[^"]*\d\.\d\d', picture)


def test_needs_no_torch(single, tmp_path):
    code = """
import sys
sys.modules["torch"] = None
from pathlib import Path
from gatewise.report import make_report, summary_lines
make_report(Path(sys.argv[1]), Path(sys.argv[2]))
summary_lines(Path(sys.argv[1]))
"""
    subprocess.run([sys.executable, "-c", code, str(single), str(tmp_path / "page.html")], check=True)
    assert (tmp_path / "page.html").stat().st_size > 900_000


def test_the_page_s_own_parts_need_nothing_heavy_to_import():
    code = """
import sys, gatewise.report
heavy = {"altair", "polars", "vl_convert", "scipy", "sklearn", "torch", "jinja2"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_summary_for_a_terminal(study, single):
    lines = summary_lines(study)
    assert lines[0] == "No cell beats the last close."
    assert any(line.startswith("gru, early stopped, input dropout 0 ") and line.endswith("worse") for line in lines)
    assert any(line.startswith("the last value ") and line.endswith("baseline") for line in lines)
    assert summary_lines(single)[0] == "LSTM does not beat the last close."


def test_a_folder_that_is_neither_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        make_report(tmp_path / "missing")
    with pytest.raises(InputError, match="neither a study"):
        make_report(tmp_path)
    (tmp_path / "comparison.json").write_text('{"name": ')
    with pytest.raises(InputError, match=r"comparison\.json: not readable as JSON"):
        make_report(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["comparison.json"]


def test_a_place_that_cannot_be_written_is_refused(single, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        make_report(single, tmp_path / "file" / "page.html")
