"""Text model folders: the same probabilities after a round trip, and a clear word about everything wrong with one."""

import json
import re
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file, save_file

from gatewise import Forecaster, TextGenerator, registry
from gatewise.errors import ModelFolderError, OutputError
from gatewise.runs import atomic
from gatewise.tasks.generate import saved
from gatewise.tasks.model_folder import task_of
from text_samples import QUICK, sentences

FILES = ["README.md", "config.json", "model.safetensors", "vocabulary.json"]
TEXT = "the red cat sat é 🙂 on two mats"
FORMS = {
    "deep": {"layers": 2, "initial_state": "learned", "head": (5,)},
    "tied": {"units": 4, "tied": True},
    "bytes": {"symbols": "bytes", "embedding": 0},
    "rare": {"minimum_count": 9, "lower": True, "normalize": "NFKD"},
    "double": {"precision": "float64"},
    "n-grams": {"ngrams": 3},
}


def fitted(text=None, **flat):
    values = {**QUICK, "epochs": 1, **flat}
    return TextGenerator(**values).fit(sentences(700) if text is None else text)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """Return a model folder and its model."""
    writer = fitted(sentences(700) + " Q\n" + sentences(300, 1))
    return writer.save(tmp_path_factory.mktemp("first") / "model"), writer


@pytest.fixture
def folder(first, tmp_path):
    """Return a copy of the model folder that a test may damage."""
    copy = tmp_path / "model"
    copy.mkdir()
    for path in first[0].iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


def change(folder, name, edit):
    path = folder / name
    tree = json.loads(path.read_text())
    edit(tree)
    path.write_text(json.dumps(tree))


# ---------------------------------------------------------------------------------------------------------- round trip


def round_trip(before, tmp_path):
    before.save(tmp_path / "model")
    after = TextGenerator.load(tmp_path / "model")
    assert np.array_equal(after.log_probs(TEXT), before.log_probs(TEXT))
    assert np.array_equal(after.next_probs(TEXT), before.next_probs(TEXT))
    assert after.generate("the", length=20, seed=3) == before.generate("the", length=20, seed=3)
    assert after.get_params() == before.get_params()
    assert after.symbols_ == before.symbols_
    assert after.result_["metrics"] == json.loads(atomic.to_json(before.result_["metrics"]))
    after.save(tmp_path / "again")
    for name in ("model.safetensors", "vocabulary.json"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "model" / name).read_bytes()
    return after


@pytest.mark.parametrize("cell", registry.CELLS.names())
def test_every_cell_after_a_round_trip(tmp_path, cell):
    round_trip(fitted(cell=cell, units=4, embedding=4, regime="windows", batch_size=32), tmp_path)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_after_a_round_trip(tmp_path, form):
    after = round_trip(fitted(sentences(700) + " é 🙂", **FORMS[form]), tmp_path)
    if form == "tied":
        assert after.model_.network.head.layers[-1].weight is after.model_.network.embedding
        assert "head.layers.0.weight" not in load_file(tmp_path / "model" / "model.safetensors")


def test_what_a_folder_holds(first):
    folder, writer = first
    assert sorted(path.name for path in folder.iterdir()) == FILES
    for path in folder.iterdir():
        content = path.read_bytes()
        assert not content.startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK"))
    assert not any("carried" in name for name in load_file(folder / "model.safetensors"))
    config = json.loads((folder / "config.json").read_text())
    assert (config["task"], config["format_version"], config["symbols"]) == ("generate", 1, len(writer.symbols_))
    assert config["parameters"] == sum(tensor.size for tensor in load_file(folder / "model.safetensors").values())
    assert task_of(folder) == "generate"


def test_the_card_shows_model_and_baselines(first):
    folder, writer = first
    _, front, body = (folder / "README.md").read_text().split("---\n", 2)
    front = yaml.safe_load(front)
    assert front["pipeline_tag"] == "text-generation"
    values = {one["name"]: one["value"] for one in front["model-index"][0]["results"][0]["metrics"]}
    ours = writer.result_["metrics"]["test"]["carried_nats_per_char"]
    assert values["test carried_nats_per_char of this model"] == pytest.approx(ours, rel=1e-5)
    assert "| unigram |" in body
    assert f"{len(writer.symbols_)} characters" in body
    assert writer.result_["verdict"]["says"] in body


# ------------------------------------------------------------------------------------------------------ damaged folders


def test_not_a_model_folder(tmp_path):
    for place in (tmp_path, tmp_path / "absent"):
        with pytest.raises(
            ModelFolderError, match=re.escape(f"{place} is not a model folder: it holds no config.json")
        ):
            TextGenerator.load(place)


