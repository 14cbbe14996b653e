"""What is left to choose from, against formulas written out row by row, and how a symbol is drawn."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gatewise.errors import InputError, SettingsError
from gatewise.settings import SamplingSettings, parse
from gatewise.tasks.generate.constraints import Ngrams, penalise
from gatewise.tasks.generate.sampling import (
    Sampler,
    equivalent_temperature,
    inverse_cdf,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    keep_typical,
    probabilities,
    report_scores,
    with_temperature,
)
from text_writers import Letters

SCORES = arrays(np.float64, (3, 7), elements=st.integers(-1200, 1200).map(lambda n: n / 100), unique=True)
SHARE = st.floats(0.05, 1.0)
quick = hypothesis_settings(deadline=None, max_examples=60)
LETTERS = Letters("abcdefg")


def kept(scores):
    return [set(np.flatnonzero(row > -np.inf).tolist()) for row in scores]


def softmax(row):
    weights = [math.exp(value - max(row)) for value in row]
    return [weight / sum(weights) for weight in weights]


def fewest(order, chances, share):
    """Walk in an order until a probability is reached."""
    found, total = set(), 0.0
    for place in order:
        if found and total >= share:
            break
        found.add(place)
        total += chances[place]
    return found


@quick
@given(SCORES, st.integers(1, 9))
def test_top_k_keeps_the_largest(scores, k):
    expected = [set(np.argsort(row)[::-1][:k].tolist()) for row in scores]
    assert kept(keep_top_k(scores, k)) == expected


@quick
@given(SCORES, SHARE)
def test_top_p_keeps_the_fewest_that_reach_it(scores, p):
    for row, found in zip(scores, kept(keep_top_p(scores, p)), strict=True):
        chances = softmax(row)
        expected = fewest(sorted(range(7), key=lambda place: -chances[place]), chances, p)
        assert found == expected or abs(sum(chances[place] for place in found & expected) - p) < 1e-9


@quick
@given(SCORES, SHARE)
def test_typical_keeps_what_surprises_as_usual(scores, p):
    for row, found in zip(scores, kept(keep_typical(scores, p)), strict=True):
        chances = softmax(row)
        entropy = -sum(chance * math.log(chance) for chance in chances)
        distance = [abs(-math.log(chance) - entropy) for chance in chances]
        expected = fewest(sorted(range(7), key=lambda place: distance[place]), chances, p)
        near = len({round(one, 9) for one in distance}) < 7
        assert near or found == expected or abs(sum(chances[place] for place in found & expected) - p) < 1e-9


@quick
@given(SCORES, SHARE)
def test_min_p_keeps_what_is_near_the_likeliest(scores, p):
    for row, found in zip(scores, kept(keep_min_p(scores, p)), strict=True):
        chances = softmax(row)
        expected = {place for place, chance in enumerate(chances) if chance >= p * max(chances)}
        assert found == expected or any(abs(chances[place] - p * max(chances)) < 1e-12 for place in found ^ expected)


@quick
@given(SCORES, SHARE, st.integers(1, 7))
def test_what_is_kept_keeps_its_score_and_the_likeliest_stays(scores, p, k):
    for rule, value in ((keep_top_k, k), (keep_top_p, p), (keep_min_p, p)):
        left = rule(scores, value)
        assert np.array_equal(left[left > -np.inf], scores[left > -np.inf])
        assert np.array_equal(left.argmax(1), scores.argmax(1))
    assert (keep_typical(scores, p) > -np.inf).any(1).all()


def test_rules_leave_out_what_was_left_out_before():
    scores = np.array([[2.0, -np.inf, 1.0, 0.0]])
    for rule, value in ((keep_top_k, 3), (keep_top_p, 1.0), (keep_min_p, 0.0), (keep_typical, 1.0)):
        assert kept(rule(scores, value)) == [{0, 2, 3}], rule


def test_temperature_as_small_as_it_gets_is_greedy():
    scores = np.array([[1.0, 3.0, 2.0]])
    assert probabilities(with_temperature(scores, 5e-324)).tolist() == [[0.0, 1.0, 0.0]]
    np.testing.assert_allclose(probabilities(with_temperature(scores, 2.0))[0], softmax([0.5, 1.5, 1.0]))


def test_repetition_penalty_of_keskar():
    scores = np.array([2.0, -2.0, 1.0, 0.5])
    penalise(scores, [0, 1, 1, 4], 2.0)  # 4 is no symbol: nothing
    assert scores.tolist() == [1.0, -4.0, 1.0, 0.5]


@quick
@given(st.lists(st.integers(0, 2), max_size=20), st.integers(1, 4))
def test_ngrams_are_found_as_by_looking_through(history, size):
    ngrams = Ngrams(size, history)
    tail = history[len(history) - size + 1 :]
    runs = [history[start : start + size] for start in range(len(history) - size + 1)]
    expected = {run[-1] for run in runs if run[:-1] == tail} if len(history) >= size - 1 else set()
    assert set(ngrams.again()) == expected


@quick
@given(arrays(np.float64, (2, 5), elements=st.floats(0, 5)), st.floats(0, 1, exclude_max=True))
def test_inverse_cdf_never_takes_what_has_no_weight(weights, uniform):
    weights[:, 2] = 0.0
    weights[:, 3] += 0.1
    chosen = inverse_cdf(weights, np.full(2, uniform))
    assert (weights[np.arange(2), chosen] > 0).all()


def test_draws_follow_the_probabilities():
    logits = np.log(np.array([[0.5, 0.3, 0.15, 0.05]], dtype=np.float32))
    sampler = Sampler(SamplingSettings(seed=3), Letters("abcd"), [[]], [0])
    drawn = np.array([sampler(logits)[0][0] for _ in range(8000)])
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / 8000, [0.5, 0.3, 0.15, 0.05], atol=0.02)


def test_log_probabilities_are_the_networks_own():
    logits = np.random.default_rng(0).normal(size=(4, 7)).astype(np.float32)
    sampler = Sampler(SamplingSettings(seed=3, temperature=0.1, top_k=2, banned="a"), LETTERS, [[]] * 4, range(4))
    ids, found = sampler(logits)
    np.testing.assert_allclose(found, np.log(probabilities(logits.astype(float)))[np.arange(4), ids], rtol=1e-12)


def test_streams_have_their_own_numbers():
    logits = np.zeros((3, 7), dtype=np.float32)

    def drawn(streams, seed=1):
        sampler = Sampler(SamplingSettings(seed=seed), LETTERS, [[]] * len(streams), streams)
        return np.stack([sampler(logits[: len(streams)])[0] for _ in range(300)])

    together = drawn([0, 1, 2])
    assert np.array_equal(drawn([1])[:, 0], together[:, 1])
    assert not np.array_equal(together[:, 0], together[:, 1])
    assert not np.array_equal(drawn([0, 1, 2], seed=2), together)


@pytest.mark.parametrize(
    ("options", "prompt", "expected"),
    [
        ({"allowed": "cg!"}, "a", {"c", "g"}),
        ({"banned": ("ab", "c")}, "a", set("adefg")),
        ({"banned": ("ab", "c")}, "b", set("abdefg")),
        ({"banned": "!"}, "a", set("abcdefg")),
        ({"no_repeat_ngram_size": 2}, "abaca", set("adefg")),
        ({"no_repeat_ngram_size": 1, "allowed": "ab"}, "a", {"b"}),
    ],
)
def test_rules_about_symbols(options, prompt, expected):
    found = set()
    for stream in range(150):
        sampler = Sampler(SamplingSettings(seed=0, **options), LETTERS, [LETTERS.encode(prompt).tolist()], [stream])
        found.add(LETTERS.symbols[sampler(np.zeros((1, 7), dtype=np.float32))[0][0]])
    assert found == expected


def test_the_penalty_looks_back_as_far_as_its_window():
    logits = np.ones((1, 7), dtype=np.float32)

    def draws(window):
        settings = SamplingSettings(seed=0, repetition_penalty=1e9, repetition_window=window, greedy=True)
        return Sampler(settings, LETTERS, [[0, 1, 2]], [0])(logits)[0][0]

    assert (draws(2), draws(3)) == (0, 3)


def test_nothing_left_is_said_and_the_unknown_symbol_is_never_written():
    sampler = Sampler(SamplingSettings(seed=0, allowed="a", banned="a"), LETTERS, [[]], [0])
    assert sampler(np.zeros((1, 7), dtype=np.float32))[0].tolist() == [-1]
    sampler = Sampler(SamplingSettings(greedy=True), Letters("ab", unknown=0), [[]], [0])
    assert sampler(np.array([[9.0, 1.0]], dtype=np.float32))[0].tolist() == [1]


def test_allowed_characters_that_nobody_knows():
    with pytest.raises(InputError, match="none of the characters 'xyz'"):
        Sampler(SamplingSettings(seed=0, allowed="xyz"), LETTERS, [[]], [0])


def test_the_reports_sampler_divides_probabilities():
    chances = np.array([[0.5, 0.3, 0.2]])
    found = probabilities(report_scores(np.log(chances), 0.02))[0]
    np.testing.assert_allclose(found, softmax([25.0, 15.0, 10.0]), rtol=1e-9)
    np.testing.assert_allclose(  # whatever the logits are shifted by
        found, probabilities(report_scores(np.log(chances) + 7, 0.02))[0], rtol=1e-9
    )
    logits = np.log(np.array([[0.34, 0.33, 0.33]], dtype=np.float32))
    sampler = Sampler(SamplingSettings(seed=0, sampler="report"), Letters("abc"), [[]], [0])
    drawn = np.bincount([sampler(logits)[0][0] for _ in range(6000)], minlength=3) / 6000
    np.testing.assert_allclose(drawn, softmax([17.0, 16.5, 16.5]), atol=0.02)


@hypothesis_settings(deadline=None, max_examples=15)
@given(st.integers(0, 100))
def test_equivalent_temperature_is_the_nearest(seed):
    logits = np.random.default_rng(seed).normal(size=(5, 6)) * 2
    found = equivalent_temperature(logits - np.log(np.exp(logits).sum(1, keepdims=True)))
    report = probabilities(report_scores(logits, 0.02))

    def divergence(temperature):
        with np.errstate(divide="ignore"):
            ordinary = np.log(probabilities(logits / temperature))
        return np.mean(np.sum(np.where(report > 0, report * (np.log(report + 1e-300) - ordinary), 0.0), axis=1))

    assert found.divergence == pytest.approx(divergence(found.temperature), abs=1e-6)
    assert divergence(found.temperature) <= min(divergence(found.temperature * f) for f in (0.9, 1.1)) + 1e-9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0}, r"temperature: a temperature must be above 0 \(found 0\).*greedy"),
        ({"temperature": -1}, "above 0"),
        ({"temperature": "nan"}, "above 0"),
        ({"top_p": 1.5}, "top_p: .*less than or equal to 1"),
        ({"top_p": 0}, "top_p: .*greater than 0"),
        ({"length": 0}, "length: .*greater than or equal to 1"),
        ({"length": 10**7}, "length: .*less than or equal to 1000000"),
        ({"min_length": 300}, "min_length: 300 symbols are more than length allows"),
        ({"stop": [""]}, "stop: an empty text"),
        ({"greedy": True, "top_k": 3}, "top_k: nothing is drawn with greedy"),
        ({"beams": 2, "temperature": 0.5}, "temperature: nothing is drawn with beams"),
        ({"beams": 2, "n": 3}, "n: 2 beams give 2 texts"),
        ({"greedy": True, "beams": 2}, "greedy: that is one beam"),
        ({"topk": 3}, "topk: unknown setting: did you mean 'top_k'"),
    ],
)
def test_settings_that_cannot_be_used(options, message):
    with pytest.raises(SettingsError, match=message):
        parse(SamplingSettings, options)
