"""Cleaning a text in pieces gives what cleaning the whole gives."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatewise.data.text.cleaning import clean, normalised, whole_pieces
from gatewise.data.text.numbering import Numbering
from gatewise.settings import TextDataSettings

#: Letters whose neighbours matter: marks, Hangul jamo, capital sigma, joiners, flags, compatibility forms, line ends.
HARD = st.text(
    alphabet=st.sampled_from(
        "aA e.Σσ'\u0301\u0323\u0308éﬁ①Åİ\u200c\u200d👩🇮🇷\u1100\u1161\u11a8각가\r\n\n"
        "\u0627\u0653\u0654ي ي\u0e33กक\u094d\u093cﾊﾞㅏ漢ㄱ"
    )
)
ANY = st.one_of(HARD, st.text(st.characters(exclude_categories=["Cs"])))
FORMS = ("NFC", "NFD", "NFKC", "NFKD", "none")


def parts(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


@pytest.mark.parametrize("form", FORMS[:4])
@given(text=ANY)
@example(text="e\u0323\u0301 \u1100\u1161\u11a8 \u0301")
def test_normalised_is_what_unicode_says(form: str, text: str) -> None:
    assert normalised(text, form) == unicodedata.normalize(form, text)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("lower", [False, True])
@given(text=ANY, size=st.integers(1, 9))
@example(text="ΑΣ. ΑΣΑ ΑΣ\u0301Α αΣ.b", size=3)
def test_pieces_clean_as_the_whole(form: str, lower: bool, text: str, size: int) -> None:
    settings = TextDataSettings(lower=lower, normalize=form)
    pieces = list(whole_pieces(parts(text, size)))
    assert "".join(pieces) == text
    assert "".join(clean(piece, settings) for piece in pieces) == clean(text, settings)


@given(text=ANY, size=st.integers(1, 9))
def test_no_grapheme_is_parted(text: str, size: int) -> None:
    text = clean(text, TextDataSettings())
    numbering = Numbering("graphemes")
    whole = numbering.number(text).tolist()
    assert [n for piece in whole_pieces(parts(text, size)) for n in numbering.number(piece).tolist()] == whole


def test_pieces_of_plain_text_are_as_short_as_its_blocks() -> None:
    text = "plain words, سلام دنیا, 漢字 and so on " * 50
    assert max(map(len, whole_pieces(parts(text, 100)))) < 160


def test_lines_end_in_one_way_and_letters_are_small() -> None:
    said = clean("ÉTÉ\r\n\r\r\n\rend", TextDataSettings(lower=True))
    assert said == "été\n\n\rend"
    assert clean("𝐀", TextDataSettings(lower=True, normalize="NFKC")) == "a"
    assert clean("ΟΔΟΣ", TextDataSettings(lower=True)) == "οδος"
    assert clean("J\u030c", TextDataSettings(lower=True)) == "ǰ"
