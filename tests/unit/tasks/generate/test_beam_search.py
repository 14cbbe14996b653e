"""Beam search against looking at every text."""

import itertools

import numpy as np
import pytest

from gatewise.settings import SamplingSettings
from gatewise.tasks.generate.generation import generate
from gatewise.tasks.generate.reading import log_probs
from text_writers import Letters, make_network

V = Letters("abc")


@pytest.fixture(scope="module")
def network():
    return make_network(symbols=3, cell="lstm")


def test_enough_beams_find_the_likeliest_texts(network):
    texts = ["".join(letters) for letters in itertools.product("abc", repeat=4)]
    sums = {text: log_probs(network, V, "ab" + text)[2:].sum() for text in texts}
    best = sorted(texts, key=lambda text: -sums[text])[:3]
    found = generate(network, V, ["ab"], SamplingSettings(length=4, beams=81, n=3))
    assert [one.text for one in found] == best
    assert [sum(one.log_probs) for one in found] == pytest.approx([sums[text] for text in best], abs=1e-4)


def test_one_beam_more_is_at_least_as_likely_as_greedy(network):
    greedy, beams = (
        generate(network, V, ["b"], SamplingSettings(length=12, **options))[0]
        for options in ({"greedy": True}, {"beams": 4})
    )
    assert sum(beams.log_probs) >= sum(greedy.log_probs) - 1e-5


def test_beams_stop_and_keep_the_rules(network):
    settings = SamplingSettings(length=10, beams=3, n=3, stop="c", banned="aa", no_repeat_ngram_size=3)
    found = generate(network, V, ["a", "b"], settings)
    assert len(found) == 6
    for one in found:
        assert "c" not in one.text
        assert "aa" not in one.text
        runs = [one.text[k : k + 3] for k in range(len(one.text) - 2)]
        assert len(set(runs)) == len(runs)
        assert len(one.log_probs) == len(one.symbols) == len(one.text)
    assert "stop" in {one.finish_reason for one in found}


def test_beams_end_where_nothing_may_follow(network):
    found = generate(network, V, [""], SamplingSettings(length=9, beams=2, no_repeat_ngram_size=1))
    assert (sorted(found[0].text), found[0].finish_reason) == (list("abc"), "stop")
    assert np.isfinite(found[0].log_probs).all()
