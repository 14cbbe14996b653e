"""Classifier folders: the same answers after a round trip, and a clear word about everything wrong with one."""

import json
import re
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies
from safetensors.numpy import load_file, save_file

from class_samples import QUICK, labelled_texts
from encoder_folders import make_encoder
from gatewise import TextClassifier, TextGenerator, registry
from gatewise.errors import InputError, ModelFolderError, OutputError
from gatewise.runs import atomic
from gatewise.tasks.classify import saved
from gatewise.tasks.model_folder import task_of

FILES = ["README.md", "config.json", "model.safetensors", "vocabulary.json"]
TEXTS, LABELS = labelled_texts(60)
ASKED = ["sun awful", "", "a word that nobody knows 🙂", "plain cat by the river", "lovely " * 50]
FORMS = {
    "words": {},
    "characters": {"encoder": "characters"},
    "deep": {"layers": 2, "initial_state": "learned", "pooling": ("attention", "max"), "head": ()},
    "one direction": {"bidirectional": False, "pooling": ("mean",), "head_norm": False},
    "padding": {"pooling": ("last_padded",)},
    "double": {"precision": "float64"},
    "cleaned": {"cleaning": ("report", "repeats", "-lower")},
    "nothing cleaned": {"cleaning": ("none",)},
    "nothing held out": {"validation_size": 0.0},
}
ENCODERS = {
    "frozen": {"encoder_layers": (-1,)},
    "mixed": {"encoder_layers": (), "cache_precision": "float32"},
    "tuned": {"tune_layers": 1},
    "adapters": {"lora_rank": 2},
    "tokens beside": {"token_embedding": 3},
    "decoder": {"states": "decoder", "encoder_layers": (-1,)},
}


def fitted(**flat):
    return TextClassifier(**{**QUICK, **flat}).fit(TEXTS, LABELS)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """Return a model folder and its model."""
    model = fitted(test_size=0.3, explained=2)
    return model.save(tmp_path_factory.mktemp("first") / "model"), model


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


def round_trip(before, tmp_path, *, same_parameters=True):
    before.save(tmp_path / "model")
    after = TextClassifier.load(tmp_path / "model")
    np.testing.assert_array_equal(after.predict_log_proba(ASKED), before.predict_log_proba(ASKED))
    np.testing.assert_array_equal(after.predict(TEXTS), before.predict(TEXTS))
    if before.model_.offsets is not None:
        np.testing.assert_array_equal(after.predict(TEXTS, tuned=True), before.predict(TEXTS, tuned=True))
    assert after.explain(TEXTS[0]) == before.explain(TEXTS[0])
    if same_parameters:
        assert json.loads(atomic.to_json(after.get_params())) == json.loads(atomic.to_json(before.get_params()))
    assert after.result_["metrics"] == json.loads(atomic.to_json(before.result_["metrics"]))
    after.save(tmp_path / "again")
    for path in (tmp_path / "model").glob("*.[sj]*"):
        if path.name != "config.json":
            assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()
    return after


@pytest.mark.parametrize("cell", registry.CELLS.names())
def test_every_cell_after_a_round_trip(tmp_path, cell):
    round_trip(fitted(cell=cell), tmp_path)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_after_a_round_trip(tmp_path, form):
    round_trip(fitted(**FORMS[form]), tmp_path)


@pytest.mark.parametrize("form", ENCODERS)
def test_every_way_to_use_an_encoder_after_a_round_trip(tmp_path, folder_of, form):
    encoder = folder_of("t5" if form == "decoder" else "bert")
    model = fitted(encoder=str(encoder), encoder_learning_rate=0.01, max_tokens=20, **ENCODERS[form])
    assert model.predict_log_proba(TEXTS).std(axis=0).min() > 0
    round_trip(model, tmp_path)
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [name for name in FILES if name[0] != "v"]
    kept = sum(tensor.size for tensor in load_file(tmp_path / "model" / "model.safetensors").values())
    assert kept == model.model_.parameters  # what is frozen stays where it came from


def test_vectors_of_a_file_are_needed_once(tmp_path):
    vectors = tmp_path / "vectors.txt"
    vectors.write_text(
        "".join(f"{word} {k} 0.5 -{k} 1 2\n" for k, word in enumerate(["awful", "lovely", "sun", "cat"]))
    )
    model = fitted(vectors=str(vectors))
    assert model.model_.network.embedding.shape[1] == 5
    vectors.unlink()
    after = round_trip(model, tmp_path, same_parameters=False)
    assert after.get_params()["embedding"] == 5  # as wide as the file was


