import json
import os

import pytest
import torch
from safetensors.torch import load_file

from gatewise.cli.main import run as run_command
from gatewise.encoders import Encoder, find_encoder
from gatewise.errors import OutputError
from gatewise.settings import AdaptSettings, parse
from gatewise.settings.classify import EncoderSettings
from gatewise.tasks.adapt import run_adapt
from gatewise.tasks.adapt.training import AdaptTask


def settings(encoder, texts, **train):
    options = {"epochs": 6, "learning_rate": 0.01, "batch_size": 8, "checkpoint_seconds": 0.0, "threads": 1, **train}
    tree = {"encoder": {"name": str(encoder)}, "data": {"files": [str(texts)]}, "train": options}
    return parse(AdaptSettings, tree)


def weights(folder):
    return load_file(folder / "model.safetensors")


class Died(BaseException):
    """Stands for a process that dies."""


@pytest.fixture
def dying(monkeypatch):
    """Let the process die when it has asked for so many batches."""
    real = AdaptTask.batch

    def after(left):
        def batch(self, key):
            nonlocal left
            left -= 1
            if left < 0:
                raise Died
            return real(self, key)

        monkeypatch.setattr(AdaptTask, "batch", batch)

    yield after
    monkeypatch.setattr(AdaptTask, "batch", real)


def test_it_learns_the_texts_and_leaves_an_encoders_folder(bare_folder, texts_file, tmp_path):
    out = tmp_path / "new" / "encoder"
    result = run_adapt(settings(bare_folder("bert"), texts_file), out)
    assert result["status"] == "finished"
    assert result["new_head"]
    assert result["perplexity"]["after"] < result["perplexity"]["before"] / 1.5
    assert result["sizes"] == {"train": 72, "validation": 8}
    assert any("comes without the head" in note for note in result["notes"])
    assert [path.name for path in out.parent.iterdir()] == ["encoder"]  # no checkpoint stays behind

    before, after = (find_encoder(str(folder)) for folder in (bare_folder("bert"), out))
    assert before.digest != after.digest
    old, new = (Encoder.load(one, EncoderSettings(name="x"), max_tokens=30) for one in (before, after))
    tokens = [encoder.tokenize(["time will way", "word but what"]) for encoder in (old, new)]
    assert tokens[0].digest == tokens[1].digest
    ids = torch.tensor(tokens[0].row(0)[None].astype("int64"))
    one, other = (encoder.states(ids, torch.ones_like(ids, dtype=torch.bool)) for encoder in (old, new))
    assert one.shape == other.shape
    assert not torch.allclose(one, other)

    facts = json.loads((out / "adapted.json").read_text())
    assert facts["perplexity"] == result["perplexity"]
    card = (out / "README.md").read_text()
    assert f"{result['perplexity']['after']:.4g}" in card
    assert "72 texts" in " ".join(card.split())
    assert os.stat(out / "model.safetensors").st_mode == os.stat(out / "config.json").st_mode


def test_the_same_tokens_are_hidden_before_and_after(headed_folder, texts_file, tmp_path):
    result = run_adapt(settings(headed_folder, texts_file, epochs=1, learning_rate=1e-30), tmp_path / "out")
    assert not result["new_head"]
    assert result["nats"]["after"] == result["nats"]["before"]
    assert any("no better than before" in note for note in result["notes"])


def test_an_adapted_encoder_can_be_adapted_again_and_keeps_its_head(headed_folder, texts_file, tmp_path):
    first = run_adapt(settings(headed_folder, texts_file, epochs=2), tmp_path / "first")
    second = run_adapt(settings(tmp_path / "first", texts_file, epochs=1), tmp_path / "second")
    assert not second["new_head"]
    assert second["perplexity"]["before"] == pytest.approx(first["perplexity"]["after"])


@pytest.mark.parametrize("after", [4, 14])  # the head has 9 steps, and so has an epoch
def test_one_that_was_stopped_ends_with_the_same_bits(bare_folder, texts_file, tmp_path, dying, after):
    asked = settings(bare_folder("bert"), texts_file, epochs=2)
    whole = run_adapt(asked, tmp_path / "whole")
    dying(after)
    with pytest.raises(Died):
        run_adapt(asked, tmp_path / "parts")
    assert not (tmp_path / "parts").exists()
    dying(99)
    parts = run_adapt(asked, tmp_path / "parts")
    assert parts["perplexity"] == whole["perplexity"]
    expected = weights(tmp_path / "whole")
    assert all(torch.equal(tensor, expected[name]) for name, tensor in weights(tmp_path / "parts").items())
    assert not (tmp_path / "parts.training").exists()


def test_a_finished_one_is_not_made_again(bare_folder, texts_file, tmp_path, dying):
    asked = settings(bare_folder("bert"), texts_file, epochs=1)
    first = run_adapt(asked, tmp_path / "out")
    dying(0)
    again = run_adapt(asked, tmp_path / "out")
    assert again["perplexity"] == first["perplexity"]
    other = settings(bare_folder("bert"), texts_file, epochs=2)
    with pytest.raises(OutputError, match="adapted with other settings"):
        run_adapt(other, tmp_path / "out")
    with pytest.raises(Died):  # nothing is replaced before the new one is whole
        run_adapt(other, tmp_path / "out", overwrite=True)
    assert run_adapt(asked, tmp_path / "out")["perplexity"] == first["perplexity"]
    dying(99)
    assert run_adapt(other, tmp_path / "out", overwrite=True)["epochs"]["run"] == 2


def test_it_never_writes_over_the_encoder_or_other_things(bare_folder, texts_file, tmp_path):
    import shutil

    source = tmp_path / "encoders" / "mine"
    shutil.copytree(bare_folder("bert"), source)
    content = {path.name: path.read_bytes() for path in source.iterdir()}
    for out in (source, source / "inside", source.parent):
        for overwrite in (False, True):
            with pytest.raises(OutputError, match="choose another"):
                run_adapt(settings(source, texts_file), out, overwrite=overwrite)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "diary.txt").write_text("dear diary")
    with pytest.raises(OutputError, match="something else"):
        run_adapt(settings(source, texts_file), tmp_path / "full", overwrite=True)
    assert {path.name: path.read_bytes() for path in source.iterdir()} == content


def test_the_command(bare_folder, texts_file, tmp_path, capsys):
    args = ["adapt", str(bare_folder("bert")), str(texts_file), "--out", str(tmp_path / "out")]
    assert run_command([*args, "--epochs", "1", "--batch-size", "16", "--threads", "1", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["folder"] == str(tmp_path / "out")
    assert document["perplexity"]["after"] > 1
    assert run_command([*args, "--epochs", "1", "--batch-size", "16", "--threads", "1"]) == 0
    shown = capsys.readouterr()
    assert "before" in shown.out
    assert f"--encoder {tmp_path / 'out'}" in shown.err


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("t5", [], "is not trained by guessing"),
        ("bert", ["--masked", "0"], "--masked"),
        ("bert", ["--cleaning", "shave"], "no step of cleaning 'shave'"),
        ("bert", ["--device", "abacus"], "abacus"),
    ],
)
def test_wrong_input_ends_with_2_and_writes_nothing(bare_folder, texts_file, tmp_path, capsys, kind, options, said):
    args = ["adapt", str(bare_folder(kind)), str(texts_file), "--out", str(tmp_path / "out"), *options]
    assert run_command(args) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.glob("out*"))
