"""Statistics over seeds: exact p values by hand and by SciPy, golden numbers of statsmodels, words."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gatewise.errors import InputError
from gatewise.studies import bca, paired_tests, power
from gatewise.studies import statistics as s

# Darwin's maize: height of crossed minus self-fertilised plants, the example of Fisher (1935), in eighths of an inch.
DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]


def test_fishers_example():
    # Fisher (1935, section 21): 1,726 of the 32,768 signings reach a sum as large: p = 0.0527 two-sided.
    assert paired_tests.sign_flip_test(DARWIN) == 1726 / 32768


@pytest.mark.parametrize("n", [2, 5, 9])
def test_exact_test_against_scipy(n):
    d = np.random.default_rng(n).normal(0.5, size=n)
    expected = stats.permutation_test(
        (d,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    assert paired_tests.sign_flip_test(d) == pytest.approx(expected.pvalue, rel=1e-12)


@pytest.mark.parametrize("n", [1, 3, 6, 10, 16])
def test_least_p_is_reached(n):
    assert paired_tests.sign_flip_test(np.arange(1.0, n + 1)) == power.least_p(n) == 2 / 2**n


def test_many_seeds_are_sampled_and_repeat():
    d = np.random.default_rng(0).normal(0.4, size=24)
    p = paired_tests.sign_flip_test(d)
    assert p == paired_tests.sign_flip_test(d)
    assert p == pytest.approx(stats.ttest_1samp(d, 0.0).pvalue, abs=0.02)
    assert paired_tests.sign_flip_test(d, generator=np.random.default_rng(1)) == pytest.approx(p, abs=0.01)
    assert paired_tests.sign_flip_test(np.full(40, 3.0), draws=999) == 1 / 1000  # never 0


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9), st.floats(1e-3, 1e3))
def test_symmetries(d, scale):
    p = paired_tests.sign_flip_test(d)
    assert power.least_p(len(d)) <= p <= 1.0
    assert paired_tests.sign_flip_test([-x for x in d]) == p
    assert paired_tests.sign_flip_test(d[::-1]) == p
    assert paired_tests.sign_flip_test([0.0] * len(d)) == 1.0
    if min(map(abs, d)) > 1e-3:
        assert paired_tests.sign_flip_test([x * scale for x in d]) == pytest.approx(p)


def test_holm():
    # statsmodels 0.15: multipletests([...], method="holm")
    found = s.holm([0.001, 0.04, 0.012, 0.2, 0.03, 0.0005])
    assert found == pytest.approx([0.005, 0.09, 0.048, 0.2, 0.09, 0.003])
    assert s.holm([0.9, 0.8]) == [1.0, 1.0]
    assert s.holm([]) == []
    with pytest.raises(InputError, match="0 to 1"):
        s.holm([0.1, 1.2])


def test_seeds_needed_is_where_the_least_p_passes():
    assert [power.seeds_needed(m) for m in (1, 3, 6, 10, 15)] == [6, 7, 8, 9, 10]
    assert power.seeds_needed(1, alpha=0.0625) == 5
    for m in range(1, 60):
        n = power.seeds_needed(m)
        assert power.least_p(n) * m <= 0.05 < power.least_p(n - 1) * m


def with_effect(effect, n=12):
    """Return differences whose mean over standard deviation is exactly `effect`."""
    d = np.random.default_rng(0).normal(size=n)
    return (d - d.mean()) / d.std(ddof=1) + effect


@pytest.mark.parametrize(
    ("effect", "comparisons", "expected"),
    # statsmodels 0.15: TTestPower().solve_power(effect, alpha=0.05 / comparisons, power=0.8), rounded up.
    [(0.5, 1, 34), (-0.5, 1, 34), (1.0, 3, 14), (0.2, 1, 199), (2.0, 1, 6)],
)
def test_seeds_for_power(effect, comparisons, expected):
    # 5 seeds would do for the largest effect, but the exact test needs 6.
    assert power.seeds_for_power(with_effect(effect), comparisons=comparisons) == expected


def test_power():
    # statsmodels 0.15: TTestPower().power
    assert power.paired_t_power(0.5, 20) == pytest.approx(0.5645044184390203, rel=1e-6)
    assert power.paired_t_power(1.0, 8, 0.01) == pytest.approx(0.34781135813831976, rel=1e-6)
    assert power.paired_t_power(50.0, 100) == 1.0


def test_seeds_for_power_at_the_edges():
    assert power.seeds_for_power([0.0, 0.0, 0.0]) is None
    assert power.seeds_for_power(with_effect(0.001)) is None
    assert power.seeds_for_power([2.0]) == 6
    assert power.seeds_for_power([2.0, 2.0], comparisons=3) == 7


def test_intervals():
    d = np.asarray(DARWIN) / 8
    expected = stats.ttest_1samp(d, 0.0).confidence_interval(0.95)
    assert s.mean_interval(d) == pytest.approx((expected.low, expected.high), rel=1e-9)
    assert s.mean_interval([3.0]) == (None, None)
    low, high = s.prediction_interval([1.0, 2.0, 3.0])
    assert (low, high) == pytest.approx((2 - 4.302653 * np.sqrt(4 / 3), 2 + 4.302653 * np.sqrt(4 / 3)), rel=1e-6)
    assert s.prediction_interval([1.0]) is None


def test_bootstrap_interval_follows_the_skew():
    d = np.random.default_rng(3).exponential(size=40)
    low, high = s.mean_interval(d)
    assert (low, high) == bca.bca_interval(d) == bca.bca_interval(d)
    assert high - d.mean() > 1.1 * (d.mean() - low)
    assert bca.bca_interval(d, generator=np.random.default_rng(9)) == pytest.approx((low, high), rel=0.05)
    assert s.mean_interval(np.full(30, 2.0)) == (2.0, 2.0)


def test_words():
    assert s.decide(0.05, -1.0, better="lower", seeds=6) == "better"
    assert s.decide(0.05, 1.0, better="lower", seeds=6) == "worse"
    assert s.decide(0.05, 1.0, better="higher", seeds=6) == "better"
    assert s.decide(0.051, -1.0, better="lower", seeds=6) == "undecided"
    assert s.decide(0.0, -1.0, better="lower", seeds=1) == "undecided"
    assert s.decide(0.0, 0.0, better="lower", seeds=9) == "undecided"


def test_a_family_of_comparisons():
    clear = [-5.0, -4.0, -6.0, -5.5, -4.5, -5.2, -4.8]
    noise = [1.0, -1.2, 0.4, -0.3, 1.9, -1.1, 0.2]
    found = s.decide_all([clear, noise, [-x for x in clear]])
    assert [each.says for each in found] == ["better", "undecided", "worse"]
    assert found[0].p == 2 / 128
    assert found[0].p_holm == pytest.approx(6 / 128)
    assert (found[0].difference, found[0].seeds, found[0].seeds_needed) == (-5.0, 7, None)
    assert found[0].interval[1] < 0.0
    assert found[1].seeds_needed > 7
    # A fourth comparison makes seven seeds too few.
    assert {each.says for each in s.decide_all([clear, noise, clear, clear])} == {"undecided"}
    assert s.decide_all([clear], better="higher")[0].says == "worse"
    assert s.decide_all([]) == []


def test_one_seed_is_never_a_result():
    (found,) = s.decide_all([[-1e9]])
    assert (found.says, found.p, found.interval, found.seeds_needed) == ("undecided", 1.0, (None, None), 6)


@pytest.mark.parametrize("bad", [[], [1.0, float("nan")], [float("inf")]])
def test_differences_that_are_no_numbers(bad):
    with pytest.raises(InputError, match="finite"):
        s.decide_all([bad])
