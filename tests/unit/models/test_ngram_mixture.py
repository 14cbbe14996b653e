import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewise.models import TextNetwork
from gatewise.models.mixture import NGramMixture
from gatewise.models.ngram import KneserNey
from gatewise.models.steps import TextSteps
from gatewise.settings import TextModelSettings

V, SHARE = 5, 0.3


def texts(seed, *shape):
    return np.random.default_rng(seed).integers(0, V, size=shape)


def make(cell="gru", order=4, **options):
    network = TextNetwork(
        TextModelSettings(cell=cell, units=6, embedding=4, **options),
        V,
        init_generator=torch.Generator().manual_seed(0),
    ).eval()
    network.mixture = NGramMixture.count(texts(1, 300), V, order, SHARE)
    return network


def test_predictions_are_the_sum_of_both_by_their_shares():
    network, ids = make(), texts(2, 40)
    read = torch.tensor([[network.nothing, *ids[:-1]]])
    mixed = network(read)[0].softmax(-1)[0]
    with network.alone():
        own = network(read)[0].softmax(-1)[0]
    counted = network.mixture.ngrams.log_probs(ids, np.arange(len(ids)), 4)
    chosen = (range(len(ids)), ids)
    expected = (1 - SHARE) * own[chosen].detach().numpy() + SHARE * np.exp(counted)
    np.testing.assert_allclose(mixed[chosen].detach().numpy(), expected, rtol=1e-5)
    torch.testing.assert_close(mixed.sum(-1), torch.ones(len(ids)))
    assert network.mixture is not None  # it came back


@pytest.mark.parametrize(("cell", "options"), [("lstm", {}), ("gru", {"layers": 2}), ("mingru", {"block": "residual"})])
def test_step_by_step_and_in_halves_equals_the_whole(cell, options):
    network, ids = make(cell, **options), torch.tensor(texts(3, 3, 12))
    ids[1, 5] = network.nothing  # a symbol that training never saw: no n-gram runs over it
    whole, end = network(ids)
    first, state = network(ids[:, :7])
    second, last = network(ids[:, 7:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)
    state = network.initial_state(3)
    steps = TextSteps(network, state)
    with torch.inference_mode():
        for t in range(12):
            logits, state = network.step(ids[:, t], state)
            torch.testing.assert_close(logits, whole[:, t])
            torch.testing.assert_close(steps(ids[:, t]), whole[:, t])
    for part, other, third in zip(end, state, steps.state, strict=True):
        torch.testing.assert_close(part, other)
        torch.testing.assert_close(part, third)
    torch.testing.assert_close(last[-1], end[-1])
    steps.select(torch.tensor([2, 0]))
    torch.testing.assert_close(steps.state[-1], end[-1][[2, 0]])


def test_a_text_begins_without_a_past():
    network = make()
    before = network(torch.full((1, 1), network.nothing))[0].softmax(-1)[0, 0]
    with network.alone():
        own = network(torch.full((1, 1), network.nothing))[0].softmax(-1)[0, 0]
    unigram = network.mixture.ngrams.following(np.array([[0], [-1], [-1], [-1]]))[0]
    np.testing.assert_allclose(before.detach().numpy(), (1 - SHARE) * own.detach().numpy() + SHARE * unigram, rtol=1e-5)


def test_gradients_flow_through_the_networks_part():
    network = make()
    loss = network(torch.tensor(texts(4, 2, 6)))[0].log_softmax(-1)[..., 0].sum()
    loss.backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in network.parameters())


def test_more_symbols_keep_the_counts_of_the_old_ones():
    old = KneserNey(texts(5, 400), V, 3)
    new = old.extended(V + 2)
    ids = texts(6, 50)
    had, has = old.probabilities(ids, 3), new.probabilities(ids, 3)
    assert has.shape == (50, V + 2)
    np.testing.assert_allclose(has.sum(axis=1), 1.0)
    # what the empty context leaves to all symbols alike is now cut into more pieces
    np.testing.assert_allclose(has[:, :V], had, atol=0.05)
    assert (has[:, V:] > 0).all()
    assert (had.argmax(axis=1) == has.argmax(axis=1)).all()


def test_tables_survive_their_arrays():
    model = KneserNey(texts(7, 500), V, 5)
    again = KneserNey.of_arrays({name: array.copy() for name, array in model.arrays().items()}, V)
    ids = texts(8, 60)
    np.testing.assert_array_equal(again.probabilities(ids, 5), model.probabilities(ids, 5))
    broken = model.arrays()
    broken["counts.3"] = broken["counts.3"][:-1]
    with pytest.raises(ValueError, match="order 3"):
        KneserNey.of_arrays(broken, V)
    broken = model.arrays()
    broken["keys.2"] = broken["keys.2"] + V**3
    with pytest.raises(ValueError, match="order 2"):
        KneserNey.of_arrays(broken, V)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, V), min_size=1, max_size=40), st.integers(1, 6))
def test_reading_gives_what_scoring_all_at_once_gives(ids, order):
    model = KneserNey(texts(9, 200), V, order)
    ids = np.array(ids)
    shifted = np.array([V, *ids[:-1]])
    contexts = model.read(shifted[None], model.start()[None])
    table = model.following(contexts.reshape(model.order, -1))
    np.testing.assert_allclose(table.sum(axis=1), 1.0)
    known = ids < V
    scored = model.log_probs(ids, np.arange(len(ids)), order)
    np.testing.assert_allclose(np.log(table[np.flatnonzero(known), ids[known]]), scored[known], rtol=1e-9)


def test_shares_are_exact():
    network = make()
    network.mixture = NGramMixture(network.mixture.ngrams, 0.999)
    logits = network(torch.tensor(texts(10, 1, 30)))[0]
    with network.alone():
        own = network(torch.tensor(texts(10, 1, 30)))[0].log_softmax(-1)
    assert bool((logits >= own + math.log(0.001) - 1e-5).all())
