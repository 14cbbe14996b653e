import math

import pytest
import torch
from torch import nn

from gatewise.errors import DivergedError
from gatewise.runs import RunFolder
from gatewise.settings import TrainSettings
from gatewise.training import Seeds, train
from gatewise.training.diverged import gradients_finite

SEEDS = Seeds(1, 2, 3)


def diverge(network, task, folder=None, **options):
    with pytest.raises(DivergedError) as caught:
        train(network, task, TrainSettings(**{"epochs": 4, **options}), seeds=SEEDS, folder=folder)
    return str(caught.value)


def test_a_learning_rate_that_is_too_large_is_named(toy, tmp_path):
    folder = RunFolder.create(tmp_path)
    text = diverge(toy.ToyNetwork(SEEDS), toy.ToyTask(), folder, optimizer="sgd", learning_rate=1e9)
    assert "diverged at epoch 1, step " in text
    assert " of 6: " in text
    assert "smaller learning rate (now 1e+09)" in text
    assert "clip_norm" in text
    assert "NaN" not in (tmp_path / "log.jsonl").read_text()


def test_an_input_that_is_not_finite(toy):
    task = toy.ToyTask()
    task.x[:44, 1] = math.inf
    text = diverge(toy.ToyNetwork(SEEDS), task)
    assert "epoch 1, step 1 of 6: the first tensor that is not finite is the input batch[0] (8 infinite of 32)" in text


def test_a_weight_that_is_not_finite(toy):
    network = toy.ToyNetwork(SEEDS)
    with torch.no_grad():
        network.output.bias.fill_(math.nan)
    assert "is the weight 'output.bias' (1 NaN of 1)" in diverge(network, toy.ToyTask())


def test_the_first_layer_whose_output_is_not_finite(toy):
    class Bad(nn.Module):
        def forward(self, x):
            return x / (x - x)

    network = toy.ToyNetwork(SEEDS)
    network.hidden = nn.Sequential(network.hidden, Bad())
    assert "is the output of 'hidden.1' (Bad; 128 " in diverge(network, toy.ToyTask())


def test_a_loss_that_is_not_finite_by_itself(toy):
    class Task(toy.ToyTask):
        def loss(self, network, batch):
            return super().loss(network, batch) + math.inf

    assert "is the loss (1 infinite of 1)" in diverge(toy.ToyNetwork(SEEDS), Task())


def test_a_gradient_that_is_not_finite_stops_before_it_reaches_the_weights(toy):
    class Task(toy.ToyTask):
        def loss(self, network, batch):
            return super().loss(network, batch) + (network.output.bias * 0).abs().sqrt().sum()

    network = toy.ToyNetwork(SEEDS)
    assert "is the gradient of 'output.bias' (1 NaN of 1)" in diverge(network, Task())
    assert all(bool(parameter.isfinite().all()) for parameter in network.parameters())


def test_the_search_draws_the_masks_of_the_step_again(toy):
    class Task(toy.ToyTask):
        draws = 0

        def loss(self, network, batch):
            self.draws += 1
            value = super().loss(network, batch)
            # a loss that fails for the masks of the ninth step alone
            if self.draws == 9:
                self.failed = value.detach().clone()
            return value * math.inf if self.draws >= 9 and torch.equal(value, self.failed) else value

    assert "is the loss" in diverge(toy.ToyNetwork(SEEDS), Task())


def test_a_validation_loss_that_is_not_finite(toy, tmp_path):
    class Task(toy.ToyTask):
        def validation_loss(self, network):
            return math.nan

    folder = RunFolder.create(tmp_path)
    text = diverge(toy.ToyNetwork(SEEDS), Task(), folder)
    assert "validation loss became nan after epoch 1" in text
    assert "all weights are finite" in text
    assert folder.read_log() == []


def test_huge_gradients_whose_sum_overflows_are_still_finite(toy):
    network = toy.ToyNetwork(SEEDS)
    assert gradients_finite(network)  # no gradients yet
    for parameter in network.parameters():
        parameter.grad = torch.full_like(parameter, 3e38)
    assert gradients_finite(network)
    network.output.bias.grad[0] = math.inf
    assert not gradients_finite(network)
