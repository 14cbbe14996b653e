"""A cache of each test's own, and tiny encoders that no test may change."""

import pytest

from encoder_folders import make_encoder


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GATEWISE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GATEWISE_CACHE_LIMIT_GB", raising=False)
    monkeypatch.delenv("GATEWISE_ENCODERS", raising=False)


@pytest.fixture(scope="session")
def folder_of(tmp_path_factory):
    """Return a folder with a tiny encoder of a kind."""
    place = tmp_path_factory.mktemp("encoders")
    return lambda kind: place / kind if (place / kind).exists() else make_encoder(place / kind, kind)
