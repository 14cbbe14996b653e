"""Slow work of a study's runs is done once, and done again as soon as what it reads is another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gatewise.data.labelled import Labelled, duplicates, labelled_of, near_duplicates, read_labelled, split_labelled
from gatewise.recent import Recent, digest
from gatewise.settings import ClassifyDataSettings, ClassifySplitSettings
from gatewise.tasks.classify import beside


def test_the_oldest_goes_first() -> None:
    made: list[str] = []
    recent = Recent[str](most=2)
    for key in ("a", "b", "a", "c", "a", "b"):
        assert recent.get(key, lambda key=key: made.append(key) or key.upper()) == key.upper()
    assert made == ["a", "b", "c", "b"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("ab", "c"), ("a", "bc")),
        ((["a", "b"], ["c"]), (["a"], ["b", "c"])),
        ((["a", ""],), (["a"],)),
        ((np.zeros(2, np.int64),), (np.zeros(2, np.float64),)),
        ((np.zeros((2, 3)),), (np.zeros((3, 2)),)),
        ((np.arange(3),), (np.arange(1, 4),)),
    ],
)
def test_what_differs_has_another_digest(first: tuple[object, ...], second: tuple[object, ...]) -> None:
    assert digest(*first) != digest(*second)
    assert digest(*first) == digest(*first)


def test_an_array_that_is_not_in_one_piece_has_the_digest_of_its_values() -> None:
    grid = np.arange(12.0).reshape(3, 4)
    assert digest(grid[:, ::2]) == digest(grid[:, ::2].copy()) != digest(grid[:, 1::2])


def test_near_duplicates_are_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def alike(*_: object) -> Iterator[tuple[int, int]]:
        asked.append(1)
        return iter(())

    monkeypatch.setattr(duplicates, "_candidates", alike)
    texts = ["looked for once", "looked for twice"]
    groups = near_duplicates(texts)
    groups[:] = 9  # whoever changes what was given changes nobody else's
    assert near_duplicates(list(texts)).tolist() == [0, 1]
    assert len(asked) == 1
    near_duplicates(texts, 0.7)
    near_duplicates(texts[::-1])
    assert len(asked) == 3


def test_a_file_that_has_changed_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "texts.csv"
    settings = ClassifyDataSettings(files=(str(file),), text="text", label="label")

    def read(last: str) -> tuple[str, int]:
        rows = [f"number {i} times {i} is {i * i},{'ab'[i % 2]}" for i in range(100, 140)]
        file.write_text("\n".join(["text,label", *rows, f"{last},a"]) + "\n")
        labelled = read_labelled(settings)
        split_labelled(labelled)
        return labelled.digest, near_duplicates(labelled.texts).max() + 1

    alone, twice = read("some other sentence about nothing"), read("number 101 times 101 is 10201")
    assert alone[0] != twice[0]
    assert alone[1] == twice[1] + 1
    assert read("some other sentence about nothing") == alone


def labelled(mark: str = "", cleaning: str = "none") -> Labelled:
    texts = [f"{'Good' if row % 3 else 'Bad'} day {row % 7}{mark}" for row in range(60)]
    return labelled_of(texts, [int(row % 3 > 0) for row in range(60)], ClassifyDataSettings(cleaning=(cleaning,)))


def test_baselines_learn_once_from_the_same_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    learned: list[str] = []
    learn = beside._learned

    def counted(baseline: object, *others: object) -> object:
        learned.append(type(baseline).__name__)
        return learn(baseline, *others)

    monkeypatch.setattr(beside, "_learned", counted)
    whole = ClassifySplitSettings(near_duplicates="apart")

    def answer(mark: str = "", cleaning: str = "none", split: ClassifySplitSettings = whole) -> float:
        made = labelled(mark, cleaning)
        answers = beside.answer_all(["tfidf_logistic"], made, split_labelled(made, split), None)
        return float(answers["tfidf_logistic"].log_probs.sum())

    first = answer()
    assert answer() == first
    assert learned == ["Majority", "TfidfLogistic"]
    others = [answer(" more"), answer(cleaning="lower"), answer(split=whole.model_copy(update={"train_size": 20}))]
    assert len(learned) == 8
    assert first not in (others[0], others[2])


def test_a_baseline_on_an_encoder_learns_again_when_the_means_are_others() -> None:
    class Given:
        def __init__(self, seed: int) -> None:
            self.seed = seed

        def means(self) -> np.ndarray:
            return np.random.default_rng(self.seed).normal(size=(60, 4)).astype(np.float32)

    made = labelled(" with means")
    split = split_labelled(made, ClassifySplitSettings(near_duplicates="apart"))

    def answer(seed: int) -> np.ndarray:
        return beside.answer_all(["encoder_logistic"], made, split, Given(seed))["encoder_logistic"].log_probs

    assert (answer(1) == answer(1)).all()
    assert (answer(1) != answer(2)).any()
