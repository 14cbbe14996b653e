"""The page of classification runs and studies of them, from folders alone."""

import html
import json
import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from gatewise.report import make_report, summary_lines
from gatewise.report.evidence import read_evidence
from gatewise.report.mistakes import tint
from gatewise.report.parts import parts_of

MADE = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "classify_report_fixture.py")))


def words(page):
    body = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)))


def cells(table):
    return [[cell.text for cell in row] for row in table.rows]


def page_of(folder):
    return make_report(folder).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return MADE.make_classify_run(tmp_path_factory.mktemp("classify") / "run")


@pytest.fixture(scope="module")
def run_page(run):
    return page_of(run)


@pytest.fixture(scope="module")
def encoders(tmp_path_factory):
    return MADE.encoders_study(tmp_path_factory.mktemp("classify") / "encoders")


@pytest.fixture(scope="module")
def encoders_page(encoders):
    return page_of(encoders)


@pytest.mark.parametrize(
    "said",
    [
        "LSTM on minilm beats balanced logistic regression on TF-IDF.",
        "It has a test macro-F1 of 0.7590 (95 % interval over its texts 0.741 to 0.776). Balanced logistic regression",
        "Balanced logistic regression on TF-IDF has 0.7451: 0.0140 less (95 %",
        "With thresholds that both chose on validation it has 0.7899, and balanced logistic regression",
        "It alone is right on 341 texts, the baseline alone on 262 (McNemar, p = 0.002).",
        "hate: recall of 0.8",
        "The mean gap is 4.7 % as trained and 1.1 % with the temperature 1.32.",
        "Harmless texts of the group 'north' draw more false alarms",
        "12 texts (88 tokens, 0.02 % of all tokens)",
        "the text was taken from the column tweet",
        "They stand here as people wrote them, and may insult.",
    ],
)
def test_the_page_of_a_run_says(run_page, said):
    assert said in words(run_page)


@pytest.mark.parametrize(
    "never", ["yesterday", "last value", "Forecast", "characters", "What it writes", "times as large"]
)
def test_the_page_of_a_classifier_speaks_of_nothing_else(run_page, encoders_page, never):
    assert never not in words(run_page)
    assert never not in words(encoders_page)


def test_a_network_that_does_not_beat_the_baseline_is_told_so_at_the_top(tmp_path):
    folder = MADE.make_classify_run(tmp_path / "worse", (0.2, 0.95, 0.8))
    headline, *sentences = summary_lines(folder)
    assert headline == "LSTM on minilm does not beat balanced logistic regression on TF-IDF."
    assert any("TF-IDF counts the words and runs of letters of a text, not their order" in one for one in sentences)


def test_matrices_stand_side_by_side_with_shares_and_counts_and_need_no_script(run, run_page):
    found = parts_of(read_evidence(run)).extra["matrices"]
    assert [one.title for one in found] == ["The network", "With thresholds", "Balanced logistic regression on TF-IDF"]
    name, texts, squares = found[0].rows[0]
    assert (name, texts) == ("hate", "429")
    assert [(one.share, one.count, one.right) for one in squares] == [
        ("38 %", "163", True), ("51 %", "219", False), ("11 %", "47", False),
    ]  # fmt: skip
    assert squares[0].kind == "s4"
    assert run_page.count('<figure class="matrix">') == 3
    assert run_page.index('<td class="s4 right">38 %<small>163</small></td>') < run_page.index('id="payload"')


def test_a_class_without_test_texts_has_a_dash_and_not_a_share(tmp_path):
    folder = MADE.make_classify_run(tmp_path / "run", support=(0, 100, 50))
    (network, *_) = parts_of(read_evidence(folder)).extra["matrices"]
    assert [one.share for one in network.rows[0][2]] == ["–", "–", "–"]


def test_a_study_shows_means_over_seeds_and_the_best_level_first(encoders):
    evidence = read_evidence(encoders)
    extra = parts_of(evidence).extra
    assert extra["matrices"][0].title == "HateBERT"
    assert [one.title for one in extra["other_matrices"]] == ["BERT", "T5 decoder"]
    seeds = [one["confusion"]["test"] for one in evidence.levels[1].results]
    counts = [round(sum(table[1][1] for table in seeds) / len(seeds))]
    assert extra["matrices"][0].rows[1][2][1].count == f"{counts[0]:,}"
    assert len({table[1][1] for table in seeds}) > 1


