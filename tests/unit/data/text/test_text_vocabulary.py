"""A vocabulary is found in the training part alone, and numbers any text."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewise.data.text import UNKNOWN, Corpus, Vocabulary, corpus_of, split_text, unseen_note
from gatewise.data.text.cleaning import clean
from gatewise.errors import DataError, InputError, ModelFolderError
from gatewise.settings import TextDataSettings, TextSplitSettings

KINDS = ("characters", "graphemes", "bytes")
LETTERS = st.text(st.sampled_from("ab cAé\u0301\n\r👩\u200d🇮🇷سلامي یΣ漢"), min_size=2)


def whole(corpus: Corpus) -> np.ndarray:
    return np.array([[0, len(corpus)]])


def fit(text: str, spans: object = None, **settings: object) -> tuple[Vocabulary, Corpus]:
    asked = TextDataSettings(**settings)
    corpus = corpus_of(text, asked)
    return Vocabulary.fit(corpus, whole(corpus) if spans is None else np.array(spans), asked), corpus


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lower", [False, True])
@given(text=LETTERS)
def test_what_is_encoded_can_be_decoded(kind: str, lower: bool, text: str) -> None:
    text = "ab " + text
    vocabulary, corpus = fit(text, symbols=kind, lower=lower)
    ids = vocabulary.encode(text)
    assert ids.dtype == np.int64
    assert np.array_equal(ids, vocabulary.ids(corpus)[:])
    assert vocabulary.decode(ids) == clean(text, TextDataSettings(lower=lower)) == corpus.text()
    assert vocabulary.symbols == tuple(sorted(corpus.symbols))
    assert (vocabulary.total, vocabulary.counts.sum()) == (len(corpus), len(corpus))
    assert int(vocabulary.byte_lengths[ids].sum()) == len(corpus.text().encode())
    assert vocabulary.unseen(text) == []


@given(text=LETTERS, other=st.text(), kind=st.sampled_from(KINDS), least=st.sampled_from([1, 1, 2]))
def test_any_text_can_be_encoded(text: str, other: str, kind: str, least: int) -> None:
    vocabulary, _ = fit("oo " + text, symbols=kind, minimum_count=least)
    ids = vocabulary.encode(other + "\ud800")
    assert ids.min() >= 0
    assert ids.max() <= len(vocabulary) == vocabulary.nothing
    assert len(vocabulary.unseen(other)) == int((vocabulary.encode(other) == vocabulary.nothing).sum())
    vocabulary.decode(ids)


@given(text=LETTERS, data=st.data())
def test_the_lazy_view_gives_what_the_whole_array_would(text: str, data: st.DataObject) -> None:
    text = "ab " + text
    vocabulary, corpus = fit(text, spans=[[0, 1]])
    lazy = vocabulary.ids(corpus)
    eager = vocabulary.encode(text)
    assert len(lazy) == len(eager)
    begin, end = (data.draw(st.integers(-3, len(eager) + 3)) for _ in range(2))
    assert np.array_equal(lazy[begin:end], eager[begin:end])
    places = np.array(data.draw(st.lists(st.integers(0, len(eager) - 1), min_size=4, max_size=4))).reshape(2, 2)
    assert np.array_equal(lazy[places], eager[places])
    assert lazy[places].dtype == np.int64


def test_rare_symbols_become_one() -> None:
    vocabulary, corpus = fit("aaabbbcd" + "zz", spans=[[0, 8]], minimum_count=2)
    assert vocabulary.symbols == ("a", "b", UNKNOWN)
    assert vocabulary.counts.tolist() == [3, 3, 2]
    assert (vocabulary.unknown, vocabulary.total) == (2, 8)
    assert vocabulary.ids(corpus)[6:].tolist() == [2, 2, 2, 2]
    assert vocabulary.unseen("xyz") == []
    assert vocabulary.decode(vocabulary.encode("abc")) == "ab" + UNKNOWN


def test_a_replacement_character_of_the_text_is_unknown_too() -> None:
    vocabulary, _ = fit("aab" + UNKNOWN * 2, minimum_count=2)
    assert vocabulary.symbols == ("a", UNKNOWN)
    assert vocabulary.counts.tolist() == [2, 3]
    plain, _ = fit("aab" + UNKNOWN * 2)
    assert (plain.symbols, plain.unknown) == (("a", "b", UNKNOWN), None)


def test_nothing_stands_for_what_was_never_seen() -> None:
    vocabulary, _ = fit("banana")
    assert vocabulary.encode("bxan").tolist() == [1, 3, 0, 2]
    assert vocabulary.unseen("bxaX") == [(1, "x"), (3, "X")]
    assert vocabulary.decode([1, 3, 0]) == "ba"
    for wrong in ([4], [-1]):
        with pytest.raises(InputError, match="numbers go from 0 to 3"):
            vocabulary.decode(wrong)


def test_bytes_that_are_no_letter_are_shown_as_such() -> None:
    vocabulary, _ = fit("é", symbols="bytes")
    assert vocabulary.decode(vocabulary.encode("é")[:1]) == UNKNOWN
    assert vocabulary.byte_lengths.tolist() == [1, 1]


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_later_moves_nothing(kind: str) -> None:
    asked = TextDataSettings(symbols=kind, minimum_count=2)
    start, made = "the training part, über 'سلام' " * 20, []
    for end in ("plain end " * 8, "ZQ漢字👩‍🚀 é" * 10):
        corpus = corpus_of(start + end, asked)
        train = len(corpus_of(start, asked))
        made.append(Vocabulary.fit(corpus, np.array([[0, train]]), asked).to_json())
    assert made[0] == made[1]


def test_extended_keeps_old_numbers() -> None:
    vocabulary, _ = fit("bdbd")
    longer = vocabulary.extended(["c", "b", "a", "c"])
    assert longer.symbols == ("b", "d", "c", "a")
    assert longer.counts.tolist() == [2, 2, 0, 0]
    assert longer.total == 4
    assert np.array_equal(longer.encode("bd"), vocabulary.encode("bd"))
    assert Vocabulary.from_json(longer.to_json()).symbols == longer.symbols


@pytest.mark.parametrize(
    ("kind", "wrong"), [("characters", "ab"), ("graphemes", "ab"), ("bytes", "س"), ("characters", "")]
)
def test_extended_takes_single_symbols(kind: str, wrong: str) -> None:
    with pytest.raises(InputError, match=f"is not one of the {kind}"):
        fit("xy", symbols=kind)[0].extended([wrong])
    assert fit("xy", symbols="graphemes")[0].extended(["🇮🇷"]).symbols[-1] == "🇮🇷"


@pytest.mark.parametrize("kind", KINDS)
def test_json_keeps_everything(kind: str) -> None:
    vocabulary, _ = fit("e\u0301 سلام e e x", symbols=kind, minimum_count=2, lower=True, normalize="NFKD")
    again = Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json())))
    assert again.to_json() == vocabulary.to_json()
    assert np.array_equal(again.encode("É? سلام"), vocabulary.encode("É? سلام"))


@pytest.mark.parametrize(
    "change",
    [
        {"symbols": ["a"]}, {"symbols": ["a", "a"]}, {"symbols": ["a", "bc"]}, {"symbols": 3}, {"counts": ["x", 1]},
        {"unknown": 7}, {"unknown": 0}, {"kind": "words"}, {"lower": "no"}, {"normalize": "NFX"}, {"total": None},
    ],
)  # fmt: skip
def test_a_damaged_vocabulary_is_refused(change: dict[str, object]) -> None:
    tree = fit("abab")[0].to_json()
    with pytest.raises(ModelFolderError, match="the vocabulary"):
        Vocabulary.from_json({**tree, **change})
    tree.pop("kind")
    with pytest.raises(ModelFolderError, match="the vocabulary"):
        Vocabulary.from_json(tree)


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(DataError, match="minimum_count 9: the most frequent symbol stands 2 times"):
        fit("aabb", minimum_count=9)
    with pytest.raises(InputError, match="read it with the same settings"):
        fit("aabb")[0].ids(corpus_of("aabb", TextDataSettings(symbols="bytes")))


def test_held_out_symbols_that_training_never_saw_are_told() -> None:
    asked = TextDataSettings(window=4)
    corpus = corpus_of("ab" * 50 + "xyzxx" * 4, asked)
    split = split_text(corpus, TextSplitSettings(test=20 / 120, validation=0.1), asked)
    vocabulary = Vocabulary.fit(corpus, split.train, asked)
    (note,) = unseen_note(corpus, split, vocabulary)
    assert note.startswith("test part: 20 of 20 symbols are of 3 kinds")
    assert "('x', 'y', 'z')" in note
    assert unseen_note(corpus, split, Vocabulary.fit(corpus, whole(corpus), asked)) == ()
