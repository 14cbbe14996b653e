"""What is shown of a text that is still growing."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gatewise.tasks.generate.stopping import GrowingText

ABC = "abc"
TEXT = st.text(ABC, max_size=25)
STOPS = st.lists(st.text(ABC, min_size=1, max_size=4), max_size=3)


def grow(text, stops, least=0, symbols=ABC, are_bytes=False):
    growing = GrowingText(symbols, are_bytes=are_bytes, stop=stops, min_length=least)
    pieces = []
    for one in text:
        pieces.append(growing.add(symbols.index(one)))
        if growing.stopped:
            break
    return growing, pieces, growing.finish()


@settings(deadline=None)
@given(TEXT, STOPS, st.integers(0, 12))
def test_ends_before_the_first_stop_string_that_counts(text, stops, least):
    ends = [end for end in range(max(least, 1), len(text) + 1) if any(text[:end].endswith(stop) for stop in stops)]
    whole = text
    if ends:
        whole = text[: ends[0] - max(len(stop) for stop in stops if text[: ends[0]].endswith(stop))]
    growing, pieces, rest = grow(text, stops, least)
    assert growing.stopped == bool(ends)
    assert growing.text == "".join(pieces) + rest == whole
    assert growing.kept == len(whole)


@settings(deadline=None)
@given(TEXT, STOPS)
def test_nothing_is_held_back_but_the_beginning_of_a_stop_string(text, stops):
    growing = GrowingText(ABC, are_bytes=False, stop=stops, min_length=0)
    shown = ""
    for end, one in enumerate(text, start=1):
        shown += growing.add(ABC.index(one))
        if growing.stopped:
            break
        held = text[len(shown) : end]
        assert held == "" or any(stop.startswith(held) for stop in stops)


@settings(deadline=None)
@given(st.text(max_size=12), st.text(min_size=1, max_size=3))
def test_bytes_stop_and_show_as_characters_do(text, stop):
    text, stop = (one.encode(errors="replace").decode() for one in (text, stop))
    symbols = "".join(map(chr, range(256)))
    growing, pieces, rest = grow(text.encode().decode("latin-1"), [stop], symbols=symbols, are_bytes=True)
    expected = text.split(stop)[0]
    assert "".join(pieces) + rest == growing.text == expected
    assert growing.kept == len(expected.encode())


def test_half_a_letter_at_the_end_is_shown_as_one_that_is_missing():
    symbols = "".join(map(chr, range(256)))
    growing, pieces, rest = grow("a\xf0\x9f", [], symbols=symbols, are_bytes=True)
    assert (pieces, rest, growing.text, growing.kept) == (["a", "", ""], "\ufffd", "a\ufffd", 3)


def test_symbols_longer_than_a_letter_are_cut_at_the_stop():
    growing = GrowingText(["e\u0301", "x"], are_bytes=False, stop=["\u0301"], min_length=0)
    assert growing.add(1) + growing.add(0) + growing.finish() == "xe"
    assert growing.kept == 1


def test_a_copy_goes_on_alone():
    symbols = "".join(map(chr, range(256)))
    growing, _, _ = GrowingText(symbols, are_bytes=True, stop=["!"], min_length=0), 0, 0
    growing.add(0xC3)
    copy = growing.copy()
    assert (growing.add(0xA9), copy.add(0xA8)) == ("é", "è")
    assert (growing.text, copy.text, growing.kept) == ("é", "è", 2)