def test_each_class_has_its_figures_beside_the_baselines(run, encoders):
    table = parts_of(read_evidence(run)).tables["classes"]
    rows = cells(table)
    assert rows[0] == ["hate, 429 texts"]
    assert [row[0] for row in rows[1:4]] == [
        "the network", "the network, with thresholds", "balanced logistic regression on TF-IDF",
    ]  # fmt: skip
    assert rows[1][1:4] == ["0.679", "0.380", "0.487"]
    assert [row[3].kind for row in table.rows[1:4]] == ["", "best", ""]
    study = cells(parts_of(read_evidence(encoders)).tables["classes"])
    assert ["T5 decoder", "0", "0", "0"] in [row[:4] for row in study]


def test_many_classes_have_one_row_each_and_one_matrix_at_first(tmp_path):
    parts = parts_of(read_evidence(MADE.many_classes(tmp_path / "many")))
    assert len(parts.tables["classes"].rows) == 20
    assert parts.tables["classes"].heads[-1] == "F1, balanced logistic regression on TF-IDF"
    assert len(parts.extra["matrices"]) == 1
    assert len(parts.extra["other_matrices"]) == 2
    assert parts.extra["fairness"] is None
    assert [anchor for anchor, _ in parts.sections] == ["classes", "sure"]


def test_calibration_is_drawn_before_and_after_the_temperature(run, encoders):
    (single,) = parts_of(read_evidence(run)).figures["calibration"]
    assert {row["main"] for row in single.data["calibration"]} == {"as trained", "with temperature"}
    (study,) = parts_of(read_evidence(encoders)).figures["calibration"]
    assert {row["main"] for row in study.data["calibration"]} == {"BERT", "HateBERT", "T5 decoder"}


def test_training_texts_are_a_curve_beside_the_baselines_that_grow_too(tmp_path):
    evidence = read_evidence(MADE.size_study(tmp_path / "size"))
    parts = parts_of(evidence)
    (curve,) = parts.figures["curve"]
    assert curve.table.heads[:2] == ("training texts", "the network")
    assert "logistic regression on TF-IDF" in curve.table.heads
    assert [row[0].text for row in curve.table.rows] == ["100", "300", "1000", "4000", "15000"]
    assert evidence.reference("f1_macro") is None  # no one line for baselines that differ
    assert not parts.figures["seeds"][0].data.get("baseline")
    baselines = [row[0].text for row in parts.tables["results"].rows]
    assert "balanced logistic regression on TF-IDF, training size 100" in baselines
    assert any("TF-IDF, training size 4,000" in line for line in summary_lines(tmp_path / "size"))
    assert any("compare each with its own baseline" in note for note in evidence.notes)


def test_scores_by_epoch_are_drawn_where_the_log_has_them(run, encoders, tmp_path):
    (single,) = parts_of(read_evidence(run)).figures["scores"]
    assert single.table.heads == ("epoch", "validation accuracy", "validation macro-F1")
    (study,) = parts_of(read_evidence(encoders)).figures["scores"]
    assert study.title == "Validation macro-F1 by epoch"
    bare = MADE.make_classify_run(tmp_path / "run")
    log = [{"epoch": 1, "train_loss": 0.5, "validation_loss": 0.4}]
    (bare / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log))
    assert parts_of(read_evidence(bare)).figures["scores"] == []


@pytest.mark.parametrize(
    ("effect", "kind"), [(1.0, "w3"), (0.99, "w2"), (0.2, "w1"), (0.1, ""), (-0.1, ""), (-0.2, "a1"), (-9.0, "a3")]
)
def test_a_tint_follows_the_effect(effect, kind):
    assert tint(effect) == kind


def test_words_that_moved_a_mistake_are_tinted_where_they_stand_and_said(run, run_page):
    first = parts_of(read_evidence(run)).extra["mistakes"][0]
    assert "".join(text for _, text in first.pieces) == MADE.MISTAKES[0][2]
    assert [piece for piece in first.pieces if piece[0]] == [("a3", "people"), ("w3", "go"), ("w3", "back")]
    assert first.moved == (("for it", (("go", "+2.1"), ("back", "+1.6"))), ("against it", (("people", "−1.1"),)))
    assert (first.prob, first.votes, first.where) == ("98 %", "hate 2, offensive 1", "tweets.csv, row 100")
    assert run_page.count('<blockquote dir="auto">') == 4
    warned = run_page.index('<details class="texts">')
    assert warned < run_page.index("where they came from")


