from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from gatewise.encoders import Encoder, encode_now, find_encoder
from gatewise.errors import InputError
from gatewise.settings.classify import EncoderSettings

FolderOf = Callable[[str], Path]


@pytest.fixture
def folder(folder_of: FolderOf, tmp_path: Path) -> Path:
    """Return an encoder's folder without weights."""
    folder = shutil.copytree(folder_of("bert"), tmp_path / "published")
    (folder / "model.safetensors").unlink()
    return folder


def load(folder: Path) -> Encoder:
    return Encoder.load(find_encoder(str(folder)), EncoderSettings(), max_tokens=20)


def test_tensors_are_read_once(folder: Path, folder_of: FolderOf, own_cache: Path) -> None:
    weights = load_file(folder_of("bert") / "model.safetensors")
    tied = {f"bert.{name}": one for name, one in weights.items()}
    tied["cls.predictions.decoder.weight"] = tied["bert.embeddings.word_embeddings.weight"]
    torch.save(tied, folder / "pytorch_model.bin")
    files = sorted(folder.iterdir())
    encoder, original = load(folder), load(folder_of("bert"))
    tokens = encoder.tokenize(["you and that"])
    assert np.array_equal(encode_now(encoder, tokens).means(), encode_now(original, tokens).means())
    assert sorted(folder.iterdir()) == files
    (made,) = (own_cache / "encoders" / "converted").glob("*/model.safetensors")
    before = made.stat().st_mtime_ns
    load(folder)
    assert made.stat().st_mtime_ns == before


def test_weights_in_several_files(folder: Path, folder_of: FolderOf) -> None:
    weights = load_file(folder_of("bert") / "model.safetensors")
    names = sorted(weights)
    parts = {"pytorch_model-1.bin": names[::2], "pytorch_model-2.bin": names[1::2]}
    for part, held in parts.items():
        torch.save({name: weights[name] for name in held}, folder / part)
    index = {name: part for part, held in parts.items() for name in held}
    (folder / "pytorch_model.bin.index.json").write_text(f'{{"weight_map": {index!s}}}'.replace("'", '"'))
    tokens = load(folder).tokenize(["you and that"])
    assert np.array_equal(encode_now(load(folder), tokens).means(), encode_now(load(folder_of("bert")), tokens).means())


class Malicious:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("legacy", [False, True])
def test_a_file_that_would_run_code_is_refused(folder: Path, tmp_path: Path, own_cache: Path, legacy: bool) -> None:
    opened = tmp_path / "opened"
    weights = {"a": torch.zeros(2), "b": Malicious(opened)}
    torch.save(weights, folder / "pytorch_model.bin", _use_new_zipfile_serialization=not legacy)
    with pytest.raises(InputError, match=r"pytorch_model.bin is refused: torch's tensors-only loader"):
        load(folder)
    assert not opened.exists()
    assert not list((own_cache / "encoders").glob("converted/*"))


@pytest.mark.parametrize("held", [[torch.zeros(2)], {"state_dict": {"a": torch.zeros(2)}}, {"epoch": 3}])
def test_other_things_than_a_table_of_tensors_are_refused(held: object, folder: Path) -> None:
    torch.save(held, folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="no plain table of names and tensors"):
        load(folder)


def test_a_damaged_file_is_refused(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"PK nothing of use")
    with pytest.raises(InputError, match="is refused"):
        load(folder)
