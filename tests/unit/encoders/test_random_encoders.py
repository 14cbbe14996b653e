"""Encoders of random weights: the same on every machine, made once and whole, and listed as what they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from gatewise.cli.main import run
from gatewise.encoders import Encoder, encode_now, find_encoder, list_encoders, random
from gatewise.settings.classify import EncoderSettings


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("made")


@pytest.fixture
def kept(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a cache in which they are made once for all tests."""
    monkeypatch.setenv("GATEWISE_CACHE", str(made))
    return made


@pytest.mark.parametrize(
    ("name", "states", "limit"),
    [("random-bert", "encoder", 512), ("random-t5", "encoder", None), ("random-t5", "decoder", None)],
)
def test_they_read_texts(name: str, states: str, limit: int | None, kept: Path) -> None:
    source = find_encoder(name)
    assert (source.name, source.place, source.revision, source.max_tokens) == (name, "random", None, limit)
    assert (source.hidden_layers, source.width) == (4, 64)
    assert source.folder.is_relative_to(kept)
    encoder = Encoder.load(source, EncoderSettings(name=name, states=states), max_tokens=40)
    assert encoder.notes == ()
    tokens = encoder.tokenize(["Hello, café!", "cafe hello"])
    assert encoder.pieces(tokens.row(0).tolist()) == [
        "[CLS]", "he", "##ll", "##o", ",", "ca", "##fe", "!", "[SEP]",
    ]  # fmt: skip
    found, mask = encode_now(encoder, tokens, precision="float32").gather(np.arange(2))
    assert found.shape == (2, 4, 9, 64)
    tokens_differ = np.abs(found[0, -1, 1] - found[0, -1, 2]).mean()
    assert tokens_differ > 0.1  # random, but another word is another state
    assert np.abs(found[:, -1][mask]).max() < 10


def test_what_it_cannot_spell_is_unknown(kept: Path) -> None:
    encoder = Encoder.load(find_encoder("random-bert"), EncoderSettings(name="random-bert"), max_tokens=9)
    assert encoder.pieces(encoder.tokenize(["ok 雨"]).row(0).tolist()) == ["[CLS]", "ok", "[UNK]", "[SEP]"]


def test_they_are_the_same_wherever_they_are_made(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = find_encoder("random-bert")
    monkeypatch.setenv("GATEWISE_CACHE", str(tmp_path / "elsewhere"))
    torch.manual_seed(99)
    before = torch.random.get_rng_state()
    second = find_encoder("random-bert")
    assert (before == torch.random.get_rng_state()).all()
    assert first.folder != second.folder
    assert first.digest == second.digest != find_encoder("random-t5").digest


def test_they_are_made_once_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, made = random._write_tokenizer, []

    def full(*_: object) -> None:
        made.append("tried")
        raise KeyboardInterrupt

    monkeypatch.setattr(random, "_write_tokenizer", full)
    with pytest.raises(KeyboardInterrupt):
        find_encoder("random-bert")
    assert not any((tmp_path / "cache").rglob("*.json"))
    monkeypatch.setattr(random, "_write_tokenizer", lambda *args: made.append("made") or write(*args))
    assert find_encoder("random-bert").folder == find_encoder("random-bert").folder
    assert made == ["tried", "made"]


def test_they_are_listed_as_what_they_are(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    find_encoder("random-t5")
    assert [one.name for one in list_encoders() if one.place == "random"][-1] == "random-t5"
    assert run(["encoders", "--json"]) == 0
    shown = capsys.readouterr()
    assert "random-t5" in [one["name"] for one in json.loads(shown.out) if one["place"] == "random"]
    assert "nothing is known by them" in " ".join(shown.err.split())
