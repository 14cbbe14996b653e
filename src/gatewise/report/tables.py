"""The tables of the page, as plain rows of cells; how they look is the template's business."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gatewise.report.evidence import Evidence, Level
from gatewise.report.traces import Traces
from gatewise.report.words import METRICS, baseline_title, interval, metric_title, number, p_value, spread

_SAYS = {"better": "▲", "worse": "▼", "undecided": "◆"}
_MOST_KEYS = 12


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

    def is_number(self, column: int) -> bool:
        """Whether the cells of a column are numbers, which stand on the right."""
        return any(len(row) == len(self.heads) and row[column].number for row in self.rows)


def text(value: Any) -> str:
    """Return text as it is, a number as readers want it, a dash for nothing."""
    return number(value) if value is None or isinstance(value, int | float) else str(value)


def says(word: Any) -> Cell:
    """Return a decision as a cell: a sign, the word, a colour."""
    name = str(word or "")
    return Cell(f"{_SAYS[name]} {name}" if name in _SAYS else text(word), kind=name if name in _SAYS else "")


def results_table(evidence: Evidence) -> Table:
    """Every level and every baseline, each metric as mean and spread over seeds."""
    names = [name for name in METRICS if any(name in level.metrics for level in evidence.levels)]
    names += sorted({name for level in evidence.levels for name in level.metrics} - set(names))
    heads = ("setting", *(metric_title(name) for name in names), "parameters", "epochs", "best epoch", "s an epoch", "ms a step")
    best = {name: _best(evidence, name) for name in names}
    rows = grouped(evidence, len(heads), lambda level: [*(_metric(level, name, best[name]) for name in names), *_costs(level)])
    if evidence.baselines:
        rows.append([Cell("Baselines", head=True, kind="group", span=len(heads))])
    for key, values in evidence.baselines.items():
        numbers = [Cell(number(values.get(name)), number=True) for name in names]
        rows.append([Cell(baseline_title(key), head=True), *numbers, *[Cell(text(None), number=True, kind="quiet")] * 5])
    several = any(len((level.metrics.get(evidence.metric) or {}).get("values") or ()) > 1 for level in evidence.levels)
    note = "Mean ± standard deviation over seeds, on the test part." if several else "On the test part."
    return Table("results-table", "Settings and baselines on the test part", heads, rows, f"{note} The best setting of each column is bold.")


def grouped(evidence: Evidence, width: int, cells: Callable[[Level], list[Cell]]) -> list[list[Cell]]:
    """Make a row of each level under a row for its condition; a level without cells has no row."""
    nested = len(evidence.mains) > 1 and evidence.conditions != [""]
    rows: list[list[Cell]] = []
    for condition in evidence.conditions:
        own = [(level, cells(level)) for level in evidence.levels if level.condition == condition]
        made = [[Cell(level.main if nested else level.label, head=True), *row] for level, row in own if row]
        if nested and made:
            rows.append([Cell(condition.capitalize(), head=True, kind="group", span=width)])
        rows += made
    return rows


def _metric(level: Level, name: str, best: Level | None) -> Cell:
    return Cell(spread(level.metrics.get(name)), number=True, kind="best" if level is best else "")


def _best(evidence: Evidence, name: str) -> Level | None:
    """Return the level with the best mean, none for a metric without a direction or a study of one level."""
    direction = METRICS.get(name, ("", "", ""))[2]
    known = [level for level in evidence.levels if (level.metrics.get(name) or {}).get("mean") is not None]
    if not direction or len(known) < 2:
        return None
    pick = min if direction == "lower" else max
    return pick(known, key=lambda level: level.metrics[name]["mean"])


def _costs(level: Level) -> list[Cell]:
    run, best = (_average(level.epochs.get(key)) for key in ("run", "best"))
    shown = (
        number(level.parameters), number(run, 3), number(best, 3),
        number(level.seconds.get("per_epoch"), 3), number(level.seconds.get("per_step_ms"), 3),
    )  # fmt: skip
    return [Cell(value, number=True) for value in shown]


def _average(values: Any) -> float | None:
    known = [value for value in values or () if value is not None]
    return sum(known) / len(known) if known else None


def baseline_table(evidence: Evidence) -> Table | None:
    """How many times a baseline's error each level makes, and what can be said of it."""
    by_label = {str(row.get("label")): row for row in evidence.against_baseline if row.get("baseline") in (evidence.baseline, None)}
    metric = str(next((row.get("metric") for row in by_label.values()), None) or evidence.metric)

    def cells(level: Level) -> list[Cell]:
        row = by_label.get(level.label)
        if row is None:
            return []
        p = row.get("p_holm") if row.get("p_holm") is not None else row.get("p")
        shown = number(row.get("ratio"), 3), interval(row.get("interval")), p_value(p)
        return [*(Cell(value, number=True) for value in shown), says(row.get("says"))]

    heads = ("setting", f"{metric_title(metric).split(',')[0]} ratio", "95 % interval", "p", "decision")
    rows = grouped(evidence, len(heads), cells)
    title = baseline_title(evidence.baseline)
    note = f"The ratio is that to {title}: above 1 the setting is worse. {_test(evidence)}"
    return Table("baseline-table", f"Each setting against {title}", heads, rows, note) if rows else None


