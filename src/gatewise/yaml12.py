"""YAML 1.2 as people expect it: ``1e-4`` is a number, ``no`` is a word, and no key stands twice.

PyYAML follows YAML 1.1, where ``1e-4`` is text, ``no`` is false, ``012`` is ten, ``1:30`` is ninety and the second of
two equal keys wins without a word. The loader here has its own table of the core schema of YAML 1.2
(https://yaml.org/spec/1.2.2/#103-core-schema) and refuses what would surprise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

import yaml

from gatewise.errors import SettingsError

__all__ = ["load_yaml", "parse_yaml", "yaml_lines"]

#: A settings file is a page or two; what is larger is another kind of file given by mistake.
MAX_BYTES = 1_000_000
#: Aliases may repeat parts of a file, not blow a page up to a billion entries.
MAX_NODES = 100_000
#: Deeper than any settings file, and far from Python's own recursion limit.
MAX_DEPTH = 50


def load_yaml(path: Path | str) -> Any:
    """Read a YAML 1.2 file as a plain tree of dicts, lists, texts, numbers, booleans and None.

    Raises
    ------
    SettingsError
        If the file cannot be read, is not UTF-8, or is not one plain YAML document; with line and column.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror or error})") from None
    if len(content) > MAX_BYTES:
        raise SettingsError(f"{path}: {len(content):,} bytes is too large for a settings file (most: {MAX_BYTES:,})")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise SettingsError(f"{path}: line {line} is not UTF-8 text; save the file as UTF-8") from None
    return parse_yaml(text, where=str(path))


def parse_yaml(text: str, *, where: str = "text") -> Any:
    """Read YAML 1.2 from a text; `where` begins each message.

    Raises
    ------
    SettingsError
        For wrong syntax, a repeated key, a tag, or aliases that blow up; with line and column.

    Examples
    --------
    >>> parse_yaml("{rate: 1e-4, answer: no, month: 012}")
    {'rate': 0.0001, 'answer': 'no', 'month': 12}
    """
    loader = None
    try:
        loader = _Loader(text)
        return loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise SettingsError(f"{where}: {place}{error.problem or error.context}") from None
    except yaml.reader.ReaderError as error:
        raise SettingsError(f"{where}: character {error.position + 1} is not allowed in YAML") from None
    finally:
        if loader is not None:
            loader.dispose()


def yaml_lines(text: str) -> dict[str, int]:
    r"""Return the line, counted from 1, of every key and list entry of a YAML text, by its dotted path.

    Examples
    --------
    >>> yaml_lines("vary:\n  model.cell: [gru, lstm]")
    {'vary': 1, 'vary.model.cell': 2, 'vary.model.cell.0': 2, 'vary.model.cell.1': 2}
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        found: dict[str, int] = {}
        if node is not None:
            _note_lines(node, "", found)
        return found
    except yaml.YAMLError:
        return {}  # told where the text is read
    finally:
        loader.dispose()


def _note_lines(node: yaml.Node, path: str, found: dict[str, int]) -> None:
    if len(found) > MAX_NODES:
        return
    parts: list[tuple[str, yaml.Node, yaml.Node]] = []
    if isinstance(node, yaml.MappingNode):
        parts = [(str(key.value), key, value) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        parts = [(str(number), value, value) for number, value in enumerate(node.value)]
    for name, place, value in parts:
        inner = f"{path}.{name}" if path else name
        found.setdefault(inner, place.start_mark.line + 1)
        _note_lines(value, inner, found)


class _Loader(yaml.SafeLoader):
    """SafeLoader with the scalars of YAML 1.2 and without its surprises."""

    # A fresh table: the parent's is shared by every user of PyYAML in the process.
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012
    # Text, lists and mappings; the scalars below join. No sets, dates or bytes, even when tagged.
    yaml_constructors = {  # noqa: RUF012
        tag: yaml.SafeLoader.yaml_constructors[tag]
        for tag in (None, "tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map")
    }

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._sizes: dict[int, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Refuse nesting that could only be an attack or an accident."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise yaml.composer.ComposerError(None, None, f"nested deeper than {MAX_DEPTH} levels", self.get_mark())
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def get_single_node(self) -> yaml.Node | None:
        """Refuse aliases that repeat themselves, or each other, into a flood."""
        node: yaml.Node | None = super().get_single_node()
        if node is not None:
            self._size(node, [])
        return node

    def _size(self, node: yaml.Node, above: list[yaml.Node]) -> int:
        """Count the entries under a node with all aliases written out."""
        if any(node is other for other in above):
            raise yaml.composer.ComposerError(None, None, "an alias that contains itself", node.start_mark)
        if id(node) in self._sizes:
            return self._sizes[id(node)]
        children: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            children = [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            children = node.value
        size = 1 + sum(self._size(child, [*above, node]) for child in children)
        if size > MAX_NODES:
            raise yaml.composer.ComposerError(
                None, None, f"more than {MAX_NODES:,} entries once aliases are written out", node.start_mark
            )
        self._sizes[id(node)] = size
        return size

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Make a dict whose keys each stand once and are plain."""
        seen: dict[Hashable, int] = {}
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be plain text", key_node.start_mark)
            key = self.construct_object(key_node)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands already in line {seen[key]}", key_node.start_mark
                )
            seen[key] = key_node.start_mark.line + 1
        return super().construct_mapping(node, deep)


def _scalar(tag: str, pattern: str, first: str, make: Callable[[str], Any]) -> None:
    """Add a kind of scalar: how it looks, the characters it can begin with, and how its text becomes a value."""

    def construct(loader: _Loader, node: yaml.ScalarNode) -> Any:
        text = str(loader.construct_scalar(node))
        try:
            return make(text)
        except ValueError:
            short = text if len(text) <= 20 else f"{text[:20]}..."
            raise yaml.constructor.ConstructorError(
                None, None, f"{short!r} is not a value of {tag}", node.start_mark
            ) from None

    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), [*first, ""])
    _Loader.add_constructor(f"tag:yaml.org,2002:{tag}", construct)


def _bool(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError
    return text.lower() == "true"


def _int(text: str) -> int:
    return int(text, {"0x": 16, "0o": 8}.get(text[:2], 10))


def _float(text: str) -> float:
    return float(re.sub(r"\.(?=inf|nan)", "", text.lower()))


_scalar("null", "~|null|Null|NULL|", "~nN", lambda _: None)
_scalar("bool", "true|True|TRUE|false|False|FALSE", "tTfF", _bool)
_scalar("int", "[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789", _int)
_scalar(
    "float",
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
    "-+.0123456789",
    _float,
)
