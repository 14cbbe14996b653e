"""Every metric of classes: its direction is true, and neither the texts' order nor the classes' numbers matter."""

import numpy as np
import pytest

from gatewise.metrics import CLASS_METRICS, METRICS, TUNED_METRICS, class_metrics
from gatewise.metrics.names import CLASS_NAMES, is_higher_better


def judged(wrong, seed=0):
    """Return targets and the probabilities of a model that is quite sure, and wrong about so large a share."""
    rng = np.random.default_rng(seed)
    y = rng.choice(4, 800, p=[0.05, 0.6, 0.2, 0.15])
    said = np.where(rng.random(800) < wrong, rng.integers(0, 4, 800), y)
    p = rng.dirichlet(np.ones(4), 800) * 0.2 + 0.8 * np.eye(4)[said]
    return y, p


@pytest.fixture(params=list(CLASS_METRICS))
def name(request):
    return request.param


def test_its_direction_is_true(name):
    values = [class_metrics(*judged(wrong))[name] for wrong in (0.25, 0.5, 0.8)]
    assert values == sorted(values, reverse=is_higher_better(name))
    assert len(set(values)) == 3


def test_nothing_is_better_than_certain_and_right(name):
    y, p = judged(0.3)
    best = class_metrics(y, np.eye(4)[y])[name]
    assert best == pytest.approx(1.0 if is_higher_better(name) else 0.0, abs=1e-12)
    assert (class_metrics(y, p)[name] < best) == is_higher_better(name)


def test_order_and_numbers_do_not_matter(name):
    y, p = judged(0.3)
    order, number = np.random.default_rng(1).permutation(800), np.array([2, 0, 3, 1])
    renamed = np.empty_like(p)
    renamed[:, number] = p
    expected = pytest.approx(class_metrics(y, p)[name], rel=1e-12)
    assert class_metrics(y[order], p[order])[name] == expected
    assert class_metrics(number[y], renamed)[name] == expected


def test_it_is_explained(name):
    metric = CLASS_METRICS[name]
    assert metric.name == name
    assert metric.label
    assert metric.function.__doc__
    assert not metric.summary.endswith(".")


def test_results_can_carry_every_name():
    assert set(CLASS_NAMES) == {*CLASS_METRICS, *TUNED_METRICS, "loss"}
    assert set(CLASS_NAMES) <= set(METRICS)
    assert all(
        TUNED_METRICS[name].direction == CLASS_METRICS[name.removeprefix("tuned_")].direction for name in TUNED_METRICS
    )
