"""Metrics of predicted symbols: against scikit-learn, by hand, and by what must hold for any prediction."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, log_loss

from gatewise.errors import InputError
from gatewise.metrics import (
    METRICS,
    PLACES,
    PROTOCOL_METRICS,
    TEXT_METRICS,
    bootstrap_interval,
    compare_log_probs,
    loss_by_position,
    metrics_by_place,
    reliability,
    text_metrics,
    word_places,
)
from gatewise.metrics.bootstrap import bootstrap_means


def said(n=500, symbols=7, seed=0):
    """Return probabilities (n, V), targets, and what the metrics want to know of them."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(symbols, 0.5), size=n)
    y = np.array([rng.choice(symbols, p=row) for row in p])
    return p, y, np.log(p[np.arange(n), y]), p.argmax(axis=1) == y, p.max(axis=1)


def test_against_scikit_learn():
    p, y, log_probs, right, confidence = said()
    found = text_metrics(log_probs, right, confidence, np.full(500, 2))
    assert found["nats_per_char"] == pytest.approx(log_loss(y, p, labels=range(7)), rel=1e-12)
    assert found["accuracy"] == accuracy_score(y, p.argmax(axis=1))
    assert found["bits_per_byte"] == pytest.approx(found["bits_per_char"] / 2, rel=1e-12)
    assert found["perplexity"] == pytest.approx(np.exp(-log_probs.mean()), rel=1e-12)


def test_bytes_weigh_by_their_number_not_by_their_loss():
    found = text_metrics(np.log([0.5, 0.25, 0.25]), byte_lengths=[1, 2, 2])
    assert found["bits_per_byte"] == pytest.approx(1.0)  # 1 + 2 + 2 bits over 5 bytes
    assert found["bits_per_char"] == pytest.approx(5 / 3)


def test_what_is_not_known_is_left_out_and_nothing_is_none():
    assert list(text_metrics([-1.0])) == ["nats_per_char", "bits_per_char", "perplexity"]
    assert set(text_metrics([], [], [], []).values()) == {None}


@pytest.mark.parametrize("bad", [math.nan, -math.inf])
def test_a_symbol_without_probability_is_refused(bad):
    with pytest.raises(InputError, match="NaN or infinite"):
        text_metrics([-1.0, bad])


def test_arrays_that_differ_are_refused():
    with pytest.raises(InputError, match="one value of everything"):
        text_metrics([-1.0, -2.0], [True])


def test_tables_are_complete():
    assert list(TEXT_METRICS) == [
        "nats_per_char", "bits_per_char", "bits_per_byte", "perplexity", "accuracy", "calibration_error",
    ]  # fmt: skip
    assert {name.partition("_")[0] for name in PROTOCOL_METRICS} == {"carried", "cold", "dynamic", "prequential"}
    assert METRICS["cold_accuracy"].direction == "higher"
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.direction in ("lower", "higher")
        assert metric.function.__doc__


def test_calibration_by_hand():
    confidence, right = [0.8, 0.2, 0.6, 0.4], [True, False, True, True]
    rows = reliability(confidence, right, bins=2)
    assert [(row["from"], row["to"], row["n"]) for row in rows] == [(0.2, 0.4, 2), (0.6, 0.8, 2)]
    assert [row["accuracy"] for row in rows] == [0.5, 1.0]
    assert [row["confidence"] for row in rows] == pytest.approx([0.3, 0.7])
    # with 15 bins each symbol has its own: (0.2 + 0.6 + 0.4 + 0.2) / 4
    assert text_metrics([-1.0] * 4, right, confidence)["calibration_error"] == pytest.approx(0.35)


def test_a_calibrated_predictor_has_a_small_error_and_a_boastful_one_a_large():
    _, _, log_probs, right, confidence = said(20_000)
    calibrated = text_metrics(log_probs, right, confidence)["calibration_error"]
    boastful = text_metrics(log_probs, right, np.sqrt(confidence))["calibration_error"]
    assert calibrated < 0.02 < 0.1 < boastful
    counts = [row["n"] for row in reliability(confidence, right)]
    assert len(counts) == 15
    assert max(counts) - min(counts) <= 1


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.floats(-30, 0), st.booleans(), st.floats(0, 1), st.integers(1, 4)), min_size=1))
def test_what_holds_for_any_prediction(rows):
    found = text_metrics(*zip(*rows, strict=True))
    assert found["bits_per_char"] == pytest.approx(found["nats_per_char"] / math.log(2))
    assert math.log(found["perplexity"]) == pytest.approx(found["nats_per_char"], abs=1e-9)
    assert 0 <= found["calibration_error"] <= 1
    assert 0 <= found["accuracy"] <= 1
    assert found["bits_per_byte"] <= found["bits_per_char"] + 1e-9


def test_loss_by_position():
    position = np.tile(np.arange(1, 7), 3)
    window = np.repeat([0.0, 1.0, 2.0], 6)
    found = loss_by_position(-(position + window), position)
    assert list(found) == ["1", "2", "3-4", "5-8"]
    assert [row["n"] for row in found.values()] == [3, 3, 6, 6]
    assert [row["nats_per_char"] for row in found.values()] == [2.0, 3.0, 4.5, 6.5]
    # three windows whose means are 1 apart, however many symbols of each are in a bucket
    assert [row["standard_error"] for row in found.values()] == pytest.approx([1 / math.sqrt(3)] * 4)
    assert loss_by_position([-1.0, -2.0], [1, 2])["2"]["standard_error"] is None
    json.dumps(found)


