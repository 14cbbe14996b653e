"""The part of an encoder that learns: its last layers, or adapters."""

import sys

import pytest
import torch

from gatewise.encoders.tuning import trainable_encoder
from gatewise.errors import MissingExtraError, SettingsError
from gatewise.runs import RunFolder
from gatewise.settings import TrainSettings
from gatewise.settings.classify import EncoderSettings
from gatewise.training import Seeds, train

KINDS = ["bert", "roberta", "distilbert", "deberta", "deberta-v2", "mpnet", "t5"]
LAST = {"distilbert": "transformer.layer.1", "t5": "encoder.block.1"}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def make(encoder, seed=0, **settings):
    return trainable_encoder(encoder, EncoderSettings(name="x", **settings), generator=generator(seed))


def batch(encoder):
    ids = torch.randint(5, encoder.vocabulary_size, (3, 7), generator=generator(1))
    mask = torch.ones(3, 7, dtype=torch.bool)
    mask[1, 4:] = mask[2, 2:] = False
    return ids.where(mask, torch.tensor(encoder.pad)), mask


def valid(states, mask):
    return states.transpose(1, 2)[mask]


@pytest.mark.parametrize("way", [{"tune_layers": 1}, {"lora_rank": 2}])
@pytest.mark.parametrize("kind", KINDS)
def test_it_starts_as_the_frozen_encoder(load, kind, way):
    encoder = load(kind)
    ids, mask = batch(encoder)
    network = make(encoder, **way).train()  # training must not bring dropout back
    states = network(ids, mask)
    assert states.shape == (3, encoder.layers, 7, encoder.width)
    assert torch.equal(valid(states, mask), valid(encoder.states(ids, mask), mask))


@pytest.mark.parametrize("way", [{"tune_layers": 1}, {"lora_rank": 2}])
@pytest.mark.parametrize("kind", KINDS)
def test_only_what_was_asked_for_is_trained(load, kind, way):
    encoder = load(kind)
    ids, mask = batch(encoder)
    network = make(encoder, **way).train()
    before = encoder.states(ids, mask)
    weights = {name: weight.detach().clone() for name, weight in network.named_parameters()}
    named = {name for name, weight in network.named_parameters() if weight.requires_grad}
    aim = torch.randn(encoder.width, generator=generator(2))  # the size of a normalised state would have no gradient
    optimizer = torch.optim.SGD([weight for weight in network.parameters() if weight.requires_grad], lr=0.1)
    for _ in range(2):  # B starts at 0: the second step is the first that moves A
        optimizer.zero_grad()
        (valid(network(ids, mask), mask) @ aim).square().mean().backward()
        optimizer.step()
    moved = {name for name, weight in network.named_parameters() if not torch.equal(weight, weights[name])}
    assert moved <= named
    assert len(moved) > len(named) / 2  # attention that is sure of itself has hardly a gradient
    if way == {"lora_rank": 2}:
        assert all("lora_" in name for name in named)
        assert {name.split("lora_")[1][0] for name in named} == {"A", "B"}
        layers = {name.split("layer.")[1][0] if kind != "t5" else name.split("block.")[1][0] for name in named}
        assert layers == {"0", "1"}  # every layer has some
    else:
        place = "module." + LAST.get(kind, "encoder.layer.1")
        norm = {"module.encoder.final_layer_norm.weight"} if kind == "t5" else set()
        assert named == {name for name in weights if name.startswith(place)} | norm
    assert torch.equal(encoder.states(ids, mask), before)


def test_nothing_is_kept_of_the_layers_before(load):
    encoder = load("bert")
    network = make(encoder, tune_layers=1)
    out = network.module(input_ids=batch(encoder)[0], output_hidden_states=True)
    assert [state.requires_grad for state in out.hidden_states] == [False, False, True]


def test_the_decoder_of_a_t5_can_be_trained(load):
    encoder = load("t5", states="decoder")
    ids, mask = batch(encoder)
    network = make(encoder, tune_layers=1, states="decoder")
    named = [name for name, weight in network.named_parameters() if weight.requires_grad]
    assert all(name.startswith(("module.decoder.block.1", "module.decoder.final_layer_norm")) for name in named)
    assert torch.equal(valid(network(ids, mask), mask), valid(encoder.states(ids, mask), mask))


