"""Splits of labelled texts: disjoint, in the asked shares, near-duplicates on one side, the same for the same seed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gatewise.data.labelled import Labelled, labelled_of, near_duplicates, split_labelled
from gatewise.errors import DataError, SettingsError
from gatewise.settings import ClassifyDataSettings, ClassifySplitSettings

WORDS = [
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "islet", "jetty", "knoll", "ledge", "marsh",
    "notch", "ocean", "plume", "quill",
]  # fmt: skip


def sentence(rng: np.random.Generator) -> str:
    return " ".join(rng.choice(WORDS, size=6))


def made(n: int, seed: int = 0, copies: float = 0.0, classes: int = 3) -> Labelled:
    rng = np.random.default_rng(seed)
    texts = [sentence(rng) for _ in range(n)]
    for row in np.flatnonzero(rng.random(n) < copies):
        texts[row] = f"RT @someone: {texts[rng.integers(n)]}!"
    labels = rng.choice(classes, size=n, p=np.array([0.7, 0.2, 0.1][:classes]) / sum([0.7, 0.2, 0.1][:classes]))
    labels[: 5 * classes] = np.repeat(np.arange(classes), 5)
    return labelled_of(texts, labels, ClassifyDataSettings(cleaning=("none",)))


def settings(**values: object) -> ClassifySplitSettings:
    return ClassifySplitSettings(**values)


@given(
    st.integers(60, 300), st.integers(0, 9), st.sampled_from([0.0, 0.2, 0.5]), st.sampled_from(["stratified", "folds"])
)
@hypothesis_settings(max_examples=12, deadline=None)
def test_parts_are_disjoint_and_no_group_is_on_two_sides(n: int, seed: int, copies: float, kind: str) -> None:
    data = made(n, seed, copies)
    split = split_labelled(data, settings(kind=kind, seed=seed))
    part = np.full(n, -1)
    for number, rows in enumerate(split.parts().values()):
        assert (part[rows] == -1).all()
        assert (np.diff(rows) > 0).all()
        part[rows] = number
    assert (part >= 0).all()
    groups = near_duplicates(data.texts)
    for group in np.unique(groups):
        assert len(set(part[groups == group])) == 1
    assert not split.leaks
    again = split_labelled(data, settings(kind=kind, seed=seed))
    assert all((a == b).all() for a, b in zip(split.parts().values(), again.parts().values(), strict=True))


@pytest.mark.parametrize("kind", ["stratified", "folds"])
def test_sizes_and_shares_are_those_asked_for(kind: str) -> None:
    data = made(2000, copies=0.1)
    split = split_labelled(data, settings(kind=kind, test=0.3, validation=0.1, folds=4, fold=2))
    test = 0.3 if kind == "stratified" else 0.25
    wanted = {"train": (1 - test) * 0.9, "validation": (1 - test) * 0.1, "test": test}
    shares = data.counts() / len(data)
    for name, rows in split.parts().items():
        assert len(rows) / len(data) == pytest.approx(wanted[name], abs=0.01)
        found = np.bincount(data.labels[rows], minlength=3) / len(rows)
        assert np.abs(found - shares).max() < 0.01
    if kind == "folds":
        tests = [split_labelled(data, settings(kind=kind, folds=4, fold=fold)).test for fold in range(4)]
        assert sorted(np.concatenate(tests).tolist()) == list(range(2000))


def test_the_order_of_the_rows_does_not_matter() -> None:
    data = made(300, copies=0.3)
    order = np.random.default_rng(1).permutation(300)
    moved = labelled_of([data.texts[i] for i in order], data.labels[order], ClassifyDataSettings(cleaning=("none",)))
    for one in ("train", "validation", "test"):
        here = {data.texts[i] for i in getattr(split_labelled(data), one)}
        assert here == {moved.texts[i] for i in getattr(split_labelled(moved), one)}
    assert {data.texts[i] for i in split_labelled(data, settings(seed=7)).test} != here


def test_cleaning_does_not_move_texts() -> None:
    data = made(200)
    other = labelled_of(data.texts, data.labels, ClassifyDataSettings(cleaning=("repeats", "symbols")))
    assert (split_labelled(data).test == split_labelled(other).test).all()


def test_random_is_what_the_report_drew() -> None:
    from sklearn.model_selection import train_test_split

    data = labelled_of([f"{i} of it" for i in range(2443)], np.arange(2443) % 2)
    split = split_labelled(data, settings(kind="random", seed=42))
    rest, test = train_test_split(np.arange(2443), test_size=0.3, random_state=42)
    train, validation = train_test_split(rest, test_size=0.1, random_state=42)
    assert split.sizes() == {"train": 1539, "validation": 171, "test": 733}
    for found, wanted in zip(split.parts().values(), (train, validation, test), strict=True):
        assert (found == np.sort(wanted)).all()
    assert split.leaks


def test_near_duplicates_drawn_apart_leak_and_say_so() -> None:
    data = made(400, copies=0.4)
    split = split_labelled(data, settings(near_duplicates="apart"))
    assert split.leaks
    assert "have a near-duplicate in another part" in split.notes[-1]
    assert not split_labelled(made(60), settings(near_duplicates="apart")).leaks


def test_a_group_stays_together_and_a_missing_one_binds_nothing() -> None:
    rng = np.random.default_rng(0)
    texts = [sentence(rng) for _ in range(200)]
    users = [f"u{i % 20}" if i < 100 else None for i in range(200)]
    data = labelled_of(texts, np.arange(200) % 2, groups=users)
    split = split_labelled(data)
    for user in {user for user in users if user}:
        rows = [i for i, one in enumerate(users) if one == user]
        assert sum(bool(set(rows) & set(part.tolist())) for part in split.parts().values()) == 1
    assert split.sizes() == {"train": 126, "validation": 14, "test": 60}


def given_parts(parts: list[int]) -> Labelled:
    data = made(len(parts))
    object.__setattr__(data, "parts", np.array(parts, dtype=np.int8))
    return data


def test_given_parts_are_taken_and_a_missing_validation_part_is_drawn() -> None:
    data = given_parts([0] * 70 + [1] * 10 + [2] * 20)
    split = split_labelled(data, settings(kind="given"))
    assert [len(rows) for rows in split.parts().values()] == [70, 10, 20]
    split = split_labelled(given_parts([0] * 80 + [2] * 20), settings(kind="given", validation=0.25))
    assert split.sizes() == {"train": 60, "validation": 20, "test": 20}
    assert "no validation part was given: 20 texts" in split.notes[-1]


def test_a_smaller_training_part_is_part_of_a_larger_one() -> None:
    data = made(500)
    parts = [split_labelled(data, settings(train_size=size)) for size in (3, 20, 100, 315)]
    for small, large in pairwise(parts):
        assert set(small.train) < set(large.train)
        assert (small.test == large.test).all()
    assert [len(part.train) for part in parts] == [3, 20, 100, 315]
    assert sorted(data.labels[parts[0].train]) == [0, 1, 2]
    shares = np.bincount(data.labels[parts[2].train]) / 100
    assert np.abs(shares - data.counts() / 500).max() < 0.02


def test_no_test_part_trains_on_everything() -> None:
    assert split_labelled(made(100), settings(test=0, validation=0)).sizes() == {
        "train": 100,
        "validation": 0,
        "test": 0,
    }


@pytest.mark.parametrize(
    ("values", "error", "said"),
    [
        ({"kind": "folds", "folds": 6}, DataError, "the class '2' has 5 texts, and 6 folds need 6"),
        ({"train_size": 99}, SettingsError, "the training part has 26 texts"),
        ({"train_size": 2}, SettingsError, "there are 3 classes"),
        ({"kind": "random", "test": 0.99}, DataError, "too few|is left to train on"),
        ({"kind": "given"}, DataError, "the data do not say"),
    ],
)
def test_what_is_refused(values: dict, error: type[Exception], said: str) -> None:
    rng = np.random.default_rng(5)
    data = labelled_of([sentence(rng) for _ in range(43)], [0] * 25 + [1] * 13 + [2] * 5)
    with pytest.raises(error, match=said):
        split_labelled(data, settings(**values))


def test_one_large_group_is_blamed() -> None:
    data = labelled_of([f"the very same text again number {i}" for i in range(40)], np.arange(40) % 2)
    with pytest.raises(DataError, match="one group of 40 texts stays together"):
        split_labelled(data)


def test_near_duplicates_are_numbered_by_their_first_text() -> None:
    texts = [
        "RT @a: I really like the rain in the spring http://t.co/1", "something else altogether", "@b @c",
        "i really LIKE the rain, in the spring", "@d http://t.co/2", "I really like the rain in the springs", "", "",
    ]  # fmt: skip
    assert near_duplicates(texts).tolist() == [0, 1, 2, 0, 3, 0, 4, 4]
    assert near_duplicates(texts, 0.98).tolist() == [0, 1, 2, 0, 3, 4, 5, 5]
    assert near_duplicates([]).tolist() == []
