"""Numbers and verdicts in words."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from gatewise.report.evidence import read_evidence, show_setting
from gatewise.report.words import interval, listed, number, p_value, spread, verdict


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (71.6128, "71.61"), (369.219, "369.2"), (4409.862, "4,410"), (1219202, "1,219,202"), (0, "0"), (0.0, "0"),
        (1.679, "1.679"), (0.99908, "0.9991"), (0.000312, "0.0003"), (-3.14159, "−3.142"), (-12345.6, "−12,346"),
        (None, "–"), (math.nan, "–"), (math.inf, "∞"), ("text", "text"), (999.96, "1,000"), (1e-12, "1.0e−12"),
    ],
)  # fmt: skip
def test_numbers_have_the_figures_that_count(value, said):
    assert number(value) == said


def test_spread_needs_seeds():
    assert spread({"mean": 95.41, "std": 6.23, "values": [1, 2]}).split() == ["95.41", "±", "6.2"]
    assert spread({"mean": 95.41, "std": 0.0, "values": [1]}) == "95.41"
    assert spread({"mean": 0.53, "std": 1e-16, "values": [1, 2]}) == "0.5300"
    assert spread(None) == "–"


def test_small_words():
    assert interval([1.25, 1.424]) == "1.25 to 1.42"
    assert interval(None) == interval([None, 1]) == "–"
    assert [p_value(p) for p in (None, 0.0001, 0.0312, 0.5)] == ["–", "< 0.001", "0.031", "0.50"]
    assert [listed(["a", "b", "c"][:count]) for count in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert show_setting("train.learning_rate", None) == "learning rate default"
    assert show_setting("train.loss", "mape") == "loss mape"


def judged(evidence, *decisions):
    rows = tuple({**row, "says": says} for row, says in zip(evidence.against_baseline, decisions, strict=False))
    return verdict(replace(evidence, against_baseline=rows))


@pytest.mark.parametrize(
    ("decisions", "headline", "also"),
    [
        (["worse"] * 3, "No cell beats the last close.", "All 3 settings are worse."),
        (
            ["worse", "undecided", "worse"],
            "No cell is shown to beat the last close.",
            "2 are worse and 1 is undecided",
        ),
        (["undecided"] * 2, "No cell is shown to beat the last close.", "2 are undecided"),
        (["better", "worse", "undecided"], "1 of 3 settings beat the last close.", "1 is worse and 1 is undecided"),
        (["better"] * 3, "Every cell beats the last close.", "Best is"),
        ([], "No verdict: nothing was compared with a baseline.", ""),
    ],
)
def test_the_verdict_says_what_was_decided(study, decisions, headline, also):
    said = judged(read_evidence(study), *decisions)
    assert said.headline == headline
    assert also in " ".join(said.sentences)


def test_the_nearest_setting_is_the_one_with_the_lowest_ratio(study):
    evidence = read_evidence(study)
    nearest = min(evidence.against_baseline, key=lambda row: row["ratio"])
    assert f"Nearest comes {nearest['label']}," in verdict(evidence).sentences[0]


def test_a_run_without_closing_prices_speaks_of_values(single):
    evidence = read_evidence(single)
    other = replace(evidence, settings={"data": {"column": ["load"]}})
    assert verdict(other).headline == "LSTM does not beat the last value."


def test_adjusted_closes_are_closes_too(single):
    adjusted = replace(read_evidence(single), settings={"data": {"column": ["Adj Close"]}})
    assert verdict(adjusted).headline == "LSTM does not beat the last close."


@pytest.mark.parametrize(("seeds", "said"), [(1, "One seed decides nothing"), (3, "3 seeds decide nothing"), (6, "")])
def test_too_few_seeds_are_said_to_decide_nothing(study, seeds, said):
    evidence = read_evidence(study)
    levels = tuple(
        replace(level, metrics={"mse": {"mean": 1.0, "values": [float(k) for k in range(seeds)]}})
        for level in evidence.levels
    )
    rows = tuple({**row, "says": "undecided"} for row in evidence.against_baseline)
    text = " ".join(verdict(replace(evidence, levels=levels, against_baseline=rows)).sentences)
    assert ("nothing, however large a difference is" in text) == bool(said)
    assert said in text
    assert ("least p is 0.25" in text) == (seeds == 3)


def test_the_study_s_own_test_and_level_say_how_many_seeds_are_too_few(study):
    evidence = read_evidence(study)
    values = {"mse": {"mean": 1.0, "values": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]}}
    rows = tuple({**row, "says": "undecided"} for row in evidence.against_baseline)

    def said(count, **rules):
        one = {"mse": {**values["mse"], "values": values["mse"]["values"][:count]}}
        levels = tuple(replace(level, metrics=one) for level in evidence.levels)
        whole = replace(evidence, levels=levels, against_baseline=rows, decided={"decide": rules})
        return "nothing, however large" in " ".join(verdict(whole).sentences)

    assert not said(3, test="t", alpha=0.05)
    assert said(7, test="sign_flip", alpha=0.01)
    assert not said(7, test="sign_flip", alpha=0.05)
