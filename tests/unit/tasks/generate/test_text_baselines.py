"""Every text baseline in the registry keeps the same promises; then each one's own."""

import gzip
import lzma
import math
from pathlib import Path

import numpy as np
import pytest

from gatewise.errors import InputError
from gatewise.registry import TEXT_BASELINES
from gatewise.tasks.generate import baselines, compressors
from gatewise.tasks.generate.baselines import NGram, Part, SymbolModel, Uniform, Unigram
from gatewise.tasks.generate.compressors import PPM, Gzip, Xz

NAMES = TEXT_BASELINES.names()
MODELS = [name for name in NAMES if issubclass(TEXT_BASELINES.load(name), SymbolModel)]
COMPRESSORS = [name for name in NAMES if name not in MODELS]
ENGLISH = (Path(__file__).resolve().parents[4] / "LICENSE").read_text(encoding="utf-8")
EMPTY = Part(np.empty(0, np.int64))


def parts(text=ENGLISH, share=0.9):
    """Return the training part, the held-out part, and the bytes of each symbol known from training."""
    cut = int(share * len(text))
    symbols = sorted(set(text[:cut]))
    number = {symbol: i for i, symbol in enumerate(symbols)}
    ids = np.array([number.get(symbol, len(symbols)) for symbol in text], np.int64)
    lengths = np.array([len(symbol.encode()) for symbol in symbols])
    return Part(ids[:cut], text[:cut]), Part(ids[cut:], text[cut:]), lengths


def judged(name, text=ENGLISH):
    train, test, lengths = parts(text)
    baseline = TEXT_BASELINES.load(name)()
    return baseline.evaluate(train, test, lengths), baseline


def fitted(name, train, V):
    return TEXT_BASELINES.load(name)().fit(np.asarray(train, np.int64), V)


@pytest.mark.parametrize("name", NAMES)
def test_says_the_same_twice_and_in_the_units_it_names(name):
    (found, one), (again, other) = judged(name), judged(name)
    assert found == again
    assert one.notes == other.notes
    assert found["carried_bits_per_char"] == pytest.approx(found["carried_nats_per_char"] / math.log(2))
    assert found["carried_bits_per_byte"] == pytest.approx(found["carried_bits_per_char"])  # ASCII
    assert all(np.isfinite(value) for value in found.values())


@pytest.mark.parametrize("name", [name for name in NAMES if name != "uniform"])
def test_is_better_than_guessing_on_english(name):
    uniform = judged("uniform")[0]["carried_nats_per_char"]
    assert judged(name)[0]["carried_nats_per_char"] < 0.9 * uniform


@pytest.mark.parametrize("name", NAMES)
def test_counts_bytes_where_symbols_are_wider(name):
    letters = np.random.default_rng(0).choice(list("ابپتثجچح خ"), 2000)
    found, _ = judged(name, "".join(letters))
    assert 1.8 < found["carried_bits_per_char"] / found["carried_bits_per_byte"] < 2


@pytest.mark.parametrize("name", NAMES)
def test_has_nothing_to_say_about_no_text(name):
    train, _, lengths = parts()
    assert TEXT_BASELINES.load(name)().evaluate(train, EMPTY, lengths) == {}


@pytest.mark.parametrize("name", MODELS)
def test_its_probabilities_sum_to_one(name):
    train, test, lengths = parts()
    model = fitted(name, train.ids, len(lengths))
    context = test.ids[:20]
    every = [math.exp(model.log_probs(np.append(context, w))[-1]) for w in range(len(lengths))]
    assert sum(every) == pytest.approx(1, abs=1e-9)
    assert every[model.predictions(np.append(context, 0))[-1]] == max(every)


@pytest.mark.parametrize("name", MODELS)
def test_a_symbol_never_seen_costs_the_escape_and_nothing_else(name):
    train, test, lengths = parts()
    V = len(lengths)
    model = fitted(name, train.ids, V)
    ids = test.ids[:50].copy()
    ids[40] = V
    costs = model.log_probs(ids)
    assert costs[40] == pytest.approx(-math.log(len(train.ids) + 1))
    # What follows it is predicted as from a new start.
    np.testing.assert_allclose(costs[41:], model.log_probs(ids[41:]))
    assert (model.predictions(ids) < V).all()


@pytest.mark.parametrize("name", MODELS)
def test_a_cold_window_knows_only_itself(name):
    train, test, lengths = parts()
    model = fitted(name, train.ids, len(lengths))
    ids = test.ids[:100]
    cold, best = model.log_probs(ids, window=16), model.predictions(ids, window=16)
    assert cold.shape == best.shape == (6, 16)
    for i, row in enumerate(cold):
        alone = ids[16 * i : 16 * i + 17]
        np.testing.assert_allclose(row, model.log_probs(alone)[1:])
        np.testing.assert_array_equal(best[i], model.predictions(alone)[1:])


@pytest.mark.parametrize("name", MODELS)
def test_drawn_windows_are_cold_and_nothing_else(name):
    _, test, lengths = parts()
    model, drawn = TEXT_BASELINES.load(name)(), test.ids[:1000].reshape(-1, 20)
    found = model.evaluate(Part(drawn[:30]), Part(drawn[30:]), lengths)
    assert {key.partition("_")[0] for key in found} == {"cold"}
    alone = [model.log_probs(row)[1:] for row in drawn[30:]]
    assert found["cold_nats_per_char"] == pytest.approx(-np.mean(alone))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    ("ids", "V", "says"),
    [
        ([], 3, "nothing to learn from"),
        ([3, 3], 3, "nothing to learn from"),
        ([0, 4], 3, "0 to 3, found 0 to 4"),
        ([-1, 2], 3, "found -1 to 2"),
        ([0], 0, "at least one symbol"),
    ],
)
def test_bad_input_is_named(name, ids, V, says):
    with pytest.raises(InputError, match=says):
        fitted(name, ids, V)


