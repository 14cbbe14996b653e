"""Tiny Shakespeare and Hafez: the shapes of the reference's split, and Persian letters."""

import os
from pathlib import Path

import pytest

from gatewise.data.text import Vocabulary, read_corpus, split_text
from gatewise.settings import TextDataSettings, TextSplitSettings

FOLDER = os.environ.get("GATEWISE_DATA")
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(FOLDER is None, reason="GATEWISE_DATA does not name the folder of real data"),
]


def settings(name: str, **more: object) -> TextDataSettings:
    return TextDataSettings(files=str(Path(FOLDER or "") / name), **more)


def test_the_reports_windows_of_tiny_shakespeare() -> None:
    asked = settings("tinyshakespeare.txt", lower=True, window=250)
    corpus = read_corpus(asked)
    assert (len(corpus), len(corpus.symbols)) == (1_115_394, 39)
    split = split_text(corpus, TextSplitSettings(kind="windows", validation=0), asked)
    assert (split.train.shape, split.test.shape) == ((3998, 2), (445, 2))


def test_nanogpts_parts_of_tiny_shakespeare() -> None:
    asked = settings("tinyshakespeare.txt")
    corpus = read_corpus(asked)
    split = split_text(corpus, TextSplitSettings(validation=0), asked)
    assert split.lengths() == {"train": 1_003_854, "validation": 0, "test": 111_540}
    assert len(Vocabulary.fit(corpus, split.train, asked)) == 65


@pytest.mark.parametrize("kind", ["characters", "graphemes", "bytes"])
def test_hafez_comes_back(kind: str) -> None:
    asked = settings("fa_hafez.txt", symbols=kind)
    corpus = read_corpus(asked)
    vocabulary = Vocabulary.fit(corpus, split_text(corpus, TextSplitSettings(), asked).train, asked)
    text = corpus.text()
    assert vocabulary.decode(vocabulary.encode(text[:9000])) == text[:9000]
