"""Tables made from the predictions: where a model is worse than the last value, and the lag check."""

from __future__ import annotations

import math

from gatewise.report.evidence import Evidence, Level
from gatewise.report.table import SIGNS, Cell, Table, figure, grouped, heads_of, text
from gatewise.report.traces import Traces
from gatewise.report.words import number
from gatewise.wording import listed, say

_MOST_KEYS = 12
_KINDS = ("series", "step", "period")


def ratio_tables(evidence: Evidence, traces: Traces) -> list[Table]:
    """Where a model is worse than doing nothing: by series, by step ahead, by period."""
    made = (_ratio_table(evidence, kind, traces.ratios.get(kind, {})) for kind in _KINDS)
    return [table for table in made if table is not None]


def _ratio_table(evidence: Evidence, kind: str, by_label: dict[str, dict[str, float]]) -> Table | None:
    keys = list(dict.fromkeys(key for ratios in by_label.values() for key in ratios))
    if not keys:
        return None
    note = ""
    if len(keys) > _MOST_KEYS and kind == "series":
        worst = {key: sum(ratios.get(key, 0.0) for ratios in by_label.values()) for key in keys}
        note = say("tables.worse.worst", most=_MOST_KEYS, count=len(keys))
        keys = sorted(keys, key=lambda key: -worst[key])[:_MOST_KEYS]
    elif len(keys) > _MOST_KEYS:
        note = say("tables.worse.some", count=len(keys))
        keys = keys[:: math.ceil(len(keys) / _MOST_KEYS)]

    def cells(level: Level) -> list[Cell]:
        ratios = by_label.get(level.label)
        return [_ratio(ratios.get(key)) for key in keys] if ratios else []

    rows = grouped(evidence, len(keys) + 1, cells)
    return Table(f"worse-{kind}", say(f"tables.worse.by_{kind}"), (*heads_of("setting"), *keys), rows, note)


def _ratio(value: float | None) -> Cell:
    if value is None or math.isnan(value):
        return figure(text(None))
    kind = "worse" if value > 1.005 else "better" if value < 0.995 else ""
    return figure(f"{SIGNS[kind]} {number(value, 3)}" if kind else number(value, 3), kind)


def worse_sentence(evidence: Evidence, traces: Traces) -> str:
    """Count in how many places the models are worse than the last value."""
    parts = []
    for kind in _KINDS:
        values = [value for ratios in traces.ratios.get(kind, {}).values() for value in ratios.values()]
        known = [value for value in values if not math.isnan(value)]
        if known:
            form = "count_pairs" if len(evidence.levels) > 1 else "count"
            parts.append(say(f"tables.worse.{form}.{kind}", worse=sum(value > 1 for value in known), all=len(known)))
    return say("tables.worse.sentence", parts=listed(parts)) if parts else ""


def lag_table(evidence: Evidence, traces: Traces) -> Table | None:
    """Best shift, skill and what is left of it for every level."""

    def cells(level: Level) -> list[Cell]:
        lag = traces.lags.get(level.label)
        if lag is None:
            return []
        which = {0: "made_for", traces.offset: "last_seen"}.get(lag.shift, "another")
        skill = figure(say("words.percent", number=number(100 * lag.skill, 3)), "worse" if lag.skill < 0 else "better")
        return [figure(number(lag.shift)), Cell(say(f"tables.lag.{which}")), skill, figure(number(lag.correlation, 2))]

    heads = (*heads_of("setting"), *(say(f"tables.lag.{key}") for key in ("best_shift", "which_is", "skill", "r")))
    rows = grouped(evidence, len(heads), cells)
    note = say("tables.lag.note")
    note += f" {say('tables.lag.median')}" if evidence.is_study else ""
    return Table("lag-table", say("tables.lag.caption"), heads, rows, note) if rows else None
