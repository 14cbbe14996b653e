"""A table of names: each says where its object lives, and imports it only when asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from gatewise.errors import SettingsError, UnknownNameError
from gatewise.registry.outside import is_outside, load_outside


@dataclass(frozen=True)
class Entry:
    """One name: where its object lives, one line on what it is, and where it comes from."""

    name: str
    home: str  # "package.module:attribute"
    summary: str
    source: str = ""


class Registry:
    """A table of names of one kind, each resolved only when asked for.

    Where one of the parameters below is given, an import path ("my_cells:LeakyCell") is a name too, of an object of the
    user's own.

    Parameters
    ----------
    base
        Home of the class that an object of the user's own has to inherit from, or to be an instance of.
    methods
        What it needs to have, where there is no such class.

    Examples
    --------
    >>> from gatewise.registry import CELLS
    >>> "lstm" in CELLS
    True
    >>> CELLS.entry("lstm").summary
    'Long short-term memory: input, forget and output gates around a cell state'
    """

    def __init__(self, kind: str, entries: list[Entry], *, base: str = "", methods: tuple[str, ...] = ()) -> None:
        self.kind, self._base, self._methods = kind, base, methods
        self._entries = {entry.name: entry for entry in entries}
        self._objects: dict[str, Any] = {}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __contains__(self, name: object) -> bool:
        return name in self._entries or self._is_outside(name)

    def names(self) -> list[str]:
        """Return all names, in the table's order."""
        return list(self._entries)

    def entry(self, name: str) -> Entry:
        """Return the entry of `name`.

        Raises
        ------
        UnknownNameError
            If there is none; the message says which name was probably meant.
        SettingsError
            If the name is an import path, and what it names is not there or not of this kind.
        """
        if self._is_outside(name):
            lines = (self.load(name).__doc__ or "").strip().splitlines()
            return Entry(name, name, lines[0] if lines else "Of your own")
        if name not in self._entries:
            raise UnknownNameError(self.kind, name, self._entries)
        return self._entries[name]

    def load(self, name: str) -> Any:
        """Import and return the object called `name`; errors as :meth:`entry`."""
        if name not in self._objects:
            self._objects[name] = self._outside(name) if self._is_outside(name) else _at(self.entry(name).home)
        return self._objects[name]

    def _is_outside(self, name: object) -> bool:
        return bool(self._base or self._methods) and is_outside(name)

    def _outside(self, name: str) -> Any:
        """Return an object of the user's own, once it is sure that it is of this kind."""
        found = load_outside(self.kind, name)
        base = _at(self._base) if self._base else object
        if not (issubclass(found, base) if isinstance(found, type) else isinstance(found, base)):
            wanted = "a function" if base is Callable else f"a {base.__module__}.{base.__qualname__}"
            raise SettingsError(f"{self.kind} {name!r}: {wanted} is expected there")
        missing = [method for method in self._methods if not hasattr(found, method)]
        if missing:
            raise SettingsError(f"{self.kind} {name!r}: has no {' and no '.join(missing)}")
        return found

    def register(self, name: str, target: Any, *, summary: str = "", source: str = "") -> None:
        """Add an object of the user's own under a new `name`.

        Raises
        ------
        SettingsError
            If the name is taken.
        """
        if name in self._entries:
            raise SettingsError(f"the {self.kind} {name!r} exists already")
        self._entries[name] = Entry(name, f"{target.__module__}:{target.__qualname__}", summary, source)
        self._objects[name] = target

    def unregister(self, name: str) -> None:
        """Remove a name that was registered by hand."""
        del self._entries[name]
        self._objects.pop(name, None)


def _at(home: str) -> Any:
    module, attribute = home.split(":")
    return getattr(import_module(module), attribute)


@dataclass(frozen=True)
class Registered:
    """Check of a name against its registry, as a setting uses it; the command line reads its choices here."""

    table: Registry
    also: tuple[str, ...] = ()

    def choices(self) -> list[str]:
        """Return every name that is accepted."""
        return [*self.also, *self.table.names()]

    def __call__(self, value: Any) -> Any:
        """Return `value`, or raise with the name that was probably meant."""
        if isinstance(value, str) and value not in self.also:
            self.table.entry(value)
        return value