def test_what_people_wrote_cannot_harm_the_page(tmp_path):
    evil = "</blockquote><script>alert(1)</script>\x1b[31m\u202e<b onclick=x>"
    rows = MADE.mistakes([(evil, evil, evil, evil)])
    fair = {**MADE.fairness(), "sentences": [evil]}
    page = page_of(MADE.make_classify_run(tmp_path / "run", classes=(evil, "b", "c"), mistakes=rows, fairness=fair))
    assert page.count("<script") == 4
    assert "<b onclick" not in page
    assert "\x1b[31m<" not in page
    assert "onclick=x&gt;</span>" in page


def test_words_that_overlap_or_leave_the_text_are_not_tinted(tmp_path):
    row = {**MADE.mistakes()[0], "text": "one two", "words": [[0, 3, 2.0], [2, 5, 1.0], [4, 99, 3.0]], "votes": None}
    (one,) = parts_of(read_evidence(MADE.make_classify_run(tmp_path / "run", mistakes=[row]))).extra["mistakes"]
    assert one.pieces == (("w3", "one"), ("", " two"))
    assert one.votes == ""


def test_wanted_recall_that_validation_did_not_reach_is_said(tmp_path):
    content = MADE.result()
    content["operating_points"][0]["reached"] = False
    table = parts_of(read_evidence(MADE.write_run(tmp_path / "run", content))).tables["points"]
    assert "Not reached on validation: hate: recall of 0.8." in table.note
    assert cells(table)[0][-1] == "15.7 %"  # of the test texts are called so


def test_fairness_has_its_tables_and_its_sentences(run):
    found = parts_of(read_evidence(run)).extra["fairness"]
    assert [table.name for table in found.tables] == ["groups-table", "terms-table", "swapped-table"]
    assert cells(found.tables[0])[0][0:4] == ["north", "600", "78", "13.0 %"]
    assert cells(found.tables[0])[0][-1] == "▼ worse"
    assert cells(found.cases)[0] == ["I had lunch with two … from work today.", "0.10", "0.60", "0.050"]


def test_each_encoder_is_a_column_and_is_counted_once(encoders):
    table = parts_of(read_evidence(encoders)).tables["encoder"]
    assert table.heads == ("what", "BERT", "HateBERT", "T5 decoder")
    rows = {row[0]: row[1:] for row in cells(table)}
    assert rows["name"] == ["bert-base-uncased", "GroNLP/hateBERT", "t5-small"]
    assert rows["encoded by these runs"] == ["74,349"] * 3
    assert rows["their weights in the mix"][0] == "18 %, 22 %, 27 %, 33 %"


def test_the_study_page_has_findings_and_claims_about_one_class(encoders_page):
    text = words(encoders_page)
    assert "T5 decoder never finds hate: F1 is 0 with every seed." in text
    assert "T5-small, F1 of hate 0 0 0 to 0" in text
    assert "None of three settings is shown to beat balanced logistic regression on TF-IDF" in text


def test_a_leaking_split_is_said_in_the_words_of_texts(tmp_path):
    folder = MADE.make_classify_run(tmp_path / "run", leaking=True)
    assert "texts that are nearly the same stand on both sides" in parts_of(read_evidence(folder)).leaks
    assert any("nearly the same stand on both sides" in line for line in summary_lines(folder))


def test_a_run_that_judged_nothing_still_has_a_page(tmp_path):
    content = MADE.result(verdict=None, tuned_verdict=None, confusion={}, per_class={}, calibration=None,
                          operating_points=[], agreement=None, mistakes=[], fairness=None, encoder=None, baselines={},
                          baseline_per_class={})  # fmt: skip
    assert "No verdict" in words(page_of(MADE.write_run(tmp_path / "run", content)))


def test_same_folder_same_bytes(encoders, encoders_page, tmp_path):
    assert make_report(encoders, tmp_path / "again.html").read_text(encoding="utf-8") == encoders_page
