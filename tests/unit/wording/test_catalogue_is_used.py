"""Every key that the code asks for stands in the catalogue, and every key of the catalogue is asked for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import gatewise
from gatewise.wording import _room, rooms

#: Sentences that are never asked for by key: they are known again by their form where a file holds them.
KNOWN_AGAIN = ("names.level.", "notes.test.", "recorded.", "ready.")
SOURCE = Path(gatewise.__file__).parent


def asked() -> Iterator[str]:
    """Yield a pattern for each literal of the code or of a template that looks like a key."""
    begins = tuple(f"{room}." for room in rooms())
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        joined = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
        inside = {id(part) for node in joined for part in node.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
                parts: list[ast.expr] = [node]
            else:
                parts = node.values if isinstance(node, ast.JoinedStr) else []
            if parts and isinstance(parts[0], ast.Constant) and str(parts[0].value).startswith(begins):
                yield "".join(re.escape(str(one.value)) if isinstance(one, ast.Constant) else ".+" for one in parts)
    for path in (SOURCE / "report").glob("*.html"):
        for key in re.findall(r'\bsay\("([^"]+)"', path.read_text(encoding="utf-8")):
            yield re.escape(key)


def keys() -> set[str]:
    return {f"{room}.{rest}" for room in rooms() for rest in _room(room)}


def test_what_the_code_asks_for_is_there() -> None:
    known = keys()
    patterns = {one for one in asked() if re.fullmatch(r"[\w\\]+([.+\\]+[\w\\]+)*[.+]*", one)}
    assert len(patterns) > 50
    missing = [one for one in patterns if not any(re.fullmatch(one, key) for key in known)]
    assert not missing


def test_what_is_there_is_asked_for() -> None:
    whole = re.compile("|".join(sorted(set(asked()))))
    unused = [key for key in keys() if not key.startswith(KNOWN_AGAIN) and not whole.fullmatch(key)]
    assert not unused
