"""Half-life and gradient flow, where they are known."""

import math

import pytest
import torch

from gatewise.models import RecurrentStack
from gatewise.probes.memory import gradient_flow, half_life, influence_by_lag, spaced
from gatewise.registry import CELLS
from leaky_cell import Forgets, Leaky


@pytest.fixture
def leaky():
    CELLS.register("leaky", Leaky)
    CELLS.register("forgets", Forgets)
    yield
    CELLS.unregister("leaky")
    CELLS.unregister("forgets")


def flow_of(cell, length=300):
    draws = torch.Generator().manual_seed(0)
    stack = RecurrentStack(cell, 3, 4, init_generator=draws)
    return gradient_flow(stack, torch.randn(8, length, 3, generator=draws), draws)


def test_half_life_of_a_leaky_cell_is_exact(leaky):
    flow = flow_of("leaky")
    assert flow["half_life"] == pytest.approx(math.log(0.5) / math.log(0.9), rel=1e-9)
    assert flow["left_after_100"] == pytest.approx(0.9**100, rel=1e-9)
    for lag, influence in zip(flow["lags"], flow["influence"], strict=True):
        assert influence == pytest.approx(0.9**lag, rel=1e-3)


def test_a_cell_that_keeps_nothing(leaky):
    flow = flow_of("forgets", length=50)
    assert 0.0 < flow["half_life"] < 1.0
    assert flow["influence"][1:] == [0.0] * (len(flow["lags"]) - 1)
    assert flow["left_after_100"] is None


def test_influence_is_the_norm_of_the_jacobian():
    draws = torch.Generator().manual_seed(3)
    stack = RecurrentStack("gru", 3, 4, init_generator=draws).double()
    x = torch.randn(1, 6, 3, generator=draws, dtype=torch.float64)
    before = draws.get_state()
    found = influence_by_lag(stack, x, draws)
    draws.set_state(before)
    v = torch.randn(1, 4, generator=draws, dtype=torch.float64)
    J = torch.autograd.functional.jacobian(lambda x: stack(x)[0][:, -1], x)[0, :, 0]  # (H, T, I)
    norms = torch.einsum("h,hti->ti", v[0], J).norm(dim=-1).flip(0)
    assert found == pytest.approx((norms / norms[0]).numpy(), rel=1e-9)


@pytest.mark.parametrize(
    ("influence", "expected"),
    [
        ([1.0, 0.5, 0.25], 1.0),
        ([1.0, 0.25, 0.0], 0.5),
        ([1.0, 0.4, 0.8, 0.2], 2 + math.log(1.6) / math.log(4)),  # the last time it falls below counts
        ([1.0, 2.0, 4.0], None),
        ([math.nan, math.nan], None),
    ],
)
def test_half_life(influence, expected):
    assert half_life(influence) == (None if expected is None else pytest.approx(expected))


def test_spaced_lags():
    lags = spaced(1000)
    assert lags == sorted(set(lags))
    assert (lags[0], lags[-1]) == (0, 999)
    assert 40 < len(lags) <= 61
    assert spaced(1) == [0]
