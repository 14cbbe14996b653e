"""Tests between classifiers: published numbers, statsmodels, a bootstrap that draws the texts themselves."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar
from statsmodels.stats.proportion import proportion_confint

from gatewise.errors import InputError
from gatewise.metrics import bootstrap_metric, compare_metric, mcnemar, wilson


def right(both, ours, theirs, neither):
    """Return which texts each of two classifiers has right."""
    counts = [both, ours, theirs, neither]
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


def tweets(n=900, seed=0, ours=0.85, theirs=0.8):
    """Return classes, one of them rare, and two classifiers that are right so often."""
    rng = np.random.default_rng(seed)
    y = rng.choice(3, n, p=[0.06, 0.77, 0.17])
    return y, *(np.where(rng.random(n) < share, y, rng.integers(0, 3, n)) for share in (ours, theirs))


def test_mcnemar_of_a_published_example():
    # Raschka 2018, arXiv:1811.12808, section 4.3: 25 and 15 texts on which one model alone is right.
    found = mcnemar(*right(9945, 25, 15, 15))
    assert (found.ours_alone, found.theirs_alone, found.exact) == (25, 15, False)
    assert found.statistic == pytest.approx(2.025)
    assert found.p == pytest.approx(0.1547, abs=5e-5)


def test_mcnemar_of_few_texts_is_exact():
    found = mcnemar(*right(9959, 11, 1, 29))
    assert found.exact
    assert found.p == pytest.approx(2 * 13 / 2**12)  # 2 (1 + 12) / 2^12
    assert mcnemar(*right(5, 0, 0, 5)).p == 1.0


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 5))
def test_mcnemar_against_statsmodels(b, c, both):
    assume(b + c)
    found = mcnemar(*right(both, b, c, 3))
    other = reference_mcnemar([[both, b], [c, 3]], exact=found.exact, correction=True)
    assert found.exact == (b + c < 25)
    assert found.statistic == pytest.approx(other.statistic)
    assert found.p == pytest.approx(other.pvalue, rel=1e-9)


@pytest.mark.parametrize(
    ("k", "n", "interval"),
    [(81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0.0, 0.1611)), (1, 29, (0.0061, 0.1718))],
)
def test_wilson_as_newcombe_1998_prints_it(k, n, interval):
    assert wilson(k, n) == pytest.approx(interval, abs=5e-5)  # doi:10.1002/(SICI)1097-0258, Table I, method 3


@given(st.integers(0, 200), st.integers(1, 200), st.floats(0.001, 0.5))
def test_wilson_against_statsmodels(k, n, alpha):
    k = min(k, n)
    assert wilson(k, n, alpha) == pytest.approx(proportion_confint(k, n, alpha, method="wilson"), rel=1e-9, abs=1e-12)


def test_wilson_of_nothing_and_of_nonsense():
    assert wilson(0, 0) is None
    with pytest.raises(InputError, match="3 of 2"):
        wilson(3, 2)


def test_the_bootstrap_is_that_of_drawn_texts():
    y, ours, theirs = tweets()
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(400):
        rows = rng.integers(0, len(y), len(y))
        drawn.append([f1_score(y[rows], said[rows], average="macro") for said in (ours, theirs)])
    first, second = np.array(drawn).T
    found = compare_metric(y, ours, theirs)
    near = {"abs": 0.012}  # of an interval about 0.08 wide, from 400 draws
    assert found.ours == pytest.approx(f1_score(y, ours, average="macro"))
    assert found.ours_interval == pytest.approx(np.quantile(first, [0.025, 0.975]), **near)
    assert found.theirs_interval == pytest.approx(np.quantile(second, [0.025, 0.975]), **near)
    assert found.interval == pytest.approx(np.quantile(first - second, [0.025, 0.975]), **near)
    assert bootstrap_metric(y, ours) == pytest.approx(found.ours_interval, abs=0.005)


def test_it_says_who_is_better_and_that_it_cannot_tell():
    y, ours, theirs = tweets(3000)
    better, worse = compare_metric(y, ours, theirs), compare_metric(y, theirs, ours)
    assert (better.says, worse.says) == ("better", "worse")
    assert better.p == worse.p < 0.01
    assert better.interval == pytest.approx([-end for end in reversed(worse.interval)], abs=0.01)
    same = compare_metric(y, ours, ours)
    assert (same.says, same.p, same.interval) == ("undecided", 1.0, (0.0, 0.0))
    assert compare_metric(*tweets(ours=0.8)).says == "undecided"


@pytest.mark.parametrize("metric", ["accuracy", "f1_macro", "f1_weighted", "matthews"])
def test_true_difference_is_covered_about_as_often_as_promised(metric):
    big = tweets(200_000, seed=99)
    true = compare_metric(*big, metric, draws=2).difference
    intervals = [compare_metric(*tweets(600, seed=seed), metric, seed, draws=300).interval for seed in range(60)]
    assert sum(low <= true <= high for low, high in intervals) >= 51  # 57 expected, 51 is past three deviations


def test_the_same_seed_draws_the_same_whatever_fits_at_once(monkeypatch):
    y, ours, theirs = tweets(300)
    found = compare_metric(y, ours, theirs, seed=3, draws=100)
    assert found != compare_metric(y, ours, theirs, seed=4, draws=100)
    monkeypatch.setattr("gatewise.metrics.decisions._AT_ONCE", 200)
    assert found == compare_metric(y, ours, theirs, seed=3, draws=100)


def test_few_texts_decide_nothing_and_many_classes_are_no_trouble():
    few = compare_metric([0, 1] * 5, [0, 1] * 5, [0, 0] * 5)
    assert (few.says, few.p, few.interval) == ("undecided", None, None)
    assert "10 texts are too few" in few.note
    assert few.to_json()["ours"] == 1.0
    y = np.random.default_rng(0).integers(0, 150, 2000)
    assert compare_metric(y, y, (y + 1) % 150, draws=50).says == "better"


def test_classes_that_no_text_has_count():
    y = np.repeat([0, 1], 50)
    assert compare_metric(y, y, y, classes=4).ours == 0.5


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(InputError, match="accuracy, f1_macro"):
        compare_metric([0, 1], [0, 1], [0, 1], "nats")
    with pytest.raises(InputError, match="one prediction"):
        compare_metric([0, 1], [0, 1], [0])
    with pytest.raises(InputError, match="same texts"):
        mcnemar([True], [True, False])
