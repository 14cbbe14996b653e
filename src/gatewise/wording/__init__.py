"""What the product says to a reader, in every language it speaks; one catalogue, a file a room.

A sentence is asked for by its key and filled with values that are already written (numbers, names)::

    say("findings.fastest", levels="RNN and GRU")

Every key stands in ``catalogue/ROOM.yaml`` with each language. The language is that of the block that asks::

    with speaking("fa"):
        ...

In a language that runs from right to left every value of Latin letters or with a sign stands isolated, so that it
cannot turn the words around it; digits are that language's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from importlib.resources import files
from string import Formatter
from typing import Any

import yaml

from gatewise.errors import UnknownNameError

__all__ = [
    "LANGUAGES", "ISOLATES", "again", "digits", "direction", "drawn", "has", "isolated", "language", "listed",
    "plain_digits", "say", "speaking",
]  # fmt: skip

#: Every language, and which way its lines run.
LANGUAGES: Mapping[str, str] = {"en": "ltr", "fa": "rtl"}
#: The marks around a run that keeps its own direction: left to right, right to left, end of it.
ISOLATES = "\u2066\u2067\u2069"

_language: ContextVar[str] = ContextVar("language", default="en")
_PERSIAN = str.maketrans("0123456789.,", "۰۱۲۳۴۵۶۷۸۹٫٬")
_LATIN = str.maketrans("۰۱۲۳۴۵۶۷۸۹٫٬", "0123456789.,")
_NUMBER = re.compile(r"[-−+]?\d[\d,.]*")
_LETTERS_RTL = re.compile("[\u0620-\u064a\u066e-\u06d3\u06d5\u06fa-\u06ff]")
_TURNS = re.compile("[A-Za-z\u0370-\u04ff+−±<>=-]")
#: Letters of its own that a sentence needs to be known again.
_LEAST_KNOWN = 5


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """Let everything in the block be said in a language.

    Raises
    ------
    UnknownNameError
        If there is no such language.
    """
    if name not in LANGUAGES:
        raise UnknownNameError("language", name, LANGUAGES)
    token = _language.set(name)
    try:
        yield
    finally:
        _language.reset(token)


def language() -> str:
    """Return the language of this block."""
    return _language.get()


def direction() -> str:
    """Return which way the lines of this block's language run: ``ltr`` or ``rtl``."""
    return LANGUAGES[language()]


def say(key: str, /, **values: Any) -> str:
    """Return a sentence of the catalogue in this block's language, filled with `values`.

    An entry with ``one`` and ``other`` is chosen by the value called ``n``.

    Raises
    ------
    KeyError
        If the catalogue has no such key, or the sentence wants a value that was not given: a mistake in the code.

    Examples
    --------
    >>> say("words.seeds", n=1), say("words.seeds", n=7)
    ('1 seed', '7 seeds')
    """
    entry = _entry(key)[language()]
    text: str = entry if isinstance(entry, str) else entry["one" if values["n"] == 1 else "other"]
    return text.format(**{name: _fit(value) for name, value in values.items()}) if values else text.format()


def _fit(value: Any) -> Any:
    """Make a value fit into this block's language."""
    if isinstance(value, int) and not isinstance(value, bool):
        return digits(str(value))
    return isolated(value) if isinstance(value, str) else value


def digits(text: str) -> str:
    """Write a number with the digits and marks of this block's language.

    Examples
    --------
    >>> with speaking("fa"):
    ...     digits("1,234.5")
    '۱٬۲۳۴٫۵'
    """
    return text.translate(_PERSIAN) if language() == "fa" else text


def plain_digits(text: str) -> str:
    """Write a number with Latin digits again, for files that programs read."""
    return re.sub(f"[{ISOLATES}]", "", text).translate(_LATIN)


def isolated(text: str) -> str:
    """Keep a name or a signed number from turning the words around it, where lines run from right to left.

    Examples
    --------
    >>> isolated("gru, units 64")
    'gru, units 64'
    """
    if direction() == "ltr" or text[:1] in ISOLATES or _LETTERS_RTL.search(text) or not _TURNS.search(text):
        return text
    return f"\u2066{text}\u2069"


def drawn(text: str) -> str:
    """Return a text for a drawing, whose lines always run from left to right."""
    return f"\u2067{text}\u2069" if _LETTERS_RTL.search(text) else text


