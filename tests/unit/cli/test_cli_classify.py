"""What `gatewise classify` hands to the model, prints, writes and refuses; the model is stood in for."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

import gatewise.cli.classify as command
from gatewise.cli.main import run
from gatewise.settings.classify import ClassifyDataSettings
from gatewise.tasks.classify.explain import occlusion

CLASSES = ("hate", "offensive", "neither")


class Model:
    """Sees harm in the word bad; reads two words; an empty text has the classes' shares."""

    classes = CLASSES

    def __init__(self) -> None:
        self.offsets: Any = np.asarray([9.0, 0.0, 0.0])
        self.settings = SimpleNamespace(data=ClassifyDataSettings(text="tweet", label="class", max_tokens=2))
        self.calls: list[list[str]] = []

    def read(self, texts: list[str]) -> tuple[list[str], Any]:
        self.calls.append(texts)
        clean = [text.strip() for text in texts]
        lost = np.asarray([max(0, len(text.split()) - 2) for text in clean], np.int64)
        return clean, SimpleNamespace(clean=clean, lost=lost)

    def log_probs_of(self, inputs: Any, empty: np.ndarray) -> np.ndarray:
        rows = [[0.1, 0.8, 0.1] if "bad" in text else [0.05, 0.15, 0.8] for text in inputs.clean]
        return np.log(np.where(empty[:, None], [0.2, 0.3, 0.5], np.asarray(rows)))

    def decide(self, log_probs: np.ndarray, *, tuned: bool = False) -> np.ndarray:
        return (log_probs + self.offsets if tuned else log_probs).argmax(axis=1)


class Classifier:
    model = Model()

    def __init__(self) -> None:
        self.model_ = self.model

    @classmethod
    def load(cls, folder: Path, *, encoder: str | None = None) -> Classifier:
        assert (folder, encoder) == (Path("there"), None)
        return cls()

    def explain(self, text: str, label: str | None = None) -> Any:
        def log_probs(texts: list[str]) -> np.ndarray:
            inputs = self.model.read(texts)[1]
            return self.model.log_probs_of(inputs, np.zeros(len(texts), bool))

        assert label is not None
        return occlusion(log_probs, text, CLASSES.index(label))


@pytest.fixture(autouse=True)
def model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Model:
    task = ModuleType("gatewise.tasks.classify")
    task.TextClassifier = Classifier  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gatewise.tasks.classify", task)
    monkeypatch.setattr(Classifier, "model", Model())
    monkeypatch.chdir(tmp_path)
    return Classifier.model


@pytest.fixture
def table() -> pl.DataFrame:
    frame = pl.DataFrame(
        {"id": ["007", "8", "9"], "tweet": ["so bad", 'a "quoted"\nline, longer', None], "class": ["1", "2", "2"]}
    )
    frame.write_csv("new.csv")
    return frame


