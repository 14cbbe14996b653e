"""Labelled texts from the command line: check, train, judge, ask, score, report; and what nobody should give it."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from encoder_folders import make_encoder
from gatewise import TextClassifier
from gatewise.cli.main import run

SUBJECTS = ["teacher", "driver", "farmer", "doctor", "painter", "singer", "baker", "lawyer", "sailor", "pilot"]
GOOD = ["lovely", "happy", "bright", "kind", "brave", "gentle"]
BAD = ["awful", "sad", "gloomy", "mean", "cruel", "bitter"]
PLACES = ["garden", "harbour", "village", "market", "valley", "forest", "library", "station", "kitchen", "museum"]
QUICK = [
    "--encoder=words", "--units=6", "--embedding=8", "--head=8", "--epochs=2", "--least-steps=0", "--batch-size=16",
    "--baselines=tfidf_logistic", "--explained=2", "--threads=1", "--test-size=0.3", "--validation-size=0.2",
]  # fmt: skip


def rows(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Return texts of two classes that a word tells apart, no two of them alike."""
    draw, made = random.Random(seed), []
    for number in range(count):
        words = GOOD if number % 3 else BAD
        text = f"The {draw.choice(SUBJECTS)} near the {draw.choice(PLACES)} saw {number} {draw.choice(words)} "
        made.append({"text": text + " ".join(draw.sample(SUBJECTS + PLACES, 4)), "mood": int(words is GOOD)})
    return made


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder with a table in it, and a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEWISE_CACHE", str(tmp_path / "cache"))
    pl.DataFrame(rows(120)).rename({"mood": "label"}).write_csv("moods.csv")
    return tmp_path


