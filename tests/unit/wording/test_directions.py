"""Sentences in a language that runs from right to left, and sentences that are said again."""

from __future__ import annotations

import pytest
import yaml

from gatewise.studies.words import (
    baseline_name,
    difference_words,
    label_of,
    level_name,
    listed,
    metric_label,
    ratio_value,
    setting,
    span,
    value,
)
from gatewise.wording import again, digits, drawn, isolated, plain_digits, say, speaking

LRI, RLI, PDI = "\u2066", "\u2067", "\u2069"


def test_numbers_have_the_digits_of_their_language() -> None:
    assert digits("1,234.5") == "1,234.5"
    with speaking("fa"):
        assert digits("1,234.5") == "۱٬۲۳۴٫۵"
        assert value(0.1234) == "۰٫۱۲۳۴"
        assert value(-0.5) == f"{LRI}-۰٫۵{PDI}"
        assert ratio_value(1300.0) == "۱٬۳۰۰"
        assert span([0.5, 168.0]) == "۰٫۵ تا ۱۶۸"
        assert difference_words(0.5, [-1.0, 2.0]) == f"۰٫۵ (بازهٔ اطمینان ۹۵٪: {LRI}-۱{PDI} تا ۲)"
        assert plain_digits(value(-1234.5)) == "-1234"  # four figures that count


def test_latin_names_stand_isolated_in_persian_and_nowhere_else() -> None:
    assert isolated("GRU") == "GRU"
    with speaking("fa"):
        assert isolated("GRU") == f"{LRI}GRU{PDI}"
        assert isolated(isolated("GRU")) == f"{LRI}GRU{PDI}"
        assert isolated("میانگین MSE") == "میانگین MSE"
        assert listed(["RNN", "GRU", "LSTM"]) == f"{LRI}RNN{PDI}، {LRI}GRU{PDI} و {LRI}LSTM{PDI}"
        assert drawn("میانگین MSE") == f"{RLI}میانگین MSE{PDI}"
        assert drawn("MSE") == "MSE"
    assert drawn("Test MSE") == "Test MSE"


def test_names_of_levels_metrics_and_baselines() -> None:
    settings = {"model.cell": "gru", "schedule": "early stopped", "model.input_dropout": 0.1}
    label = "gru, early stopped, input dropout 0.1"
    assert label_of(label, settings) == label
    with speaking("fa"):
        assert label_of(label, settings) == f"{LRI}gru{PDI}، توقف زودهنگام، دراپ‌اوت ورودی ۰٫۱"
        assert label_of("one", {}) == "one"
        assert (level_name("model.cell", "gru"), level_name("schedule", "five epochs")) == ("GRU", "پنج ایپاک")
        assert setting("split.train_size", None) == "همهٔ متن‌های آموزش"
        assert setting("model.bidirectional", True) == "دوسویه روشن"
        assert metric_label("carried_nats_per_char") == "nats بر نویسه با حالت پیوسته"
        assert metric_label("mse") == "MSE"
        assert metric_label("tuned_f1_macro") == "F1 ماکرو با آستانه"
        assert baseline_name("last_value") == "آخرین مقدار"


@pytest.mark.parametrize(
    ("recorded", "said"),
    [
        ("early stopped", "توقف زودهنگام"),
        ("3 of 12 runs are missing from these numbers.", "۳ اجرا از ۱۲ اجرا در این اعداد نیست."),
        ("nothing that anybody knows", "nothing that anybody knows"),
        ("Do any of them beat the last close, and which of both is best?",) * 2,
    ],
)
def test_what_a_file_holds_is_said_again(recorded: str, said: str) -> None:
    assert again(recorded) == recorded
    with speaking("fa"):
        assert again(recorded) == said
        assert again(said) == said


def test_what_was_said_in_persian_is_said_again_in_english() -> None:
    with speaking("fa"):
        persian = say("notes.missing", missing=3, all=1200)
    assert again(persian) == "3 of 1200 runs are missing from these numbers."


def test_the_questions_of_ready_studies_are_those_of_their_files() -> None:
    from gatewise.studies.library import study_text
    from gatewise.wording import _room

    for name, entry in _room("ready").items():
        question = yaml.safe_load(study_text(name))["question"]
        assert entry["en"] == " ".join(question.split()), name
        with speaking("fa"):
            assert again(question.strip()) == entry["fa"]