@pytest.mark.parametrize("name", ["model.safetensors", "vocabulary.json"])
def test_a_missing_file(folder, name):
    (folder / name).unlink()
    with pytest.raises(ModelFolderError, match=f"{name} is missing; copy it again"):
        TextGenerator.load(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "vocabulary.json", "config.json"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.97])
def test_a_truncated_file(folder, name, share):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelFolderError, match=r"copy (it|the folder) again or train again"):
        TextGenerator.load(folder)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda tree: (tree["symbols"].pop(), tree["counts"].pop()), "vocabulary.json has .* symbols and config.json"),
        (lambda tree: tree["symbols"].pop(), "contradicts itself"),
        (lambda tree: tree["symbols"].__setitem__(0, tree["symbols"][1]), "contradicts itself"),
        (lambda tree: tree["symbols"].__setitem__(0, "ab"), "contradicts itself"),
        (lambda tree: tree.pop("total"), "vocabulary cannot be read"),
        (lambda tree: tree.update(kind="words"), "contradicts itself"),
    ],
)
def test_a_changed_vocabulary(folder, edit, said):
    change(folder, "vocabulary.json", edit)
    with pytest.raises(ModelFolderError, match=said):
        TextGenerator.load(folder)


def test_another_task_and_a_newer_format(folder):
    change(folder, "config.json", lambda tree: tree.update(format_version=2, gatewise_version="9.1"))
    with pytest.raises(ModelFolderError, match=r"format 2, made by gatewise 9\.1; .* up to 1: upgrade gatewise"):
        TextGenerator.load(folder)
    with pytest.raises(ModelFolderError, match="holds a model of the task 'generate', not 'forecast'"):
        Forecaster.load(folder)
    change(folder, "config.json", lambda tree: tree.update(task="classify"))
    with pytest.raises(ModelFolderError, match="holds a model of the task 'classify', not 'generate'"):
        TextGenerator.load(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", '{"a": 1}', "\x00\x01", "[" * 100_000])
@pytest.mark.parametrize("name", ["config.json", "vocabulary.json"])
def test_bad_json(folder, name, text):
    (folder / name).write_text(text)
    with pytest.raises(ModelFolderError):
        TextGenerator.load(folder)


@pytest.mark.parametrize("key", ["settings", "symbols", "result", "parameters"])
@pytest.mark.parametrize("value", ["absent", None, 7, [], {}])
def test_a_key_of_the_configuration_that_is_wrong(folder, key, value):
    change(folder, "config.json", lambda tree: tree.pop(key) if value == "absent" else tree.update({key: value}))
    with suppress(ModelFolderError):  # some of these values are as good as the right one
        TextGenerator.load(folder).next_probs("the")


@pytest.mark.parametrize("edit", ["drop", "shape", "name"])
def test_a_changed_tensor(folder, edit):
    tensors = load_file(folder / "model.safetensors")
    name = next(iter(tensors))
    tensor = tensors.pop(name)
    if edit != "drop":
        tensors["other" if edit == "name" else name] = tensor if edit == "name" else np.zeros((3, 3), np.float32)
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(ModelFolderError, match="incomplete or was changed"):
        TextGenerator.load(folder)


def test_a_model_replaces_an_older_one_and_nothing_else(folder, tmp_path):
    writer = TextGenerator.load(folder)
    writer.save(folder)
    assert sorted(path.name for path in folder.iterdir()) == FILES
    other = tmp_path / "letters"
    other.mkdir()
    (other / "a.txt").write_text("dear")
    with pytest.raises(OutputError, match="holds something else"):
        writer.save(other)
    assert (other / "a.txt").read_text() == "dear"


# --------------------------------------------------------------------------------------------------------------- golden


@pytest.mark.parametrize("version", range(1, saved.FORMAT_VERSION + 1))
def test_a_folder_of_every_format_gives_its_probabilities(version):
    golden = Path(__file__).parents[3] / "golden" / f"text_model_v{version}"
    expected = json.loads((golden / "expected.json").read_text())
    writer = TextGenerator.load(golden)
    assert list(writer.symbols_) == expected["symbols"]
    np.testing.assert_allclose(writer.log_probs(expected["text"]), expected["log_probs"], rtol=1e-5)
    np.testing.assert_allclose(writer.next_probs(expected["text"]), expected["next_probs"], rtol=1e-5)
    assert writer.generate("the ", length=40, greedy=True)[0].text == expected["written"]
    assert writer.result_["metrics"]["test"] == expected["test"]
    assert (golden / "README.md").is_file()
