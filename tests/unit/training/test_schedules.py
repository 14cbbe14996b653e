import math

import pytest
import torch

from gatewise import registry
from gatewise.settings import TrainSettings
from gatewise.training.schedules import create_schedule

STEPS, EPOCHS = 10, 10


def factors(name, **options):
    schedule = create_schedule(TrainSettings(schedule=name, epochs=EPOCHS, **options))
    return [schedule.factor(step / (EPOCHS * STEPS)) for step in range(EPOCHS * STEPS)]


def test_constant():
    assert set(factors("constant")) == {1.0}


def test_cosine_is_torchs():
    param = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([param], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS * STEPS)
    for ours in factors("cosine"):
        assert ours == pytest.approx(theirs.get_last_lr()[0], abs=1e-12)
        optimizer.step()
        theirs.step()


def test_one_cycle_rises_for_30_percent_and_falls_to_zero():
    found = factors("one_cycle")
    assert found[0] == pytest.approx(1 / 25)
    assert found[30] == max(found) == 1.0
    assert found[:31] == sorted(found[:31])
    assert found[30:] == sorted(found[30:], reverse=True)
    assert found[-1] < 0.001


@pytest.mark.parametrize(("patience", "halved_after"), [(10, 5), (3, 1), (0, 1), (None, 5)])
def test_plateau_halves_after_epochs_without_improvement(patience, halved_after):
    schedule = create_schedule(TrainSettings(schedule="plateau", patience=patience))
    schedule.end_epoch(1.0)
    for _ in range(halved_after):
        assert schedule.factor(0) == 1.0
        schedule.end_epoch(1.0)
    assert schedule.factor(0) == 0.5
    schedule.end_epoch(0.5)
    for _ in range(halved_after):
        assert schedule.factor(0) == 0.5
        schedule.end_epoch(0.6)
    assert schedule.factor(0) == 0.25


@pytest.mark.parametrize("name", registry.SCHEDULES.names())
def test_a_kept_state_goes_on_the_same(name):
    losses = [3.0, 2.0, 2.5, 2.5, 2.6, 2.7, 2.8, 2.9, 3.0, 1.0]
    settings = TrainSettings(schedule=name, epochs=EPOCHS, patience=4)
    for cut in range(EPOCHS):
        whole, first, second = (create_schedule(settings) for _ in range(3))
        for loss in losses[:cut]:
            first.end_epoch(loss)
        second.load_state(first.state())
        for loss in losses[cut:]:
            second.end_epoch(loss)
        for loss in losses:
            whole.end_epoch(loss)
        assert second.state() == whole.state()
        assert second.factor(0.55) == whole.factor(0.55)


@pytest.mark.parametrize("name", registry.SCHEDULES.names())
def test_factors_are_finite_and_within_0_and_1(name):
    assert all(math.isfinite(factor) and 0 <= factor <= 1 for factor in factors(name))
