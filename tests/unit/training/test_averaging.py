import copy

import pytest
import torch
from torch import nn

from gatewise.settings import TrainSettings
from gatewise.training import Seeds, train
from gatewise.training.averaging import WeightAverage

SEEDS = Seeds(1, 2, 3)


class Watched:
    """Notes what it is shown, and when it was asked."""

    def __init__(self, network=None):
        self.asked, self.seen, self.network = [], [], network

    def due(self, before, now):
        self.asked.append((before, now))
        return len(self.asked) % 5 == 0

    def look(self, network, *, epoch, step, seconds):
        assert not network.training
        assert not torch.is_grad_enabled()
        self.seen.append((epoch, step, seconds, [weight.clone() for weight in network.parameters()]))


def fit(toy, watcher=None, **options):
    network = toy.ToyNetwork(SEEDS)
    settings = TrainSettings(**{"learning_rate": 0.01, "epochs": 4, **options})
    return network, train(network, toy.ToyTask(), settings, seeds=SEEDS, watcher=watcher)


def test_the_average_is_the_one_that_is_documented():
    network = nn.Linear(2, 1)
    average, expected = WeightAverage(network, 0.5), copy.deepcopy(network.state_dict())
    for step in range(1, 6):
        with torch.no_grad():
            for weight in network.parameters():
                weight += step
        average.update(step)
        keep = min(0.5, (1 + step) / (10 + step))
        expected = {name: keep * expected[name] + (1 - keep) * new for name, new in network.state_dict().items()}
    for name, tensor in average.tensors().items():
        torch.testing.assert_close(tensor, expected[name])
    last = copy.deepcopy(network.state_dict())
    with average.in_place():
        torch.testing.assert_close(network.state_dict(), expected)
    torch.testing.assert_close(network.state_dict(), last)


@pytest.mark.parametrize("restore_best", [True, False])
def test_training_ends_with_the_average_and_judges_it(toy, restore_best):
    plain, _ = fit(toy, averaging=0.0, restore_best=restore_best)
    averaged, trained = fit(toy, averaging=0.9, restore_best=restore_best)
    assert not torch.equal(plain.output.weight, averaged.output.weight)
    last = trained.history[trained.best_epoch - 1 if restore_best else -1]["validation_loss"]
    with torch.no_grad():
        assert toy.ToyTask().validation_loss(averaged) == pytest.approx(last, rel=1e-6)


def test_averaging_does_not_change_how_the_weights_move(toy):
    watcher, other = Watched(), Watched()
    fit(toy, watcher, averaging=0.0, epochs=1)
    fit(toy, other, averaging=0.1, epochs=1)
    # a memory of one step: what is shown is between the last two weights, so nearer than any other step's
    assert watcher.seen[0][1] == other.seen[0][1] == 5
    for mine, theirs in zip(watcher.seen[0][3], other.seen[0][3], strict=True):
        torch.testing.assert_close(mine, theirs, atol=0.1, rtol=0)


def test_a_watcher_sees_the_training_and_changes_nothing(toy):
    watcher = Watched()
    watched, trained = fit(toy, watcher)
    alone, _ = fit(toy)
    assert all(torch.equal(a, b) for a, b in zip(watched.parameters(), alone.parameters(), strict=True))
    assert len(watcher.asked) == trained.steps == 24
    assert [row[:2] for row in watcher.seen] == [(1, 5), (2, 10), (3, 15), (4, 20)]
    starts, ends = zip(*watcher.asked, strict=True)
    assert starts[0] == 0.0
    assert all(after >= before for before, after in watcher.asked)
    assert ends[-1] <= trained.seconds


def test_minutes_end_the_run_whatever_the_epochs(toy):
    _, trained = fit(toy, minutes=0.01, epochs=1, patience=None, schedule="cosine")
    assert trained.status == "finished"
    assert trained.epochs_run > 1
    assert trained.seconds >= 0.6
    assert trained.seconds < 0.6 + 5  # a step after the end at most, whatever the machine does
    rates = [row["learning_rate"] for row in trained.history]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.1 * rates[0]  # the schedule came to its end, by the clock


def test_patience_still_ends_a_run_by_the_clock(toy):
    _, trained = fit(toy, minutes=5, patience=1, min_delta=100.0)
    assert trained.status == "finished"
    assert trained.epochs_run == 2