def document(capsys: pytest.CaptureFixture[str], args: list[str], code: int = 0) -> Any:
    """Run a command with --json and return its document, which is all that stands on standard output."""
    capsys.readouterr()
    assert run([*args, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_from_a_table_to_answers(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit = ["fit", "classify", "moods.csv", "--names=0=low,1=high", *QUICK, "--out", "run"]
    result = document(capsys, fit)
    assert (result["status"], result["task"], result["classes"]) == ("finished", "classify", ["low", "high"])
    assert {"train", "validation", "test"} == set(result["metrics"])
    assert set(result["baselines"]) == {"majority", "tfidf_logistic"}
    assert result["verdict"]["metric"] == "f1_macro"
    assert sum(map(sum, result["confusion"]["test"])) == result["sizes"]["test"]
    assert len(result["mistakes"]) <= 2
    assert document(capsys, fit) == result  # found, not trained again
    assert run([*fit, "--units", "4"]) == 2
    assert "other settings" in capsys.readouterr().err

    # What stands in the table of predictions is what a loaded model says.
    made = pl.read_parquet("run/predictions.parquet")
    assert made["part"].unique().sort().to_list() == ["test", "validation"]
    model = TextClassifier.load("run")
    probs = model.predict_proba(made["text"].to_list())
    np.testing.assert_allclose(probs, made.select("prob_low", "prob_high").to_numpy(), atol=1e-6)
    assert model.predict(made["text"].to_list()).tolist() == made["predicted"].to_list()
    assert model.predict(made["text"].to_list(), tuned=True).tolist() == made["tuned"].to_list()
    test = made.filter(pl.col("part") == "test")
    right = (test["label"] == test["predicted"]).mean()
    assert result["metrics"]["test"]["accuracy"] == pytest.approx(right)

    pl.DataFrame(rows(40, 5)).rename({"mood": "label"}).write_ndjson("more.jsonl")
    scores = document(capsys, ["score", "run", "more.jsonl"])
    assert scores["texts"] == 40
    assert 0 <= scores["metrics"]["f1_macro"] <= 1
    asked = document(capsys, ["classify", "run", "a lovely day in the garden"])
    assert asked is not None
    assert run(["classify", "run", "--file", "more.jsonl", "--out", "answers.csv"]) == 0
    assert pl.read_csv("answers.csv").height == 40
    assert run(["report", "run"]) == 0
    assert "TF-IDF" in Path("run/page.html").read_text(encoding="utf-8")
    assert run(["check", "classify", "moods.csv"]) == 0
    assert "120" in capsys.readouterr().out


def test_texts_are_encoded_once(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_encoder(here / "tiny", "bert")
    fit = ["fit", "classify", "moods.csv", *QUICK[1:], "--encoder=tiny", "--encoder-layers=-1"]
    first = document(capsys, [*fit, "--out", "a"])
    assert first["encoder"]["fresh"] == first["encoder"]["texts"] == 120
    second = document(capsys, [*fit, "--out", "b", "--seed", "1"])
    assert second["encoder"]["fresh"] == 0
    again = document(capsys, [*fit, "--out", "c"])
    timed = ("folder", "seconds", "encoder")
    assert {k: v for k, v in again.items() if k not in timed} == {k: v for k, v in first.items() if k not in timed}

    # The folder holds the head alone, and takes no other encoder.
    made = pl.read_parquet("a/predictions.parquet")
    shutil.move("tiny", "moved")
    assert run(["classify", "a", "so kind"]) == 2
    assert "tiny" in capsys.readouterr().err
    probs = TextClassifier.load("a", encoder="moved").predict_proba(made["text"].to_list())
    np.testing.assert_allclose(probs, made.select("prob_0", "prob_1").to_numpy(), atol=1e-4)
    make_encoder(here / "tiny", "bert", layers=3)
    assert run(["classify", "a", "so kind"]) == 2
    assert "give the one it was trained over" in capsys.readouterr().err


@pytest.mark.parametrize(
    "asked", ["--tune-layers=1", "--token-embedding=4", "--pooling=last_padded", "--pooling=attention"]
)
def test_ways_of_the_head_are_saved_and_loaded(here: Path, capsys: pytest.CaptureFixture[str], asked: str) -> None:
    make_encoder(here / "tiny", "bert")
    fit = ["fit", "classify", "moods.csv", *QUICK[1:], "--encoder=tiny", asked, "--out", "run"]
    document(capsys, fit)
    made = pl.read_parquet("run/predictions.parquet").filter(pl.col("part") == "test")
    probs = TextClassifier.load("run").predict_proba(made["text"].to_list())
    np.testing.assert_allclose(probs, made.select("prob_0", "prob_1").to_numpy(), atol=1e-4)


TABLES = {
    "good.csv": rows(60),
    "one_class.csv": [{**row, "mood": 1} for row in rows(60)],
    "rare.csv": [{**row, "mood": int(number == 0)} for number, row in enumerate(rows(60))],
    "no_label.csv": [{**row, "mood": None if number == 7 else row["mood"]} for number, row in enumerate(rows(60))],
    "strange.csv": [{**row, "mood": 7} for row in rows(9)],
}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["good.csv", "--text=tweet"], "text, mood"),
        (["good.csv", "--label=class"], "text, mood"),
        (["one_class.csv"], "nothing to tell apart"),
        (["no_label.csv"], "no label"),
        (["rare.csv", "--split=folds"], "fold"),
        (["good.csv", "--test-files=strange.csv"], "'7'"),
        (["good.csv", "--names=0=low,2=high"], "names"),
        (["good.csv", "--votes=mood"], "votes"),
        (["good.csv", "--encoder=nowhere/nothing"], "nothing"),
        (["good.csv", "--encoder=empty"], "config.json"),
        (["good.csv", "--encoder=pickled"], "pytorch_model.bin"),
        (["good.csv", "--cleaning=tweets,-lower"], "lower"),
        (["good.csv", "--cleaning=tweet"], "tweets"),
        (["good.csv", "--wanted-recall=angry=0.8"], "angry"),
        (["good.csv", "--harmless=angry"], "angry"),
        (["good.csv", "--pooling=last_padded,mean"], "stands alone"),
        (["good.csv", "--encoder=words", "--tune-layers=1"], "pretrained"),
        (["good.csv", "--split=given"], "split_column"),
        (["good.csv", "--fold=9", "--split=folds"], "fold"),
        (["good.csv", "--vectors=none.txt"], "none.txt"),
        (["missing.csv"], "missing.csv"),
        (["good.csv", "--preset=fine"], "report, tuned"),
    ],
)
def test_what_cannot_be_used_is_said_and_nothing_is_written(
    here: Path, capsys: pytest.CaptureFixture[str], args: list[str], said: str
) -> None:
    for name, table in TABLES.items():
        pl.DataFrame(table).write_csv(name)
    Path("empty").mkdir()
    make_encoder(here / "pickled", "bert")
    Path("pickled/model.safetensors").unlink()
    Path("pickled/pytorch_model.bin").write_bytes(b"\x80\x02cos\nsystem\nq\x00X\x04\x00\x00\x00true\x85R.")
    before = sorted(str(path) for path in here.rglob("*") if "cache" not in path.parts)
    code = run(["fit", "classify", *QUICK, "--text=text", "--label=mood", *args, "--out", "run"])
    shown = capsys.readouterr()
    assert (code, shown.out) == (2, "")
    assert said in shown.err
    assert "Traceback" not in shown.err
    assert sorted(str(path) for path in here.rglob("*") if "cache" not in path.parts) == before
