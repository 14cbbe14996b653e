"""Encoders that every test may load, and a cache of each test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from encoder_folders import make_encoder
from gatewise.encoders import Encoder, find_encoder
from gatewise.settings.classify import EncoderSettings


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GATEWISE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GATEWISE_CACHE_LIMIT_GB", raising=False)
    monkeypatch.delenv("GATEWISE_ENCODERS", raising=False)
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a folder with a tiny encoder of a kind; the same one in all tests, which must not change it."""
    place = tmp_path_factory.mktemp("encoders")
    return lambda kind: place / kind if (place / kind).exists() else make_encoder(place / kind, kind)


@pytest.fixture
def load(folder_of: Callable[[str], Path]) -> Callable[..., Encoder]:
    def loaded(kind: str = "bert", *, max_tokens: int = 30, **settings: Any) -> Encoder:
        source = find_encoder(str(folder_of(kind)))
        return Encoder.load(source, EncoderSettings(name=source.name, **settings), max_tokens=max_tokens)

    return loaded
