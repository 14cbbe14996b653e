import pytest
import torch
from safetensors.torch import load_file, save_file

from gatewise.encoders import find_encoder
from gatewise.errors import InputError, SettingsError
from gatewise.tasks.adapt.network import load_masked

KINDS = ["bert", "roberta", "distilbert", "deberta", "deberta-v2", "electra", "mpnet", "albert"]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", KINDS)
def test_the_head_sees_the_chosen_tokens_alone(bare, kind):
    network, new = load_masked(bare(kind), generator())
    assert new
    ids = torch.randint(5, 90, (3, 9), generator=generator(1))
    mask = torch.ones(3, 9, dtype=torch.bool)
    mask[1, 5:] = False
    chosen = (torch.rand(3, 9, generator=generator(2)) < 0.3) & mask
    network.train()
    whole = network.model(input_ids=ids, attention_mask=mask.long()).logits[chosen]
    torch.testing.assert_close(network(ids, mask, chosen), whole)
    assert chosen.any()


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_a_new_head_starts_at_a_bias_of_0_from_the_generator_alone(bare, kind):
    state = torch.get_rng_state()
    one, same, other = (load_masked(bare(kind), generator(seed))[0].head() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    for name, weight in one.items():
        assert torch.equal(weight, same[name])
        if weight.dim() > 1:
            assert not torch.equal(weight, other[name])
            assert weight.std().item() == pytest.approx(0.02, rel=0.3)
        else:
            assert weight.unique().tolist() == [0.0 if name.endswith("bias") else 1.0]


def test_a_head_that_comes_along_is_kept(headed_folder):
    network, new = load_masked(find_encoder(str(headed_folder)), generator())
    assert not new
    stored = load_file(headed_folder / "model.safetensors")
    name = "cls.predictions.transform.dense.weight"
    assert torch.equal(network.head()[name], stored[name])


def test_the_head_alone_or_everything_is_trained(bare):
    network, _ = load_masked(bare(), generator())
    network.learn(head_alone=True)
    open_ones = [name for name, weight in network.model.named_parameters() if weight.requires_grad]
    assert open_ones == list(network.head())
    assert all(name.startswith("cls.") for name in open_ones)
    network.learn(head_alone=False)
    assert all(weight.requires_grad for weight in network.parameters())


def test_a_t5_is_refused(bare):
    with pytest.raises(SettingsError, match="t5 is not trained by guessing"):
        load_masked(bare("t5"), generator())


def test_weights_that_lack_something_are_refused(headed_folder, tmp_path):
    import shutil

    folder = tmp_path / "half"
    shutil.copytree(headed_folder, folder)
    tensors = load_file(folder / "model.safetensors")
    del tensors["bert.encoder.layer.1.output.dense.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=r"lack 1 of what bert has, bert\.encoder\.layer\.1\.output\.dense\.weight"):
        load_masked(find_encoder(str(folder)), generator())
    (folder / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputError, match="cannot be loaded"):
        load_masked(find_encoder(str(folder)), generator())
