"""What the training loop is given: which texts, in which batches, with which targets; and logits of any batches."""

import numpy as np
import pytest
import torch

from class_samples import QUICK, labelled_texts
from gatewise.data.labelled import labelled_of
from gatewise.errors import DataError
from gatewise.settings import ClassifySettings
from gatewise.tasks.classify import run
from gatewise.tasks.classify.model import create_network
from gatewise.tasks.classify.reader import create_reader
from gatewise.tasks.classify.training import ClassifyTask, predict_logits

POOL = 50


def made(count=103, *, keep=None, lengths=None, **flat):
    """Return a task over tiny texts, and its network."""
    texts, labels = labelled_texts(count)
    if lengths is not None:
        texts = [" ".join(["sun"] * length) for length in lengths]
    settings = ClassifySettings.from_flat({**QUICK, **flat})
    reader = create_reader(settings, texts)
    network = create_network(settings, reader, 3).eval()
    rows = np.arange(count) if keep is None else keep
    targets, labels = np.eye(3, dtype=np.float32)[labels], np.array(labels)
    task = ClassifyTask(
        network, reader.read(texts), targets, labels, settings, train=rows, validation=np.arange(0, count, 7)
    )
    return task, network


def plan(task, seed):
    return task.plan(torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("pooling", [("last",), ("last_padded",)])
@pytest.mark.parametrize("count", [5, 8, 103, 900])
def test_every_training_row_once_an_epoch(pooling, count):
    keep = np.random.default_rng(0).choice(1000, count, replace=False)
    task, _ = made(1000, keep=keep, pooling=pooling)
    batches = plan(task, 1)
    assert sorted(np.concatenate(batches).tolist()) == sorted(keep.tolist())
    assert max(map(len, batches)) <= 8
    assert len(plan(task, 2)) == len(batches)


def test_the_order_is_a_function_of_the_generator():
    task, _ = made()
    first, again, other = plan(task, 1), plan(task, 1), plan(task, 2)
    assert [batch.tolist() for batch in first] == [batch.tolist() for batch in again]
    assert {tuple(sorted(batch)) for batch in first} != {tuple(sorted(batch)) for batch in other}


def test_batches_of_a_pool_have_texts_of_one_length_and_come_in_no_order():
    task, _ = made(8 * POOL)
    batches = plan(task, 3)
    lengths = [task.inputs.lengths[batch] for batch in batches]
    spread = [int(one.max() - one.min()) for one in lengths]
    assert max(spread) <= 1  # 400 texts of 3 to 9 words, 8 in a batch
    longest = [int(one.max()) for one in lengths]
    assert longest != sorted(longest)


def test_a_network_that_reads_padding_gets_padding():
    task, _ = made(8 * POOL, pooling=("last_padded",))
    spread = [int(np.ptp(task.inputs.lengths[batch])) for batch in plan(task, 3)]
    assert np.mean(spread) > 3


def test_batches_differ_every_epoch_although_no_two_texts_have_the_same_length():
    task, _ = made(1000)
    task.inputs.lengths = np.arange(1, 1001)
    one, other = ({tuple(sorted(batch)) for batch in plan(task, seed)} for seed in (1, 2))
    assert len(one & other) < 5


def test_a_batch_has_inputs_and_targets_of_its_rows():
    task, _ = made(lengths=[1 + row % 4 for row in range(103)])
    texts, targets = task.batch(np.array([5, 2]))
    assert texts["mask"].tolist() == [[True, True, False], [True, True, True]]
    assert texts["ids"].shape == (2, 3)
    assert targets.argmax(dim=1).tolist() == [2, 2]
    assert task.batch_size_of(np.array([5, 2])) == 2


def test_nothing_to_train_on():
    with pytest.raises(DataError, match="training part has no text"):
        made(keep=np.zeros(0, np.int64))


def test_the_loss_of_validation_is_the_mean_over_its_texts():
    task, network = made(loss="cross_entropy")
    with torch.no_grad():
        each = [float(task.loss(network, task.batch(np.array([row])))) for row in task.validation]
        assert task.validation_loss(network) == pytest.approx(np.mean(each), rel=1e-5)
    logits = predict_logits(network, task.inputs, task.validation)
    right = float((logits.argmax(axis=1) == task.labels[task.validation]).mean())
    assert task.figures["validation_accuracy"] == pytest.approx(right)
    task.validation = np.zeros(0, np.int64)
    assert task.validation_loss(network) is None


# --------------------------------------------------------------------------------------------------------------- logits


@pytest.mark.parametrize("cell", ["lstm", "gru", "mingru"])
def test_logits_come_in_the_order_of_the_rows_whatever_the_batches(cell):
    task, network = made(300, cell=cell)
    rows = np.random.default_rng(1).permutation(300)[:270]
    logits = predict_logits(network, task.inputs, rows)
    alone = np.concatenate([predict_logits(network, task.inputs, rows[[place]]) for place in range(0, 270, 30)])
    np.testing.assert_allclose(logits[::30], alone, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(predict_logits(network, task.inputs)[rows], logits, rtol=1e-4, atol=1e-6)
    assert np.ptp(logits, axis=0).min() > 1e-4  # rows differ, so that their order is seen


def test_a_network_that_reads_padding_depends_on_its_batch_and_keeps_the_order():
    task, network = made(64, pooling=("last_padded",))
    rows = np.arange(64)
    together, apart = (predict_logits(network, task.inputs, rows, batch_size=size) for size in (64, 1))
    assert np.abs(together - apart).max() > 1e-3
    cut = predict_logits(network, task.inputs, rows[:8], batch_size=8)
    np.testing.assert_allclose(predict_logits(network, task.inputs, rows, batch_size=8)[:8], cut, atol=1e-6)


def test_no_rows_have_no_logits():
    task, network = made()
    assert len(predict_logits(network, task.inputs, np.zeros(0, np.int64))) == 0


# -------------------------------------------------------------------------------------------------------------- targets


def votes_of(*rows):
    texts = [f"text {row}" for row in range(len(rows))]
    labels = [0, 1, 2, 0][: len(rows)]
    return labelled_of(texts, labels, ClassifySettings.from_flat({**QUICK, "votes": ["votes"]}).data, votes=rows)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_votes_share_the_target(share):
    labelled = votes_of((2, 1, 0), (0, 3, 0), (1, 1, 2), (3, 0, 0))
    targets = run._targets(labelled, share)
    np.testing.assert_allclose(targets.sum(axis=1), 1.0, rtol=1e-6)
    expected = (1 - share) * np.array([1, 0, 0]) + share * np.array([2, 1, 0]) / 3
    np.testing.assert_allclose(targets[0], expected, rtol=1e-6)
    np.testing.assert_allclose(targets[1], [0, 1, 0], atol=1e-7)


def test_without_votes_the_label_is_the_target():
    texts, labels = labelled_texts(9)
    targets = run._targets(labelled_of(texts, labels), 0.5)
    np.testing.assert_array_equal(targets, np.eye(3)[labels])


@pytest.mark.parametrize(
    ("least", "texts", "epochs"), [(0, 64, 4), (16, 64, 4), (32, 64, 4), (33, 64, 5), (64, 64, 8), (9999, 64, 40)]
)
def test_few_texts_get_more_epochs_up_to_ten_times_as_many(least, texts, epochs):
    settings = ClassifySettings.from_flat({**QUICK, "epochs": 4, "batch_size": 8, "least_steps": least})
    assert run.long_enough(settings, texts).epochs == epochs
