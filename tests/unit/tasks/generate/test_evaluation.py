"""The protocols: each against the plainest way to compute the same numbers, and what must not leak."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from gatewise.errors import DivergedError, InputError
from gatewise.models import TextNetwork
from gatewise.settings import TextModelSettings, TextTrainSettings
from gatewise.tasks.generate import adaptive, evaluation
from gatewise.tasks.generate.adaptive import dynamic, prequential, running_curve
from gatewise.tasks.generate.evaluation import carried, cold, first_symbols, last_symbols, memory_curve
from gatewise.tasks.generate.predicted import read_logits

V = 5
N = 99
UNSEEN = -math.log(N + 1)


def make_network(cell="gru", seed=0, **options):
    settings = TextModelSettings(cell=cell, units=12, embedding=4, **options)
    generator = torch.Generator().manual_seed(seed)
    dropout = torch.Generator().manual_seed(seed)
    return TextNetwork(settings, V, init_generator=generator, dropout_generator=dropout)


def text(n=400, seed=0, unseen=False):
    return np.random.default_rng(seed).integers(0, V + unseen, n)


def step_by_step(network, ids):
    """Return the log-probability, and the most likely symbol's, of every symbol: one step at a time from nothing."""
    state, last, log_probs, sure = network.initial_state(1), V, [], []
    with torch.no_grad():
        for symbol in ids:
            logits, state = network.step(torch.tensor([last]), state)
            each = logits[0].double().log_softmax(0)
            log_probs.append(UNSEEN if symbol == V else float(each[symbol]))
            sure.append((float(each.max().exp()), int(each.argmax()) == symbol))
            last = int(symbol)
    return np.array(log_probs), np.array(sure)


class View:
    """Ids that are read when asked, from an array that must not be written."""

    def __init__(self, ids):
        self.ids = ids
        self.ids.flags.writeable = False

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, key):
        return self.ids[key]


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
@pytest.mark.parametrize("rows", [8192, 7])
def test_carried_is_step_by_step(monkeypatch, cell, rows):
    monkeypatch.setattr(evaluation, "_ROWS", rows)
    network = make_network(cell, initial_state="learned", layers=2)
    ids = text(unseen=True)
    spans = np.array([[300, 330], [5, 290], [290, 290], [330, 331]])  # of all lengths, in any order
    found = carried(network, View(ids), spans, training_symbols=N)
    assert len(found) == 316
    expected = [step_by_step(network, ids[b:e]) for b, e in spans if e > b]
    np.testing.assert_allclose(found.log_probs, np.concatenate([one[0] for one in expected]), atol=2e-6)
    sure = np.concatenate([one[1] for one in expected])
    np.testing.assert_allclose(found.confidence, sure[:, 0], atol=2e-6)
    np.testing.assert_array_equal(found.right, sure[:, 1])
    where = np.concatenate([np.arange(b, e) for b, e in spans])
    np.testing.assert_array_equal(found.where, where)
    np.testing.assert_array_equal(found.target, ids[where])
    np.testing.assert_array_equal(found.position, np.concatenate([1 + np.arange(e - b) for b, e in spans]))


def test_more_texts_than_fit_side_by_side(monkeypatch):
    network, ids = make_network(), text()
    spans = np.stack([np.arange(0, 400, 10), np.arange(0, 400, 10) + np.arange(40) % 11], axis=1)
    spans = spans[spans[:, 1] <= 400]
    whole = carried(network, ids, spans, training_symbols=N).log_probs
    monkeypatch.setattr(evaluation, "_LANES", 3)
    np.testing.assert_allclose(carried(network, ids, spans, training_symbols=N).log_probs, whole, atol=1e-6)


def test_cold_is_cross_entropy_over_windows():
    network, ids = make_network(), text(unseen=True)
    spans = np.array([[0, 100], [100, 117], [120, 137]])
    found = cold(network, View(ids), spans, training_symbols=N, window=16)
    starts = [*range(0, 84, 16), 100, 120]  # a window wants one symbol more than it reads
    read = torch.tensor(np.stack([ids[b : b + 16] for b in starts]))
    target = torch.tensor(np.stack([ids[b + 1 : b + 17] for b in starts]))
    with torch.no_grad():
        logits, _ = network.eval()(read)
    losses = functional.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none", ignore_index=V)
    expected = np.where(target.flatten() == V, UNSEEN, -losses.numpy())
    np.testing.assert_allclose(found.log_probs, expected, atol=2e-6)
    np.testing.assert_array_equal(found.position, np.tile(np.arange(1, 17), len(starts)))
    np.testing.assert_array_equal(ids[found.where], found.target)
    np.testing.assert_array_equal(found.target, target.flatten())
    assert not found.right[found.target == V].any()


def test_a_part_shorter_than_a_window_has_no_cold_number():
    assert len(cold(make_network(), text(), np.array([[0, 256]]), training_symbols=N)) == 0
    assert len(cold(make_network(), text(), np.array([[0, 257]]), training_symbols=N)) == 256
    assert len(cold(make_network(), text(), np.empty((0, 2), int), training_symbols=N)) == 0


