"""A saved classifier is asked about other tables: columns, codes and a moved encoder are as in training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gatewise.cli.main import run
from gatewise.errors import DataError
from gatewise.tasks.classify import TextClassifier

SMALL = {"units": 4, "embedding": 8, "head": [], "epochs": 4, "least_steps": 0, "baselines": [], "explained": 0}
WORDS = {"1": "good lovely fine nice", "0": "bad awful sad poor"}


def write_table(path: Path, label: str = "class", rows: int = 40) -> Path:
    draw = np.random.default_rng(0)
    codes = ["0", "1"] * (rows // 2)
    texts = [" ".join(draw.choice(WORDS[code].split(), 4)) + f" n{row}" for row, code in enumerate(codes)]
    pl.DataFrame({"tweet": texts, label: codes}).write_csv(path)
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("score")
    model = TextClassifier(**SMALL, names={"0": "sad", "1": "glad"}, near_duplicates="apart")
    model.fit(files=write_table(place / "train.csv"))
    return model.save(place / "model")


def test_codes_of_another_table_are_the_classes_that_training_named(trained, tmp_path):
    found = TextClassifier.load(trained).evaluate(write_table(tmp_path / "new.csv"))
    assert set(found["per_class"]) == {"sad", "glad"}
    assert sum(map(sum, found["confusion"])) == found["texts"] == 40


def test_the_columns_that_were_guessed_in_training_are_looked_for_again(trained, tmp_path):
    assert TextClassifier.load(trained).model_.settings.data.label == "class"
    with pytest.raises(DataError, match="there is no column of the label 'class'"):
        TextClassifier.load(trained).evaluate(write_table(tmp_path / "other.csv", label="mood"))


def test_an_encoder_of_a_model_without_one_or_a_wrong_task_is_refused(trained, tmp_path, capsys):
    assert run(["score", str(trained), str(write_table(tmp_path / "new.csv"))]) == 0
    assert "glad" in capsys.readouterr().out
    assert run(["score", str(trained), str(tmp_path / "new.csv"), "--encoder", "elsewhere"]) == 2
    assert "reads words, and has no such encoder" in capsys.readouterr().err
