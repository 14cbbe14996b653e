"""Tables made from the predictions: where a model is worse than the last value, and the lag check."""

from __future__ import annotations

import math

from gatewise.report.evidence import Evidence, Level
from gatewise.report.table import SIGNS, Cell, Table, figure, grouped, text
from gatewise.report.traces import Traces
from gatewise.report.words import listed, number

_MOST_KEYS = 12
_KINDS = {  # kind -> title, one of it, several of it
    "series": ("By series", "series", "series"),
    "step": ("By step ahead", "step ahead", "steps ahead"),
    "period": ("By period, each from its first date", "period", "periods"),
}


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
        note = f"The {_MOST_KEYS} worst of {len(keys)} series."
        keys = sorted(keys, key=lambda key: -worst[key])[:_MOST_KEYS]
    elif len(keys) > _MOST_KEYS:
        note = f"Some of all {len(keys)} steps, evenly chosen."
        keys = keys[:: math.ceil(len(keys) / _MOST_KEYS)]

    def cells(level: Level) -> list[Cell]:
        ratios = by_label.get(level.label)
        return [_ratio(ratios.get(key)) for key in keys] if ratios else []

    rows = grouped(evidence, len(keys) + 1, cells)
    return Table(f"worse-{kind}", _KINDS[kind][0], ("setting", *keys), rows, note)


def _ratio(value: float | None) -> Cell:
    if value is None or math.isnan(value):
        return figure(text(None))
    kind = "worse" if value > 1.005 else "better" if value < 0.995 else ""
    return figure(f"{SIGNS[kind]} {number(value, 3)}" if kind else number(value, 3), kind)


def worse_sentence(evidence: Evidence, traces: Traces) -> str:
    """Count in how many places the models are worse than the last value."""
    parts = []
    for kind, (_, one, many) in _KINDS.items():
        values = [value for ratios in traces.ratios.get(kind, {}).values() for value in ratios.values()]
        known = [value for value in values if not math.isnan(value)]
        if known:
            what = f"pairs of setting and {one}" if len(evidence.levels) > 1 else many
            parts.append(f"{sum(value > 1 for value in known)} of {len(known)} {what}")
    return f"Worse than the last value in {listed(parts)}." if parts else ""


def lag_table(evidence: Evidence, traces: Traces) -> Table | None:
    """Best shift, skill and what is left of it for every level."""

    def cells(level: Level) -> list[Cell]:
        lag = traces.lags.get(level.label)
        if lag is None:
            return []
        words = {0: "the value it was made for", traces.offset: "the last value seen"}.get(lag.shift, "another row")
        skill = figure(f"{number(100 * lag.skill, 3)} %", "worse" if lag.skill < 0 else "better")
        return [figure(str(lag.shift).replace("-", "−")), Cell(words), skill, figure(number(lag.correlation, 2))]

    heads = ("setting", "best shift", "which is", "skill over the last value", "r of the changes")
    rows = grouped(evidence, len(heads), cells)
    note = (
        "Skill is the share of the last value's squared error that the model removes; below 0 it adds error. r of the "
        "changes is the correlation of the forecast change and the real change since the last value: near 0, nothing "
        "is left once the last value is taken away."
    )
    note += " Measured on the seed with the median score." if evidence.is_study else ""
    return Table("lag-table", "Is it only yesterday's value?", heads, rows, note) if rows else None
