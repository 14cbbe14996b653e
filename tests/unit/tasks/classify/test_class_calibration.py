"""Temperature: never raises the loss on the texts that it was found on, and is the one that was put in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewise.errors import InputError
from gatewise.metrics import class_metrics
from gatewise.tasks.classify.calibration import at_temperature, fit_temperature


def drawn(n, classes, seed):
    """Return an honest model's log-probabilities, and targets that are drawn from them."""
    rng = np.random.default_rng(seed)
    log_probs = at_temperature(rng.normal(scale=2.0, size=(n, classes)), 1.0)
    return log_probs, np.array([rng.choice(classes, p=row) for row in np.exp(log_probs)])


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 40), st.integers(2, 6), st.integers(0, 10_000), st.floats(0.02, 50.0))
def test_it_never_raises_the_loss(n, classes, seed, scale):
    rng = np.random.default_rng(seed)
    log_probs, y = at_temperature(scale * rng.normal(size=(n, classes)), 1.0), rng.integers(0, classes, n)
    temperature = fit_temperature(log_probs, y)
    assert temperature * (1 + 1e-6) >= 0.05
    assert temperature <= 20 * (1 + 1e-6)
    rows = np.arange(n)
    assert at_temperature(log_probs, temperature)[rows, y].mean() >= log_probs[rows, y].mean() - 1e-12


@pytest.mark.parametrize("off", [0.3, 1.0, 4.0])
def test_it_finds_what_was_put_in(off):
    log_probs, y = drawn(4000, 4, 0)
    wrong = at_temperature(log_probs, off)
    temperature = fit_temperature(wrong, y)
    assert temperature * off == pytest.approx(1.0, abs=0.06)
    after = class_metrics(y, np.exp(at_temperature(wrong, temperature)))
    assert after["ece"] < 0.03
    assert after["accuracy"] == class_metrics(y, np.exp(wrong))["accuracy"]


def test_the_minimum_is_flat():
    log_probs, y = drawn(500, 3, 1)
    temperature, rows = fit_temperature(log_probs, y), np.arange(500)
    loss = [-at_temperature(log_probs, temperature * by)[rows, y].mean() for by in (0.999, 1.0, 1.001)]
    assert loss[1] == min(loss)


def test_ends_and_errors():
    assert fit_temperature(np.zeros((0, 3)), []) == 1.0
    assert fit_temperature([[5.0, 0.0], [0.0, 5.0]], [0, 1]) == pytest.approx(0.05, rel=1e-3)
    assert fit_temperature([[5.0, 0.0], [0.0, 5.0]], [1, 0]) == pytest.approx(20.0, rel=1e-3)
    with pytest.raises(InputError, match="one class and one row"):
        fit_temperature([[0.0, 0.0]], [0, 1])
    with pytest.raises(InputError, match="infinite"):
        fit_temperature([[0.0, -np.inf]], [0])