def test_texts_that_are_typed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["classify", "there", "so bad", "red \x1b[31m", "--top", "2"]) == 0
    out, err = capsys.readouterr()
    assert "offensive 0.800, hate 0.100" in out
    assert "neither 0.800, offensive 0.150" in out
    assert r"red \x1b[31m" in out
    assert "\x1b[31m" not in out
    assert err == ""


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["classify", "there", "so bad", "\x1b", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["classes"] == list(CLASSES)
    assert [row["text"] for row in document["texts"]] == ["so bad", "\x1b"]
    assert [row["predicted"] for row in document["texts"]] == ["offensive", "neither"]
    probabilities = document["texts"][0]["probabilities"]
    assert list(probabilities) == list(CLASSES)
    assert list(probabilities.values()) == pytest.approx([0.1, 0.8, 0.1])
    assert run(["classify", "there", "so bad", "--json", "--top", "1"]) == 0
    assert list(json.loads(capsys.readouterr().out)["texts"][0]["probabilities"]) == ["offensive"]


def test_tuned_decides_by_thresholds(model: Model, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["classify", "there", "so bad", "--json", "--tuned"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["tuned"], document["texts"][0]["predicted"]) == (True, "hate")
    model.offsets = None
    assert run(["classify", "there", "so bad", "--tuned"]) == 2
    assert "no thresholds" in capsys.readouterr().err


def test_explain_says_which_words_moved_the_decision(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["classify", "there", "so bad", "--json", "--explain"]) == 0
    so, bad = json.loads(capsys.readouterr().out)["texts"][0]["words"]
    assert so == {"word": "so", "start": 0, "end": 2, "effect": 0.0}
    assert bad["effect"] == pytest.approx(np.log(0.8 / 0.2) - np.log(0.15 / 0.85))
    assert run(["classify", "there", "so bad", "--explain"]) == 0
    assert "bad +3.12, so +0.00" in capsys.readouterr().out


def test_standard_input_is_a_text_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\ufeffso bad\r\n\nگل\u2028x\n".encode())))
    assert run(["classify", "there", "first", "-", "--json"]) == 0
    out, err = capsys.readouterr()
    assert [row["text"] for row in json.loads(out)["texts"]] == ["first", "so bad", "", "گل\u2028x"]
    assert "1 of 4 texts are empty after cleaning" in err
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"ab\xff")))
    assert run(["classify", "there", "-"]) == 2
    assert "byte 2 is not UTF-8" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert run(["classify", "there", "-"]) == 2
    assert "standard input is empty" in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_a_table_keeps_its_columns(table: pl.DataFrame, ending: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("new.csv").read_bytes()
    out = Path(f"made/out.{ending}")
    assert run(["classify", "there", "--file", "new.csv", "--out", str(out), "--explain"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "Written: " in said.err
    assert "1 of 3 texts are longer than 2 tokens: 2 tokens were not read" in said.err
    assert "1 of 3 texts are empty" in said.err
    read = {
        "csv": lambda path: pl.read_csv(path, infer_schema=False),
        "parquet": pl.read_parquet,
        "jsonl": pl.read_ndjson,
    }
    made = read[ending](out)
    assert made.columns == [*table.columns, "predicted", *(f"prob_{name}" for name in CLASSES), "words"]
    assert made.select(table.columns).equals(table)
    assert made["predicted"].to_list() == ["offensive", "neither", "neither"]
    assert [float(p) for p in made["prob_neither"]] == pytest.approx([0.1, 0.8, 0.5])
    assert [one["word"] for one in json.loads(made["words"][0])] == ["so", "bad"]
    assert Path("new.csv").read_bytes() == before
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_the_column_of_training_is_taken_or_another(table: pl.DataFrame, model: Model) -> None:
    assert run(["classify", "there", "--file", "new.csv"]) == 0
    assert model.calls[-1] == ["so bad", 'a "quoted"\nline, longer', ""]
    assert run(["classify", "there", "--file", "new.csv", "--text", "id"]) == 0
    assert model.calls[-1] == ["007", "8", "9"]


def test_another_column_is_guessed_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    pl.DataFrame({"n": [1, 2], "review": ["a bad film", "a good film"]}).write_parquet("films.parquet")
    assert run(["classify", "there", "--file", "films.parquet", "--json"]) == 0
    out, err = capsys.readouterr()
    assert [row["predicted"] for row in json.loads(out)["texts"]] == ["offensive", "neither"]
    assert "column 'review' is taken as the text" in err


def test_many_texts_are_read_a_thousand_at_a_time(model: Model, capsys: pytest.CaptureFixture[str]) -> None:
    pl.DataFrame({"tweet": [f"t{number}" for number in range(2 * command.AT_ONCE + 1)]}).write_csv("many.csv")
    assert run(["classify", "there", "--file", "many.csv", "--out", "out.csv"]) == 0
    assert [len(texts) for texts in model.calls] == [command.AT_ONCE, command.AT_ONCE, 1]
    assert "2,000 of 2,001 texts" in capsys.readouterr().err
    assert pl.read_csv("out.csv").height == 2 * command.AT_ONCE + 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["there"], "give texts"),
        (["there", "a", "--file", "new.csv"], "not both"),
        (["there", "a", "--text", "tweet"], "give --file too"),
        (["there", "--file", "new.csv", "--text", "twet"], "did you mean 'tweet'"),
        (["there", "--file", "none.csv"], "no such file"),
        (["there", "--file", "new.csv", "--out", "out.txt"], "must end in .csv, .parquet or .jsonl"),
        (["there", "--file", "new.csv", "--out", "new.csv"], "never changed"),
        (["there", "--file", "new.csv", "--out", "folder.csv"], "this is a folder"),
        (["there", "--file", "new.csv", "--out", "out.csv", "--top", "1"], "--top is for what is shown"),
        (["there", "--file", "taken.csv"], "'predicted' is what would be added"),
        (["there", "--file", "lists.parquet", "--out", "out.csv"], "write .parquet or .jsonl"),
        (["there", "--file", "lists.parquet", "--text", "tags"], "lists or records"),
        (["there", "a\udcff"], "text 1 is not UTF-8"),
    ],
)
def test_what_is_refused(
    table: pl.DataFrame, line: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("folder.csv").mkdir()
    table.rename({"id": "predicted"}).write_csv("taken.csv")
    table.with_columns(tags=pl.Series([["a"], ["b"], []])).write_parquet("lists.parquet")
    assert run(["classify", *line]) == 2
    err = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert message in err
    assert not [path for path in Path().iterdir() if path.name.startswith(("out", "."))]
