"""Text as the loop sees it: streams that cover it, a state that is really carried, windows that stand alone."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from gatewise.errors import DataError
from gatewise.settings import TextSettings
from gatewise.tasks.generate.losses import create_text_loss
from gatewise.tasks.generate.model import create_network
from gatewise.tasks.generate.training import TextTask, mean_loss, window_starts

V = 5
NO_SPANS = np.zeros((0, 2), np.int64)


def spans(*pairs):
    return np.array(pairs, np.int64)


def settings(**flat):
    values = {"cell": "gru", "units": 5, "embedding": 3, "window": 4, "batch_size": 3, "head_dropout": 0.0}
    return TextSettings.from_flat({**values, **flat})


def text(n, seed=0, symbols=V):
    return np.random.default_rng(seed).integers(symbols, size=n)


def make(ids, *, train=None, validation=NO_SPANS, **flat):
    made = settings(**flat)
    network = create_network(made, V)
    train = spans((0, len(ids))) if train is None else train
    return network, TextTask(network, ids, made, train=train, validation=validation)


def order(seed=0):
    return torch.Generator().manual_seed(seed)


# ------------------------------------------------------------------------------------------------------------- streams


@pytest.mark.parametrize("n", [15, 60, 100, 103, 333])
def test_streams_predict_every_symbol_once_an_epoch_up_to_the_cuts(n):
    ids = np.arange(n)  # each symbol names its place
    _, task = make(ids, reset_rate=0.0)
    length = n // 3
    for seed in range(6):
        predicted, rows = [], [[], [], []]
        for key in task.plan(order(seed)):
            batch = task.batch(key)
            assert batch.inputs.shape == batch.targets.shape == (3, 4)
            assert task.batch_size_of(key) == 12
            for row, targets in enumerate(batch.targets.tolist()):
                rows[row] += targets
                predicted += targets
            assert torch.equal(batch.inputs[:, 1:], batch.targets[:, :-1])
        assert len(set(predicted)) == len(predicted)
        for row, found in enumerate(rows):
            assert found == list(range(found[0], found[0] + len(found)))  # one after the other, without a gap
            assert row * length < found[0] <= row * length + 4
            assert (row + 1) * length - 8 <= found[-1] < (row + 1) * length
    shifts = {int(task.batch(task.plan(order(seed))[0]).targets[0, 0]) for seed in range(40)}
    assert shifts == ({1, 2, 3, 4} if length >= 8 else {1})


def test_chunks_begin_where_the_last_ended_and_with_nothing_where_the_state_is_dropped():
    ids = text(400)
    network, task = make(ids, reset_rate=0.4)
    plan = task.plan(order())
    batches = [task.batch(key) for key in plan]
    assert batches[0].fresh.all()  # what was carried is the end of the text
    for before, batch in pairwise(batches):
        first = torch.where(batch.fresh, network.nothing, before.targets[:, -1])
        assert torch.equal(batch.inputs[:, 0], first)


@pytest.mark.parametrize("rate", [0.0, 0.3])
def test_the_share_of_streams_that_begin_afresh(rate):
    _, task = make(text(9000), reset_rate=rate)
    fresh = np.stack([key.fresh for key in task.plan(order())][1:])
    assert fresh.mean() == pytest.approx(rate, abs=0.03)


def test_the_order_is_a_function_of_the_generator_alone():
    for regime in ("streams", "windows"):
        _, task = make(text(400), regime=regime, reset_rate=0.3)

        def drawn(seed, task=task):
            return [np.concatenate([key[0], key[1]]).tolist() for key in task.plan(order(seed))]

        assert drawn(1) == drawn(1)
        assert drawn(1) != drawn(2)


def test_a_carried_epoch_has_the_loss_of_one_long_pass():
    ids = text(200)
    network, task = make(ids, reset_rate=0.0, batch_size=2)
    plan = task.plan(order(3))
    with torch.no_grad():
        losses = [float(task.loss(network, task.batch(key))) for key in plan]
        batches = [task.batch(key) for key in plan]
        inputs, targets = (torch.cat([batch[part] for batch in batches], dim=1) for part in (0, 1))
        logits, _ = network(inputs)
        whole = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        assert np.mean(losses) == pytest.approx(float(whole), rel=1e-5)
        alone = [float(task.criterion(network(batch.inputs)[0], batch.targets)) for batch in batches]
    assert losses[0] == pytest.approx(alone[0])
    assert not np.allclose(losses[1:], alone[1:], rtol=1e-4)


def test_a_state_that_is_dropped_is_a_fresh_one():
    network, task = make(text(300), reset_rate=0.0, batch_size=2)
    first, second = (task.batch(key) for key in task.plan(order())[:2])
    task.loss(network, first)
    half = second._replace(fresh=torch.tensor([True, False]))
    both = torch.cat([network(second.inputs[:1])[0], network(second.inputs[1:], _row(network, 1))[0]])
    expected = task.criterion(both, second.targets)
    torch.testing.assert_close(task.loss(network, half), expected)


def _row(network, row):
    return tuple(part[row : row + 1].clone() for part in network.carried.buffers())


def test_no_gradient_flows_from_chunk_to_chunk():
    network, task = make(text(300), reset_rate=0.0)
    first, second = (task.batch(key) for key in task.plan(order())[:2])
    task.loss(network, first)
    kept = [part.clone() for part in network.carried.buffers()]
    task.loss(network, second).backward()  # would fail if the first chunk's graph were needed
    assert all(not part.requires_grad for part in network.carried.buffers())
    assert any(not torch.equal(a, b) for a, b in zip(kept, network.carried.buffers(), strict=True))


def test_short_texts_have_fewer_streams_and_say_so():
    _, task = make(text(12))
    assert task.batches.batch_size == 2
    assert task.notes == ("the text is short: 2 streams are read side by side, not 3",)
    assert len(task.plan(order())) == 1
    assert make(text(15))[1].notes == ()
    with pytest.raises(DataError, match="the training part has 4 symbols, which is too short for a window of 4"):
        make(text(4))


def test_spans_are_joined_and_nothing_between_them_is_read():
    ids = np.arange(60)
    _, task = make(ids, train=spans((0, 20), (40, 60)), batch_size=1, reset_rate=0.0)
    seen = {int(i) for key in task.plan(order()) for part in task.batch(key)[:2] for i in part.flatten()}
    assert not seen & set(range(20, 40))
    assert {19, 40} <= seen


# ------------------------------------------------------------------------------------------------------------- windows


def test_windows_are_drawn_in_a_new_order_and_each_once():
    ids = np.arange(50)
    network, task = make(ids, regime="windows", stride=6, reset_rate=0.0)
    epochs = []
    for seed in (1, 2):
        batches = [task.batch(key) for key in task.plan(order(seed))]
        assert [len(batch.inputs) for batch in batches] == [3, 3, 2]
        assert all(batch.fresh is None for batch in batches)
        inputs, targets = (torch.cat([batch[part] for batch in batches]) for part in (0, 1))
        assert torch.equal(targets, inputs + 1)
        epochs.append(inputs[:, 0].tolist())
    assert sorted(epochs[0]) == sorted(epochs[1]) == [0, 6, 12, 18, 24, 30, 36, 42]
    assert epochs[0] != epochs[1]
    assert not hasattr(network, "carried")
    assert task.batch_size_of(task.plan(order())[-1]) == 8


def test_windows_are_read_from_a_fresh_state():
    network, task = make(text(60), regime="windows")
    one, *_, last = (task.batch(key) for key in task.plan(order()))
    before = task.loss(network, one)
    task.loss(network, last)
    assert torch.equal(task.loss(network, one), before)


def test_a_share_of_the_windows_begins_with_nothing():
    network, task = make(text(8000), regime="windows", reset_rate=0.25)
    first = torch.cat([task.batch(key).inputs for key in task.plan(order())])
    assert float((first[:, 0] == network.nothing).float().mean()) == pytest.approx(0.25, abs=0.04)
    assert (first[:, 1:] < network.nothing).all()


def test_window_starts_leave_room_for_the_symbol_after():
    assert window_starts(spans((0, 9), (20, 25)), 4, 4).tolist() == [0, 4, 20]
    assert window_starts(spans((3, 8)), 4, 99).tolist() == [3]  # a drawn window
    for found in (spans((0, 4)), NO_SPANS):
        with pytest.raises(DataError, match="holds a window of 4 symbols"):
            window_starts(found, 4, 4)


# ---------------------------------------------------------------------------------------------------------- validation


def test_validation_is_read_in_pieces_over_all_its_documents():
    ids = text(300)
    network, task = make(ids, train=spans((0, 200)), validation=spans((200, 240), (260, 300)), window=8)
    joined = torch.from_numpy(np.concatenate([ids[200:240], ids[260:300]]))
    with torch.no_grad():
        pieces = [joined[begin : begin + 40] for begin in (0, 39)]  # 79 symbols are predicted: 2 pieces of 39
        logits = torch.cat([network(piece[None, :-1])[0] for piece in pieces])
        expected = task.criterion(logits, torch.stack([piece[1:] for piece in pieces]))
    assert task.validation_loss(network) == pytest.approx(float(expected), rel=1e-6)


def test_validation_of_windows_is_over_windows():
    ids = text(100)
    network, task = make(ids, train=spans((0, 80)), validation=spans((80, 100)), regime="windows")
    rows = np.stack([ids[begin : begin + 5] for begin in (80, 84, 88, 92)])
    with torch.no_grad():
        expected = task.criterion(network(torch.from_numpy(rows[:, :-1]))[0], torch.from_numpy(rows[:, 1:]))
    assert task.validation_loss(network) == pytest.approx(float(expected), rel=1e-6)


def test_without_a_validation_part_there_is_no_loss():
    network, task = make(text(60))
    assert task.validation_loss(network) is None


def test_a_mean_loss_is_carried_over_long_pieces_and_leaves_unseen_symbols_out():
    ids = text(600)
    ids[[100, 101, 400]] = V
    made = settings()
    network, criterion = create_network(made, V), create_text_loss(made.train)
    with torch.no_grad():
        logits, _ = network(torch.from_numpy(ids[None, :-1]))
        expected = torch.nn.functional.cross_entropy(logits[0], torch.from_numpy(ids[1:]), ignore_index=V)
    assert mean_loss(network, ids, np.array([0]), 599, criterion) == pytest.approx(float(expected), rel=1e-6)
