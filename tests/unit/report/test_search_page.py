"""The page of a study that was searched: what each level spent, chose and gained."""

import json

import pytest

from gatewise.report import make_report
from gatewise.report.evidence import read_evidence
from gatewise.report.tables_search import search_figure, search_table
from gatewise.wording import speaking

LEVELS = {
    "rnn": {"trials": 20, "diverged": 2, "failed": 1, "own": 5.0, "best_beside_own": 4.0, "value": 4.0,
            "edges": {"train.learning_rate": "high"}, "best_so_far": [5.0, *[4.5] * 10, *[4.0] * 9]},
    "gru": {"trials": 20, "diverged": 0, "failed": 0, "own": None, "best_beside_own": None, "value": 3.0,
            "edges": {}, "best_so_far": [None, *[3.5] * 10, *[3.0] * 9]},
    "lstm": {"trials": 20, "diverged": 20, "failed": 0, "own": None, "best_beside_own": None, "value": None,
             "edges": {}, "best_so_far": [None] * 20, "chosen": None, "median": None, "best_beside_median": None},
}  # fmt: skip


@pytest.fixture(scope="module")
def searched(folders, tmp_path_factory):
    folder = folders.make_study(tmp_path_factory.mktemp("search") / "study", rows=220, seeds=2)
    path = folder / "comparison.json"
    shared = {
        "epochs": 1234, "seconds": 56.7, "chosen": {"train.learning_rate": 0.05}, "median": 3.6,
        "best_beside_median": 3.0, "searched": {"train.learning_rate": "1e-05 to 0.1, log"},
    }  # fmt: skip
    search = {
        "metric": "mse", "sampler": "tpe", "seed": 1000, "halving": {"reduction": 3, "least_epochs": 2},
        "levels": [
            {"label": label, "levels": {"model.cell": label}, **shared, **level} for label, level in LEVELS.items()
        ],
    }  # fmt: skip
    path.write_text(json.dumps({**json.loads(path.read_text()), "search": search}))
    return folder


def test_the_table_has_budget_choice_and_worth_of_every_level(searched):
    table = search_table(read_evidence(searched))
    cells = {row[0].text: [cell.text for cell in row[1:]] for row in table.rows}
    assert cells["rnn"] == [
        "20 (2 diverged, 1 failed)", "1,234", "56.7", "learning rate 0.05 (high edge)", "5.000", "4.000", "−20.0 %",
    ]  # fmt: skip
    assert cells["gru"][3:] == ["learning rate 0.05", "3.600 (median)", "3.000", "−16.7 %"]
    assert cells["lstm"][0] == "20 (20 diverged)"
    assert cells["lstm"][3] == "nothing: no trial finished"
    assert "learning rate 1e-05 to 0.1, log" in table.note
    assert "one in 3 went on" in table.note


def test_the_figure_draws_the_best_so_far_of_levels_that_have_one(searched):
    drawn = search_figure(read_evidence(searched))
    rows = drawn.data["search"]
    assert {row["main"] for row in rows} == {"rnn", "gru"}
    assert [row["value"] for row in rows if row["main"] == "rnn"] == LEVELS["rnn"]["best_so_far"]


def test_the_page_has_the_section_in_both_languages(searched, tmp_path):
    page = make_report(searched, tmp_path / "page.html").read_text(encoding="utf-8")
    assert 'id="tuning"' in page
    assert "learning rate 0.05 (high edge)" in page
    with speaking("fa"):
        assert search_table(read_evidence(searched)).heads[1] == "آزمایش‌ها"


def test_a_study_without_a_search_has_no_such_section(study, study_page):
    evidence = read_evidence(study)
    assert (search_table(evidence), search_figure(evidence)) == (None, None)
    assert 'id="tuning"' not in study_page
