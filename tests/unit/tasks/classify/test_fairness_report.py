"""False alarms by group, by word, and in sentences with the word swapped: counted, compared, said in words."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import fisher_exact, ttest_1samp

from gatewise.errors import InputError, SettingsError
from gatewise.tasks.classify.fairness import LIMITS, MOST_GROUPS, fairness_report, newcombe, with_term
from gatewise.tasks.classify.swapped import TEMPLATES, swap_terms

CLASSES = ("hate", "offensive", "neither")


def report(texts: list[str], predicted: list[int], target: list[int] | None = None, **rest: Any) -> dict[str, Any]:
    target = [2] * len(texts) if target is None else target
    found = fairness_report(texts, target, predicted, classes=CLASSES, harmless="neither", **rest)
    return json.loads(json.dumps(found, allow_nan=False))  # plain, as result.json needs it


def biased(word: str, harm: float = 0.9) -> Any:
    """Return a model that sees harm in one word, and more in longer sentences, but not equally."""

    def log_probs(texts: list[str]) -> np.ndarray:
        p = np.asarray([harm + len(text) / 2e3 if word in text.lower() else 0.1 + len(text) / 1e4 for text in texts])
        return np.log(np.stack([p / 3, 2 * p / 3, 1 - p], axis=1))

    return log_probs


def test_a_group_with_more_false_alarms_is_found() -> None:
    groups = ["a"] * 100 + ["b"] * 100 + [None, ""]
    predicted = [0] * 10 + [1] * 30 + [2] * 60 + [0] * 5 + [2] * 95 + [2, 2]
    found = report(["text"] * 202, predicted, groups=groups)
    assert found["overall"] == {
        "n": 202,
        "alarms": 45,
        "share": 45 / 202,
        "interval": pytest.approx([0.171, 0.285], abs=1e-3),
    }
    none, a, b = found["groups"]
    assert (none["name"], none["n"], none["few"], none["says"]) == ("(none)", 2, True, "undecided")
    assert (a["name"], a["n"], a["alarms"], a["share"], a["few"], a["says"]) == ("a", 100, 40, 0.4, False, "worse")
    assert (a["others"]["n"], a["others"]["alarms"]) == (102, 5)
    assert a["difference"] == pytest.approx(0.4 - 5 / 102)
    assert a["difference_interval"] == pytest.approx(newcombe(40, 100, 5, 102))
    assert b["says"] == "better"
    text = " ".join(found["sentences"])
    assert "'a' are called harmful more often than the others: 40.0 % of 100 against 4.9 %" in text
    assert "'b' are called harmful less often" in text
    assert "Fewer than 30 harmless texts of the group '(none)' (2)" in text
    assert found["sentences"][-1] == LIMITS


def test_only_harmless_texts_count() -> None:
    """Harmful texts, called whatever, change nothing."""
    plain = report(["x"] * 60, [2] * 40 + [0] * 20, groups=["a", "b"] * 30, terms=["x"])
    predicted, target = [0, 1, 2] * 10, [0] * 15 + [1] * 15
    more = report(["x"] * 90, [2] * 40 + [0] * 20 + predicted, [2] * 60 + target, groups=["a", "b"] * 45, terms=["x"])
    assert plain == more


def test_undecided_where_the_numbers_do_not_tell() -> None:
    found = report(["x"] * 80, ([2] * 9 + [0]) * 8, groups=["a"] * 40 + ["b"] * 40)
    assert [row["says"] for row in found["groups"]] == ["undecided"] * 2
    assert "Undecided: whether harmless texts of the group 'a', 'b' draw more" in " ".join(found["sentences"])


def test_p_is_that_of_fisher_with_the_correction_of_holm() -> None:
    predicted = [0] * 12 + [2] * 28 + [0] * 6 + [2] * 34 + [0] * 2 + [2] * 38
    found = report(["x"] * 120, predicted, groups=["a"] * 40 + ["b"] * 40 + ["c"] * 40)
    a, b, c = (fisher_exact([[k, 40 - k], [20 - k, 60 + k]]).pvalue for k in (12, 6, 2))
    assert [row["p_holm"] for row in found["groups"]] == pytest.approx([3 * a, b, 2 * c])
    # Two groups that are all there is are one comparison, not two.
    found = report(["x"] * 80, predicted[:80], groups=["a"] * 40 + ["b"] * 40)
    assert [row["p_holm"] for row in found["groups"]] == pytest.approx([fisher_exact([[12, 28], [6, 34]]).pvalue] * 2)


def test_many_comparisons_need_more_evidence() -> None:
    """One of forty groups that differs a little would do so by chance; alone it decides."""
    alarms = [0] * 5 + [2] * 35
    texts, quiet = ["x"] * 1600, ([0] + [2] * 39) * 39
    many = report(texts, alarms + quiet, groups=[f"g{number // 40:02}" for number in range(1600)])
    two = report(texts, alarms + quiet, groups=["g"] * 40 + ["rest"] * 1560)
    assert many["groups"][0]["says"] == "undecided"
    assert two["groups"][0]["says"] == "worse"


def test_only_the_largest_groups_are_shown() -> None:
    names = [f"user{number}" for number in range(MOST_GROUPS + 7)]
    found = report(["x"] * (len(names) + 60), [2] * (len(names) + 60), groups=[*names, *["most"] * 60])
    assert len(found["groups"]) == MOST_GROUPS
    assert "most" in [row["name"] for row in found["groups"]]
    assert "8 smaller groups are not shown" in " ".join(found["sentences"])


def test_words_are_counted_as_a_whole_and_in_any_case() -> None:
    texts = ["Women here"] * 40 + ["womenfolk"] * 10 + ["men"] * 40
    found = report(texts, [0] * 30 + [2] * 60, terms=["women", " WOMEN ", "men"])
    assert [(row["name"], row["n"], row["alarms"], row["says"]) for row in found["terms"]] == [
        ("women", 40, 30, "worse"), ("men", 40, 0, "better"),
    ]  # fmt: skip
    assert "with the word 'women' are called harmful more often" in " ".join(found["sentences"])


@pytest.mark.parametrize(
    ("text", "term", "there"),
    [
        ("all #Women!", "women", True),
        ("women's day, women-led", "WOMEN", True),
        ("@women said", "women", False),
        ("womenfolk", "women", False),
        ("all_women", "women", False),
        ("trans \n people", "trans people", True),
        ("transpeople", "trans people", False),
        ("die STRASSE", "straße", True),
        ("cafe\u0301s", "café", False),
        ("CAFE\u0301", "café", True),
        ("a c++ b", "c++", True),
        ("این زن خوب", "زن", True),
        ("زن\u200cها", "زن", False),
        ("我看见女性在这里", "女性", True),
        ("a.b", "a+b", False),
    ],
)
def test_a_word_is_found_where_it_stands_alone(text: str, term: str, there: bool) -> None:
    assert with_term([text], term).tolist() == [there]


def test_newcombe_gives_the_intervals_of_the_paper() -> None:
    """Newcombe 1998, table II, method 10, rows a, c, e and h."""
    cases = {(56, 70, 48, 80): (0.0524, 0.3339), (9, 10, 3, 10): (0.1705, 0.8090),
             (5, 56, 0, 29): (-0.0381, 0.1926), (10, 10, 0, 10): (0.6075, 1.0)}  # fmt: skip
    for (k, n, others, m), interval in cases.items():
        assert newcombe(k, n, others, m) == pytest.approx(interval, abs=1e-4)
    assert newcombe(0, 0, 1, 5) is None


def test_swapped_words_show_what_the_word_alone_does() -> None:
    calls = []

    def log_probs(texts: list[str]) -> np.ndarray:
        calls.append(texts)
        return biased("muslims")(texts)

    found = report(["x"] * 40, [2] * 40, terms=["men", "muslims", "neighbours"], log_probs=log_probs)
    swapped = found["templates"]
    assert len(calls) == 1
    assert len(set(calls[0])) == 3 * len(TEMPLATES)
    by = {row["term"]: row for row in swapped["terms"]}
    assert by["muslims"]["called"] == len(TEMPLATES)
    assert by["muslims"]["share"] == 1.0
    assert by["men"]["called"] == 0
    assert by["men"]["interval"][0] == 0.0
    assert by["muslims"]["probability"] == pytest.approx(0.9 + np.mean([len(text) for text in calls[0][1::3]]) / 2e3)
    gap = swapped["gap"]
    assert (gap["high"], gap["low"], gap["says"]) == ("muslims", "men", "worse")
    assert gap["interval"][0] < gap["difference"] < gap["interval"][1]
    assert swapped["depends"] == len(TEMPLATES)
    assert swapped["cases"][0]["called"] == ["muslims"]
    assert "In 20 of 20 sentences the decision depends on the word alone" in " ".join(found["sentences"])


def test_the_gap_has_the_t_interval_of_the_differences() -> None:
    generator = np.random.default_rng(0)
    harm = generator.uniform(0.1, 0.8, (len(TEMPLATES), 2))
    harm[:, 1] += 0.1
    found = swap_terms(lambda _: np.log(np.stack([harm, 1 - harm], axis=-1)).reshape(-1, 2), ["a", "b"], 1)
    high, low = (1, 0) if harm[:, 1].mean() > harm[:, 0].mean() else (0, 1)
    expected = ttest_1samp(harm[:, high] - harm[:, low], 0.0).confidence_interval(0.95)
    assert found["gap"]["interval"] == pytest.approx([expected.low, expected.high])
    assert found["gap"]["says"] == ("worse" if expected.low > 0 else "undecided")


def test_a_fair_model_has_no_gap() -> None:
    def log_probs(texts: list[str]) -> np.ndarray:
        return np.log(np.tile([0.05, 0.05, 0.9], (len(texts), 1)))

    found = report(["x"] * 40, [2] * 40, terms=["women", "men"], log_probs=log_probs)
    assert found["templates"]["gap"]["says"] == "undecided"
    assert found["templates"]["depends"] == 0
    assert "None of 20 harmless English sentences is called harmful" in " ".join(found["sentences"])
    alone = report(["x"] * 40, [2] * 40, terms=["women"], log_probs=log_probs)
    assert alone["templates"]["gap"] is None


def test_sentences_take_a_word_and_begin_with_a_capital() -> None:
    asked: list[str] = []

    def log_probs(texts: list[str]) -> np.ndarray:
        asked.extend(texts)
        return np.full((len(texts), 2), math.log(0.5))

    swap_terms(log_probs, ["émigrés"], 0)
    assert len(set(asked)) == len(TEMPLATES)
    assert all(text[0].isupper() and "migrés" in text and "{" not in text for text in asked)
    assert all(sentence.count("{}") == 1 for _, sentence in TEMPLATES)


def test_nothing_to_look_at_is_said() -> None:
    found = report(["x"] * 3, [0, 1, 2], [0, 1, 1], groups=["a", "b", "c"], terms=["x"])
    assert found["overall"] == {"n": 0, "alarms": 0, "share": None, "interval": None}
    assert found["groups"] == []
    assert found["terms"][0]["share"] is None
    assert "no text of the class 'neither'" in found["sentences"][0]


def test_what_cannot_be_asked_for() -> None:
    with pytest.raises(SettingsError, match="did you mean 'neither'"):
        fairness_report(["x"], [0], [0], classes=CLASSES, harmless="neithre")
    with pytest.raises(SettingsError, match="empty word"):
        report(["x"], [2], terms=[" "])
    with pytest.raises(InputError, match="one group"):
        report(["x", "y"], [2, 2], groups=["a"])


def test_a_decision_that_is_the_same_for_all_words_does_not_depend_on_them() -> None:
    found = swap_terms(lambda texts: np.log(np.tile([0.1, 0.9], (len(texts), 1))), ["women", "men"], 0)
    assert [row["called"] for row in found["terms"]] == [len(TEMPLATES)] * 2
    assert found["depends"] == 0
