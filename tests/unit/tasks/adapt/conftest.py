"""Tiny encoders with and without a head, and texts with a pattern that can be learned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from encoder_folders import WORDS, make_encoder
from gatewise.encoders import EncoderSource, find_encoder


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWISE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("gatewise.runs.atomic._flush", lambda _: None)


@pytest.fixture(scope="session")
def bare_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a folder with a tiny encoder of a kind, without a head; the same one in all tests."""
    place = tmp_path_factory.mktemp("bare")
    return lambda kind: place / kind if (place / kind).exists() else make_encoder(place / kind, kind)


@pytest.fixture
def bare(bare_folder: Callable[[str], Path]) -> Callable[[str], EncoderSource]:
    return lambda kind="bert": find_encoder(str(bare_folder(kind)))


@pytest.fixture(scope="session")
def headed_folder(tmp_path_factory: pytest.TempPathFactory, bare_folder: Callable[[str], Path]) -> Path:
    """Return a folder with a tiny BERT that has its head."""
    import shutil

    import torch
    import transformers

    folder = tmp_path_factory.mktemp("headed") / "bert"
    shutil.copytree(bare_folder("bert"), folder)
    config = transformers.AutoConfig.from_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        transformers.AutoModelForMaskedLM.from_config(config).save_pretrained(folder)
    return folder


@pytest.fixture
def texts_file(tmp_path: Path) -> Path:
    """A file of 80 texts: what follows a word is always the same, so that a hidden word can be guessed."""
    words = WORDS[:14]
    lines = [" ".join((words * 3)[start : start + 4 + length]) for start in range(len(words)) for length in range(6)]
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(lines[:80]) + "\n")
    return path