def listed(items: Iterable[str]) -> str:
    """Join names as a sentence does.

    Examples
    --------
    >>> listed(["RNN", "GRU", "LSTM"])
    'RNN, GRU and LSTM'
    """
    names = [isolated(name) for name in items]
    comma, last = say("words.comma"), say("words.last")
    return comma.join(names) if len(names) < 2 else f"{comma.join(names[:-1])}{last}{names[-1]}"


def again(text: str, *, filled: int = 4) -> str:
    """Say a sentence that another block said, in this block's language; as it is when the catalogue has none like it.

    Runs keep what they noticed as sentences. A page in another language finds each in the catalogue by its form.

    Parameters
    ----------
    filled
        How many times the letters of a sentence of the catalogue the filled one may have; with more, somebody's own
        words would be taken for one.

    Examples
    --------
    >>> with speaking("fa"):
    ...     again("7 seeds")
    '۷ بذر'
    """
    here = language()
    exact, forms = _known()
    plain = re.sub(f"[{ISOLATES}]", "", text)
    found = exact.get(plain)
    if found is not None:
        return text if here in found[1] else say(found[0])
    for letters, form, key, spoken in forms:
        match = form.fullmatch(plain)
        if match and sum(map(str.isalpha, plain)) <= filled * letters:
            if spoken == here:
                return text
            values = {name: _again_value(value) for name, value in match.groupdict().items()}
            return say(key, **values, **({} if "n" in values or not _has_forms(key) else {"n": 2}))
    return text


def _again_value(value: str) -> str:
    value = value.translate(_LATIN) if _NUMBER.fullmatch(value.translate(_LATIN)) else value
    return digits(value) if _NUMBER.fullmatch(value) else again(value)


def _has_forms(key: str) -> bool:
    return not isinstance(_entry(key)[language()], str)


@lru_cache(maxsize=1)
def _known() -> tuple[dict[str, tuple[str, set[str]]], list[tuple[int, re.Pattern[str], str, str]]]:
    """Return sentences without values by their text, and the forms of the others, the longest first."""
    exact: dict[str, tuple[str, set[str]]] = {}
    forms: list[tuple[int, re.Pattern[str], str, str]] = []
    for room in rooms():
        for rest, entry in _room(room).items():
            for spoken, said in entry.items():
                for text in (said,) if isinstance(said, str) else said.values():
                    parts = list(Formatter().parse(text))
                    names = [name for _, name, _, _ in parts if name is not None]
                    letters = sum(letter.isalpha() for literal, *_ in parts for letter in literal)
                    if not names:
                        exact.setdefault(text.format(), (f"{room}.{rest}", set()))[1].add(spoken)
                    elif letters >= _LEAST_KNOWN:
                        forms.append((letters, _form(parts), f"{room}.{rest}", spoken))
    forms.sort(key=lambda one: -one[0])
    return exact, forms


def _form(parts: list[Any]) -> re.Pattern[str]:
    """Return the pattern of a sentence; a value that stands in it twice is the same both times."""
    form, seen = "", set()
    for literal, name, _, _ in parts:
        form += re.escape(literal)
        if name is not None:
            form += f"(?P={name})" if name in seen else f"(?P<{name}>.+?)"
            seen.add(name)
    return re.compile(form, re.DOTALL)


def has(key: str) -> bool:
    """Tell whether the catalogue has a key."""
    room, _, rest = key.partition(".")
    return room in rooms() and rest in _room(room)


@lru_cache(maxsize=1)
def rooms() -> tuple[str, ...]:
    """Return the names of the catalogue's files."""
    place = files("gatewise.wording") / "catalogue"
    return tuple(sorted(item.name[:-5] for item in place.iterdir() if item.name.endswith(".yaml")))


def _entry(key: str) -> Mapping[str, Any]:
    room, _, rest = key.partition(".")
    return _room(room)[rest]


@lru_cache
def _room(name: str) -> dict[str, Mapping[str, Any]]:
    """Return the entries of one file of the catalogue by their dotted keys."""
    place = files("gatewise.wording") / "catalogue" / f"{name}.yaml"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a file of the package; C reads it ten times as fast
    return dict(_flat(yaml.load(place.read_text(encoding="utf-8"), loader)))  # noqa: S506 - both loaders are safe


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, value in tree.items():
        if set(value) == set(LANGUAGES):
            yield f"{prefix}{key}", value
        else:
            yield from _flat(value, f"{prefix}{key}.")
