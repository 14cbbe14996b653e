"""Every key that the code asks for stands in the catalogue, and every key of the catalogue is asked for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import gatewise
from gatewise.wording import _room, rooms

#: Sentences that are never asked for by key: they are known again by their form where a file holds them.
KNOWN_AGAIN = ("names.level.", "recorded.", "ready.")
SOURCE = Path(gatewise.__file__).parent


def literals(tree: ast.AST) -> Iterator[str]:
    """Yield a pattern for each string of some code; what is filled in may be anything."""
    joined = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    inside = {id(part) for node in joined for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(re.escape(str(one.value)) if isinstance(one, ast.Constant) else ".+" for one in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield re.escape(node.value)


def in_code() -> tuple[set[str], set[str]]:
    """Return patterns of what is asked for, and of all strings that might be a key."""
    asked, all_of_them = set(), set()
    begins = tuple(rf"{room}\." for room in rooms())
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        all_of_them.update(one for one in literals(tree) if one.startswith(begins))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say" and node.args:
                asked.update(one for one in literals(node.args[0]) if one.startswith(begins))
    for path in (SOURCE / "report").glob("*.html"):
        found = {re.escape(key) for key in re.findall(r'\bsay\("([^"]+)"', path.read_text(encoding="utf-8"))}
        asked |= found
        all_of_them |= found
    return asked, all_of_them


def keys() -> set[str]:
    return {f"{room}.{rest}" for room in rooms() for rest in _room(room)}


def test_what_the_code_asks_for_is_there() -> None:
    asked, _ = in_code()
    assert len(asked) > 50
    assert not [one for one in asked if not any(re.fullmatch(one, key) for key in keys())]


def test_what_is_there_is_asked_for() -> None:
    whole = re.compile("|".join(sorted(in_code()[1])))
    assert not [key for key in keys() if not key.startswith(KNOWN_AGAIN) and not whole.fullmatch(key)]