def test_many_windows_are_read_in_batches(monkeypatch):
    network, ids = make_network(), text()
    whole = cold(network, ids, np.array([[0, 400]]), training_symbols=N, window=8).log_probs
    monkeypatch.setattr(evaluation, "_LANES", 7)
    found = cold(network, ids, np.array([[0, 400]]), training_symbols=N, window=8)
    np.testing.assert_allclose(found.log_probs, whole, atol=1e-6)


def test_the_network_is_left_as_it_was():
    network, ids, spans = make_network(head=(6,), head_dropout=0.5, symbol_dropout=0.5), text(80), np.array([[0, 80]])
    network.train()
    network.stack.eval()  # a part of it may stand in another mode
    before = {name: value.clone() for name, value in network.state_dict().items()}
    drawn = network.dropout_generator.get_state()
    first = carried(network, ids, spans, training_symbols=N)
    cold(network, ids, spans, training_symbols=N, window=8)
    memory_curve(network, ids, spans, training_symbols=N, contexts=(1, 3))
    dynamic(network, ids, spans, 0.5, training_symbols=N)
    assert network.training
    assert network.head.dropout.training
    assert not network.stack.training
    assert torch.equal(network.dropout_generator.get_state(), drawn)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(weight.grad is None for weight in network.parameters())
    np.testing.assert_allclose(carried(network.eval(), ids, spans, training_symbols=N).log_probs, first.log_probs)


def test_spans_outside_the_text_are_refused():
    for spans in ([[0, 401]], [[-1, 5]], [[7, 3]]):
        with pytest.raises(InputError, match="spans must lie in a text of 400 symbols"):
            carried(make_network(), text(), np.array(spans), training_symbols=N)


