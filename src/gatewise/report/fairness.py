"""Whose harmless texts are called something else: tables of what the run measured, and its own sentences about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatewise.report.confusion import rank
from gatewise.report.evidence import Evidence
from gatewise.report.table import Cell, Table, figure, head, heads_of, says, text
from gatewise.report.traces import typical_run
from gatewise.report.words import number, percent
from gatewise.wording import again, digits, say


@dataclass(frozen=True)
class Fairness:
    """What stands in the section: sentences first, then tables."""

    of: str
    sentences: tuple[str, ...]
    tables: tuple[Table, ...]
    cases: Table | None


def read_fairness(evidence: Evidence) -> Fairness | None:
    """Return what the median seed of the best level measured; None where no harmless class was named."""
    for level in rank(evidence):
        run = typical_run(level, evidence.metric)
        for one, result in zip(level.runs, level.results, strict=True):
            found = result.get("fairness")
            if one is run and found:
                swapped = found.get("templates") or {}
                made = (
                    _alarms("groups-table", say("tables.fairness.by_group"), "group", found.get("groups") or ()),
                    _alarms("terms-table", say("tables.fairness.by_word"), "word", found.get("terms") or ()),
                    _swapped(swapped),
                )
                return Fairness(
                    of=level.label if len(evidence.levels) > 1 else "",
                    sentences=tuple(again(str(sentence)) for sentence in found.get("sentences") or ()),
                    tables=tuple(table for table in made if table is not None),
                    cases=_cases(swapped),
                )
    return None


def _alarms(name: str, title: str, what: str, rows: Sequence[Mapping[str, Any]]) -> Table | None:
    counted = *_heads(what, "harmless", "alarms", "share"), *heads_of("interval")
    rest = *_heads("others"), *heads_of("difference"), *_heads("interval"), *heads_of("decision")
    heads, note = (*counted, *rest), say("tables.fairness.note")
    made = [
        [
            head(str(row.get("name"))),
            figure(number(row.get("n"))),
            figure(number(row.get("alarms"))),
            figure(_percent(row.get("share"))),
            figure(_interval(row.get("interval"))),
            figure(_percent((row.get("others") or {}).get("share"))),
            figure(_points(row.get("difference"))),
            figure(_interval(row.get("difference_interval"))),
            says(row.get("says")),
        ]
        for row in rows
    ]
    return Table(name, title, heads, made, note) if made else None


def _swapped(found: Mapping[str, Any]) -> Table | None:
    count = len(found.get("cases") or ())
    rows = [
        [
            head(str(row.get("term"))),
            figure(number(row.get("called"))),
            figure(_percent(row.get("share"))),
            figure(_interval(row.get("interval"))),
            figure(number(row.get("probability"), 3)),
        ]
        for row in found.get("terms") or ()
    ]
    heads = (*_heads("word", "called", "share"), *heads_of("interval"), *_heads("probability"))
    note = say("tables.fairness.swapped_note", count=count)
    return Table("swapped-table", say("tables.fairness.swapped"), heads, rows, note) if rows else None


def _heads(*keys: str) -> tuple[str, ...]:
    return tuple(say(f"tables.fairness.{key}") for key in keys)


def _cases(found: Mapping[str, Any]) -> Table | None:
    cases = found.get("cases") or ()
    terms = list(cases[0].get("probabilities") or ()) if cases else []
    rows: list[list[Cell]] = [
        [
            head(str(case.get("sentence")).replace("{}", "…")),
            *(
                figure(
                    number(case["probabilities"].get(term), 2), "worse" if term in (case.get("called") or ()) else ""
                )
                for term in terms
            ),
        ]
        for case in cases
    ]
    heads, note = (*_heads("sentence"), *terms), say("tables.fairness.cases_note")
    return Table("cases-table", say("tables.fairness.cases"), heads, rows, note) if rows else None


def _percent(share: Any) -> str:
    return text(None) if share is None else percent(share)


def _points(share: Any) -> str:
    return (
        text(None)
        if share is None
        else say("tables.fairness.points", points=digits(f"{100 * share:+.1f}".replace("-", "−")))
    )


def _interval(bounds: Any) -> str:
    if not bounds or any(bound is None for bound in bounds):
        return text(None)
    low, high = (digits(f"{100 * bound:.1f}".replace("-", "−")) for bound in bounds)
    return say("words.range", low=low, high=high)
