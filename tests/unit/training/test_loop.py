import math
import os
import signal
import threading

import pytest
import torch
from torch import nn

from gatewise.errors import DataError, SettingsError
from gatewise.runs import RunFolder
from gatewise.settings import TrainSettings
from gatewise.training import Seeds, train

QUICK = {"learning_rate": 0.01, "epochs": 6, "checkpoint_seconds": 0.0}


SEEDS = Seeds(1, 2, 3)


def run(toy, seeds=SEEDS, task=None, folder=None, on_epoch=None, **options):
    network = toy.ToyNetwork(seeds)
    task = task or toy.ToyTask()
    settings = TrainSettings(**{**QUICK, **options})
    return network, train(network, task, settings, seeds=seeds, folder=folder, on_epoch=on_epoch)


def without_times(rows):
    return [{key: value for key, value in row.items() if key not in ("seconds", "step_ms_median")} for row in rows]


class DiedError(Exception):
    """Stands for a process that dies."""


class DyingTask:
    """A toy task whose process dies when one batch has been asked for so many times."""

    def __init__(self, toy, after, task=None):
        self._task, self._left = task or toy.ToyTask(), after

    def __getattr__(self, name):
        return getattr(self._task, name)

    def batch(self, key):
        if self._left == 0:
            raise DiedError
        self._left -= 1
        return self._task.batch(key)


def test_training_lowers_the_loss_and_says_what_it_did(toy):
    network, trained = run(toy, epochs=15)
    assert trained.status == "finished"
    assert trained.epochs_run == len(trained.history) == 15
    assert trained.steps == 15 * 6
    assert trained.history[-1]["validation_loss"] < trained.history[0]["validation_loss"] / 2
    assert trained.per_step_median > 0
    assert trained.per_epoch * 15 == pytest.approx(trained.seconds)
    assert not network.training


def test_the_epochs_loss_is_the_mean_over_examples_not_over_batches(toy):
    class Known(toy.ToyTask):
        def loss(self, network, batch):
            x, _ = batch  # batches of 8 cost 1, the last one of 4 costs 3; no gradient moves anything
            return network(x).mean() * 0 + (1.0 if len(x) == 8 else 3.0)

    _, trained = run(toy, task=Known(), epochs=1)
    assert trained.history[0]["train_loss"] == pytest.approx((40 * 1 + 4 * 3) / 44)


def test_rows_go_to_the_log_and_to_the_caller(toy, tmp_path):
    seen = []
    folder = RunFolder.create(tmp_path / "run")
    _, trained = run(toy, folder=folder, on_epoch=seen.append, epochs=3)
    assert folder.read_log() == seen == trained.history
    assert list(seen[0]) == [
        "epoch", "train_loss", "validation_loss", "learning_rate", "gradient_norm", "seconds", "steps",
        "step_ms_median", "best",
    ]  # fmt: skip
    assert [row["epoch"] for row in seen] == [1, 2, 3]


@pytest.mark.parametrize("after", [0, 1, 5, 6, 7, 14, 35])
@pytest.mark.parametrize(
    "options", [{}, {"optimizer": "rmsprop", "momentum": 0.5, "schedule": "plateau"}, {"averaging": 0.9}]
)
def test_a_stopped_run_ends_with_the_same_bits(toy, tmp_path, after, options):
    whole_folder, folder = RunFolder.create(tmp_path / "whole"), RunFolder.create(tmp_path / "parts")
    whole, expected = run(toy, folder=whole_folder, **options)
    with pytest.raises(DiedError):
        run(toy, task=DyingTask(toy, after), folder=folder, **options)
    parts, trained = run(toy, folder=folder, **options)
    assert toy.digest(parts) == toy.digest(whole)
    assert without_times(trained.history) == without_times(expected.history)
    assert without_times(folder.read_log()) == without_times(whole_folder.read_log())
    assert trained.best_loss == expected.best_loss
    assert torch.equal(parts.dropout_generator.get_state(), whole.dropout_generator.get_state())