def places(text, **options):
    symbols = tuple(sorted(set(text)))
    found = word_places([symbols.index(c) for c in text], symbols, **options)
    return "".join("FMLS_.?"[code] for code in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I am, Bob!", "S_FL._FML."),
        ("a\n\tb2", "S__FL"),
        (
            "\u0645\u06cc\u200c\u0631\u0648\u0645 \u0648",
            "FMMMML_S",
        ),  # a Persian verb with its joiner, and a word of one letter
        ("e\u0301t\u00e9", "FMML"),  # a mark belongs to its letter
        ("\U0001f600x", ".S"),
        ("x", "S"),
        ("", ""),
    ],
)
def test_places_in_words(text, expected):
    assert places(text) == expected


def test_places_across_documents_unknown_symbols_and_bytes():
    assert places("abcd", starts=[0, 2]) == "FLFL"
    assert "".join("FMLS_.?"[code] for code in word_places([0, 1, 0, 0], ("a",))) == "S?FL"
    cafe = "caf\u00e9!".encode()
    found = word_places(list(cafe), tuple(map(chr, range(256))), kind="bytes")
    assert "".join("FMLS_.?"[code] for code in found) == "FMMML."
    nbsp = word_places([0xA0], tuple(map(chr, range(256))), kind="characters")
    assert PLACES[nbsp[0]] == "space"


def test_metrics_by_place_add_up():
    _, _, log_probs, right, _ = said(300)
    codes = np.random.default_rng(1).integers(0, 6, 300)
    found = metrics_by_place(log_probs, right, codes)
    assert list(found) == list(PLACES[:6])
    assert sum(row["n"] * row["nats_per_char"] for row in found.values()) == pytest.approx(-log_probs.sum())
    assert sum(row["n"] * row["accuracy"] for row in found.values()) == pytest.approx(right.sum())


def autocorrelated(n, seed, keep=0.98):
    from scipy.signal import lfilter

    return lfilter([1.0], [1.0, -keep], np.random.default_rng(seed).normal(size=n))


def test_blocks_keep_the_dependence_of_neighbours():
    x = autocorrelated(50_000, 0)
    blocks, alone = bootstrap_means(x).std(), bootstrap_means(x, block=1).std()
    truth = 1 / (1 - 0.98) / math.sqrt(len(x))  # standard deviation of the mean of this process
    assert blocks == pytest.approx(truth, rel=0.25)
    assert alone < truth / 3
    assert bootstrap_means(x).mean() == pytest.approx(x.mean(), abs=3 * truth / math.sqrt(2000))


def test_every_symbol_is_drawn_as_often():
    x = np.zeros(10_000)
    x[0] = x[-1] = 1.0  # the ends, which blocks that stop at the end would draw too seldom
    assert bootstrap_means(x, draws=20_000).mean() == pytest.approx(2e-4, rel=0.05)


def test_the_interval_covers_the_mean():
    hits = 0
    for seed in range(60):
        low, high = bootstrap_interval(autocorrelated(20_000, seed, keep=0.9), block=500, draws=300)
        hits += low <= 0 <= high
    assert 48 <= hits <= 60


def test_the_verdict_is_paired_and_turns_round():
    rng = np.random.default_rng(0)
    hard = -np.abs(autocorrelated(30_000, 1))  # what both find hard
    ours, theirs = hard + rng.normal(0.02, 0.1, 30_000), hard + rng.normal(0.0, 0.1, 30_000)
    found, back = compare_log_probs(ours, theirs), compare_log_probs(theirs, ours)
    assert (found.says, back.says) == ("better", "worse")
    assert found.mean_difference == pytest.approx(-0.02, abs=0.003)
    assert found.interval == pytest.approx((-back.interval[1], -back.interval[0]))
    assert found.p < 0.01
    shuffled = compare_log_probs(ours, rng.permutation(theirs), block=1000)
    assert shuffled.says == "undecided"
    assert compare_log_probs(ours, theirs) == found
    assert compare_log_probs(ours, theirs, seed=1).interval != found.interval
    json.dumps(found.to_json(), allow_nan=False)


def test_equal_models_and_short_texts_are_undecided():
    x = autocorrelated(5000, 2)
    same = compare_log_probs(x, x)
    assert (same.says, same.p, same.interval) == ("undecided", 1.0, (0.0, 0.0))
    short = compare_log_probs(x[:150], x[:150] - 1)
    assert (short.says, short.interval, short.mean_difference) == ("undecided", None, pytest.approx(-1.0))
    assert "too few" in short.note


def test_other_texts_and_infinite_losses_are_refused():
    with pytest.raises(InputError, match="same symbols"):
        compare_log_probs(np.zeros(300), np.zeros(301))
    with pytest.raises(InputError, match="finite"):
        compare_log_probs(np.full(300, -np.inf), np.zeros(300))
