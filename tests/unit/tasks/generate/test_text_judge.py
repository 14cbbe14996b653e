"""The part of a text run's result that says how good it is."""

import dataclasses
import json
import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from gatewise.metrics import METRICS, word_places
from gatewise.models import TextNetwork
from gatewise.registry import TEXT_BASELINES
from gatewise.settings import TextSettings
from gatewise.tasks.generate import judge
from gatewise.tasks.generate.evaluation import carried
from gatewise.tasks.generate.judge import (
    BaselineScore,
    beside_compressor,
    by_place,
    gather,
    judged_spans,
    part_metrics,
    score_baselines,
    summarise,
    verdict,
)

SYMBOLS = ("\n", " ", "a", "b", "\u00e9")
V = len(SYMBOLS)


@dataclass(frozen=True)
class Words:
    symbols = SYMBOLS
    kind = "characters"
    byte_lengths = np.array([1, 1, 1, 1, 2])
    total = 3000


@dataclass(frozen=True)
class Spans:
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def position(n=4000):
    return Spans(*(np.array([span]) for span in ([0, n * 3 // 4], [n * 3 // 4, n * 7 // 8], [n * 7 // 8, n])))


def settings(**changes):
    return TextSettings.from_flat({"units": 8, "embedding": 3, "window": 20, **changes})


def make_network():
    return TextNetwork(settings().model, V, init_generator=torch.Generator().manual_seed(0))


def text(n=4000):
    return np.random.default_rng(0).integers(0, V, n)


def test_every_protocol_of_every_part():
    ids, split = text(), position()
    made = gather(
        settings(dynamic_evaluation=0.1, prequential=True), make_network(), ids, split, training_symbols=3000,
        make_network=make_network,
    )  # fmt: skip
    assert {part: list(found) for part, found in made.items()} == {
        "train": ["carried", "cold", "prequential"],
        "validation": ["carried", "cold"],
        "test": ["carried", "cold", "dynamic"],
    }
    for part, spans in {"train": [[2500, 3000]], "validation": split.validation, "test": split.test}.items():
        alone = carried(make_network(), ids, np.array(spans), training_symbols=3000)
        np.testing.assert_allclose(made[part]["carried"].log_probs, alone.log_probs, atol=2e-6)
        np.testing.assert_array_equal(made[part]["carried"].where, alone.where)
        assert len(made[part]["cold"]) == 256
    assert len(made["train"]["prequential"]) == 3000


def test_drawn_windows_are_judged_cold_and_whole():
    starts = np.arange(0, 3990, 21)
    windows = np.stack([starts, starts + 21], axis=1)
    split = Spans(windows[20:], windows[10:20], windows[:10])
    made = gather(
        settings(split="windows", regime="windows", prequential=True, dynamic_evaluation=0.1), make_network(), text(),
        split, training_symbols=3000, make_network=make_network,
    )  # fmt: skip
    assert {part: list(found) for part, found in made.items()} == {
        "train": ["cold", "prequential"], "validation": ["cold"], "test": ["cold", "dynamic"],
    }  # fmt: skip
    np.testing.assert_array_equal(
        made["test"]["cold"].where, np.concatenate([np.arange(b + 1, e) for b, e in windows[:10]])
    )
    assert len(made["train"]["cold"]) == 10 * 20


def test_parts_that_are_empty_or_long(monkeypatch):
    none = np.empty((0, 2), int)
    assert list(judged_spans(Spans(np.array([[0, 50]]), none, none))) == ["train"]
    spans = judged_spans(Spans(np.array([[0, 50]]), np.array([[50, 60]]), none))
    assert {part: span.tolist() for part, span in spans.items()} == {"train": [[40, 50]], "validation": [[50, 60]]}
    monkeypatch.setattr(judge, "MOST_SYMBOLS", 7)
    assert judged_spans(position(800))["test"].tolist() == [[700, 707]]


def test_the_summary_is_complete_and_plain():
    ids, split = text(), position()
    made = gather(
        settings(prequential=True), make_network(), ids, split, training_symbols=3000, make_network=make_network
    )
    uniform = BaselineScore({"carried_nats_per_char": math.log(V)}, np.full(500, -math.log(V)))
    found = summarise(Words(), made, {"uniform": uniform}, {"test": 1.5})
    assert list(found) == [
        "metrics",
        "baselines",
        "verdict",
        "compressor",
        "by_position",
        "words",
        "calibration",
        "prequential",
    ]
    assert set(found["metrics"]["test"]) <= set(METRICS)
    assert found["metrics"]["test"]["loss"] == 1.5
    assert found["metrics"]["train"]["loss"] is None
    own = -made["test"]["carried"].log_probs.mean()
    assert found["metrics"]["test"]["carried_nats_per_char"] == pytest.approx(own)
    assert found["metrics"]["test"]["cold_accuracy"] == made["test"]["cold"].right.mean()
    size = Words.byte_lengths[ids[3500:]].sum()
    assert found["metrics"]["test"]["carried_bits_per_byte"] == pytest.approx(own * 500 / math.log(2) / size)
    assert list(found["by_position"])[-1] == "129-256"
    assert sum(row["n"] for row in found["words"].values()) == 500
    assert sum(row["n"] for row in found["calibration"]) == 500
    assert found["prequential"][-1]["n"] == 3000
    assert found["baselines"] == {"uniform": {"test": {"carried_nats_per_char": math.log(V)}}}
    assert found["verdict"]["against"] == "uniform"
    json.dumps(found, allow_nan=False)


def test_a_run_without_a_test_part_has_no_verdict():
    none = np.empty((0, 2), int)
    made = gather(settings(), make_network(), text(), Spans(np.array([[0, 4000]]), none, none), training_symbols=4000)
    found = summarise(Words(), made, {})
    assert found["verdict"] is None
    assert list(found["metrics"]) == ["train"]
    assert found["by_position"]["1"]["n"] == 4000 // 256


def test_an_unseen_symbol_has_one_byte():
    ids = np.array([0, 4, V])
    made = carried(make_network(), ids, np.array([[0, 3]]), training_symbols=9)
    found = part_metrics(Words(), {"carried": made})
    assert found["carried_bits_per_byte"] == pytest.approx(-made.log_probs.sum() / math.log(2) / 4)


def test_places_of_windows_leave_out_the_ends():
    ids = np.full(60, 2)
    ids[[7, 30]] = 1
    windows = np.array([[0, 21], [30, 51]])
    split = Spans(windows, windows, windows)
    made = gather(settings(split="windows", regime="windows"), make_network(), ids, split, training_symbols=60)
    found = by_place(Words(), made["test"]["cold"], cut=True)
    # symbols 1-20 and 31-50 are predicted; 1, 20, 31 and 50 have a neighbour that is not known
    assert {place: row["n"] for place, row in found.items()} == {"first": 1, "middle": 33, "last": 1, "space": 1}


def test_words_end_with_their_document():
    ids = np.full(6, 2)
    made = carried(make_network(), ids, np.array([[0, 2], [2, 6]]), training_symbols=9)
    found = by_place(Words(), made, cut=False)
    assert {place: row["n"] for place, row in found.items()} == {"first": 2, "middle": 2, "last": 2}
    assert word_places(ids, SYMBOLS).tolist().count(0) == 1


def score(nats, log_probs=None):
    return BaselineScore({"carried_nats_per_char": nats}, log_probs)


def ours(n=4000):
    made = carried(make_network(), text(n), np.array([[0, n]]), training_symbols=9)
    return {"carried": made}, made.log_probs


def test_the_verdict_is_against_the_best_baseline():
    test, log_probs = ours()
    noise = np.random.default_rng(1).normal(0.0, 0.05, 4000)
    better = log_probs + 0.02 + noise
    baselines = {"uniform": score(9.0, log_probs - 7), "ngram": score(-better.mean(), better), "gzip": score(8.0)}
    found = verdict(test, baselines)
    assert (found["metric"], found["against"], found["says"]) == ("carried_nats_per_char", "ngram", "worse")
    assert found["ratio"] == pytest.approx(log_probs.mean() / better.mean())
    low, high = found["interval"]
    assert 0 < low < better.mean() - log_probs.mean() < high
    assert found["nats_interval"][0] < -log_probs.mean() < found["nats_interval"][1]
    assert "4000 symbols in blocks of 200" in found["test"]
    shifted = log_probs - 0.02 + noise
    assert verdict(test, {"ngram": score(-shifted.mean(), shifted)})["says"] == "better"
    near = log_probs + noise - noise.mean()
    assert verdict(test, {"ngram": score(-near.mean(), near)})["says"] == "undecided"


def test_a_compressor_stands_beside_the_network_that_learns_as_it_does():
    test, log_probs = ours()
    nats = float(-log_probs.mean())
    baselines = {"gzip": score(nats + 1), "ppm": score(nats / 2), "uniform": score(9.0, log_probs)}
    assert verdict(test, baselines)["against"] == "uniform"  # it learns from the training part alone, as the network
    found = beside_compressor(test, baselines)
    assert (found["against"], found["protocol"], found["ours"]) == ("ppm", "carried", pytest.approx(nats))
    assert found["ratio"] == pytest.approx(2.0)
    assert "the network does not" in found["note"]
    learning = {**test, "dynamic": dataclasses.replace(test["carried"], log_probs=log_probs / 4)}
    found = beside_compressor(learning, baselines)
    assert (found["protocol"], found["ratio"]) == ("dynamic", pytest.approx(0.5))
    assert "both" in found["note"]
    assert beside_compressor(test, {"uniform": baselines["uniform"]}) is None


def test_without_a_number_to_compare_there_is_no_verdict():
    test, _ = ours()
    assert verdict(test, {"uniform": BaselineScore({"cold_nats_per_char": 1.0})}) is None


class Flat:
    """A baseline of the shape that all have."""

    def __init__(self):
        self.notes = ["flat"]

    def evaluate(self, train, test, byte_lengths):
        self.symbols = len(byte_lengths)
        return {"carried_nats_per_char": float(len(train.ids))}

    def log_probs(self, ids, window=None):
        return -np.arange(len(ids), dtype=float)


class Compressed(Flat):
    log_probs = property()  # it has none


def test_baselines_are_asked_by_name(monkeypatch):
    made = {"uniform": Flat, "ngram": Flat, "gzip": Compressed}
    monkeypatch.setattr(type(TEXT_BASELINES), "load", lambda self, name: made[name])

    @dataclass
    class Part:
        ids: np.ndarray

    parts = Part(np.zeros(30)), Part(np.zeros(4))
    found = score_baselines(["ngram", "gzip"], *parts, np.ones(3))
    assert list(found) == ["uniform", "ngram", "gzip"]
    assert found["ngram"].metrics == {"carried_nats_per_char": 30.0}
    assert found["ngram"].log_probs.tolist() == [0, -1, -2, -3]
    assert found["ngram"].notes == ("flat",)
    assert found["gzip"].log_probs is None
    drawn = score_baselines([], parts[0], Part(np.zeros((2, 3))), np.ones(3))
    assert drawn["uniform"].log_probs.tolist() == [-1, -2, -1, -2]  # a window's first symbol is only read