def test_a_row_that_was_logged_after_the_last_checkpoint_is_not_logged_twice(toy, tmp_path):
    folder = RunFolder.create(tmp_path)
    with pytest.raises(DiedError):
        run(toy, task=DyingTask(toy, 15), folder=folder)
    folder.append_log({"epoch": 3})  # the process was killed between the log and the checkpoint
    _, trained = run(toy, folder=folder)
    assert folder.read_log() == trained.history
    assert [row["epoch"] for row in trained.history] == [1, 2, 3, 4, 5, 6]


def test_a_run_that_is_stopped_again_and_again_gets_there(toy, tmp_path):
    whole, _ = run(toy)
    folder = RunFolder.create(tmp_path)
    for _ in range(11):
        with pytest.raises(DiedError):
            run(toy, task=DyingTask(toy, 3), folder=folder)
    parts, trained = run(toy, folder=folder)
    assert toy.digest(parts) == toy.digest(whole)
    assert trained.epochs_run == 6


def test_time_adds_up_over_sittings(toy, tmp_path):
    folder = RunFolder.create(tmp_path)
    with pytest.raises(DiedError):
        run(toy, task=DyingTask(toy, 20), folder=folder)
    before = sum(row["seconds"] for row in folder.read_log())
    _, trained = run(toy, folder=folder)
    assert trained.seconds > before > 0
    assert trained.seconds == pytest.approx(sum(row["seconds"] for row in trained.history))


def test_a_finished_training_is_not_trained_again(toy, tmp_path):
    folder = RunFolder.create(tmp_path)
    first, expected = run(toy, folder=folder)
    again, trained = run(toy, task=DyingTask(toy, 0), folder=folder)
    assert toy.digest(again) == toy.digest(first)
    assert trained.history == expected.history


def test_without_within_epoch_checkpoints_the_epochs_are_kept(toy, tmp_path):
    folder = RunFolder.create(tmp_path)
    with pytest.raises(DiedError):
        run(toy, task=DyingTask(toy, 15), folder=folder, checkpoint_seconds=1e9)
    fresh = DyingTask(toy, 4 * 6)  # epochs 3 to 6 alone are left
    parts, trained = run(toy, task=fresh, folder=folder, checkpoint_seconds=1e9)
    assert trained.epochs_run == 6
    assert toy.digest(parts) == toy.digest(run(toy)[0])


@pytest.mark.parametrize(
    ("change", "words"),
    [({"learning_rate": 0.02}, "learning_rate is 0.01"), ({"seeds": Seeds(1, 9, 3)}, "order is 2")],
)
def test_a_checkpoint_of_another_run_is_refused(toy, tmp_path, change, words):
    folder = RunFolder.create(tmp_path)
    run(toy, folder=folder, epochs=2)
    with pytest.raises(SettingsError, match=f"another run.*{words}"):
        run(toy, folder=folder, **{"epochs": 2, **change})


def test_threads_of_the_checkpoint_are_taken(toy, tmp_path):
    folder = RunFolder.create(tmp_path)
    before = torch.get_num_threads()
    with pytest.raises(DiedError):
        run(toy, task=DyingTask(toy, 15), folder=folder, threads=before + 1)
    with pytest.raises(SettingsError, match=f"threads: this run began with {before + 1}"):
        run(toy, folder=folder, threads=before + 2)
    _, trained = run(toy, folder=folder, threads=None)
    assert trained.threads == before + 1
    assert torch.get_num_threads() == before


class Scripted:
    """A task whose validation losses are given."""

    def __init__(self, toy, losses):
        self._task, self._losses = toy.ToyTask(), iter(losses)

    def __getattr__(self, name):
        return getattr(self._task, name)

    def validation_loss(self, network):
        return next(self._losses)


