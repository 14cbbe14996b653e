import numpy as np
import pytest
from scipy.stats import bootstrap

from gatewise.studies.bca import bca_interval
from gatewise.studies.paired_tests import sign_flip_test


@pytest.mark.parametrize("n", [20, 33, 600])
def test_it_is_scipys_interval(n):
    values = np.random.default_rng(n).gamma(1.0, 1.0, n)
    theirs = bootstrap(
        (values,), np.mean, n_resamples=9_999, method="BCa", rng=np.random.default_rng(0)
    ).confidence_interval
    assert bca_interval(values) == pytest.approx((theirs.low, theirs.high), rel=1e-12)
    wider = bca_interval(values, 0.99)
    assert wider[0] < theirs.low < theirs.high < wider[1]


def test_a_generator_of_ones_own_draws_other_resamples():
    values = np.random.default_rng(1).normal(size=25)
    other = bca_interval(values, generator=np.random.default_rng(7))
    assert other != bca_interval(values)
    assert other == pytest.approx(bca_interval(values), abs=0.05)


def test_kept_signings_are_those_that_are_drawn():
    differences = np.random.default_rng(2).normal(0.3, 1.0, 20)
    drawn = sign_flip_test(differences, generator=np.random.default_rng(0))
    assert sign_flip_test(differences) == sign_flip_test(differences) == drawn
    assert sign_flip_test(differences, side="above") < drawn
