from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from encoder_folders import KINDS, make_texts
from gatewise.encoders import Encoder, encode_now, find_encoder
from gatewise.encoders.batches import Order
from gatewise.encoders.packed import pack_layers
from gatewise.errors import InputError, SettingsError
from gatewise.settings.classify import EncoderSettings

Load = Callable[..., Encoder]
FolderOf = Callable[[str], Path]


def single(encoder: Encoder, ids: np.ndarray) -> torch.Tensor:
    """Return the states (L, T, D) of one text alone."""
    row = torch.from_numpy(ids.astype(np.int64))[None]
    return encoder.states(row, torch.ones_like(row, dtype=torch.bool))[0]


@pytest.mark.parametrize("kind", KINDS)
def test_states_are_those_of_transformers_whatever_the_batch(kind: str, load: Load, folder_of: FolderOf) -> None:
    import transformers

    encoder = load(kind, layers=())
    tokens = encoder.tokenize(make_texts(12))
    longest = int(tokens.lengths.max())
    draw = np.random.default_rng(3)
    ids = draw.integers(0, encoder.vocabulary_size, (12, longest + 3))  # padding may be anything
    mask = np.arange(longest + 3) < tokens.lengths[:, None]
    ids[mask] = tokens.ids
    states = encoder.states(torch.from_numpy(ids), torch.from_numpy(mask))
    assert states.shape == (12, 3, longest + 3, 16)
    assert states.dtype == torch.float32

    auto = transformers.AutoModelForTextEncoding if kind == "t5" else transformers.AutoModel
    theirs = auto.from_pretrained(folder_of(kind), local_files_only=True).eval()
    for row in range(12):
        length = int(tokens.lengths[row])
        alone = single(encoder, tokens.row(row))
        assert torch.allclose(states[row, :, :length], alone, atol=1e-5)
        with torch.no_grad():
            hidden = theirs(
                torch.from_numpy(tokens.row(row).astype(np.int64))[None], output_hidden_states=True
            ).hidden_states
        assert torch.allclose(alone, torch.cat(hidden), atol=1e-5)
    assert alone.std() > 0.1


def test_decoder_states_are_those_of_the_report(load: Load, folder_of: FolderOf) -> None:
    import transformers

    encoder = load("t5", states="decoder", layers=(-1,))
    tokens = encoder.tokenize(make_texts(5))
    theirs = transformers.T5Model.from_pretrained(folder_of("t5"), local_files_only=True).eval()
    features = encode_now(encoder, tokens)
    for row in range(5):
        ids = torch.from_numpy(tokens.row(row).astype(np.int64))[None]
        with torch.no_grad():
            wanted = theirs(input_ids=ids, decoder_input_ids=ids).last_hidden_state[0]
        found, _ = features.gather(np.array([row]))
        assert np.allclose(found[0, 0], wanted, atol=1e-5)
    assert not np.allclose(encode_now(load("t5", layers=(-1,)), tokens).means(), features.means(), atol=0.01)


def test_layers_are_counted_from_the_end(load: Load) -> None:
    tokens = load().tokenize(["you and that"])
    every, some = load(layers=()), load(layers=(-1, -3))
    assert every.layer_numbers == (0, 1, 2)
    assert some.layer_numbers == (2, 0)
    both = single(every, tokens.ids)
    assert torch.allclose(single(some, tokens.ids), both[[2, 0]], atol=1e-6)
    assert every.digest != some.digest
    assert every.states_digest == some.states_digest


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        ("bert", {"layers": (-4,)}, "has 3 hidden states, embeddings included: -1 .the last. to -3"),
        ("bert", {"layers": (3,)}, "has 3 hidden states"),
        ("bert", {"layers": (-1, 2)}, "named twice"),
        ("bert", {"states": "decoder"}, "bert has no decoder"),
    ],
)
def test_layers_that_are_not_there(kind: str, settings: dict[str, object], said: str, load: Load) -> None:
    with pytest.raises(SettingsError, match=said):
        load(kind, **settings)


def test_the_default_layers_fit_a_shallow_encoder(load: Load) -> None:
    encoder = load()
    assert encoder.layers == 3
    assert "3 hidden states" in encoder.notes[0]


def test_long_texts_are_cut_and_counted(load: Load) -> None:
    encoder = load(max_tokens=8)
    texts = ["the of and", "the " * 6, "the " * 7, "the " * 50]
    tokens = encoder.tokenize(texts)
    assert tokens.lengths.tolist() == [5, 8, 8, 8]
    assert tokens.lost.tolist() == [0, 0, 1, 44]
    assert encoder.pieces(tokens.row(2)) == ["[CLS]", *["the"] * 6, "[SEP]"]
    assert len(tokens) == 4
    assert encoder.tokenize(texts[:3]).digest != tokens.digest == encoder.tokenize(texts).digest


def test_more_tokens_than_positions_are_lowered_and_said(load: Load) -> None:
    encoder = load("roberta", max_tokens=100)
    assert encoder.max_tokens == 40
    assert "at most 40 tokens of a text, not 100" in encoder.notes[-1]
    tokens = encoder.tokenize(["the " * 90])
    assert tokens.lost.tolist() == [52]
    assert encode_now(encoder, tokens).lengths.tolist() == [40]
    assert load("t5", max_tokens=100).max_tokens == 100


