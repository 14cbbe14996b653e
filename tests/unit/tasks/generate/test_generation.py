"""Writing: streams, state carried, stop strings, endings, and the probabilities of what was written."""

import numpy as np
import pytest
import torch

from gatewise.data.text import Vocabulary, corpus_of
from gatewise.errors import InputError, SettingsError
from gatewise.settings import SamplingSettings, TextDataSettings
from gatewise.tasks.generate.generation import generate, stream
from gatewise.tasks.generate.reading import log_probs, next_probs
from gatewise.tasks.generate.result import find_loop
from text_writers import Letters, make_network

V = Letters("abcdef")
PROMPTS = ["abc", "", "fed", "a", "abc"]


@pytest.fixture(scope="module", params=[("gru", {}), ("lstm", {"layers": 2}), ("mingru", {}), ("lstm", {"head": (8,)})])
def network(request):
    cell, options = request.param
    return make_network(cell=cell, **options)


@pytest.fixture(scope="module")
def gru():
    return make_network()


def test_a_text_alone_is_the_text_in_a_batch(network):
    settings = SamplingSettings(length=40, seed=5, n=2, temperature=1.3, stop="ff")
    batch = generate(network, V, PROMPTS, settings)
    assert len({found.text for found in batch}) > len(batch) // 2
    for number, found in enumerate(batch):
        alone = generate(network, V, [PROMPTS[number // 2]], settings.model_copy(update={"n": 1}), first_stream=number)
        assert alone[0].text == found.text


def test_log_probabilities_are_those_of_the_text_read_at_once(network):
    for prompt, found in zip(PROMPTS, generate(network, V, PROMPTS, SamplingSettings(length=30, seed=1)), strict=True):
        read = log_probs(network, V, prompt + found.text)[len(prompt) :]
        np.testing.assert_allclose(found.log_probs, read, atol=2e-5)


def test_greedy_is_the_likeliest_recomputed_from_the_start(network):
    text = generate(network, V, ["ab"], SamplingSettings(length=15, greedy=True))[0].text
    for end in range(15):
        probs = next_probs(network, V, "ab" + text[:end])
        assert probs.sum() == pytest.approx(1.0)
        assert V.symbols[probs.argmax()] == text[end]


def test_training_mode_changes_nothing_and_stays(gru):
    dropping = make_network(head=(8,), head_dropout=0.5, input_dropout=0.5).train()
    settings = SamplingSettings(length=30, seed=0)
    texts = [generate(dropping, V, ["abc"], settings)[0].text for _ in range(2)]
    assert dropping.training
    assert texts == [generate(dropping.eval(), V, ["abc"], settings)[0].text] * 2


def test_same_seed_same_text_and_no_seed_another(gru):
    first, second = (generate(gru, V, [""], SamplingSettings(length=60, seed=4))[0] for _ in range(2))
    assert first == second
    assert len({generate(gru, V, [""], SamplingSettings(length=60))[0].text for _ in range(3)}) == 3


def test_a_stream_is_the_text_in_pieces(gru):
    settings = SamplingSettings(length=50, seed=2)
    pieces = stream(gru, V, "ab", settings)
    shown = list(pieces)
    assert len(shown) == 50
    assert pieces.result == generate(gru, V, ["ab"], settings)[0]
    assert "".join(shown) == pieces.result.text


def test_stop_strings_end_each_stream_on_its_own(gru):
    free = generate(gru, V, [""], SamplingSettings(length=60, seed=7, n=6))
    stopped = generate(gru, V, [""], SamplingSettings(length=60, seed=7, n=6, stop=("e", "fa", "??")))
    for whole, found in zip(free, stopped, strict=True):
        ends = [whole.text.find(stop) for stop in ("e", "fa") if stop in whole.text]
        assert found.text == whole.text[: min(ends, default=None)]
        assert found.finish_reason == ("stop" if ends else "length")
        assert "".join(found.symbols) == found.text
        assert found.log_probs == pytest.approx(whole.log_probs[: len(found.text)], abs=1e-5)
    assert {found.finish_reason for found in stopped} >= {"stop"}


def test_min_length_lets_early_stop_strings_pass(gru):
    settings = SamplingSettings(length=60, min_length=20, seed=7, n=6, stop="e")
    free = generate(gru, V, [""], SamplingSettings(length=60, seed=7, n=6))
    for whole, found in zip(free, generate(gru, V, [""], settings), strict=True):
        end = whole.text.find("e", 19)
        assert found.text == (whole.text if end < 0 else whole.text[:end])


def test_rules_look_at_what_was_written(gru):
    free = generate(gru, V, ["ab"], SamplingSettings(length=30, seed=1, n=4))
    pair = free[0].text[4:6]
    for found in generate(gru, V, ["ab"], SamplingSettings(length=30, seed=1, n=4, banned=pair)):
        assert pair not in found.text
    for found in generate(gru, V, ["ab"], SamplingSettings(length=30, seed=1, n=4, no_repeat_ngram_size=2)):
        pairs = ["".join(pair) for pair in zip("ab" + found.text, "b" + found.text, strict=False)]
        assert len(set(pairs)) == len(pairs) > 20


def test_nothing_left_to_write_ends_the_text(gru):
    found = generate(gru, V, ["", "b"], SamplingSettings(length=9, seed=0, allowed="ab", no_repeat_ngram_size=1))
    assert [(len(one.text), one.finish_reason) for one in found] == [(2, "stop"), (1, "stop")]


def test_prompts_with_what_the_network_never_saw(gru):
    with pytest.raises(InputError, match=r"'x' \(number 3\)"):
        generate(gru, V, ["abxc"], SamplingSettings())
    skipped = generate(gru, V, ["abxc"], SamplingSettings(seed=0, unknown="skip"))
    assert skipped == generate(gru, V, ["abc"], SamplingSettings(seed=0))
    assert generate(gru, V, [], SamplingSettings(seed=0)) == []


def test_streams_that_cannot_be(gru):
    with pytest.raises(SettingsError, match="cannot be streamed"):
        stream(gru, V, "", SamplingSettings(beams=2))
    with pytest.raises(SettingsError, match="one text is streamed"):
        stream(gru, V, "", SamplingSettings(n=2))
    with pytest.raises(InputError, match="'x'"):
        stream(gru, V, "x", SamplingSettings())


def test_damaged_weights_are_said():
    network = make_network()
    with torch.no_grad():
        network.head.layers[-1].bias[0] = torch.nan
    with pytest.raises(InputError, match="damaged"):
        generate(network, V, [""], SamplingSettings())


def test_scores_are_those_of_one_long_pass_in_pieces(gru, monkeypatch):
    text = generate(gru, V, [""], SamplingSettings(length=100, seed=0))[0].text
    whole = log_probs(gru, V, text)
    monkeypatch.setattr("gatewise.tasks.generate.reading._PIECE", 7)
    np.testing.assert_allclose(log_probs(gru, V, text), whole, atol=1e-5)


def test_a_symbol_never_seen_costs_an_escape_and_is_read_as_nothing(gru):
    found = log_probs(gru, V, "axb")
    assert found[1] == pytest.approx(-np.log(1001))
    with torch.no_grad():
        logits, _ = gru(torch.tensor([[6, 0, 6]]))
    assert found[2] == pytest.approx(float(logits[0, 2].double().log_softmax(0)[1]), abs=1e-5)


def test_bytes_are_shown_as_whole_letters():
    settings = TextDataSettings(symbols="bytes")
    corpus = corpus_of("aé日🙂" * 3, settings)
    vocabulary = Vocabulary.fit(corpus, np.array([[0, len(corpus)]]), settings)
    network = make_network(symbols=len(vocabulary), scale=1.0)
    for seed in range(5):
        pieces = stream(network, vocabulary, "é", SamplingSettings(length=60, seed=seed))
        shown = list(pieces)
        ids = np.array([vocabulary.symbols.index(symbol) for symbol in pieces.result.symbols])
        assert "".join(shown) == pieces.result.text == vocabulary.decode(ids)
        assert len(pieces.result.symbols) == 60


def test_a_real_vocabulary_cleans_prompt_stop_and_rules():
    settings = TextDataSettings(lower=True)
    corpus = corpus_of("Abcdef", settings)
    vocabulary = Vocabulary.fit(corpus, np.array([[0, 6]]), settings)
    network = make_network()
    for options in ({"stop": "E"}, {"banned": "E"}, {"allowed": "ABC"}):
        small = {key: value.lower() for key, value in options.items()}
        asked = [SamplingSettings(length=40, seed=3, **one) for one in (options, small)]
        assert generate(network, vocabulary, ["AB"], asked[0]) == generate(network, vocabulary, ["ab"], asked[1])


@pytest.mark.parametrize(
    ("text", "phrase"),
    [("once " + "upon a time " * 9, "upon a time "), ("x" * 60, "x"), ("the cat sat on the mat and so on " * 2, None)],
)
def test_loops_are_noticed(text, phrase):
    assert find_loop(text) == phrase