@pytest.mark.parametrize("name", MODELS)
def test_what_is_scored_is_checked_too(name):
    model = fitted(name, [0, 1, 2, 0], 3)
    with pytest.raises(InputError, match="whole numbers"):
        model.log_probs(np.array([0.5]))
    with pytest.raises(InputError, match="at least one symbol"):
        model.log_probs(np.array([0, 1]), window=0)
    assert model.log_probs(np.array([0, 1]), window=2).shape == (0, 2)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("train", [[0], [0, 0], [2, 1]])
def test_the_smallest_texts_work(name, train):
    assert np.isfinite(fitted(name, train, 3).log_probs(np.array([0, 1, 2, 3]))).all()


@pytest.mark.parametrize("name", MODELS)
def test_a_long_text_is_scored_in_part_and_says_so(name, monkeypatch):
    train, test, lengths = parts()
    whole = TEXT_BASELINES.load(name)().evaluate(train, Part(test.ids[:500]), lengths)
    monkeypatch.setattr(baselines, "MOST_SCORED", 500)
    model = TEXT_BASELINES.load(name)()
    assert model.evaluate(train, test, lengths) == whole
    assert f"scored on the first 500 symbols of {len(test.ids):,}" in model.notes


def test_counting_once():
    model = Unigram().fit(np.array([0, 0, 0, 1, 3]), 3)
    np.testing.assert_allclose(np.exp(model.log_probs(np.arange(4))), [4 / 7, 2 / 7, 1 / 7, 1 / 5])
    assert Uniform().fit(np.array([0]), 4).log_probs(np.array([3])) == pytest.approx(-math.log(4))


def test_the_order_is_chosen_on_the_training_part_alone():
    rng = np.random.default_rng(3)
    noise = NGram().fit(rng.integers(0, 4, 3000), 4)
    cycle = NGram().fit(np.tile(rng.integers(0, 4, 50), 60), 4)
    assert noise.order <= 2
    assert cycle.order >= 4
    assert cycle.notes == [f"order {cycle.order}, chosen on the training part's end"]


def test_a_long_training_part_is_counted_at_its_end(monkeypatch):
    train, test, lengths = parts()
    V = len(lengths)
    monkeypatch.setattr(baselines, "MOST_COUNTED", 4000)
    long, short = NGram().fit(train.ids, V), NGram().fit(train.ids[-4000:], V)
    known = test.ids[test.ids < V]
    np.testing.assert_array_equal(long.log_probs(known), short.log_probs(known))
    assert long.notes[0] == f"counted in the last 4,000 symbols of the training part's {len(train.ids):,}"


def test_compressed_sizes_are_those_of_the_standard_library():
    train, test, _ = parts()
    whole, start = (train.text + test.text).encode(), train.text.encode()
    added = len(gzip.compress(whole, 9)) - len(gzip.compress(start, 9))
    assert Gzip().nats(train.text, test.text) == pytest.approx(added * 8 * math.log(2))
    added = len(lzma.compress(whole, preset=9 | lzma.PRESET_EXTREME)) - len(
        lzma.compress(start, preset=9 | lzma.PRESET_EXTREME)
    )
    assert Xz().nats(train.text, test.text) == pytest.approx(added * 8 * math.log(2))


def test_what_ppm_writes_can_be_read_back():
    from pyppmd import Ppmd7Decoder, Ppmd7Encoder

    train, test, _ = parts()
    model = PPM()
    nats = model.nats(train.text, test.text)
    whole = (train.text + test.text).encode()
    encoder = Ppmd7Encoder(model.order, model.memory)
    packed = encoder.encode(whole) + encoder.flush()
    assert Ppmd7Decoder(model.order, model.memory).decode(packed, len(whole)) == whole
    assert nats == pytest.approx((len(packed) - model._size(train.text.encode())) * 8 * math.log(2))
    assert model.order in PPM.orders


@pytest.mark.parametrize("name", COMPRESSORS)
def test_a_text_seen_before_is_nearly_free_and_bytes_do_as_well(name):
    train, test, _ = parts()
    make = TEXT_BASELINES.load(name)
    cost = make().nats(train.text, test.text)
    assert make().nats(train.text + test.text, test.text) < 0.3 * cost
    assert make().nats(train.text.encode(), test.text.encode()) == cost


@pytest.mark.parametrize("name", COMPRESSORS)
def test_long_texts_are_cut_and_it_says_so(name, monkeypatch):
    train, test, lengths = parts()
    monkeypatch.setattr(compressors, "MOST_TRAIN", 3000)
    monkeypatch.setattr(compressors, "MOST_TEST", 500)
    model = TEXT_BASELINES.load(name)()
    found = model.evaluate(train, test, lengths)
    alone = TEXT_BASELINES.load(name)().nats(train.text[-3000:], test.text[:500])
    assert found["carried_nats_per_char"] == pytest.approx(alone / 500)
    assert any("last 3,000 bytes" in note for note in model.notes)
    assert any("first 500 bytes" in note for note in model.notes)
