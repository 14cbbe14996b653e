import math

import pytest
import torch
from torch import nn

from gatewise.runs import RunFolder
from gatewise.settings import TrainSettings
from gatewise.training import Seeds, gradients, session, train

SEEDS = Seeds(1, 2, 3)
PLAIN = {"optimizer": "sgd", "momentum": 0.0, "weight_decay": 0.0, "learning_rate": 0.01, "checkpoint_seconds": 0.0}


class Line(nn.Module):
    """y = w0 x0 + w1 x1, from w = (1, 2)."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0, 2.0]))

    def forward(self, x):
        return x @ self.weight


class LineTask:
    """Batches of one example x = k (3, 4) with the truth 0, k = 1, 2 ...: the gradient is 2 (w.x) x."""

    def __init__(self, steps):
        self.steps = steps

    def plan(self, generator):
        return range(1, self.steps + 1)

    def batch(self, key):
        return torch.tensor([3.0, 4.0]) * key

    def batch_size_of(self, key):
        return 1

    def loss(self, network, batch):
        return network(batch).square()

    def validation_loss(self, network):
        return None


def norms(steps, **options):
    settings = TrainSettings(**{**PLAIN, "epochs": 1, "restore_best": False, **options})
    return train(Line(), LineTask(steps), settings, seeds=SEEDS).history[0]["gradient_norm"]


def test_the_norm_is_that_of_the_whole_gradient_before_clipping():
    assert norms(1, clip_norm=None) == pytest.approx(2 * 11 * 5)  # 2 (w.x) |x| with w.x = 11 and |x| = 5
    assert norms(1, clip_norm=0.5) == pytest.approx(110)


def test_it_is_the_median_over_the_steps_that_are_looked_at():
    # clipped to 1e-9 the weights stay: k^2 110 in step k - 1, of which 0, 4 and 7 are looked at
    assert norms(10, clip_norm=1e-9) == pytest.approx(110 * 25)
    assert norms(8, clip_norm=1e-9) == pytest.approx(110 * (1 + 25) / 2)


@pytest.mark.parametrize("steps", [1, 3, 17, 64, 65, 1000])
def test_looks_lie_evenly_and_are_few(steps):
    found = [step for step in range(steps) if gradients.is_sampled(step, steps)]
    assert found[0] == 0
    assert len(found) == min(16, math.ceil(steps / 4))
    gaps = {after - before for before, after in zip(found, [*found[1:], steps], strict=True)}
    assert max(gaps) - min(gaps) <= 1


def test_a_norm_that_is_no_number_is_left_out():
    network = Line()
    network.weight.grad = torch.tensor([3e38, 3e38])
    assert gradients.clip(network, None, look=True) == []
    assert gradients.median([]) is None
    assert gradients.summary([{"epoch": 1}, {"gradient_norm": None}]) is None


@pytest.mark.parametrize("clip_norm", [None, 0.1])
def test_looking_changes_no_bit(toy, monkeypatch, clip_norm):
    def trained():
        network = toy.ToyNetwork(SEEDS)
        settings = TrainSettings(learning_rate=0.01, epochs=3, clip_norm=clip_norm)
        rows = train(network, toy.ToyTask(), settings, seeds=SEEDS).history
        return toy.digest(network), [row["gradient_norm"] for row in rows]

    digest, looked = trained()
    assert all(norm > 0 for norm in looked)
    monkeypatch.setattr("gatewise.training.loop.is_sampled", lambda step, steps: False)
    assert trained() == (digest, [None] * 3)


def test_a_checkpoint_from_before_there_were_norms_is_gone_on_with(toy, tmp_path, monkeypatch):
    settings = TrainSettings(learning_rate=0.01, epochs=3, checkpoint_seconds=0.0)
    folder = RunFolder.create(tmp_path)

    class StopError(Exception):
        pass

    def stop(row):
        raise StopError

    with monkeypatch.context() as before:
        before.setattr(session, "_PLACE", tuple(name for name in session._PLACE if name != "gradient_norms"))
        with pytest.raises(StopError):
            train(toy.ToyNetwork(SEEDS), toy.ToyTask(), settings, seeds=SEEDS, folder=folder, on_epoch=stop)
    network, whole = toy.ToyNetwork(SEEDS), toy.ToyNetwork(SEEDS)
    rows = train(network, toy.ToyTask(), settings, seeds=SEEDS, folder=folder).history
    assert len(rows) == 3
    train(whole, toy.ToyTask(), settings, seeds=SEEDS)
    assert toy.digest(network) == toy.digest(whole)


def test_an_epoch_has_its_own_norms_and_the_result_the_first_last_and_largest():
    settings = TrainSettings(**{**PLAIN, "epochs": 2, "clip_norm": None})
    rows = train(Line(), LineTask(1), settings, seeds=SEEDS).history
    # the first step goes to w = (0.34, 1.12), where w.x = 5.5
    assert [row["gradient_norm"] for row in rows] == [pytest.approx(110), pytest.approx(55)]
    assert gradients.summary(rows) == {
        "first": pytest.approx(110),
        "last": pytest.approx(55),
        "most": pytest.approx(110),
    }
