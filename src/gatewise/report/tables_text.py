"""Tables of text runs: where in a word the network is right, and what it copies."""

from __future__ import annotations

from statistics import fmean
from typing import Any

from gatewise.report.evidence import Evidence, Level
from gatewise.report.figure import is_finite
from gatewise.report.table import Cell, Table, figure, grouped, head, heads_of, text
from gatewise.report.words import number, percent
from gatewise.wording import say

_PLACES = ("first", "middle", "last", "single", "space", "punctuation")


def words_table(evidence: Evidence) -> Table | None:
    """How often the likeliest character was right, and the loss, by the place in a word."""
    found = {level.label: level.results for level in evidence.levels}
    places = [key for key in _PLACES if any(key in (one.get("words") or {}) for rows in found.values() for one in rows)]
    if not places:
        return None

    def cells(level: Level) -> list[Cell]:
        return [figure(_place(level, place)) for place in places]

    heads = (*heads_of("setting"), *(say(f"tables.words.{place}") for place in places))
    rows = grouped(evidence, len(heads), cells)
    return Table("words-table", say("tables.words.caption"), heads, rows, say("tables.words.note"))


def _place(level: Level, place: str) -> str:
    rows = [row for one in level.results if (row := (one.get("words") or {}).get(place))]
    share, nats = (_mean([row.get(key) for row in rows]) for key in ("accuracy", "nats_per_char"))
    return text(None) if share is None else f"{percent(share)} · {number(nats, 3)}"


def copying_table(evidence: Evidence) -> Table | None:
    """How much of what it wrote stands in the training text word for word, beside real text that does not."""
    rows: list[list[Cell]] = []
    runs: dict[str, list[str]] = {}
    levels = [
        level for level in evidence.shown_levels or evidence.levels if any(one.get("copying") for one in level.results)
    ]
    real: list[tuple[str, list[Any]]] = []
    for level in levels:
        found = [one["copying"] for one in level.results if one.get("copying")]
        for kind in ("share", "distinct"):
            runs.setdefault(kind, sorted(found[0].get(kind) or {}, key=int))
        sides = [(level.main, found)]
        held_out = [one["held_out"] for one in found if one.get("held_out")]
        real += [(say("tables.copying.real"), held_out)] if held_out and not real else []
        sides += real if level is levels[-1] else []
        for name, group in sides:
            longest = _mean([one.get("longest") for one in group])
            parts = [_share(group, kind, length) for kind, lengths in runs.items() for length in lengths]
            rows.append([head(name), *(figure(value) for value in (number(longest, 3), *parts))])
    counted = (say(f"tables.copying.{kind}", n=int(length)) for kind, lengths in runs.items() for length in lengths)
    heads = (say("tables.copying.who"), say("tables.copying.longest"), *counted)
    note = say("tables.copying.note")
    return Table("copying-table", say("tables.copying.caption"), heads, rows, note) if rows else None


def _share(group: list[Any], kind: str, length: str) -> str:
    value = _mean([(one.get(kind) or {}).get(length) for one in group])
    return text(None) if value is None else percent(value)


def _mean(values: list[Any]) -> float | None:
    known = [float(value) for value in values if is_finite(value)]
    return fmean(known) if known else None