def comparisons_table(evidence: Evidence) -> Table | None:
    """Every pair of levels within its condition."""
    rows: list[list[Cell]] = []
    heads = ("pair", "metric", "difference", "95 % interval", "p", "p, Holm", "decision", "seeds", "seeds that would decide")
    before: Any = {}
    for row in evidence.comparisons:
        condition = row.get("condition") or {}
        if condition and condition != before:
            rows.append([Cell(_condition(condition), head=True, kind="group", span=len(heads))])
        before = condition
        needed = row.get("seeds_needed")
        decided = says(row.get("says"))
        if row.get("says") in ("better", "worse"):
            decided = Cell(f"{_SAYS[row['says']]} {row.get('a')} is {row['says']}", kind=str(row["says"]))
        rows.append(
            [Cell(f"{row.get('a')} against {row.get('b')}", head=True), Cell(metric_title(str(row.get("metric") or evidence.metric))),
             Cell(number(row.get("difference"), 3), number=True), Cell(interval(row.get("interval")), number=True),
             Cell(p_value(row.get("p")), number=True), Cell(p_value(row.get("p_holm")), number=True), decided,
             Cell(text(row.get("seeds")), number=True), Cell(text(needed), number=True)]
        )  # fmt: skip
    note = f"Seeds are paired. The difference is that of the first less the second. {_test(evidence)}"
    return Table("comparisons-table", "Pairs, seed by seed", heads, rows, note) if rows else None


def _test(evidence: Evidence) -> str:
    return f"Decided by: {evidence.test}." if evidence.test else ""


def _condition(condition: Mapping[str, Any]) -> str:
    from gatewise.report.evidence import show_setting

    return ", ".join(show_setting(key, value) for key, value in condition.items()).capitalize()


def ratio_tables(evidence: Evidence, traces: Traces) -> list[Table]:
    """Where a model is worse than doing nothing: by series, by step ahead, by period."""
    titles = {"series": "By series", "step": "By step ahead", "period": "By period, each from its first date"}
    found = []
    for kind, title in titles.items():
        by_label = {label: ratios for label, ratios in traces.ratios.get(kind, {}).items() if ratios}
        if not by_label:
            continue
        keys = list(dict.fromkeys(key for ratios in by_label.values() for key in ratios))
        note = ""
        if len(keys) > _MOST_KEYS and kind == "series":
            mean = {key: sum(ratios.get(key, 0.0) for ratios in by_label.values()) for key in keys}
            note = f"The {_MOST_KEYS} worst of {len(keys)} series."
            keys = sorted(keys, key=lambda key: -mean[key])[:_MOST_KEYS]
        elif len(keys) > _MOST_KEYS:
            keys = keys[:: math.ceil(len(keys) / _MOST_KEYS)]
            note = f"{len(keys)} of all steps, evenly chosen."
        rows = grouped(
            evidence,
            len(keys) + 1,
            lambda level, of=by_label, keys=keys: [_ratio(of[level.label].get(key)) for key in keys] if level.label in of else [],  # type: ignore[misc]
        )
        found.append(Table(f"worse-{kind}", title, ("setting", *keys), rows, note))
    return found


def _ratio(value: float | None) -> Cell:
    if value is None or math.isnan(value):
        return Cell(text(None), number=True)
    kind = "worse" if value > 1.005 else "better" if value < 0.995 else ""
    return Cell(f"{_SAYS[kind]} {number(value, 3)}" if kind else number(value, 3), number=True, kind=kind)


def worse_sentence(evidence: Evidence, traces: Traces) -> str:
    """Count in how many of the cells the models are worse than the last value."""
    parts = []
    for kind, name in (("series", "series"), ("step", "steps ahead"), ("period", "periods")):
        values = [value for ratios in traces.ratios.get(kind, {}).values() for value in ratios.values() if not math.isnan(value)]
        if values:
            parts.append(f"{sum(value > 1 for value in values)} of {len(values)} {name if len(values) > 1 else name.rstrip('s')}")
    every = " taken over all settings" if len(evidence.levels) > 1 else ""
    return f"Worse than the last value in {', '.join(parts)}{every}." if parts else ""


