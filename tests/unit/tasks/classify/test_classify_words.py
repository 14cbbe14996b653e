"""Words and characters as numbers, and word vectors from a file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewise.errors import DataError
from gatewise.tasks.classify.words import TokenVocabulary, read_vectors, split_words


def test_words_marks_and_signs_are_cut():
    assert split_words("<user> I'm re-reading: wow!! سلام 😀") == [
        "<user>", "I'm", "re-reading", ":", "wow", "!", "!", "سلام", "😀",
    ]  # fmt: skip


@given(st.lists(st.text()))
def test_any_text_can_be_encoded(texts):
    vocabulary = TokenVocabulary.fit(["a b b"], "words", most=9, least=1)
    rows, lost = vocabulary.encode(texts, 5)
    assert [len(row) + cut for row, cut in zip(rows, lost, strict=True)] == [len(split_words(text)) for text in texts]
    assert all(row.min() >= 0 and row.max() < len(vocabulary) and len(row) <= 5 for row in rows if len(row))


def test_the_commonest_tokens_get_numbers_and_the_rest_is_unknown():
    vocabulary = TokenVocabulary.fit(["b a b c", "b a d d"], "words", most=2, least=2)
    assert vocabulary.tokens == ("b", "a")  # d is as common as a and comes after it
    assert len(vocabulary) == 3
    assert [row.tolist() for row in vocabulary.encode(["a b x"], 9)[0]] == [[2, 1, 0]]
    assert TokenVocabulary.from_json(vocabulary.to_json()) == vocabulary
    assert TokenVocabulary.fit(["ab"], "characters", most=9, least=1).tokens == ("a", "b")
    with pytest.raises(ValueError, match="not one of words"):
        TokenVocabulary.from_json({"kind": "syllables", "tokens": []})


@pytest.mark.parametrize("head", ["", "3 2\n"])
def test_vectors_are_read_for_the_words_that_are_known(tmp_path, head):
    file = tmp_path / "vectors.txt"
    file.write_text(f"{head}a 1 2 \nzebra 3 4\nb 5 6.5\n", encoding="utf-8")
    vocabulary = TokenVocabulary.fit(["a a b c"], "words", most=9, least=1)
    vectors, found = read_vectors(str(file), vocabulary)
    assert vectors.tolist() == [[0, 0], [1, 2], [5, 6.5], [0, 0]]
    assert found.tolist() == [False, True, True, False]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a 1 2\nb 1\n", "line 2: 2 numbers"),
        ("a 1 x\n", "line 1: a number is expected"),
        ("zebra 1 2\n", "no vector for any word"),
    ],
)
def test_a_file_that_is_no_table_of_vectors_is_refused(tmp_path, text, said):
    file = tmp_path / "vectors.txt"
    file.write_text(text)
    with pytest.raises(DataError, match=said):
        read_vectors(str(file), TokenVocabulary.fit(["a b"], "words", most=9, least=1))
    with pytest.raises(DataError, match="cannot be read"):
        read_vectors(str(tmp_path / "none.txt"), TokenVocabulary.fit(["a"], "words", most=9, least=1))
