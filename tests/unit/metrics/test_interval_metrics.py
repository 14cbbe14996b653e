"""Interval metrics: closed forms, scikit-learn's pinball loss, and properness of the scores."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import d2_pinball_score, mean_pinball_loss

from gatewise.errors import InputError
from gatewise.metrics import bound_names, interval_metrics
from gatewise.metrics import intervals as i

Y = norm.ppf((np.arange(20_000) + 0.5) / 20_000)


def test_names_of_bounds():
    assert bound_names(80) == ("q0.1", "q0.9")
    assert bound_names(95) == ("q0.025", "q0.975")
    assert bound_names(99) == ("q0.005", "q0.995")


def test_coverage_counts_the_bounds_themselves():
    assert i.coverage([1.0, 2.0, 3.0, np.nan], [1.0, 0.0, 0.0, 0.0], [2.0, 2.0, 2.0, 2.0]) == pytest.approx(2 / 3)
    assert i.mean_width([1.0, np.nan], [0.0, 0.0], [3.0, 9.0]) == 3.0
    assert i.coverage([], [], []) is None


def test_pinball_against_scikit_learn():
    rng = np.random.default_rng(0)
    y, q = rng.normal(size=(2, 300))
    for p in (0.1, 0.5, 0.9):
        assert i.pinball(y, q, p) == pytest.approx(mean_pinball_loss(y, q, alpha=p), rel=1e-12)
    assert i.pinball(y, q, 0.5) == pytest.approx(np.abs(y - q).mean() / 2, rel=1e-12)
    assert d2_pinball_score(y, q) == pytest.approx(
        1 - i.pinball(y, q, 0.5) / i.pinball(y, np.full_like(y, np.median(y)), 0.5), rel=1e-9
    )


def test_interval_score_by_hand():
    # Width 2; the miss by 0.5 costs 2 / 0.2 times as much.
    assert i.interval_score([0.0], [-1.0], [1.0], 80) == pytest.approx(2.0)
    assert i.interval_score([1.5], [-1.0], [1.0], 80) == pytest.approx(2.0 + 10 * 0.5)
    assert i.interval_score([-1.5], [-1.0], [1.0], 80) == pytest.approx(2.0 + 10 * 0.5)
    # It is the pinball loss of both bounds, times 2 / (tail probability).
    lower, upper = np.full_like(Y, -1.2), np.full_like(Y, 1.1)
    both = i.pinball(Y, lower, 0.1) + i.pinball(Y, upper, 0.9)
    assert i.interval_score(Y, lower, upper, 80) == pytest.approx(both / 0.1, rel=1e-9)


def test_gaussian_crps():
    zero, one = np.zeros_like(Y), np.ones_like(Y)
    # Of its own distribution: std / sqrt(pi).
    assert i.crps_gaussian(3 * Y + 1, zero + 1, 3 * one) == pytest.approx(3 / np.sqrt(np.pi), rel=1e-4)
    # At the mean: std (sqrt(2) - 1) / sqrt(pi) (Gneiting & Raftery 2007).
    assert i.crps_gaussian([0.0], [0.0], [1.0]) == pytest.approx((np.sqrt(2) - 1) / np.sqrt(np.pi), rel=1e-12)
    assert i.crps_gaussian([3.0], [1.0], [0.0]) == 2.0
    assert i.crps_gaussian([3.0], [1.0], [1e-9]) == pytest.approx(2.0, rel=1e-6)


@pytest.mark.parametrize(
    ("probabilities", "ratio"),
    [([0.5], 2**0.5), (np.arange(1, 10) / 10, 1.047), (np.arange(1, 100) / 100, 1.0007),
     ([0.05, 0.1, 0.5, 0.9, 0.95], 0.9005)],
)  # fmt: skip
def test_crps_of_quantiles_is_near_the_closed_form(probabilities, ratio):
    quantiles = np.broadcast_to(norm.ppf(probabilities), (len(Y), len(probabilities)))
    found = i.crps_quantiles(Y, quantiles, probabilities)
    assert found * np.sqrt(np.pi) == pytest.approx(ratio, rel=1e-3)
    if len(probabilities) == 1:
        assert found == pytest.approx(np.abs(Y).mean(), rel=1e-9)
    assert i.crps_quantiles(Y, quantiles + 0.5, probabilities) > found


def test_crps_refuses_probabilities_that_do_not_rise():
    with pytest.raises(InputError, match="rising"):
        i.crps_quantiles([1.0], [[0.0, 1.0]], [0.9, 0.1])
    with pytest.raises(InputError, match="3 quantiles"):
        i.crps_quantiles([1.0], [[0.0, 1.0, 2.0]], [0.1, 0.9])


def test_table_of_levels():
    bounds = {f"q{p:g}": np.full_like(Y, norm.ppf(p)) for p in (0.1, 0.9, 0.025, 0.975)}
    found = interval_metrics(Y, bounds, [80, 95, 50])
    assert list(found) == ["80", "95"]
    assert found["80"]["coverage"] == pytest.approx(0.8, abs=1e-3)
    assert found["95"]["coverage"] == pytest.approx(0.95, abs=1e-3)
    assert found["95"]["width"] == pytest.approx(2 * 1.959964, rel=1e-6)
    assert found["80"]["score"] < interval_metrics(Y, {n: b * 1.2 for n, b in bounds.items()}, [80])["80"]["score"]
    # Winkler's score of a central interval is the bounds' mean pinball loss times 4 / alpha.
    for level, alpha in (("80", 0.2), ("95", 0.05)):
        assert found[level]["quantile_loss"] == pytest.approx(found[level]["score"] * alpha / 4, rel=1e-9)