def lag_table(evidence: Evidence, traces: Traces) -> Table | None:
    """Best shift, skill and what is left of it for every level."""

    def cells(level: Level) -> list[Cell]:
        lag = traces.lags.get(level.label)
        if lag is None:
            return []
        words = {0: "the value it was made for", traces.offset: "the last value seen"}.get(lag.shift, "another row")
        skill = Cell(f"{number(100 * lag.skill, 3)} %", number=True, kind="worse" if lag.skill < 0 else "better")
        shift = str(lag.shift).replace("-", "−")
        return [Cell(shift, number=True), Cell(words), skill, Cell(number(lag.correlation, 2), number=True)]

    heads = ("setting", "best shift", "which is", "skill over the last value", "r of the changes")
    rows = grouped(evidence, len(heads), cells)
    note = (
        "Skill is the share of the last value's squared error that the model removes; below 0 it adds error. r of the changes is the "
        "correlation of the forecast change and the real change since the last value: near 0, nothing is left once the last value is taken away. "
        "Measured on the seed with the median score."
    )
    return Table("lag-table", "Is it only yesterday's value?", heads, rows, note) if rows else None


def interval_table(evidence: Evidence) -> Table | None:
    """How often the truth lay inside the intervals, against how often it should."""
    wanted = list(dict.fromkeys(
        name for levels in evidence.intervals.values() for name, values in levels.items()
        if isinstance(values, Mapping) and values.get("coverage") is not None
    ))  # fmt: skip
    heads = ("setting", *(head for name in wanted for head in (f"inside the {name} % interval", "its mean width")))

    def cells(level: Level) -> list[Cell]:
        shown: list[str] = []
        for name in wanted:
            values = (evidence.intervals.get(level.label) or {}).get(name) or {}
            coverage = values.get("coverage")
            shown += [text(None) if coverage is None else f"{100 * coverage:.1f} %", number(values.get("width"))]
        return [Cell(value, number=True) for value in shown]

    note = "Of each setting the first seed." if evidence.is_study else ""
    return Table("interval-table", "Intervals on the test part", heads, grouped(evidence, len(heads), cells), note) if wanted else None


def claims_table(evidence: Evidence) -> Table | None:
    """The reference report's claims beside our numbers."""
    rows = [
        [Cell(text(row.get("claim")), head=True), Cell(text(row.get("report"))), Cell(text(row.get("ours"))), Cell(interval(row.get("interval"))), says(row.get("verdict"))]
        for row in evidence.claims
    ]  # fmt: skip
    return Table("claims-table", "The report's claims", ("claim", "the report", "ours", "95 % interval", "verdict"), rows) if rows else None


def failed_table(evidence: Evidence) -> Table | None:
    """Runs that came to no end."""
    rows = [[Cell(text(row.get("run")), head=True), Cell(text(row.get("error")))] for row in evidence.failed]
    return Table("failed-table", "Runs that failed", ("run", "what happened"), rows) if rows else None


def machine_table(evidence: Evidence) -> Table | None:
    """What it was measured on; several machines stand side by side."""
    flat = [dict(_flat(environment)) for environment in evidence.environments[:4]]
    keys = list(dict.fromkeys(key for environment in flat for key in environment))
    rows = [[Cell(key, head=True), *(Cell(text(environment.get(key))) for environment in flat)] for key in keys]
    heads = ("", *(f"machine {index}" for index in range(1, len(flat) + 1))) if len(flat) > 1 else ("", "value")
    return Table("machine-table", "Machine and versions", heads, rows) if rows else None


def settings_table(evidence: Evidence) -> Table | None:
    """All settings of the first run; what varies stands in the results."""
    varied = {key for level in evidence.levels for key in level.settings} if evidence.is_study else set()
    rows = [
        [Cell(key, head=True), Cell(text(value))] for key, value in _flat(evidence.settings, ".") if key not in varied | {"seed", "name"}
    ]
    return Table("settings-table", "Settings that all runs share" if evidence.is_study else "Settings", ("setting", "value"), rows) if rows else None


def _flat(tree: Mapping[str, Any], joint: str = " ", prefix: str = "") -> list[tuple[str, Any]]:
    """Turn a tree into pairs; what is not set is left out."""
    pairs: list[tuple[str, Any]] = []
    for key, value in tree.items():
        if isinstance(value, Mapping):
            pairs += _flat(value, joint, f"{prefix}{key}{joint}")
        elif isinstance(value, list | tuple):
            pairs += [(f"{prefix}{key}", ", ".join(str(item) for item in value))] if value else []
        elif value is not None:
            pairs.append((f"{prefix}{key}", ("yes" if value else "no") if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)))  # fmt: skip
    return pairs
