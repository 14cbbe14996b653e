"""Every sentence stands in every language, and asks for the same values in each."""

from __future__ import annotations

from importlib.resources import files
from string import Formatter

import pytest

from gatewise.errors import UnknownNameError
from gatewise.wording import LANGUAGES, _room, direction, has, language, say, speaking

ROOMS = sorted(
    item.name.removesuffix(".yaml")
    for item in (files("gatewise.wording") / "catalogue").iterdir()
    if item.name.endswith(".yaml")
)


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("room", ROOMS)
def test_every_entry_has_every_language_and_the_same_values(room: str) -> None:
    entries = _room(room)
    assert entries
    for key, entry in entries.items():
        assert set(entry) == set(LANGUAGES), key
        wanted = {}
        for name, text in entry.items():
            forms = [text] if isinstance(text, str) else list(text.values())
            assert isinstance(text, str) or set(text) == {"one", "other"}, key
            assert all(isinstance(form, str) and form.strip() for form in forms), (key, name)
            wanted[name] = set.union(*(fields(form) for form in forms)) - {"n"}
        assert len({frozenset(one) for one in wanted.values()}) == 1, (key, wanted)
        assert any("\u0600" <= letter <= "\u06ff" for letter in str(entry["fa"])) or (
            entry["fa"] == entry["en"] or not fields_or_letters(entry["en"])  # a proper name, or no words
        )


def fields_or_letters(text: object) -> bool:
    """Whether an English entry has words of its own, so that a Persian one should too."""
    plain = "".join(literal for literal, *_ in Formatter().parse(str(text)))
    return sum(letter.islower() for letter in plain) > 3


def test_language_is_that_of_the_block() -> None:
    assert (language(), direction()) == ("en", "ltr")
    with speaking("fa"):
        assert direction() == "rtl"
        assert say("words.seeds", n=3) == "۳ بذر"
    assert say("words.seeds", n=3) == "3 seeds"


def test_an_unknown_language_or_key_is_an_error() -> None:
    with pytest.raises(UnknownNameError, match="language"), speaking("fr"):
        pass
    with pytest.raises(KeyError):
        say("words.nothing")
    assert has("words.seeds")
    assert not has("words.nothing")
