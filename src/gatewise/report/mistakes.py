"""The worst mistakes, each with the words that moved it, as pieces that a page can tint.

A tint never stands alone: what spoke for the wrong class is underlined, what spoke against it is underlined with dots,
and the strongest of both are said in words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatewise.report.confusion import rank
from gatewise.report.evidence import Evidence
from gatewise.report.samples import harmless
from gatewise.report.traces import typical_run
from gatewise.report.words import number, percent
from gatewise.wording import digits, say

#: Least effect in nats of log-odds, and what follows the letter of its class.
_STRENGTHS = ((1.0, "3"), (0.4, "2"), (0.15, "1"))
_MOST_CHARACTERS = 1500
_MOST_NAMED = 3


@dataclass(frozen=True)
class Mistake:
    """One text that was called something else than its label.

    Attributes
    ----------
    pieces : class of the tint ("" without one) and text.
    moved : the words with the strongest effects and those, for and against what was predicted.
    """

    label: str
    predicted: str
    prob: str
    where: str
    votes: str
    pieces: tuple[tuple[str, str], ...]
    moved: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


def read_mistakes(evidence: Evidence) -> tuple[str, list[Mistake]]:
    """Return which setting they are of, and the mistakes of its median seed, the worst first."""
    for level in rank(evidence):
        run = typical_run(level, evidence.metric)
        for one, result in zip(level.runs, level.results, strict=True):
            found = result.get("mistakes")
            if one is run and found:
                classes = [str(name) for name in result.get("classes") or ()]
                return level.label if len(evidence.levels) > 1 else "", [_mistake(row, classes) for row in found]
    return "", []


def _mistake(row: Mapping[str, Any], classes: Sequence[str]) -> Mistake:
    text = str(row.get("text") or "")
    words = [(int(start), int(end), float(effect)) for start, end, effect in row.get("words") or ()]
    place = row.get("row")
    return Mistake(
        label=str(row.get("label")),
        predicted=str(row.get("predicted")),
        prob=percent(float(row["prob"]), 0) if row.get("prob") is not None else "–",
        where=", ".join(
            [
                *([str(row["file"])] if row.get("file") else []),
                *([say("tables.mistakes.row", place=place)] if place is not None else []),
            ]
        ),
        votes=_votes(row.get("votes"), classes),
        pieces=_pieces(text, words),
        moved=_moved(text, words),
    )


def _votes(votes: Any, classes: Sequence[str]) -> str:
    if not votes:
        return ""
    given = [f"{name} {digits(f'{count:g}')}" for name, count in zip(classes, votes, strict=False) if count]
    return ", ".join(given)


def _pieces(text: str, words: Sequence[tuple[int, int, float]]) -> tuple[tuple[str, str], ...]:
    """Cut a text where its words begin and end; words that overlap others or leave the text are not tinted."""
    pieces: list[tuple[str, str]] = []
    done = 0
    end_of_all = min(len(text), _MOST_CHARACTERS)
    for start, end, effect in sorted(words):
        if start < done or end > end_of_all or not (kind := tint(effect)):
            continue
        pieces += [("", text[done:start]), (kind, text[start:end])]
        done = end
    pieces.append(("", text[done:end_of_all] + ("…" if len(text) > end_of_all else "")))
    return tuple((kind, harmless(piece)) for kind, piece in pieces if piece)


def tint(effect: float) -> str:
    """Return the class of a word by its effect: for what was predicted (w), against it (a), or none.

    Examples
    --------
    >>> tint(1.4), tint(-0.5), tint(0.01)
    ('w3', 'a2', '')
    """
    strength = next((name for least, name in _STRENGTHS if abs(effect) >= least), "")
    return f"{'w' if effect > 0 else 'a'}{strength}" if strength else ""


def _moved(text: str, words: Sequence[tuple[int, int, float]]) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    ranked = sorted((word for word in words if tint(word[2])), key=lambda word: -abs(word[2]))
    sides = (
        (say("tables.mistakes.for_it"), [one for one in ranked if one[2] > 0]),
        (say("tables.mistakes.against_it"), [one for one in ranked if one[2] < 0]),
    )
    return tuple(
        (side, tuple((harmless(text[start:end]), _signed(effect)) for start, end, effect in found[:_MOST_NAMED]))
        for side, found in sides
        if found
    )


def _signed(effect: float) -> str:
    return ("+" if effect > 0 else "") + number(effect, 2)
