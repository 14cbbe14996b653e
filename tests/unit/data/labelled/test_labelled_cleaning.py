"""Steps of cleaning: what each does, that none raises, and that cleaning twice is cleaning once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewise.data.labelled import Cleaner
from gatewise.registry import CLEANING_PRESETS, CLEANING_STEPS, cleaning_steps

PIECES = [
    "RT", "rt", " ", "  ", "\n", ":", "@", "@ann", "@ben_2", "#", "#tag", "#BigDay2", "http", "https://", "://",
    "www.", "x.org", "/", "…", "&", "&amp;", "amp;", "&#128514;", "&#8220;", "&lt;", "x3c;", "#x3c;", "<", ">",
    "<user>",
    "t.co/", "<url>", "user", "'", '"', "“", "don't", "_", "a_b", "a", "É", "e\u0301", "\u0301",
    "\u0338", "İ", "ß", "Σ", "1",
    "😂",
    "👩‍🚀", "❤", "\ufe0f", "\u200d", "©", ".", ",", "!", "?", "|", "*", "\ud83d", "\u2028", "＃", "ſ", "K",
]  # fmt: skip
ANY = st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=12).map("".join))


def test_the_report_cleans_as_it_says() -> None:
    clean = Cleaner(cleaning_steps(["report"]))
    text = "!!! RT @May_a: &#8220;Don't&#8221; &amp; LOOK\nhttp://t.co/Ab1 #SoGood &#128514;&#128514; @ben"
    assert clean(text) == "!!! <user> don't look <url> sogood <emotion> <emotion> <user>"


def test_tweets_keeps_case_and_names_emoji() -> None:
    clean = Cleaner(cleaning_steps(["tweets"]))
    text = 'RT @a: "Yes" &amp; https://x.org/y?z=1, #NoWay 😂'
    assert clean(text) == '<user> "Yes" & <url>, NoWay face with tears of joy'


@pytest.mark.parametrize(
    ("step", "text", "wanted"),
    [
        ("entities", "&#x1F602; &#99999999999999999999; &", "😂 \ufffd &"),
        ("entities", "&#" + "9" * 5000 + ";", "\ufffd"),
        ("retweets", "RT @a: RT @b: x", "@a @b x"),
        ("retweets", "please RT if so, START @a: x", "please RT if so, START @a: x"),
        ("retweets", "RT “@a: x”", "“@a x”"),
        ("links", "wordhttp://t.co/a http://b.org/c).", "word<url> <url>)."),
        ("links", "cut off http…", "cut off <url>"),
        ("links", "www.a.de t.co/xy not.co/xy", "<url> <url> not.co/xy"),
        ("users", "@a@b x@y.org @ z", "<user> x@y.org @ z"),
        ("emoji_token", "a👩‍🚀b ©", "a <emotion> b ©"),
        ("emoji_names", "☺️", " smiling face "),
        ("hashtag_signs", "#1 #a#b c#d ＃e &#39;", "#1 a b c d e &#39;"),
        ("hashtag_words", "#MAGAVoters2020! #éÉté #x_y", "MAGA Voters 2020! é Été x y"),
        ("symbols", "rock'n'roll 'x' a_b _c_ <b> <user>", "rock'n'roll  x  a_b  c   b  <user>"),
        ("symbols", '"<user>: <<url>"', " <user>:  <url> "),
        ("repeats", "sooo OOOoo 1000 aa", "soo OO 1000 aa"),
        ("lower", "É <URL>", "é <url>"),
        ("normalize", "e\u0301\r\n\u2028x", "é   x"),
    ],
)  # fmt: skip
def test_a_step(step: str, text: str, wanted: str) -> None:
    assert CLEANING_STEPS.load(step)(text) == wanted


@pytest.mark.parametrize("step", CLEANING_STEPS.names())
@given(text=ANY)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_step_never_raises_and_done_twice_is_done_once(step: str, text: str) -> None:
    once = CLEANING_STEPS.load(step)(text)
    assert CLEANING_STEPS.load(step)(once) == once


@pytest.mark.parametrize("preset", list(CLEANING_PRESETS))
@given(text=ANY)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_a_preset_done_twice_is_done_once(preset: str, text: str) -> None:
    clean = Cleaner(cleaning_steps([preset]))
    once = clean(text)
    once.encode()
    assert clean(once) == once


def test_words_of_a_hashtag_go_before_its_sign() -> None:
    clean = Cleaner(cleaning_steps(["tweets", "hashtag_words"]))
    assert clean("#SoGood") == "So Good"


def test_what_each_step_changes() -> None:
    clean = Cleaner(cleaning_steps(["links", "users", "lower"]))
    assert clean.steps == ("links", "users", "lower")
    assert clean.trace("@A http://x.y") == [
        ("links", "@A <url>"), ("users", "<user> <url>"), ("lower", "<user> <url>"),
    ]  # fmt: skip
    assert clean.changed(["@A http://x.y", "B", "c"]) == {"links": 1, "users": 1, "lower": 1}
