"""What the product says to a reader, in every language it speaks; one catalogue, a file a room.

A sentence is asked for by its key and filled with values that are already written (numbers, names)::

    say("findings.fastest", levels="RNN and GRU")

Every key stands in ``catalogue/ROOM.yaml`` with each language. The language is that of the block that asks::

    with speaking("fa"):
        ...
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from gatewise.errors import UnknownNameError

__all__ = ["LANGUAGES", "direction", "has", "language", "say", "speaking"]

#: Every language, and which way its lines run.
LANGUAGES: Mapping[str, str] = {"en": "ltr", "fa": "rtl"}

_language: ContextVar[str] = ContextVar("language", default="en")


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
    return text.format(**values)


def has(key: str) -> bool:
    """Tell whether the catalogue has a key."""
    room, _, rest = key.partition(".")
    return rest in _room(room)


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
