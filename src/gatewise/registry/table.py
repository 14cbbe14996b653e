"""A table of names: each says where its object lives, and imports it only when asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from gatewise.errors import SettingsError, UnknownNameError


@dataclass(frozen=True)
class Entry:
    """One name: where its object lives, one line on what it is, and where it comes from."""

    name: str
    home: str  # "package.module:attribute"
    summary: str
    source: str = ""


class Registry:
    """A table of names of one kind, each resolved only when asked for.

    Examples
    --------
    >>> from gatewise.registry import CELLS
    >>> "lstm" in CELLS
    True
    >>> CELLS.entry("lstm").summary
    'Long short-term memory: input, forget and output gates around a cell state'
    """

    def __init__(self, kind: str, entries: list[Entry]) -> None:
        self.kind = kind
        self._entries = {entry.name: entry for entry in entries}
        self._objects: dict[str, Any] = {}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def names(self) -> list[str]:
        """Return all names, in the table's order."""
        return list(self._entries)

    def entry(self, name: str) -> Entry:
        """Return the entry of `name`.

        Raises
        ------
        UnknownNameError
            If there is none; the message says which name was probably meant.
        """
        if name not in self._entries:
            raise UnknownNameError(self.kind, name, self._entries)
        return self._entries[name]

    def load(self, name: str) -> Any:
        """Import and return the object called `name`."""
        home = self.entry(name).home
        if name not in self._objects:
            module, attribute = home.split(":")
            self._objects[name] = getattr(import_module(module), attribute)
        return self._objects[name]

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