def test_what_a_folder_holds(first):
    folder, model = first
    assert sorted(path.name for path in folder.iterdir()) == FILES
    for path in folder.iterdir():
        assert not path.read_bytes().startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK"))
    config = json.loads((folder / "config.json").read_text())
    assert (config["task"], config["format_version"], config["encoder"]) == ("classify", 1, None)
    assert (config["classes"], config["labels"]) == (["0", "1", "2"], [0, 1, 2])
    assert config["cleaning"]["steps"] == list(registry.cleaning_steps(["tweets"]))
    assert config["parameters"] == sum(one.size for one in load_file(folder / "model.safetensors").values())
    assert not any(text in (folder / "config.json").read_text() for text in TEXTS)  # no text of the data goes along
    assert task_of(folder) == "classify"
    assert model.result_["verdict"]["says"] in (folder / "README.md").read_text()


def test_cleaning_is_that_of_the_day_of_training(folder, monkeypatch):
    """A preset that has other steps tomorrow changes no model of today."""
    expected = TextClassifier.load(folder).predict_log_proba(["LOVELY @anna"])
    monkeypatch.setattr(registry.classify, "CLEANING_PRESETS", {"none": (), "tweets": ("lower",), "report": ()})
    after = TextClassifier.load(folder)
    assert after.model_.cleaner.steps == tuple(json.loads((folder / "config.json").read_text())["cleaning"]["steps"])
    np.testing.assert_array_equal(after.predict_log_proba(["LOVELY @anna"]), expected)


# --------------------------------------------------------------------------------------------------------- its encoder


@pytest.fixture
def over(tmp_path):
    """Return a model folder over an encoder folder that lies beside it."""
    encoder = make_encoder(tmp_path / "encoder")
    model = fitted(encoder=str(encoder), encoder_layers=(-1,), max_tokens=20)
    return model.save(tmp_path / "model"), model, encoder


def test_an_encoder_that_is_gone_moved_or_another(over, tmp_path):
    folder, model, encoder = over
    moved = encoder.rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=f"{folder} was trained over the encoder .*{encoder}.*If it has moved"):
        TextClassifier.load(folder)
    after = TextClassifier.load(folder, encoder=str(moved))
    np.testing.assert_array_equal(after.predict_log_proba(ASKED), model.predict_log_proba(ASKED))
    make_encoder(encoder, layers=3)
    for call in (lambda: TextClassifier.load(folder), lambda: TextClassifier.load(folder, encoder=str(encoder))):
        with pytest.raises(ModelFolderError, match=r"with the digest \w{12}, and .* has \w{12}: give the one"):
            call()
    tokenizer = moved / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text() + "\n")  # the same weights, but it may cut texts in another way
    with pytest.raises(ModelFolderError, match="give the one it was trained over"):
        TextClassifier.load(folder, encoder=str(moved))


@pytest.mark.parametrize("value", ["absent", None, 7, [], {}, {"name": "x"}])
def test_a_folder_that_does_not_say_which_encoder(over, value):
    folder, _, _ = over
    change(folder, "config.json", lambda tree: tree.pop("encoder") if value == "absent" else tree.update(encoder=value))
    with pytest.raises(ModelFolderError):
        TextClassifier.load(folder)


# ------------------------------------------------------------------------------------------------------ damaged folders


def test_not_a_model_folder(tmp_path):
    for place in (tmp_path, tmp_path / "absent"):
        with pytest.raises(
            ModelFolderError, match=re.escape(f"{place} is not a model folder: it holds no config.json")
        ):
            TextClassifier.load(place)


@pytest.mark.parametrize("name", ["model.safetensors", "vocabulary.json"])
def test_a_missing_file(folder, name):
    (folder / name).unlink()
    with pytest.raises(ModelFolderError, match=f"{name} is missing; copy it again"):
        TextClassifier.load(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "vocabulary.json", "config.json"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.97])
def test_a_truncated_file(folder, name, share):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelFolderError, match=r"copy (it|the folder) again or train again"):
        TextClassifier.load(folder)


@pytest.mark.parametrize(
    "edit",
    [
        lambda tree: tree["tokens"].pop(),
        lambda tree: tree["tokens"].append("more"),
        lambda tree: tree["tokens"].__setitem__(0, tree["tokens"][1]),
        lambda tree: tree["tokens"].__setitem__(0, 3),
        lambda tree: tree.pop("kind"),
        lambda tree: tree.update(kind="letters"),
        lambda tree: tree.update(kind="characters"),
    ],
)
def test_a_changed_vocabulary(folder, edit):
    change(folder, "vocabulary.json", edit)
    with pytest.raises(ModelFolderError):
        TextClassifier.load(folder)


