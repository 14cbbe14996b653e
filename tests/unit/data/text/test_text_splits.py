"""Parts of a text: sizes, order, and that none shares a symbol with another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from gatewise.data.text import TextSplit, corpus_of, split_text
from gatewise.errors import DataError, SettingsError
from gatewise.settings import TextDataSettings, TextSplitSettings


def divide(text: str | list[str], data: dict[str, object], **split: object) -> TextSplit:
    asked = TextDataSettings(**data)
    return split_text(corpus_of(text, asked), TextSplitSettings(**split), asked)


def test_the_end_is_held_out() -> None:
    split = divide("x" * 2000, {})
    assert [part.tolist() for part in split.parts().values()] == [[[0, 1710]], [[1710, 1800]], [[1800, 2000]]]
    assert not split.leaks
    assert split.lengths() == {"train": 1710, "validation": 90, "test": 200}
    everything = divide("x" * 2000, {}, test=0, validation=0)
    assert everything.train.tolist() == [[0, 2000]]
    assert everything.test.shape == everything.validation.shape == (0, 2)


def test_the_reports_split_gives_the_shapes_of_arithmetic() -> None:
    length, window = 11_153, 25
    split = divide("x" * length, {"window": window}, kind="windows", validation=0.05)
    count = length // (window + 1)
    begins = np.arange(count) * (window + 1)
    rest, test = train_test_split(begins, test_size=0.1, random_state=42)
    assert split.test[:, 0].tolist() == test.tolist()
    assert np.concatenate([split.train, split.validation])[:, 0].tolist() == rest.tolist()
    assert len(split.validation) == len(rest) - int(len(rest) * 0.95)
    assert all((part[:, 1] - part[:, 0] == window + 1).all() for part in split.parts().values())
    assert split.leaks
    assert "share no symbol" in split.notes[0]


def test_the_last_window_needs_all_its_symbols() -> None:
    for length, count in ((52 * 4, 4), (52 * 4 - 1, 3)):
        split = divide("x" * length, {"window": 51}, kind="windows", test=0, validation=0)
        assert len(split.train) == count
        assert not split.leaks
    wide = divide("x" * 208, {"window": 51, "stride": 78}, kind="windows", test=0, validation=0)
    assert sorted(wide.train.tolist()) == [[0, 52], [78, 130], [156, 208]]


def test_whole_documents_are_drawn() -> None:
    texts = [f"{i:03d}" * (9 + i % 5) for i in range(60)]
    split = divide(texts, {"window": 20}, kind="document", test=0.2, validation=0.1)
    assert [len(part) for part in split.parts().values()] == [43, 5, 12]
    corpus = corpus_of(texts, TextDataSettings())
    whole = {tuple(edge) for edge in zip(corpus.documents[:-1], corpus.documents[1:], strict=True)}
    for part in split.parts().values():
        assert {tuple(edge) for edge in part} <= whole
        assert (np.diff(part[:, 0]) > 0).all()
    assert not split.leaks
    other = divide(texts, {"window": 20}, kind="document", test=0.2, validation=0.1, seed=1)
    assert not np.array_equal(split.test, other.test)
    again = divide(texts, {"window": 20}, kind="document", test=0.2, validation=0.1)
    assert np.array_equal(split.test, again.test)


@given(
    kind=st.sampled_from(["position", "document", "windows"]),
    lines=st.lists(st.integers(1, 30), min_size=1, max_size=30),
    test=st.sampled_from([0.0, 0.1, 0.5]),
    validation=st.sampled_from([0.0, 0.05, 0.4]),
    seed=st.integers(0, 5),
)
def test_parts_share_nothing(kind: str, lines: list[int], test: float, validation: float, seed: int) -> None:
    text = "".join("x" * n + "\n" for n in lines)
    try:
        split = divide(
            text, {"window": 3, "documents": "line"}, kind=kind, test=test, validation=validation, seed=seed
        )  # fmt: skip
    except DataError:
        return
    spans = np.concatenate(list(split.parts().values()))
    spans = spans[np.argsort(spans[:, 0])]
    assert (spans[1:, 0] >= spans[:-1, 1]).all()
    assert spans[0, 0] >= 0
    assert spans[-1, 1] <= len(text)
    if kind != "windows":
        assert (spans[:, 1] - spans[:, 0]).sum() == len(text)
    for part, share in (("validation", validation), ("test", test)):
        assert (split.lengths()[part] > 0) == (share > 0)


@pytest.mark.parametrize(
    ("text", "data", "split", "said"),
    [
        ("x" * 64, {}, {}, "the text has 64 symbols, and one window of 64 with its target needs 65"),
        ("x" * 300, {}, {}, "split position: the validation part has 14 of 300 symbols"),
        ("x" * 900, {}, {"validation": 0, "test": 0.05}, "the test part has 45 of 900"),
        ("x" * 300, {}, {"test": 0.9, "validation": 0}, "the training part has 29 of 300"),
        ("x" * 300, {}, {"kind": "document"}, "split document: 1 documents for 3 parts"),
        (["x" * 300] * 2, {}, {"kind": "document"}, "2 documents for 3 parts"),
        ("x" * 70, {}, {"kind": "windows"}, "split windows: the training part has 0 of 70"),
        ("x" * 140, {}, {"kind": "windows", "validation": 0.9}, "the training part has 0 of 140"),
    ],
)
def test_a_part_without_room_is_named(text: str | list[str], data: dict, split: dict, said: str) -> None:
    with pytest.raises(DataError, match=said):
        divide(text, data, **split)


def test_drawn_windows_may_not_overlap() -> None:
    with pytest.raises(SettingsError, match="a stride of 65 or more"):
        divide("x" * 999, {"stride": 64}, kind="windows")
