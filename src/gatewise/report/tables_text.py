"""Tables of text runs: where in a word the network is right, and what it copies."""

from __future__ import annotations

from statistics import fmean
from typing import Any

from gatewise.report.evidence import Evidence, Level
from gatewise.report.figure import is_finite
from gatewise.report.table import Cell, Table, figure, grouped, head, text
from gatewise.report.words import number

_PLACES = {
    "first": "first letter",
    "middle": "within a word",
    "last": "last letter",
    "single": "word of one letter",
    "space": "space",
    "punctuation": "punctuation",
}


def words_table(evidence: Evidence) -> Table | None:
    """How often the likeliest character was right, and the loss, by the place in a word."""
    found = {level.label: level.results for level in evidence.levels}
    places = [key for key in _PLACES if any(key in (one.get("words") or {}) for rows in found.values() for one in rows)]
    if not places:
        return None

    def cells(level: Level) -> list[Cell]:
        return [figure(_place(level, place)) for place in places]

    heads = ("setting", *(_PLACES[place] for place in places))
    rows = grouped(evidence, len(heads), cells)
    note = "Share of characters whose likeliest guess was right, and nats per character. The first letter of a word is "
    note += "the hardest: all that could follow is still open."
    return Table("words-table", "Right or wrong, by the place in a word", heads, rows, note)


def _place(level: Level, place: str) -> str:
    rows = [row for one in level.results if (row := (one.get("words") or {}).get(place))]
    share, nats = (_mean([row.get(key) for row in rows]) for key in ("accuracy", "nats_per_char"))
    return text(None) if share is None else f"{100 * share:.1f} % · {number(nats, 3)}"


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
        real += [("real text as long", held_out)] if held_out and not real else []
        sides += real if level is levels[-1] else []
        for name, group in sides:
            longest = _mean([one.get("longest") for one in group])
            parts = [_share(group, kind, length) for kind, lengths in runs.items() for length in lengths]
            rows.append([head(name), *(figure(value) for value in (number(longest, 3), *parts))])
    kinds = {"share": "copied runs of", "distinct": "distinct runs of"}
    heads = ("who wrote", "longest copy", *(f"{kinds[kind]} {n}" for kind, lengths in runs.items() for n in lengths))
    note = (
        "A copy is a run of characters that stands in the training text as it is. Real text that was held out shows "
        "how much is alike by chance; few distinct runs mean that a text repeats itself."
    )
    return Table("copying-table", "Does it write or remember?", heads, rows, note) if rows else None


def _share(group: list[Any], kind: str, length: str) -> str:
    value = _mean([(one.get(kind) or {}).get(length) for one in group])
    return text(None) if value is None else f"{100 * value:.1f} %"


def _mean(values: list[Any]) -> float | None:
    known = [float(value) for value in values if is_finite(value)]
    return fmean(known) if known else None