def test_another_task_and_a_newer_format(folder):
    change(folder, "config.json", lambda tree: tree.update(format_version=2, gatewise_version="9.1"))
    with pytest.raises(ModelFolderError, match=r"format 2, made by gatewise 9\.1; .* up to 1: upgrade gatewise"):
        TextClassifier.load(folder)
    with pytest.raises(ModelFolderError, match="holds a model of the task 'classify', not 'generate'"):
        TextGenerator.load(folder)
    change(folder, "config.json", lambda tree: tree.update(task="generate"))
    with pytest.raises(ModelFolderError, match="holds a model of the task 'generate', not 'classify'"):
        TextClassifier.load(folder)


def test_a_newer_cleaning(folder):
    change(folder, "config.json", lambda tree: tree["cleaning"].update(version=99))
    with pytest.raises(ModelFolderError, match="cleaned by version 99: upgrade gatewise"):
        TextClassifier.load(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", '{"a": 1}', "\x00\x01", "[" * 100_000])
@pytest.mark.parametrize("name", ["config.json", "vocabulary.json"])
def test_bad_json(folder, name, text):
    (folder / name).write_text(text)
    with pytest.raises(ModelFolderError):
        TextClassifier.load(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("classes", ["0", "1"]), ("classes", ["0", "1", "1"]), ("classes", "abc"), ("labels", [0, 1]),
        ("labels", [0, 1, "2"]), ("labels", [[0], [1], [2]]), ("prior", [0.5, 0.5]), ("prior", [0.0, 0.5, 0.5]),
        ("prior", [1, 1, 1]), ("prior", [float("nan")] * 3), ("temperature", 0), ("temperature", -1),
        ("temperature", float("inf")), ("temperature", "warm"), ("offsets", [0, 0]), ("offsets", [0, 0, float("nan")]),
        ("offsets", [[0, 0, 0]]), ("cleaning", {"version": 1, "steps": ["shout"]}), ("settings", {"task": "classify"}),
    ],
)  # fmt: skip
def test_a_value_of_the_configuration_that_cannot_be(folder, key, value):
    change(folder, "config.json", lambda tree: tree.update({key: value}))
    with pytest.raises(ModelFolderError):
        TextClassifier.load(folder)


@pytest.mark.parametrize("key", ["settings", "classes", "prior", "temperature", "cleaning", "result", "offsets"])
@pytest.mark.parametrize("value", ["absent", None, 7, [], {}])
def test_a_key_of_the_configuration_that_is_wrong(folder, key, value):
    change(folder, "config.json", lambda tree: tree.pop(key) if value == "absent" else tree.update({key: value}))
    with suppress(ModelFolderError):  # some of these values are as good as the right one
        TextClassifier.load(folder).predict_proba(ASKED)


@pytest.mark.parametrize("edit", ["drop", "shape", "name"])
def test_a_changed_tensor(folder, edit):
    tensors = load_file(folder / "model.safetensors")
    name = next(iter(tensors))
    tensor = tensors.pop(name)
    if edit != "drop":
        tensors["other" if edit == "name" else name] = tensor if edit == "name" else np.zeros((3, 3), np.float32)
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(ModelFolderError, match="incomplete or was changed"):
        TextClassifier.load(folder)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=strategies.sampled_from(FILES[1:]), place=strategies.floats(0, 1), byte=strategies.binary(max_size=3))
def test_changed_bytes_are_a_model_or_a_clear_error(first, folder, name, place, byte):
    content = (first[0] / name).read_bytes()
    at = int(place * len(content))
    (folder / name).write_bytes(content[:at] + byte + content[at + 2 :])
    with suppress(ModelFolderError):
        assert TextClassifier.load(folder).predict_proba(ASKED).shape == (len(ASKED), 3)
    (folder / name).write_bytes(content)


def test_a_model_replaces_an_older_one_and_nothing_else(folder, tmp_path):
    model = TextClassifier.load(folder)
    model.save(folder)
    assert sorted(path.name for path in folder.iterdir()) == FILES
    other = tmp_path / "letters"
    other.mkdir()
    (other / "a.txt").write_text("dear")
    with pytest.raises(OutputError, match="holds something else"):
        model.save(other)
    assert (other / "a.txt").read_text() == "dear"


# --------------------------------------------------------------------------------------------------------------- golden


@pytest.mark.parametrize("version", range(1, saved.FORMAT_VERSION + 1))
def test_a_folder_of_every_format_gives_its_probabilities(version):
    golden = Path(__file__).parents[3] / "golden" / f"classify_model_v{version}"
    expected = json.loads((golden / "expected.json").read_text())
    model = TextClassifier.load(golden)
    assert model.classes_.tolist() == expected["classes"]
    np.testing.assert_allclose(model.predict_log_proba(expected["texts"]), expected["log_probs"], rtol=1e-5, atol=1e-6)
    assert model.predict(expected["texts"]).tolist() == expected["predicted"]
    assert model.predict(expected["texts"], tuned=True).tolist() == expected["tuned"]
    assert model.result_["metrics"]["test"] == expected["test"]
    assert (golden / "README.md").is_file()
