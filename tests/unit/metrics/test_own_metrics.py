"""Metrics of a user's own: worked out for networks and baselines of every task, and known by their names."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from gatewise import Forecaster, TextClassifier, TextGenerator
from gatewise.errors import SettingsError
from gatewise.metrics import Metric, names
from gatewise.metrics.own import describe, measure, own_metrics


def _metric(name="mine", direction="higher", needs=("y", "yhat"), function=lambda y, yhat: float(np.mean(y == yhat))):
    return Metric(name, name.title(), "share", direction, "Mine", function, needs)


@pytest.fixture
def here(monkeypatch):
    """Put metrics into a module that can be named."""
    module = type(sys)("my_metrics_here")
    monkeypatch.setitem(sys.modules, "my_metrics_here", module)
    monkeypatch.setattr(names, "_OWN", {})
    from gatewise.registry import METRICS

    yield module
    for known in [one for one in METRICS._objects if one.startswith("my_metrics_here:")]:
        del METRICS._objects[known]


def test_a_forecast_and_its_baselines_have_it(here):
    here.BIAS = _metric("bias", "lower", ("y", "yhat"), lambda y, yhat: float((yhat - y).mean()))
    model = Forecaster(units=4, window=8, epochs=1, metrics=["my_metrics_here:BIAS"])
    result = model.fit(np.sin(np.arange(120) / 8)).result_
    assert set(result["metrics"]) >= {"train", "validation", "test"}
    for part in ("train", "validation", "test"):
        assert np.isfinite(result["metrics"][part]["bias"])
    assert np.isfinite(result["baselines"]["last_value"]["test"]["bias"])
    assert result["own_metrics"] == [describe(here.BIAS)]
    assert not names.is_higher_better("bias")


def test_text_and_classes_have_it(here):
    here.SURE = _metric("sure", "higher", ("confidence",), lambda confidence: float(confidence.mean()))
    here.RIGHT = _metric("right", "higher", ("target", "predicted"), lambda t, p: float((t == p).mean()))
    text = TextGenerator(units=4, window=8, epochs=1, metrics=["my_metrics_here:SURE"]).fit("abcabcabd " * 60)
    assert 0 < text.result_["metrics"]["test"]["sure"] <= 1
    texts = [f"{word} {number} times {number % 7}" for number in range(20) for word in ("good", "bad")]
    settings = {
        "encoder": "words",
        "units": 4,
        "epochs": 1,
        "least_steps": 0,
        "near_duplicates": "apart",
        "test_size": 0.3,
    }
    classes = TextClassifier(**settings, metrics=["my_metrics_here:RIGHT"])
    result = classes.fit(texts, ["g", "b"] * 20).result_
    assert result["metrics"]["test"]["right"] == pytest.approx(result["metrics"]["test"]["accuracy"])
    assert result["baselines"]["majority"]["test"]["right"] == pytest.approx(
        result["baselines"]["majority"]["test"]["accuracy"]
    )
    assert names.is_higher_better("right")
    assert names.metric_label("right") == "Right"


@pytest.mark.parametrize(
    ("metric", "says"),
    [
        (_metric("mse"), "another metric called 'mse'"),
        (_metric(needs=("probs",)), "needs 'probs'; this task has y"),
    ],
)
def test_what_cannot_be_is_said_before_training(here, metric, says):
    here.ONE = metric
    with pytest.raises(SettingsError, match=says):
        own_metrics(["my_metrics_here:ONE"], "forecast")
    with pytest.raises(SettingsError, match=says):
        Forecaster(units=4, window=8, epochs=1, metrics=["my_metrics_here:ONE"]).fit(np.sin(np.arange(120) / 8))


def test_a_metric_that_fails_is_said_and_one_that_is_not_finite_is_none():
    def broken(y, yhat):
        raise ValueError("no")

    given = {"y": np.ones(2), "yhat": np.ones(2)}
    with pytest.raises(SettingsError, match="mine: fails: ValueError: no"):
        measure([_metric(function=broken)], given)
    assert measure([_metric(function=lambda y, yhat: float("nan"))], given) == {"mine": None}
    assert measure([_metric()], given) == {"mine": 1.0}
