"""What a table is: plain rows of cells; how they look is the template's business."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gatewise.report.evidence import Evidence, Level
from gatewise.report.words import decision, number
from gatewise.wording import say

SIGNS = {"better": "▲", "worse": "▼", "undecided": "◆", "practically the same": "≈"}
#: A claim's verdict: its sign, and the kind of cell that it is.
VERDICTS = {
    "holds": ("✓", "better"),
    "does not hold": ("✗", "worse"),
    "undecided": ("◆", "undecided"),
    "not comparable": ("○", "quiet"),
}


@dataclass(frozen=True)
class Cell:
    """One cell: its text, and what kind of thing it is."""

    text: str
    head: bool = False
    number: bool = False
    kind: str = ""  # better, worse, undecided, best, group, quiet
    span: int = 1


@dataclass(frozen=True)
class Table:
    """One table with its caption."""

    name: str
    caption: str
    heads: tuple[str, ...]
    rows: list[list[Cell]]
    note: str = ""
    anchors: tuple[str, ...] = ()  # of each row, where sentences point to single ones

    def is_number(self, column: int) -> bool:
        """Whether the cells of a column are numbers, which stand on the right."""
        return any(len(row) == len(self.heads) and row[column].number for row in self.rows)


def head(text: str) -> Cell:
    """Return the cell that names its row."""
    return Cell(text, head=True)


def figure(text: str, kind: str = "") -> Cell:
    """Return a cell with a number in it."""
    return Cell(text, number=True, kind=kind)


def heads_of(*keys: str) -> tuple[str, ...]:
    """Return the headings of columns that several tables have."""
    return tuple(say(f"tables.head.{key}") for key in keys)


def group(text: str, width: int) -> list[Cell]:
    """Return a row that names the rows under it."""
    return [Cell(text[:1].upper() + text[1:], head=True, kind="group", span=width)]


def text(value: Any) -> str:
    """Return text as it is, a number as readers want it, a dash for nothing."""
    return number(value) if value is None or isinstance(value, int | float) else str(value)


def says(word: Any) -> Cell:
    """Return a decision as a cell: a sign, the word, a colour."""
    name = str(word or "")
    shown = decision(name) if name else text(None)
    kind = "quiet" if " " in name else name
    return Cell(f"{SIGNS[name]} {shown}", kind=kind) if name in SIGNS else Cell(shown)


def claim_verdict(word: Any) -> Cell:
    """Return what came of a claim as a cell: a sign, the words, a colour."""
    if word not in VERDICTS:
        return Cell(text(word))
    sign, kind = VERDICTS[word]
    return Cell(f"{sign} {say(f'claims.verdict.{word}')}", kind=kind)


def figures_text(value: Any) -> str:
    """Return one or several figures as text."""
    return say("words.comma").join(text(one) for one in value) if isinstance(value, list | tuple) else text(value)


def grouped(evidence: Evidence, width: int, cells: Callable[[Level], list[Cell]]) -> list[list[Cell]]:
    """Make a row of each level under a row for its condition; a level without cells has no row."""
    nested = len(evidence.mains) > 1 and evidence.conditions != [""]
    rows: list[list[Cell]] = []
    for condition in evidence.conditions:
        own = [(level, cells(level)) for level in evidence.levels if level.condition == condition]
        made = [[head(level.main if nested else level.label), *row] for level, row in own if row]
        if nested and made:
            rows.append(group(condition or say("tables.results.otherwise"), width))
        rows += made
    return rows
