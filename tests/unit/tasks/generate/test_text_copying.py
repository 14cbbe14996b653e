"""Copied runs against a search that tries everything; loops and variety against their definitions."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewise.errors import InputError
from gatewise.tasks.generate import copying
from gatewise.tasks.generate.copying import copying_report, distinct, longest_copies, loop_of

RNG = np.random.default_rng(0)


def tried(text, training, spans):
    """Return the longest copied run from 5 symbols on and the shares, by trying every place of the training part."""
    trained = np.zeros(len(training), bool)
    for begin, end in spans:
        trained[begin:end] = True
    grams = {
        n: {tuple(training[i : i + n]) for i in range(len(training) - n + 1) if trained[i : i + n].all()}
        for n in range(1, len(text) + 1)
    }
    here = {n: [tuple(text[i : i + n]) in grams[n] for i in range(len(text) - n + 1)] for n in grams}
    longest = max((n for n in here if n >= 5 and any(here[n])), default=0)
    return longest, {n: np.mean(here[n]) for n in (5, 10, 20, 40) if n in here}


@st.composite
def cases(draw):
    """Return texts that take some from the training part, the training part, and what of it was trained on."""
    training = np.array(draw(st.lists(st.integers(0, 2), min_size=1, max_size=120)))
    texts = []
    for _ in range(draw(st.integers(1, 3))):
        begin, length = draw(st.integers(0, len(training) - 1)), draw(st.integers(0, 50))
        own = st.lists(st.integers(0, 3), max_size=12)
        texts.append(np.array([*draw(own), *training[begin : begin + length], *draw(own)], np.int64))
    cuts = sorted(draw(st.lists(st.integers(0, len(training)), min_size=2, max_size=6)))
    spans = list(zip(cuts[::2], cuts[1::2], strict=False))
    return texts, training, draw(st.permutations(spans))


@pytest.mark.parametrize("chunk", [1 << 20, 7])
@settings(max_examples=60, deadline=None)
@given(case=cases())
def test_finds_what_trying_everything_finds(chunk, case):
    texts, training, spans = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "CHUNK", chunk)
        found = longest_copies(texts, training, np.array(spans))
    for text, one in zip(texts, found, strict=True):
        longest, shares = tried(text, training, spans)
        assert one.longest == longest
        assert one.shares == pytest.approx(shares)
        if longest:
            copied = text[one.begins : one.begins + longest]
            np.testing.assert_array_equal(copied, training[one.source : one.source + longest])


def test_a_text_copied_as_a_whole_and_one_that_is_not():
    training = RNG.integers(0, 30, 300_000)
    whole, none = training[123_456:133_456].copy(), np.arange(30, 230)
    broken = whole[:3000].copy()
    broken[1999] = 40
    found = longest_copies([whole, none, broken], training)
    assert (found[0].longest, found[0].begins, found[0].source) == (10_000, 0, 123_456)
    assert found[0].shares == {5: 1.0, 10: 1.0, 20: 1.0, 40: 1.0}
    assert (found[1].longest, found[1].begins, found[1].source) == (0, None, None)
    assert found[1].shares == {5: 0.0, 10: 0.0, 20: 0.0, 40: 0.0}
    assert (found[2].longest, found[2].begins, found[2].source) == (1999, 0, 123_456)


def test_a_run_does_not_jump_over_what_was_held_out():
    training = np.arange(100)
    spans = np.array([[50, 100], [0, 30], [30, 40]])  # the second and third touch
    assert longest_copies([np.arange(100)], training, spans)[0].longest == 50
    assert longest_copies([np.arange(60)], training, spans)[0].longest == 40
    assert longest_copies([np.arange(38, 52)], training, spans)[0].longest == 0


def test_a_collision_of_hashes_is_not_told_as_a_copy(monkeypatch):
    monkeypatch.setattr(copying, "BASE", 1)  # a hash that knows no order: any rearrangement collides
    training = np.array([1, 2, 3, 4, 5, 6, 7, 8] * 5)
    found = longest_copies([np.array([5, 4, 3, 2, 1]), training[3:20]], training)
    assert (found[0].longest, found[0].shares) == (0, {5: 0.0})


class View:
    """A view that gives stretches only, as one of a file on disk does, and remembers the longest that was asked for."""

    def __init__(self, ids):
        self.ids, self.longest = ids, 0

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, part):
        assert isinstance(part, slice)
        self.longest = max(self.longest, part.stop - part.start)
        return self.ids[part].astype(np.int64)


def test_reads_a_view_in_stretches(monkeypatch):
    monkeypatch.setattr(copying, "CHUNK", 1000)
    view = View(RNG.integers(0, 60, 20_000).astype(np.uint8))
    text = view.ids[7_950:8_050].astype(np.int64)  # over the edge of two stretches
    found = longest_copies([text], view)[0]
    assert (found.longest, found.source) == (100, 7_950)
    assert view.longest == 1099


@pytest.mark.parametrize("text", [[-1, 2], [0.5], [[1, 2]]])
def test_bad_texts_are_refused(text):
    with pytest.raises(InputError, match="whole numbers from 0 on"):
        longest_copies([np.array(text)], np.arange(10))


def test_no_texts_and_short_ones():
    assert longest_copies([], np.arange(10)) == []
    found = longest_copies([np.arange(0), np.arange(4), np.arange(7)], np.arange(10))
    assert [one.longest for one in found] == [0, 0, 7]
    assert longest_copies([np.arange(9)], np.arange(0))[0].longest == 0


@given(st.lists(st.sampled_from("abc"), max_size=30), st.integers(1, 4))
def test_distinct_is_one_without_repeats_and_none_without_grams(items, n):
    share = distinct(items, n)
    grams = [tuple(items[i : i + n]) for i in range(len(items) - n + 1)]
    assert share is None if not grams else share == pytest.approx(len(set(grams)) / len(grams))
    assert distinct(range(30), n) == 1


@given(st.integers(1, 12), st.integers(0, 20), st.integers(0, 60))
def test_a_loop_is_found_with_its_period_and_beginning(period, before, more):
    unit = np.arange(period)
    loop = np.resize(unit, max(3 * period, 30) + more)
    text = np.concatenate([100 + np.arange(before), loop])
    assert loop_of(text) == (period, before)
    assert loop_of(loop[: max(3 * period, 30) - 1]) is None
    assert loop_of(np.append(text, 99)) is None


def test_the_report_stands_beside_held_out_text_of_the_same_length():
    training = RNG.integers(0, 20, 5000)
    held_out = RNG.integers(0, 20, 600)
    decode = lambda ids: "".join("etaoin shrdlu cmfwyp"[i] for i in ids)  # noqa: E731
    samples = [training[100:300], np.resize([1, 6], 200), held_out[:50]]
    report = json.loads(json.dumps(copying_report(samples, training, held_out, decode)))
    copied, looped, _ = report["samples"]
    assert (copied["longest"], copied["copy"], copied["loop"]) == (200, decode(samples[0]), None)
    assert looped["loop"] == {"period": 2, "begins": 0}
    assert looped["distinct"] == {
        "characters": {"1": 2 / 200, "2": 2 / 199, "3": 2 / 198, "4": 2 / 197},
        "words": {"1": 1 / 100, "2": 1 / 99, "3": 1 / 98, "4": 1 / 97},
    }
    assert [row["symbols"] for row in report["normal"]] == [200, 200, 50]
    assert all(row["longest"] < 10 for row in report["normal"])
    short = copying_report([samples[0]], training, held_out[:80], decode)
    assert short["normal"][0]["symbols"] == 80
