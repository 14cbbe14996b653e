"""The test of Diebold and Mariano: golden numbers of statsmodels, its level and power, and its edges."""

import json

import numpy as np
import pytest

from gatewise.errors import InputError
from gatewise.metrics import compare_losses, diebold_mariano

# The series of statsmodels' own test of diebold_mariano_test, rounded to four places.
Y = np.array([0.7905, 1.3165, 2.6292, 2.2742, 2.3351, 4.3096, 3.2009, 3.028, 2.5676, 0.8343, 2.0986, 3.4082, 2.97,
              3.6733, 3.4609])  # fmt: skip
F1 = np.array([0.9824, 3.3476, 1.8132, 4.5019, 0.9931, 0.9881, 3.7835, 2.4982, 4.8566, 1.7412, 3.4637, 3.1015, 3.0411,
               3.2501, 3.1995])  # fmt: skip
F2 = np.array([0.8003, 2.3555, 2.5017, 2.971, 2.0319, 2.0441, 1.869, 2.5416, 3.0763, 3.4209, 3.9529, 3.0368, 3.8983,
               4.3973, 4.6998])  # fmt: skip


@pytest.mark.parametrize(
    ("offset", "loss", "statistic", "p"),
    [
        # statsmodels 0.15: OLS of the loss difference on a constant, HAC with uniform weights and offset - 1 lags,
        # times the correction of Harvey, Leybourne and Newbold; p from t with 14 degrees of freedom.
        (1, "squared", 0.788453749241128, 0.4435781338885699),
        (1, "absolute", 0.5606928456416783, 0.5838694656491692),
        (2, "squared", 0.8109784485695962, 0.430949651061033),
        (3, "absolute", 0.3896838186938218, 0.7026341224159325),
        (4, "squared", 0.4706128879103442, 0.6451653059232083),
    ],
)
def test_golden(offset, loss, statistic, p):
    found = diebold_mariano(F1 - Y, F2 - Y, offset=offset, loss=loss)
    assert found.statistic == pytest.approx(statistic, rel=1e-12)
    assert found.p == pytest.approx(p, rel=1e-10)
    assert (found.n, found.horizon, found.says) == (15, offset, "undecided")


def test_one_step_is_the_paired_t_test():
    # With h = 1 the correction sqrt((n - 1) / n) makes the statistic exactly that of the paired t test.
    from scipy.stats import ttest_rel

    a, b = (F1 - Y) ** 2, (F2 - Y) ** 2
    found, expected = compare_losses(a, b), ttest_rel(a, b)
    assert found.statistic == pytest.approx(expected.statistic, rel=1e-12)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-12)
    interval = expected.confidence_interval(0.95)
    assert found.interval == pytest.approx((interval.low, interval.high), rel=1e-9)


def test_swapping_turns_the_answer_round():
    rng = np.random.default_rng(0)
    good = rng.normal(size=(300, 2, 3))
    found, back = diebold_mariano(good, 1.5 * good, offset=2), diebold_mariano(1.5 * good, good, offset=2)
    assert (found.says, back.says) == ("better", "worse")
    assert found.horizon == 3
    assert found.statistic == pytest.approx(-back.statistic)
    assert found.p == back.p
    assert found.interval[1] < 0.0 < back.interval[0]
    json.dumps(found.to_json(), allow_nan=False)


def test_losses_are_averaged_over_steps_and_channels():
    rng = np.random.default_rng(1)
    e1, e2 = rng.normal(size=(2, 50, 4, 2))
    found = diebold_mariano(e1, e2, offset=2)
    expected = compare_losses((e1**2).mean((1, 2)), (e2**2).mean((1, 2)), horizon=5)
    assert found == expected
    assert found.mean_difference == pytest.approx((e1**2).mean() - (e2**2).mean())


def test_level_with_overlapping_windows():
    """Equal forecasts are called different about as often as alpha says, although neighbouring losses overlap."""
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(400, 2, 251))
    overlapping = (noise[..., :-1] + noise[..., 1:]) / 2  # moving average: two windows share a row
    squared = overlapping**2
    aware = [compare_losses(a, b, horizon=2).says != "undecided" for a, b in squared]
    blind = [compare_losses(a, b, horizon=1).says != "undecided" for a, b in squared]
    assert 0.02 < np.mean(aware) < 0.085
    assert np.mean(blind) > np.mean(aware)


def test_a_variance_that_is_not_positive():
    d = np.tile([1.0, -1.0], 20) + 0.01  # g_1 is about -g_0: the plain sum is negative
    found = compare_losses(d, np.zeros(40), horizon=2)
    assert found.p is not None
    assert 0.0 < found.p <= 1.0
    # Bartlett's weights: g_0 + g_1.
    c = d - d.mean()
    variance = (c @ c + c[1:] @ c[:-1]) / 40
    correction = np.sqrt((40 + 1 - 4 + 2 / 40) / 40)
    assert found.statistic == pytest.approx(correction * d.mean() / np.sqrt(variance / 40))


def test_windows_of_one_row_are_averaged_and_gaps_respected():
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 30)) ** 2
    twice = compare_losses(np.repeat(a, 2), np.repeat(b, 2), horizon=2, time=np.repeat(np.arange(30), 2))
    assert twice == compare_losses(a, b, horizon=2)
    shuffled = rng.permutation(30)
    assert compare_losses(a[shuffled], b[shuffled], horizon=2, time=shuffled) == compare_losses(a, b, horizon=2)
    # No two windows are neighbours: there is nothing to correct but the sample size.
    apart = compare_losses(a, b, horizon=2, time=3 * np.arange(30))
    one = compare_losses(a, b, horizon=1)
    assert apart.statistic / one.statistic == pytest.approx(np.sqrt((31 - 4 + 2 / 30) / 29))


def test_edges():
    same = compare_losses([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0])
    assert (same.p, same.says) == (1.0, "undecided")
    steady = compare_losses([1.0, 2.0, 3.0, 4.0], [0.5, 1.5, 2.5, 3.5])
    assert (steady.p, steady.says, steady.mean_difference) == (None, "undecided", 0.5)
    few = compare_losses([1.0, 2.0, 3.0], [1.0, 1.0, 1.0], horizon=3)
    assert (few.statistic, few.says) == (None, "undecided")
    assert "too few" in few.note
    assert compare_losses([], []).says == "undecided"
    json.dumps(few.to_json(), allow_nan=False)
    with pytest.raises(InputError, match="missing or infinite"):
        compare_losses([1.0, np.nan, 1.0], [1.0, 2.0, 1.0])
    with pytest.raises(InputError, match="same rows"):
        diebold_mariano(np.zeros(3), np.zeros(4))