def test_the_softmax_of_thousands_of_symbols_is_exact():
    logits = torch.randn(3, 20_000, generator=torch.Generator().manual_seed(0)) * 5
    found, _, _ = read_logits(logits, torch.tensor([0, 1, 2]), 1.0)
    x = logits.double()
    expected = [float(x[i, i] - x[i].exp().sum().log()) for i in range(3)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_bound_on_symbols_cuts_spans_at_either_end():
    spans = np.array([[0, 10], [20, 25], [30, 40]])
    assert first_symbols(spans, 12).tolist() == [[0, 10], [20, 22]]
    assert last_symbols(spans, 12).tolist() == [[23, 25], [30, 40]]
    assert last_symbols(spans, 10).tolist() == [[30, 40]]
    assert first_symbols(spans, 99).tolist() == last_symbols(spans, 99).tolist() == spans.tolist()
    assert first_symbols(np.empty((0, 2), int), 5).shape == last_symbols(spans, 0).shape == (0, 2)


# --- memory cut short


def test_memory_curve_reads_only_the_last_symbols():
    network, ids, spans = make_network(), text(), np.array([[10, 30], [50, 70]])
    rows = memory_curve(network, ids, spans, training_symbols=N, contexts=(3, 1, 100), samples=10**6)
    assert [row["context"] for row in rows] == [1, 3]
    places = [*range(13, 30), *range(53, 70)]
    for row in rows:
        losses = []
        for place in places:
            with torch.no_grad():
                logits, _ = network(torch.tensor(ids[place - row["context"] : place])[None])
            losses.append(float(functional.cross_entropy(logits[0, -1:], torch.tensor(ids[place : place + 1]))))
        assert row["nats_per_char"] == pytest.approx(np.mean(losses), abs=1e-5)
        assert row["standard_error"] == pytest.approx(np.std(losses, ddof=1) / math.sqrt(34), rel=1e-3)
        assert row["n"] == 34


def test_memory_curve_draws_with_its_seed():
    network, ids, spans = make_network(), text(), np.array([[0, 400]])
    draw = [
        memory_curve(network, ids, spans, training_symbols=N, contexts=(2,), samples=50, seed=seed)[0]["nats_per_char"]
        for seed in (0, 0, 1)
    ]
    assert draw[0] == draw[1] != draw[2]
    assert memory_curve(network, ids, np.array([[0, 2]]), training_symbols=N, contexts=(2,)) == []
    with pytest.raises(InputError, match="from 1 on"):
        memory_curve(network, ids, spans, training_symbols=N, contexts=(0, 1))


# --- learning along the text


def repeating(n):
    return np.tile([0, 1, 2, 3, 4], n // 5)


def test_dynamic_with_rate_zero_is_carried():
    network, ids = make_network("lstm"), text(unseen=True)
    spans = np.array([[0, 150], [200, 210]])
    expected = carried(network, ids, spans, training_symbols=N)
    found = dynamic(network, ids, spans, 0.0, training_symbols=N, chunk=16)
    np.testing.assert_allclose(found.log_probs, expected.log_probs, atol=2e-6)
    for name in ("right", "position", "where", "target"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_dynamic_learns_the_text_and_is_drawn_back():
    network, ids, spans = make_network(), repeating(1000), np.array([[0, 1000]])
    still = carried(network, ids, spans, training_symbols=N).log_probs
    free = dynamic(network, ids, spans, 1.0, training_symbols=N, decay=0.0, chunk=20).log_probs
    held = dynamic(network, ids, spans, 1.0, training_symbols=N, decay=0.5, chunk=20).log_probs
    np.testing.assert_allclose(free[:20], still[:20], atol=2e-6)  # the first chunk is predicted before it is learned
    assert free[-100:].mean() > held[-100:].mean() > still[-100:].mean()


def test_dynamic_makes_the_step_of_the_paper():
    ids, rate, pull = text(15), 0.3, 0.1
    home, learner = dict(make_network().named_parameters()), make_network()
    state, last, expected = learner.initial_state(1), V, []
    for chunk in np.split(ids, 3):  # the third is predicted by weights that were pulled back once
        logits, state = learner(torch.tensor([[last, *chunk[:-1]]]), state)
        expected += (-functional.cross_entropy(logits[0], torch.tensor(chunk), reduction="none")).tolist()
        learner.zero_grad()
        functional.cross_entropy(logits[0], torch.tensor(chunk)).backward()
        with torch.no_grad():
            for name, w in learner.named_parameters():
                w.copy_(w - rate * w.grad + pull * (home[name] - w))
        state, last = tuple(part.detach() for part in state), chunk[-1]
    found = dynamic(make_network(), ids, np.array([[0, 15]]), rate, training_symbols=N, decay=pull, chunk=5)
    np.testing.assert_allclose(found.log_probs, expected, atol=2e-6)


ADAM = TextTrainSettings(optimizer="adam", learning_rate=0.02)


def test_prequential_starts_from_fresh_weights_and_learns():
    ids, spans = repeating(1500), np.array([[0, 1500]])
    found = prequential(make_network, ADAM, ids, spans, training_symbols=N, chunk=25)
    fresh = carried(make_network(), ids, spans, training_symbols=N)
    np.testing.assert_allclose(found.log_probs[:25], fresh.log_probs[:25], atol=2e-6)
    assert found.log_probs[-100:].mean() > -0.1 > -1.0 > found.log_probs[:50].mean()
    np.testing.assert_array_equal(found.where, np.arange(1500))


def test_prequential_never_learns_what_it_has_not_predicted():
    ids = repeating(600)
    noise = np.concatenate([ids[:301], text(299)])
    spans = np.array([[0, 250], [250, 600]])
    whole = prequential(make_network, ADAM, ids, spans, training_symbols=N, chunk=20).log_probs
    changed = prequential(make_network, ADAM, noise, spans, training_symbols=N, chunk=20).log_probs
    np.testing.assert_array_equal(whole[:301], changed[:301])
    assert not np.array_equal(whole[301:], changed[301:])


def test_prequential_clips_and_drops_nothing(monkeypatch):
    clipped = []
    clip = torch.nn.utils.clip_grad_norm_
    monkeypatch.setattr(adaptive.nn.utils, "clip_grad_norm_", lambda p, most: clipped.append(most) or clip(p, most))
    ids, spans = text(60), np.array([[0, 60]])
    make = lambda: make_network(symbol_dropout=0.5)  # noqa: E731
    first = prequential(make, ADAM, ids, spans, training_symbols=N, chunk=20)
    assert clipped == [ADAM.clip_norm] * 3
    plain = prequential(make_network, ADAM, ids, spans, training_symbols=N, chunk=20)
    np.testing.assert_array_equal(first.log_probs, plain.log_probs)
    prequential(make, ADAM.model_copy(update={"clip_norm": None}), ids, spans, training_symbols=N, chunk=20)
    assert len(clipped) == 6


def test_symbols_that_training_never_saw_teach_nothing():
    ids = np.full(40, V)
    found = prequential(make_network, ADAM, ids, np.array([[0, 40]]), training_symbols=N, chunk=10)
    np.testing.assert_array_equal(found.log_probs, UNSEEN)
    assert not found.right.any()


def test_a_rate_that_is_too_large_is_said():
    settings = TextTrainSettings(optimizer="sgd", learning_rate=1e30, clip_norm=None)
    with pytest.raises(DivergedError, match="smaller learning rate"):
        prequential(make_network, settings, text(), np.array([[0, 400]]), training_symbols=N, chunk=20)


def test_the_running_curve():
    log_probs = -np.arange(1, 1001) * math.log(2)
    rows = running_curve(log_probs)
    assert [row["n"] for row in rows] == [10, 20, 50, 100, 200, 500, 1000]
    assert [row["bits_per_char"] for row in rows] == pytest.approx([(row["n"] + 1) / 2 for row in rows])
    assert [row["share"] for row in running_curve(log_probs[:10])] == [0.1, 0.2, 0.5, 1.0]
