"""``gatewise check classify``: what labelled texts are made of, what is doubtful, and what would be refused."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from gatewise.cli.main import run
from gatewise.data.labelled import check_labelled
from gatewise.data.labelled.words import count_words, giveaways, log_odds, typical
from gatewise.settings import ClassifyDataSettings, ClassifySplitSettings

TREES = ["oak", "elm", "ash", "fir", "yew", "birch", "alder", "maple", "hazel", "cedar"]


def write(path: Path, extra: list[tuple] = []) -> str:  # noqa: B006 - never changed
    rng = np.random.default_rng(0)
    rows = []
    for i in range(120):
        label = "wet" if i % 3 == 0 else "dry"
        words = [*rng.choice(TREES, size=5), "rain" if label == "wet" else "dust"]
        votes = (3, 0) if label == "dry" else (1, 2)
        rows.append((f"@ann {' '.join(words)} {i} &amp; more", label, *votes))
    frame = pl.DataFrame([*rows, *extra], schema=["text", "label", "d", "w"], orient="row")
    frame.write_csv(path)
    return str(path)


def test_a_table_is_described(tmp_path: Path) -> None:
    text = "the very same \x1b[31m words again, \u202e of no use to anyone at all"
    path = write(tmp_path / "a.csv", [(text, "dry", 1, 0), (text, "wet", 1, 2), (f"RT @b: {text}", "dry", 1, 0)])
    settings = ClassifyDataSettings(files=path, votes=("d", "w"), cleaning=("entities", "users", "lower"))
    report = check_labelled(settings)
    assert not report.refused
    assert report.classes == {
        "dry": {"code": "dry", "count": 82, "share": 82 / 123}, "wet": {"code": "wet", "count": 41, "share": 41 / 123},
    }  # fmt: skip
    assert {part: sum(counts.values()) for part, counts in report.parts.items()} == {
        "train": 77, "validation": 9, "test": 37,
    }  # fmt: skip
    found = report.duplicates
    assert (found["same"], found["near"], found["groups"], found["conflicts"]) == (1, 3, 1, 1)
    assert [one["class"] for one in found["examples"][0]] == ["dry", "wet"]
    assert report.agreement == {
        "annotators": 3.0, "unanimous": 82 / 123, "by_class": {"dry": 1.0, "wet": 0.0}, "outvoted": 0,
    }  # fmt: skip
    assert (report.cleaning["entities"]["changed"], report.cleaning["users"]["changed"]) == (120, 121)
    assert len(report.cleaning["users"]["examples"]) == 3
    assert report.cleaning["lower"]["changed"] == 1
    assert report.cleaning["lower"]["examples"] == [{"before": f"RT <user>: {text}", "after": f"rt <user>: {text}"}]
    assert report.typical["wet"][0] == "rain"
    assert {one.word: one.class_ for one in report.giveaways} == {"rain": "wet", "dust": "dry"}
    assert report.lengths["unit"] == "words"
    assert report.lengths["tokens"]["longest"] == 15
    said = report.to_text()
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "\\x1b[31m" in said
    assert "gives wet away: rain (100% of the 40 texts with it)" in said
    assert "row 123" in said
    plain = json.loads(json.dumps(report.to_json()))
    assert plain["giveaways"][0]["class"] == "dry"
    assert plain["refused"] is False


def test_tokens_of_an_encoder_are_counted_with_those_that_are_cut_off(tmp_path: Path) -> None:
    def tokenize(texts: list[str]) -> SimpleNamespace:
        assert texts[0].startswith("@ann")
        return SimpleNamespace(offsets=np.arange(len(texts) + 1) * 20, lost=np.arange(len(texts)))

    settings = ClassifyDataSettings(files=write(tmp_path / "a.csv"), cleaning=("none",), max_tokens=20)
    report = check_labelled(settings, tokenize=tokenize)
    assert report.lengths["unit"] == "tokens"
    assert report.lengths["tokens"]["longest"] == 139
    assert report.lengths["cut"]["20"] == pytest.approx(119 / 120)
    assert report.lengths["cut"]["128"] == pytest.approx(11 / 120)
    assert "99.2% of the texts have more than 20 tokens" in report.warnings[0]


def test_one_class_nearly_alone_and_leaks_are_warned_of(tmp_path: Path) -> None:
    rows = [
        (f"{tree} and {other}", "a" if i + j else "b") for i, tree in enumerate(TREES) for j, other in enumerate(TREES)
    ]
    rows += [("one more of it", "b"), ("another one", "b")]
    pl.DataFrame([*rows, *rows[:20]], schema=["text", "label"], orient="row").write_csv(tmp_path / "a.csv")
    split = ClassifySplitSettings(near_duplicates="apart")
    report = check_labelled(ClassifyDataSettings(files=str(tmp_path / "a.csv")), split)
    assert "of the texts are a: always saying so" in report.warnings[0]
    assert "near-duplicates stand in the test part" in report.warnings[1]


def test_what_would_be_refused_is_told(tmp_path: Path) -> None:
    report = check_labelled(ClassifyDataSettings(files=str(tmp_path / "none.csv")))
    assert report.refused
    assert report.to_text().startswith("refused: ")
    path = write(tmp_path / "a.csv", [("a text apart", "odd", 1, 0)])
    report = check_labelled(ClassifyDataSettings(files=path))
    assert report.rows == 121
    assert report.parts == {}
    assert "the class 'odd' has 1 texts, and 3 parts need 3" in report.problems[0]


def test_log_odds_are_those_of_the_paper() -> None:
    counts = np.array([[30, 2], [10, 10], [60, 88]])
    scores = log_odds(counts, prior=10.0)
    alpha = 10 * counts.sum(axis=1) / counts.sum()
    i, j = counts[0, 0] + alpha[0], counts[0, 1] + alpha[0]
    delta = np.log(i / (100 + 10 - i)) - np.log(j / (100 + 10 - j))
    assert scores[0, 0] == pytest.approx(delta / np.sqrt(1 / i + 1 / j))
    assert scores[:, 0] == pytest.approx(-scores[:, 1])


def test_common_words_are_typical_of_nothing() -> None:
    texts = ["so it is wet here", "so it is dry here"] * 30
    found = count_words(texts, np.arange(60) % 2, 2)
    words = typical(found, ("a", "b"))
    assert "wet" in words["a"]
    assert "so" not in words["a"] + words["b"]
    assert {one.word for one in giveaways(found, ("a", "b"))} == {"wet", "dry"}
    assert typical(count_words(["a", "b"], np.array([0, 1]), 2), ("a", "b")) == {"a": [], "b": []}


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "a.csv")
    assert run(["check", "classify", path, "--names", "dry=sunny,wet=rainy", "--cleaning", "users", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert list(made["classes"]) == ["sunny", "rainy"]
    assert made["cleaning"]["users"]["changed"] == 120
    assert run(["check", "classify", path, "--split", "folds", "--folds", "50"]) == 2
    assert "50 folds need 50" in capsys.readouterr().out
    assert run(["check", "classify"]) == 2
    assert run(["check", "classify", path, "--label", "lable"]) == 2
    assert "did you mean 'label'?" in capsys.readouterr().out