@pytest.mark.parametrize(
    ("losses", "patience", "min_delta", "epochs_run", "best_epoch"),
    [
        ([5, 4, 3, 3, 3, 3, 9], 3, 0.0, 6, 3),  # equal is no improvement
        ([5, 4, 4.5, 4.4, 3, 6, 6, 6], 3, 0.0, 8, 5),  # an improvement starts the count again
        ([5, 4.9, 4.8, 4.7], 2, 0.5, 3, 1),  # too small improvements
        ([5, 4.9, 4.8, 4.4, 9, 9], 2, 0.5, 3, 1),
        ([5, 6], 0, 0.0, 2, 1),
        ([5, 6], 1, 0.0, 2, 1),
        ([5, 6, 7, 8, 9, 10], None, 0.0, 6, 1),
    ],
)
def test_early_stopping(toy, losses, patience, min_delta, epochs_run, best_epoch):
    task = Scripted(toy, losses)
    _, trained = run(toy, task=task, epochs=len(losses), patience=patience, min_delta=min_delta)
    assert (trained.epochs_run, trained.best_epoch) == (epochs_run, best_epoch)
    assert trained.best_loss == losses[best_epoch - 1]
    assert [row["epoch"] for row in trained.history if row["best"]][-1] == best_epoch


def test_patience_and_plateau_go_on_counting_after_a_stop(toy, tmp_path):
    losses, options = [5, 4, 6, 6, 6, 1], {"epochs": 6, "patience": 3, "schedule": "plateau"}
    whole, expected = run(toy, task=Scripted(toy, losses), **options)
    folder = RunFolder.create(tmp_path)
    with pytest.raises(DiedError):
        run(toy, task=DyingTask(toy, 4 * 6, Scripted(toy, losses[:4])), folder=folder, **options)
    parts, trained = run(toy, task=Scripted(toy, losses[4:]), folder=folder, **options)
    assert (trained.epochs_run, trained.best_epoch, trained.best_loss) == (5, 2, 4)
    rates = [row["learning_rate"] for row in trained.history]
    assert rates == [row["learning_rate"] for row in expected.history] == [0.01, 0.01, 0.01, 0.005, 0.0025]
    assert toy.digest(parts) == toy.digest(whole)


def test_the_best_weights_are_restored_or_the_last_kept(toy):
    losses = [5, 4, 6, 7, 8]
    digests = []
    best, _ = run(toy, task=Scripted(toy, losses), epochs=5)
    last, _ = run(toy, task=Scripted(toy, losses), epochs=5, restore_best=False)
    for epochs in (2, 5):
        digests.append(toy.digest(run(toy, task=Scripted(toy, losses), epochs=epochs, restore_best=False)[0]))
    assert [toy.digest(best), toy.digest(last)] == digests


def test_without_a_validation_part_the_training_loss_decides_and_it_is_said(toy):
    _, trained = run(toy, task=toy.ToyTask(validate=False))
    assert trained.history[0]["validation_loss"] is None
    assert trained.best_loss == min(row["train_loss"] for row in trained.history)
    assert "training loss" in trained.notes[0]


def test_seeds_decide_and_nothing_else(toy):
    torch.manual_seed(1)
    first, _ = run(toy)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    again, _ = run(toy)
    assert toy.digest(first) == toy.digest(again)
    assert torch.equal(torch.get_rng_state(), state)  # the global generator is not used
    for other in (Seeds(9, 2, 3), Seeds(1, 9, 3), Seeds(1, 2, 9)):
        assert toy.digest(run(toy, seeds=other)[0]) != toy.digest(first)


def test_clipping_limits_the_whole_gradient(toy):
    before = toy.ToyNetwork(Seeds(1, 2, 3))
    options = {"optimizer": "sgd", "learning_rate": 1.0, "clip_norm": 1e-3, "epochs": 1, "restore_best": False}
    after, _ = run(toy, **options)
    pairs = zip(before.parameters(), after.parameters(), strict=True)
    moved = math.sqrt(sum(float((new - old).detach().square().sum()) for old, new in pairs))
    assert 0 < moved <= 6 * 1e-3 * 1.0001  # six steps of at most the norm each


