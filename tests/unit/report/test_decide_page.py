"""What a study decides beyond pairs, as the page shows it."""

from dataclasses import replace

import numpy as np
import pytest

from gatewise.report import figures_decide, make_report, tables_decide
from gatewise.report.evidence import read_evidence
from gatewise.report.tables import baseline_rows
from gatewise.studies.compare import compare_study
from gatewise.wording import speaking
from study_samples import LAST, RIDGE, STEPS, forecast_study, interacting, make, result

CELLS = {"model.cell": ["rnn", "gru", "lstm"]}


def compared(folder, score, **tree):
    place = make(folder, score, **tree)
    compare_study(place.path)
    return read_evidence(place.path)


def by_cell(levels, seed):
    step = STEPS[seed] * (1 + 0.1 * (levels["model.cell"] == "rnn"))
    return {"rnn": 120.0, "gru": 100.0, "lstm": 101.0}[levels["model.cell"]] + step


def text_of(table):
    return [[cell.text for cell in row] for row in table.rows]


def test_every_pair_has_its_size_and_the_margin_where_there_is_one(tmp_path):
    plain = tables_decide.effects_table(compared(tmp_path / "s", by_cell))
    assert len(plain.heads) == 7
    evidence = compared(tmp_path / "t", by_cell, margin=2.0, reference="lstm")
    table = tables_decide.effects_table(evidence)
    assert table.heads[-2:] == ("margin", "p of being inside it")
    rows = text_of(table)
    assert [row[0] for row in rows] == ["rnn vs lstm", "gru vs lstm"]
    assert rows[0][4:7] == ["1.0", "0 %", "0 to 35 %"]
    assert rows[1][7:] == ["2.00", "0.016"]
    assert tables_decide.families_note(evidence).startswith("2 comparisons in one family")


def test_seeds_stand_beside_test_examples(tmp_path):
    noise = np.random.default_rng(3).normal(size=200)
    scale = {"gru": 1.0, "rnn": 1.5, "lstm": 1.001}
    place = forecast_study(tmp_path / "s", lambda levels, seed: noise * scale[levels["model.cell"]] * (1 + 0.01 * seed))
    compare_study(place.path)
    table = tables_decide.examples_table(read_evidence(place.path))
    first = text_of(table)[0]
    assert first[:3] == ["gru vs rnn", "▲ better", "▲ better"]
    assert first[-1] == "200"
    assert "Diebold-Mariano" in table.note
    page = make_report(place.path).read_text(encoding="utf-8")
    assert "Would it hold on other test windows?" in page
    assert "at most 0.05" in page


def test_a_baseline_of_several_data_sets_stands_once_a_data_set(tmp_path):
    evidence = compared(tmp_path / "s", by_cell, vary={**CELLS, "data.window": [5, 6]}, datasets="data.window")
    last = [{**LAST, "mse": 100.0 + level.settings["data.window"]} for level in evidence.levels]
    own = [{"baselines": {"last_value": {"test": one}, "ridge": {"test": RIDGE}}} for one in last]
    levels = tuple(replace(level, results=(one,)) for level, one in zip(evidence.levels, own, strict=True))
    rows = baseline_rows(replace(evidence, levels=levels))
    assert [(title, values["mse"]) for title, values in rows[:2]] == [
        ("the last value, window 5", 105.0), ("the last value, window 6", 106.0),
    ]  # fmt: skip
    assert [values["mse"] for _, values in rows[2:]] == [90.0]


def test_ranks_have_bands_of_a_critical_difference_and_a_table(tmp_path):
    vary = {**CELLS, "data.window": [5, 6, 7, 8]}
    evidence = compared(tmp_path / "s", by_cell, seeds=3, vary=vary, datasets="data.window")
    drawn = figures_decide.rank_figure(evidence)
    assert [row["level"] for row in drawn.data["rank-means"]] == ["GRU", "LSTM", "RNN"]
    first = drawn.data["rank-means"][0]
    assert first["high"] - first["low"] == pytest.approx(evidence.decided["datasets"]["critical_difference"], rel=1e-4)
    assert len(drawn.data["rank-dots"]) == 12
    assert text_of(drawn.table)[-1] == ["average rank", "1.00", "2.00", "3.00"]
    assert "GRU" in drawn.still()
    assert figures_decide.front_figures(evidence) == []  # errors on several data sets have no common unit


def test_a_decided_interaction_is_drawn_and_others_stand_in_the_table(tmp_path):
    vary = {"model.cell": ["gru", "rnn"], "model.input_dropout": [0.0, 0.1]}
    evidence = compared(tmp_path / "s", interacting, vary=vary)
    (drawn,) = figures_decide.interaction_figures(evidence)
    assert len(drawn.data["interaction-0-means"]) == 4
    assert len(drawn.data["interaction-0-seeds"]) == 28
    assert "input dropout 0.1" in drawn.still()
    table = tables_decide.interaction_table(evidence)
    assert text_of(table)[0][:5] == ["RNN for GRU", "input dropout 0.1 for input dropout 0", "1.80", "1.20", "1.50"]
    assert table.rows[0][4].kind == "best"
    same = compared(tmp_path / "t", lambda levels, seed: 100.0 + STEPS[seed], vary=vary)
    assert figures_decide.interaction_figures(same) == []
    assert tables_decide.interaction_table(same).rows[0][4].kind == ""


def test_fronts_name_what_no_setting_beats(tmp_path):
    def score(levels, seed):
        made = result(by_cell(levels, seed))
        return {**made, "parameters": {"rnn": 10, "gru": 30, "lstm": 40}[levels["model.cell"]]}

    evidence = compared(tmp_path / "s", score)
    (drawn,) = figures_decide.front_figures(evidence)
    assert drawn.name == "front-parameters"
    assert [row["level"] for row in drawn.data["front-parameters-best"]] == ["rnn", "gru"]
    assert [row[-1] for row in text_of(drawn.table)] == ["yes", "yes", ""]
    still = drawn.still()
    assert "gru" in still
    assert "rnn" in still


def test_all_of_it_is_said_in_persian_too(tmp_path):
    vary = {"model.cell": ["gru", "rnn"], "model.input_dropout": [0.0, 0.1]}
    evidence = compared(tmp_path / "s", interacting, vary=vary)
    with speaking("fa"):
        assert "نسبت نسبت‌ها" in tables_decide.interaction_table(evidence).heads
        assert "دلتای کلیف" in tables_decide.effects_table(evidence).heads


def test_a_comparison_written_before_all_of_this_is_still_shown(tmp_path):
    place = make(tmp_path / "s", by_cell)
    tree = compare_study(place.path)
    for key in ("decide", "datasets", "interactions", "pareto", "examples"):
        del tree[key]
    for row in tree["comparisons"]:
        for key in ("effect", "interval_bca", "margin", "p_same", "small"):
            del row[key]
    place.write_comparison(tree)
    page = make_report(place.path).read_text(encoding="utf-8")
    assert "Pair by pair" in page
    assert "How large" not in page