def test_a_text_without_tokens_gets_one(folder_of: FolderOf, tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of("bert"), tmp_path / "plain")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer | {"post_processor": None}))
    about = json.loads((folder / "tokenizer_config.json").read_text())
    del about["pad_token"], about["eos_token"]
    (folder / "tokenizer_config.json").write_text(json.dumps(about))
    encoder = Encoder.load(find_encoder(str(folder)), EncoderSettings(), max_tokens=9)
    tokens = encoder.tokenize(["", "the of and", "the"])
    assert encoder.pieces(tokens.row(0)) == ["[UNK]"]
    assert tokens.lengths.tolist() == [1, 3, 1]
    assert np.isfinite(encode_now(encoder, tokens).means()).all()


def test_an_encoder_in_training_gives_the_same_states(load: Load) -> None:
    encoder = load()
    ids = encoder.tokenize(["you and that"]).ids
    before = single(encoder, ids)
    encoder.module.train()
    assert torch.equal(single(encoder, ids), before)
    assert encoder.module.training


def test_states_follow_the_weights(load: Load) -> None:
    encoder = load()
    ids = encoder.tokenize(["you and that"]).ids
    before = single(encoder, ids)
    with torch.no_grad():
        encoder.module.encoder.layer[-1].output.dense.weight[0] += 0.5
    assert not torch.allclose(single(encoder, ids)[-1], before[-1], atol=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_the_nearest_kin_of_bert_are_packed(kind: str, load: Load) -> None:
    encoder = load(kind, layers=(-2,))
    module = encoder.module
    packed = pack_layers(module, 1, lambda ids, mask: module(ids, mask.long(), output_hidden_states=True).hidden_states)
    assert (packed is not None) == (kind in ("bert", "roberta", "distilbert", "electra"))
    if packed is not None:
        assert len(packed.layers) == 1


def test_layers_that_compute_more_are_not_packed(load: Load) -> None:
    class Adapted(torch.nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x) + x[..., :1]

    encoder = load(layers=(-1,))
    ids = encoder.tokenize(["you and that"]).ids
    before = single(encoder, ids)
    attention = encoder.module.encoder.layer[0].attention.self
    adapted = Adapted(16, 16)
    adapted.load_state_dict(attention.query.state_dict())
    attention.query = adapted
    changed = single(encoder, ids)
    assert not torch.allclose(changed, before, atol=1e-3)
    row = torch.from_numpy(ids.astype(np.int64))[None]
    with torch.no_grad():
        assert torch.allclose(changed[0], encoder.module(row).last_hidden_state[0], atol=1e-5)


def test_packed_layers_that_differ_are_not_taken(load: Load) -> None:
    module = load().module
    assert pack_layers(module, 2, lambda ids, mask: tuple(torch.zeros(2, 7, 16) for _ in range(3))) is None


def test_states_may_enter_a_network_that_is_trained(load: Load) -> None:
    encoder = load(layers=(-1,))
    head = torch.nn.Linear(16, 1)
    head(single(encoder, encoder.tokenize(["you and that"]).ids)).sum().backward()
    assert head.weight.grad is not None


def test_incomplete_weights_are_refused(folder_of: FolderOf, tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of("bert"), tmp_path / "half")
    weights = load_file(folder / "model.safetensors")
    kept = {name: one for name, one in weights.items() if "layer.1.output.dense" not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"lack 2 of what bert has, encoder.layer.1.output.dense.bias for one"):
        Encoder.load(find_encoder(str(folder)), EncoderSettings(), max_tokens=9)


def test_weights_without_a_decoder_give_no_decoder_states(folder_of: FolderOf, tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of("t5"), tmp_path / "encoder-only")
    weights = load_file(folder / "model.safetensors")
    kept = {name: one for name, one in weights.items() if not name.startswith("decoder.")}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    source = find_encoder(str(folder))
    assert Encoder.load(source, EncoderSettings(), max_tokens=9).layers == 3
    with pytest.raises(InputError, match="take the encoder's states"):
        Encoder.load(source, EncoderSettings(states="decoder"), max_tokens=9)


@pytest.mark.parametrize("file", ["tokenizer.json", "model.safetensors"])
def test_damaged_files_are_refused(file: str, folder_of: FolderOf, tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of("bert"), tmp_path / "damaged")
    (folder / file).write_bytes(b"{nothing")
    with pytest.raises(InputError, match=r"cannot be (read|loaded)"):
        Encoder.load(find_encoder(str(folder)), EncoderSettings(), max_tokens=9)


def test_a_tokenizer_of_another_encoder_is_refused(folder_of: FolderOf, tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of("bert"), tmp_path / "mixed")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"]["extra"] = len(tokenizer["model"]["vocab"])
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(InputError, match="do not belong together"):
        Encoder.load(find_encoder(str(folder)), EncoderSettings(), max_tokens=9)


def test_batches_hold_hardly_any_padding(load: Load) -> None:
    tokens = load().tokenize(make_texts(3000, longest=25))
    order = Order.of(tokens)
    padded, batches = 0, order.batches(1000)
    assert [begin for begin, _ in batches] == [0, *(end for _, end in batches[:-1])]
    assert batches[-1][1] == len(order)
    for begin, end in batches:
        lengths = tokens.lengths[order.rows[begin:end]]
        padded += int(lengths.max()) * len(lengths)
        assert len(lengths) == 1 or lengths.max() * len(lengths) <= 2048
    assert order.tokens <= padded <= 1.05 * order.tokens


def test_equal_texts_are_one(load: Load) -> None:
    tokens = load().tokenize(["you", "the of", "you", "you and", "the of"])
    order = Order.of(tokens)
    assert len(order) == 3
    for row in range(5):
        assert np.array_equal(tokens.row(int(order.rows[order.place[row]])), tokens.row(row))