@pytest.mark.parametrize(("precision", "dtype"), [("float64", torch.float64), ("bfloat16", torch.float32)])
def test_precision(toy, precision, dtype):
    seen = []

    class Watching(toy.ToyTask):
        def loss(self, network, batch):
            seen.append((batch[0].dtype, network.hidden(batch[0]).dtype))
            return super().loss(network, batch)

    network, trained = run(toy, task=Watching(), precision=precision, epochs=1)
    assert next(network.parameters()).dtype == dtype
    assert seen[0] == (dtype, torch.bfloat16 if precision == "bfloat16" else dtype)
    assert math.isfinite(trained.best_loss)


@pytest.mark.parametrize(
    ("device", "words"), [("cuda:99", "not there"), ("tpu", "no device"), ("meta", "not supported")]
)
def test_a_device_that_is_not_there(toy, device, words):
    with pytest.raises(SettingsError, match=words):
        run(toy, device=device)


def test_no_batches_is_an_error(toy):
    class Empty(toy.ToyTask):
        def plan(self, generator):
            return []

    with pytest.raises(DataError, match="no batch"):
        run(toy, task=Empty())


class Signalling:
    """A task that sends a signal to its own process in the middle of an epoch."""

    def __init__(self, toy, numbers, at=9):
        self._task, self._numbers, self._at, self.asked = toy.ToyTask(), numbers, at, 0

    def __getattr__(self, name):
        return getattr(self._task, name)

    def batch(self, key):
        self.asked += 1
        if self.asked == self._at:
            for number in self._numbers:
                os.kill(os.getpid(), number)
        return self._task.batch(key)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_after_the_step_and_the_run_goes_on_later(toy, tmp_path, number):
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    folder = RunFolder.create(tmp_path)
    task = Signalling(toy, [number])
    first_epoch, _ = run(toy, epochs=1)
    network, trained = run(toy, task=task, folder=folder, checkpoint_seconds=1e9)
    assert trained.status == "interrupted"
    assert (trained.steps, trained.epochs_run, task.asked) == (9, 1, 9)
    assert not network.training
    assert toy.digest(network) == toy.digest(first_epoch)  # the best so far
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    again, trained = run(toy, folder=folder, checkpoint_seconds=1e9)
    assert trained.status == "finished"
    assert toy.digest(again) == toy.digest(run(toy)[0])


def test_a_signal_before_the_first_epoch_ends_keeps_the_weights_so_far(toy):
    start = toy.digest(toy.ToyNetwork(Seeds(1, 2, 3)))
    network, trained = run(toy, task=Signalling(toy, [signal.SIGTERM], at=3))
    assert (trained.status, trained.steps, trained.best_loss, trained.per_epoch) == ("interrupted", 3, None, None)
    assert toy.digest(network) != start


def test_a_second_ctrl_c_stops_at_once(toy):
    with pytest.raises(KeyboardInterrupt):
        run(toy, task=Signalling(toy, [signal.SIGINT, signal.SIGINT]))


def test_training_in_another_thread_watches_no_signals(toy):
    found = []

    def work():
        found.append(run(toy, epochs=1)[1].status)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == ["finished"]


def test_frozen_weights_stay(toy):
    seeds = Seeds(1, 2, 3)
    network = toy.ToyNetwork(seeds)
    network.hidden.requires_grad_(requires_grad=False)
    before = nn.utils.parameters_to_vector(network.hidden.parameters()).clone()
    train(network, toy.ToyTask(), TrainSettings(epochs=1), seeds=seeds)
    assert torch.equal(nn.utils.parameters_to_vector(network.hidden.parameters()), before)
