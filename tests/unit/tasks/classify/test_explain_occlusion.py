"""Which words moved a prediction: words of any script, one call of the model, bounded for long texts."""

from __future__ import annotations

import numpy as np
import pytest

from gatewise.errors import InputError
from gatewise.tasks.classify.explain import WordEffect, find_words, occlusion, worst_mistakes


def words(text: str) -> list[str]:
    return [text[start:end] for start, end in find_words(text)]


class Counting:
    """Class 1's logit is what its words are worth; remembers what it was asked."""

    def __init__(self, worth: dict[str, float], classes: int = 2) -> None:
        self.worth, self.classes, self.calls = worth, classes, []

    def __call__(self, texts: list[str]) -> np.ndarray:
        self.calls.append(texts)
        logits = np.zeros((len(texts), self.classes))
        logits[:, 1] = [sum(self.worth.get(word, 0.0) for word in text.split(" ")) for text in texts]
        return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("RT @anna: see http://t.co/a?b=1. #LoL, ok", ["RT", "@anna", "see", "http://t.co/a?b=1", "#LoL", "ok"]),
        ("I&#8217;m don't l’été &amp;&#128514;", ["I&#8217;m", "don't", "l’été", "&amp;", "&#128514;"]),
        ("<user> <3 <url>", ["<user>", "<3", "<url>"]),
        ("cafe\u0301 'quoted' 3.14", ["cafe\u0301", "quoted", "3.14"]),
        ("می\u200cخواهم #بخوانم؛ بله", ["می\u200cخواهم", "#بخوانم", "بله"]),
        ("שלום ד״ר", ["שלום", "ד״ר"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("我喜欢 カタカナ ดี", ["我", "喜", "欢", "カタカナ", "ดี"]),
        ("👩\u200d👩\u200d👧👍🏽 🇮🇷🇩🇪 1\ufe0f\u20e3", ["👩\u200d👩\u200d👧", "👍🏽", "🇮🇷", "🇩🇪", "1\ufe0f\u20e3"]),
        ("no!!! :-) a, b.", ["no", "!!!", ":-)", "a", "b"]),
        ("\ud800 x\x00y", ["x", "y"]),
        (" , ", []),
        ("", []),
    ],
)  # fmt: skip
def test_words_of_any_script(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_each_word_is_left_out_in_one_call() -> None:
    model = Counting({"bad": 2.0, "good": -1.0})
    text = "so bad  and good"
    effects = occlusion(model, text, 1)
    assert model.calls == [[text, "bad  and good", "so  and good", "so bad  good", "so bad  and"]]
    assert [(one.word, one.start, one.end) for one in effects] == [
        ("so", 0, 2), ("bad", 3, 6), ("and", 8, 11), ("good", 12, 16),
    ]  # fmt: skip
    assert [one.effect for one in effects] == pytest.approx([0, 2, 0, -1])


def test_the_fall_is_that_of_the_class_that_was_asked_for() -> None:
    text = "so bad"
    for_it, against = (occlusion(Counting({"bad": 2.0}), text, number)[1].effect for number in (1, 0))
    assert for_it == pytest.approx(-against)
    # Of three classes, ln p1 - ln(p0 + p2): e^2 against 1 + 1.
    assert occlusion(Counting({"bad": 2.0}, classes=3), text, 1)[1].effect == pytest.approx(2.0)


def test_a_sure_prediction_still_falls() -> None:
    """1 - p is 0 in floating point here; the sum over the other classes is not."""
    assert occlusion(Counting({"bad": 60.0}), "so bad", 1)[1].effect == pytest.approx(60.0)

    def surest(texts: list[str]) -> list[list[float]]:
        return [[-np.inf, 0.0] if "bad" in text else [0.0, -np.inf] for text in texts]

    assert np.isfinite([one.effect for one in occlusion(surest, "so bad", 1)]).all()


def test_a_long_text_is_cut_into_groups_of_neighbours() -> None:
    text = " ".join(f"w{number}" for number in range(250))
    model = Counting({"w7": 3.0})
    effects = occlusion(model, text, 1, most=100)
    assert len(model.calls) == 1
    assert len(model.calls[0]) == 101
    assert " ".join(one.word for one in effects) == text
    assert {one.word.count(" ") + 1 for one in effects} == {2, 3}
    assert max(effects, key=lambda one: one.effect).word == "w7 w8 w9"
    assert all(text[one.start : one.end] == one.word for one in effects)


def test_a_text_without_words_asks_nothing() -> None:
    model = Counting({})
    assert occlusion(model, "", 1) == occlusion(model, " , ", 0) == ()
    assert model.calls == []


def test_the_only_word_leaves_an_empty_text() -> None:
    model = Counting({"bad": 1.0})
    assert occlusion(model, "bad", 1) == (WordEffect("bad", 0, 3, pytest.approx(1.0)),)
    assert model.calls == [["bad", ""]]


def test_what_cannot_be_asked() -> None:
    with pytest.raises(InputError, match="0 to 1"):
        occlusion(Counting({}), "a", 2)
    with pytest.raises(InputError, match="0 to 1"):
        occlusion(Counting({}), "a", -1)
    with pytest.raises(InputError, match="one variant"):
        occlusion(Counting({}), "a", 1, most=0)


def test_worst_mistakes_come_first() -> None:
    probs = np.asarray([[0.2, 0.8], [0.1, 0.9], [0.6, 0.4], [0.2, 0.8], [0.95, 0.05]])
    target = [0, 1, 1, 0, 0]  # rows 0, 2 and 3 are wrong
    assert worst_mistakes(np.log(probs), target, 10).tolist() == [0, 3, 2]
    assert worst_mistakes(np.log(probs), target, 1).tolist() == [0]
    assert worst_mistakes(np.log(probs), target, 0).tolist() == []
    assert worst_mistakes(np.zeros((0, 2)), [], 3).tolist() == []
    with pytest.raises(InputError, match="one class"):
        worst_mistakes(np.log(probs), target[1:], 3)
