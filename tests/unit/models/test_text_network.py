"""The text network: sizes, what nothing reads as, one step at a time, dropout of symbols, carried state."""

import pytest
import torch

from gatewise import registry
from gatewise.errors import InputError, SettingsError
from gatewise.models import TextNetwork, count_parameters
from gatewise.settings import TextModelSettings, TextSettings

V = 7


def make(symbols=V, seed=0, **settings):
    draws = {f"{name}_generator": torch.Generator().manual_seed(seed + n) for n, name in enumerate(["init", "dropout"])}
    values = {"cell": "gru", "units": 6, "embedding": 4, "head_dropout": 0.0, **settings}
    return TextNetwork(TextModelSettings(**values), symbols, **draws)


def text(batch=2, steps=5, seed=0, symbols=V):
    return torch.randint(symbols + 1, (batch, steps), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("cell", "weights"), [("lstm", 4_766_841), ("gru", 3_654_777)])
def test_the_reports_networks_have_the_reports_sizes(cell, weights):
    network = TextNetwork(TextModelSettings(cell=cell, units=1024, embedding=64, head=(256, 128)), 57)
    assert count_parameters(network) == weights


@pytest.mark.parametrize("form", [{}, {"embedding": 0}, {"layers": 2, "block": "residual"}], ids=str)
@pytest.mark.parametrize("cell", registry.CELLS.names())
def test_every_cell_reads_text_whole_in_pieces_and_step_by_step(cell, form):
    network = make(cell=cell, units=4, head=(5,), **form).eval()
    ids = text()
    with torch.no_grad():
        whole, end = network(ids)
        assert whole.shape == (2, 5, V)
        first, state = network(ids[:, :2])
        second, pieced = network(ids[:, 2:], state)
        torch.testing.assert_close(torch.cat([first, second], dim=1), whole, rtol=1e-4, atol=1e-5)
        state = network.initial_state(2)
        for t in range(5):
            logits, state = network.step(ids[:, t], state)
            torch.testing.assert_close(logits, whole[:, t], rtol=1e-4, atol=1e-5)
    for part, other, last in zip(end, pieced, state, strict=True):
        torch.testing.assert_close(other, part, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(last, part, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("embedding", [0, 4])
def test_nothing_reads_as_zeros(embedding):
    network = make(embedding=embedding).eval()
    assert network.nothing == V
    vectors = network.symbol_vectors()
    assert vectors.shape == (V + 1, embedding or V)
    assert (vectors[V] == 0).all()
    ids = text()
    torch.testing.assert_close(network._vectors(ids), vectors[ids])
    y, _ = network.stack(vectors[ids])
    torch.testing.assert_close(network(ids)[0], network.head(y))


def test_symbols_as_they_are():
    network = make(embedding=0)
    assert torch.equal(network.symbol_vectors()[:V], torch.eye(V))
    assert network.embedding is None
    assert V in network.stack.cells[0].input_kernel.shape


def test_tied_weights_are_one_tensor_with_the_gradients_of_both_uses():
    tied, loose = make(tied=True, units=4), make(units=4)
    assert tied.head.layers[-1].weight is tied.embedding
    assert count_parameters(tied) == count_parameters(loose) - V * 4
    names = [name for name, _ in tied.named_parameters()]
    assert [name for name in names if name.startswith(("embedding", "head"))] == ["embedding", "head.layers.0.bias"]
    with torch.no_grad():
        for name, weight in loose.named_parameters():
            weight.copy_(tied.head.layers[-1].weight if name == "head.layers.0.weight" else tied.get_parameter(name))
    ids = text(symbols=V - 1)
    for network in (tied, loose):
        logits, _ = network(ids)
        (logits.log_softmax(-1) ** 2).mean().backward()
    both = loose.embedding.grad + loose.head.layers[-1].weight.grad
    torch.testing.assert_close(tied.embedding.grad, both)
    assert (loose.embedding.grad != 0).any()
    assert (loose.head.layers[-1].weight.grad != 0).any()


def test_tied_sizes_have_to_agree():
    with pytest.raises(SettingsError, match="set embedding to 8"):
        TextSettings.from_flat({"tied": True, "units": 8, "embedding": 4})
    with pytest.raises(SettingsError, match="embedding has 0"):
        TextSettings.from_flat({"tied": True, "units": 8, "embedding": 0})
    assert TextSettings.from_flat({"tied": True, "units": 8, "head": (4,), "embedding": 4}).model.tied


def test_symbol_dropout_drops_whole_symbols_and_only_in_training():
    network = make(symbol_dropout=0.5, embedding=16)
    seen = []
    network.stack.register_forward_hook(lambda _, args, __: seen.append(args[0]))
    ids = text(4, 50, symbols=V - 1)
    network(ids)
    network.eval()(ids)
    in_training, after = seen
    dropped = (in_training == 0).all(dim=-1)
    assert 0.3 < dropped.float().mean() < 0.7
    torch.testing.assert_close(in_training[~dropped], 2 * after[~dropped])
    assert not (after == 0).all(dim=-1).any()


def test_output_dropout_and_its_own_generator():
    network, ids = make(output_dropout=0.5), text()
    state = network.dropout_generator.get_state()
    one, other = network(ids)[0], network(ids)[0]
    assert not torch.equal(one, other)
    network.dropout_generator.set_state(state)
    assert torch.equal(network(ids)[0], one)


@pytest.mark.parametrize("initial_state", ["zero", "learned"])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_state_is_carried_and_some_begin_afresh(cell, initial_state):
    network = make(cell=cell, initial_state=initial_state)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if "initial" in name:
                weight += 0.3
    network.carry_state(3)
    start = network.initial_state(3)
    for part, kept in zip(start, network.carried_state(torch.zeros(3, dtype=torch.bool)), strict=True):
        torch.testing.assert_close(kept, part)
    _, end = network(text(3))
    network.keep_state(end)
    fresh = torch.tensor([False, True, False])
    for part, begun, kept in zip(end, start, network.carried_state(fresh), strict=True):
        torch.testing.assert_close(kept, torch.where(fresh[:, None], begun, part))
    assert not any(kept.requires_grad for kept in network.carried.buffers())  # no gradient from batch to batch
    held = {name: buffer.clone() for name, buffer in network.state_dict().items() if name.startswith("carried")}
    assert len(held) == len(end)  # a checkpoint has it
    network.carry_state(3)
    network.load_state_dict(network.state_dict() | held)
    torch.testing.assert_close(network.carried_state(torch.zeros(3, dtype=torch.bool)), tuple(p.detach() for p in end))


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (torch.zeros(3, dtype=torch.long), "2 dimensions"),
        (torch.zeros(1, 3), "integers"),
        (torch.tensor([[0, V + 1]]), f"from 0 to {V}"),
        (torch.tensor([[-1, 0]]), "found -1 to 0"),
    ],
)
def test_what_is_no_symbol_is_refused(ids, said):
    with pytest.raises(InputError, match=said):
        make()(ids)


def test_weights_start_from_their_generator_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    one, other, third = make(), make(), make(seed=5)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    assert not torch.equal(one.embedding, third.embedding)
    assert make(embedding_start="small", symbols=500).embedding.abs().max() <= 0.05