def test_the_start_of_adapters_comes_from_the_generator_alone(load):
    encoder = load("bert")
    state = torch.get_rng_state()
    one, same, other = (make(encoder, seed, lora_rank=3).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    drawn = [name for name in one if "lora_A" in name]
    assert all(torch.equal(one[name], same[name]) and not torch.equal(one[name], other[name]) for name in drawn)
    assert one[drawn[0]].shape == (3, encoder.width)


def test_an_adapter_adds_two_b_a(load):
    encoder = load("bert")
    network = make(encoder, lora_rank=3)
    query = network.module.encoder.layer[0].attention.self.query
    a, b = query.lora_A["default"].weight, query.lora_B["default"].weight
    torch.nn.init.normal_(b, generator=generator())
    x = torch.randn(4, encoder.width, generator=generator(5))
    torch.testing.assert_close(query(x), query.base_layer(x) + 2 * x @ a.T @ b.T)


@pytest.mark.parametrize(
    ("kind", "loaded", "way", "said"),
    [
        ("bert", {}, {}, "set tune_layers or lora_rank"),
        ("bert", {}, {"tune_layers": 3}, "tune_layers 3: the encoder has 2 layers"),
        ("albert", {}, {"tune_layers": 1}, "albert has one layer"),
        ("bert", {"layers": (0, 1)}, {"tune_layers": 1}, "no trained layer reaches"),
        ("bert", {"layers": (0,)}, {"lora_rank": 1}, "no trained layer reaches"),
    ],
)
def test_what_cannot_be_trained_is_refused(load, kind, loaded, way, said):
    with pytest.raises(SettingsError, match=said):
        make(load(kind, **loaded), **way)


def test_without_peft_it_says_what_to_install(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingExtraError, match=r"gatewise\[tune\]"):
        make(load("bert"), lora_rank=1)


class Network(torch.nn.Module):
    """An encoder that learns and a head over it."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = make(encoder, lora_rank=2)
        self.head = torch.nn.utils.skip_init(torch.nn.Linear, encoder.width, 2)
        torch.nn.init.normal_(self.head.weight, generator=generator())
        torch.nn.init.zeros_(self.head.bias)

    def parameter_groups(self):
        return [{"params": self.head.parameters()}, {"params": self.encoder.parameters(), "lr": 1e-3}]


class Task:
    """Whether the first number of a text is even; dies when it has been asked for so many batches."""

    def __init__(self, encoder, left=99):
        self.left = left
        self.ids = torch.randint(5, encoder.vocabulary_size, (24, 6), generator=generator(3))

    def plan(self, generator):
        return torch.randperm(24, generator=generator).split(8)

    def batch(self, key):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return self.ids[key], self.ids[key, 0] % 2

    def batch_size_of(self, key):
        return len(key)

    def loss(self, network, batch):
        ids, target = batch
        states = network.encoder(ids, torch.ones_like(ids, dtype=torch.bool))
        return torch.nn.functional.cross_entropy(network.head(states[:, -1].mean(1)), target)

    def validation_loss(self, network):
        return None


def test_a_stopped_run_that_trains_adapters_ends_with_the_same_bits(load, tmp_path):
    encoder = load("bert")
    settings, seeds = TrainSettings(epochs=3, checkpoint_seconds=0), Seeds(1, 2, 3)
    whole, parts = Network(encoder), Network(encoder)
    train(whole, Task(encoder), settings, seeds=seeds)
    folder = RunFolder.create(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        train(parts, Task(encoder, left=5), settings, seeds=seeds, folder=folder)
    parts = Network(encoder)
    train(parts, Task(encoder), settings, seeds=seeds, folder=folder)
    start = Network(encoder).state_dict()
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, parts.state_dict()[name])
        assert torch.equal(weight, start[name]) == ("lora_" not in name and "head" not in name)
