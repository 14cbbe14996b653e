"""Networks that are trained in parts: rates of their own for some weights, others frozen."""

import pytest
import torch
from safetensors import safe_open

from gatewise import registry
from gatewise.errors import SettingsError
from gatewise.runs import RunFolder
from gatewise.settings import TrainSettings
from gatewise.training import Seeds, train
from gatewise.training.optimizers import create_optimizer, parameter_groups

SEEDS = Seeds(1, 2, 3)
SETTINGS = {"learning_rate": 0.01, "epochs": 4, "checkpoint_seconds": 0.0}


def grouped(toy, *, rate=0.001, freeze=()):
    class Grouped(toy.ToyNetwork):
        def parameter_groups(self):
            return [{"params": self.output.parameters()}, {"params": self.hidden.parameters(), "lr": rate}]

    network = Grouped(SEEDS)
    for name in freeze:
        network.get_parameter(name).requires_grad_(False)
    return network


class Dying:
    """A task whose process dies when one batch has been asked for so many times."""

    def __init__(self, task, after):
        self.task, self.left = task, after

    def __getattr__(self, name):
        return getattr(self.task, name)

    def batch(self, key):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return self.task.batch(key)


@pytest.mark.parametrize("name", registry.OPTIMIZERS.names())
def test_a_group_has_its_own_rate(toy, name):
    optimizer = create_optimizer(parameter_groups(grouped(toy)), TrainSettings(optimizer=name, learning_rate=0.5))
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.001]
    assert [len(group["params"]) for group in optimizer.param_groups] == [2, 2]


def test_a_network_without_groups_trains_all_its_weights(toy):
    optimizer = create_optimizer(parameter_groups(toy.ToyNetwork(SEEDS)), TrainSettings())
    assert [len(group["params"]) for group in optimizer.param_groups] == [4]


def test_frozen_weights_are_in_no_group(toy):
    network = grouped(toy, freeze=["hidden.weight", "hidden.bias"])
    optimizer = create_optimizer(parameter_groups(network), TrainSettings())
    assert [group["params"] for group in optimizer.param_groups] == [[network.output.weight, network.output.bias]]


def test_the_schedule_moves_every_groups_own_rate(toy):
    # gradient descent is linear in the rate: a step of each group is its rate times the schedule's factor
    moved = {}
    for rate in (0.002, 0.004):
        network, before = grouped(toy, rate=rate), grouped(toy)
        options = {**SETTINGS, "optimizer": "sgd", "schedule": "one_cycle", "epochs": 1}

        class First(toy.ToyTask):
            def plan(self, generator):
                return super().plan(generator)[:1]

        train(network, First(), TrainSettings(**options), seeds=SEEDS)
        moved[rate] = [
            (one - other).abs().max().item()
            for one, other in zip(network.parameters(), before.parameters(), strict=True)
        ]
    hidden, output = (0, 1), (2, 3)
    for number in hidden:
        assert moved[0.004][number] == pytest.approx(2 * moved[0.002][number], rel=1e-2)
    for number in output:
        assert moved[0.004][number] == moved[0.002][number] > 0
    plain = toy.ToyNetwork(SEEDS)
    train(plain, First(), TrainSettings(**{**options, "schedule": "constant"}), seeds=SEEDS)
    first = (plain.output.weight - before.output.weight).abs().max().item()
    assert moved[0.002][2] == pytest.approx(first / 25, rel=1e-2)  # one_cycle begins at 1/25


@pytest.mark.parametrize("after", [1, 6, 15])
@pytest.mark.parametrize("options", [{}, {"optimizer": "adagrad", "schedule": "cosine"}, {"averaging": 0.9}])
def test_a_stopped_run_with_groups_and_frozen_weights_ends_with_the_same_bits(toy, tmp_path, after, options):
    settings = TrainSettings(**{**SETTINGS, **options})
    whole, parts = (grouped(toy, freeze=["hidden.bias"]) for _ in range(2))
    train(whole, toy.ToyTask(), settings, seeds=SEEDS)
    folder = RunFolder.create(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train(parts, Dying(toy.ToyTask(), after), settings, seeds=SEEDS, folder=folder)
    parts = grouped(toy, freeze=["hidden.bias"])
    train(parts, toy.ToyTask(), settings, seeds=SEEDS, folder=folder)
    assert toy.digest(parts) == toy.digest(whole)
    assert torch.equal(parts.hidden.bias, grouped(toy).hidden.bias)
    assert not torch.equal(parts.hidden.weight, grouped(toy).hidden.weight)


def test_a_checkpoint_does_not_hold_frozen_weights(toy, tmp_path):
    folder = RunFolder.create(tmp_path)
    frozen = ["hidden.weight", "hidden.bias"]
    train(grouped(toy, freeze=frozen), toy.ToyTask(), TrainSettings(**SETTINGS), seeds=SEEDS, folder=folder)
    with safe_open(folder.checkpoint_path / "newest.safetensors", framework="pt") as file:
        held = {name for name in file.keys() if name.startswith(("network/", "best/"))}  # noqa: SIM118
    assert held == {f"{group}/output.{name}" for group in ("network", "best") for name in ("weight", "bias")}


def test_a_run_does_not_go_on_with_other_weights_frozen(toy, tmp_path):
    folder = RunFolder.create(tmp_path)
    train(grouped(toy), toy.ToyTask(), TrainSettings(**SETTINGS), seeds=SEEDS, folder=folder)
    with pytest.raises(SettingsError, match=r"hidden\.bias"):
        train(
            grouped(toy, freeze=["hidden.bias"]), toy.ToyTask(), TrainSettings(**SETTINGS), seeds=SEEDS, folder=folder
        )
