"""The tables of results: levels and baselines, decisions, intervals, claims, and what it was measured on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gatewise.metrics.names import NAMES, is_higher_better, metric_label
from gatewise.metrics.text import PROTOCOLS
from gatewise.report.evidence import Evidence, Level, show_setting, show_value
from gatewise.report.table import (
    SIGNS,
    Cell,
    Table,
    claim_verdict,
    figure,
    figures_text,
    group,
    grouped,
    head,
    heads_of,
    says,
    text,
)
from gatewise.report.words import baseline_title, interval, metric_title, number, p_value, percent, spread
from gatewise.wording import digits, say

#: Say the same as another column, in another unit or once more; they stand in the run's result.
_LEFT_OUT = {f"{protocol}_{name}" for protocol in PROTOCOLS for name in ("bits_per_char", "perplexity")}
_MOST_RUNS = 400  # on a page
_LEFT_OUT |= {"tuned_f1_weighted", "tuned_matthews"}


def results_table(evidence: Evidence) -> Table:
    """Every level and every baseline, each metric as mean and spread over seeds."""
    names = [name for name in NAMES if any(name in level.metrics for level in evidence.levels)]
    names += sorted({name for level in evidence.levels for name in level.metrics} - set(names))
    names = [name for name in names if name not in _LEFT_OUT]
    costs = heads_of("parameters", "epochs", "best_epoch", "per_epoch", "per_step")
    heads = (*heads_of("setting"), *(metric_title(name) for name in names), *costs)
    best = {name: _best(evidence, name) for name in names}

    def cells(level: Level) -> list[Cell]:
        shown = [figure(spread(level.metrics.get(name)), "best" if level is best[name] else "") for name in names]
        return [*shown, *_costs(level)]

    rows = grouped(evidence, len(heads), cells)
    if evidence.baselines:
        rows.append(group(say("tables.results.baselines"), len(heads)))
    for title, values in baseline_rows(evidence):
        shown = [figure(number(values.get(name))) for name in names]
        rows.append([head(title), *shown, *[figure(text(None), "quiet")] * len(costs)])
    note = say(f"tables.results.{'many' if any(len(level.runs) > 1 for level in evidence.levels) else 'one'}")
    if len(evidence.levels) > 1:
        note += f" {say('tables.results.bold')}"
    return Table("results-table", say("tables.results.caption"), heads, rows, note)


def baseline_rows(evidence: Evidence) -> list[tuple[str, Mapping[str, Any]]]:
    """Return each baseline with its metrics; one that differs stands once for all levels that share it."""
    rows: list[tuple[str, Mapping[str, Any]]] = []
    for key, values in evidence.baselines.items():
        found: dict[Any, list[tuple[Level, Mapping[str, Any]]]] = {}
        for level in evidence.levels:
            known = [one["baselines"][key]["test"] for one in level.results if key in (one.get("baselines") or {})]
            for own in known[:1]:
                found.setdefault(own.get(evidence.metric), []).append((level, own))
        if evidence.within or len(found) < 2:
            rows.append((baseline_title(key), values))
            continue
        for alike in found.values():
            label = _in_common([level for level, _ in alike])
            rows.append((say("tables.results.baseline_of", title=baseline_title(key), label=label), alike[0][1]))
    return rows


def _in_common(levels: Sequence[Level]) -> str:
    """Name several levels by the settings that they share, one alone by its label."""
    first, *others = levels
    shared = {
        key: value for key, value in first.settings.items() if all(one.settings.get(key) == value for one in others)
    }
    if not others or not shared:
        return say("words.semicolon").join(level.label for level in levels)
    return say("words.comma").join(show_setting(key, value) for key, value in shared.items())


def _best(evidence: Evidence, name: str) -> Level | None:
    """Return the level with the best mean, none where all are equal or there is one alone."""
    known = [level for level in evidence.levels if (level.metrics.get(name) or {}).get("mean") is not None]
    if name not in NAMES or len({level.metrics[name]["mean"] for level in known}) < 2:
        return None
    pick = max if is_higher_better(name) else min
    return pick(known, key=lambda level: float(level.metrics[name]["mean"]))


def _costs(level: Level) -> list[Cell]:
    run, best = (_average(level.epochs.get(key)) for key in ("run", "best"))
    times = (level.seconds.get("per_epoch"), level.seconds.get("per_step_ms"))
    return [figure(number(level.parameters)), *(figure(number(value, 3)) for value in (run, best, *times))]


def _average(values: Any) -> float | None:
    known = [float(value) for value in values or () if value is not None]
    return sum(known) / len(known) if known else None


def baseline_tables(evidence: Evidence) -> list[Table]:
    """How many times a baseline's error each level makes, and what can be said of it: a table a baseline."""
    names = dict.fromkeys(str(row["baseline"]) for row in evidence.against_baseline if row.get("baseline"))
    made = (_baseline_table(evidence, name, f"against-{index}") for index, name in enumerate(names))
    return [table for table in made if table is not None]


def _baseline_table(evidence: Evidence, name: str, where: str) -> Table | None:
    judged = [row for row in evidence.against_baseline if row.get("baseline") == name]
    by_label = {str(row.get("label")): row for row in judged}
    metric = str(next((row.get("metric") for row in judged), None) or evidence.metric)

    def cells(level: Level) -> list[Cell]:
        row = by_label.get(level.label)
        if row is None:
            return []
        p = row.get("p_holm") if row.get("p_holm") is not None else row.get("p")
        shown = number(row.get("ratio"), 3), interval(row.get("interval")), p_value(p)
        return [*(figure(value) for value in shown), says(row.get("says"))]

    ratio = say("tables.head.ratio", metric=metric_label(metric))
    heads = (*heads_of("setting"), ratio, *heads_of("interval", "p", "decision"))
    rows = grouped(evidence, len(heads), cells)
    title = baseline_title(name)
    side = "below" if is_higher_better(metric) else "above"
    note = f"{say(f'tables.against.{side}', title=title)} {_test(evidence)}"
    return Table(where, say("tables.against.caption", title=title), heads, rows, note) if rows else None


def comparisons_table(evidence: Evidence) -> Table | None:
    """Every pair of levels within its condition."""
    heads = heads_of("pair", "metric", "difference", "interval", "p", "p_holm", "decision", "seeds", "seeds_to_decide")
    rows: list[list[Cell]] = []
    before: Any = {}
    for row in evidence.comparisons:
        condition = row.get("condition") or {}
        if condition and condition != before:
            words = ", ".join(show_setting(key, value) for key, value in condition.items())
            rows.append(group(words, len(heads)))
        before = condition
        word, a, b = str(row.get("says")), show_value(row.get("a")), show_value(row.get("b"))
        decision = (
            Cell(f"{SIGNS[word]} {say(f'tables.pairs.{word}', a=a)}", kind=word)
            if word in ("better", "worse")
            else says(word)
        )
        tests = (row.get("p"), row.get("p_holm"))
        rows.append(
            [
                head(say("tables.pairs.versus", a=a, b=b)),
                Cell(metric_title(str(row.get("metric") or evidence.metric))),
                figure(number(row.get("difference"), 3)),
                figure(interval(row.get("interval"))),
                *(figure(p_value(p)) for p in tests),
                decision,
                *(figure(text(row.get(key))) for key in ("seeds", "seeds_needed")),
            ]
        )
    note = f"{say('tables.pairs.note')} {_test(evidence)}"
    return Table("comparisons-table", say("tables.pairs.caption"), heads, rows, note) if rows else None


def _test(evidence: Evidence) -> str:
    return say("tables.against.test", test=evidence.test) if evidence.test else ""


def interval_table(evidence: Evidence) -> Table | None:
    """How often the truth lay inside the intervals, against how often it should."""
    wanted = list(dict.fromkeys(name for levels in evidence.intervals.values() for name in levels))
    pairs = ((say("tables.head.inside", name=digits(name)), say("tables.head.width")) for name in wanted)
    heads = (*heads_of("setting"), *(title for pair in pairs for title in pair))

    def cells(level: Level) -> list[Cell]:
        shown: list[str] = []
        for name in wanted:
            values = (evidence.intervals.get(level.label) or {}).get(name) or {}
            coverage = values.get("coverage")
            shown += [text(None) if coverage is None else percent(coverage), number(values.get("width"))]
        return [figure(value) for value in shown]

    note = say("tables.interval.note") if any(len(level.runs) > 1 for level in evidence.levels) else ""
    rows = grouped(evidence, len(heads), cells) if wanted else []
    return Table("interval-table", say("tables.interval.caption"), heads, rows, note) if rows else None


def claims_table(evidence: Evidence) -> Table | None:
    """The reference report's claims beside our numbers."""
    rows = [
        [
            head(text(row.get("claim"))),
            Cell(figures_text(row.get("report"))),
            Cell(text(row.get("ours"))),
            Cell(interval(row.get("interval"))),
            claim_verdict(row.get("verdict")),
            Cell(text(row.get("why") or None)),
        ]
        for row in evidence.claims
    ]
    heads = heads_of("claim", "the_report", "ours", "interval", "verdict", "why")
    return Table("claims-table", say("tables.claims.caption"), heads, rows) if rows else None


def failed_table(evidence: Evidence) -> Table | None:
    """Runs that came to no end."""
    rows = [[head(text(row.get("run"))), Cell(text(row.get("error")))] for row in evidence.failed]
    return Table("failed-table", say("tables.failed.caption"), heads_of("run", "what_happened"), rows) if rows else None


def machine_table(evidence: Evidence) -> Table | None:
    """What it was measured on; several machines stand side by side."""
    flat = [dict(_flat(environment)) for environment in evidence.environments[:4]]
    keys = list(dict.fromkeys(key for environment in flat for key in environment))
    rows = [[head(key), *(Cell(text(environment.get(key))) for environment in flat)] for key in keys]
    several = tuple(say("tables.head.machine", index=index) for index in range(1, len(flat) + 1))
    heads = (*heads_of("what"), *several) if len(flat) > 1 else heads_of("what", "value")
    return Table("machine-table", say("tables.machine.caption"), heads, rows) if rows else None


def settings_table(evidence: Evidence) -> Table | None:
    """All settings of the first run; what varies stands in the results."""
    varied = {key for level in evidence.levels for key in level.settings} if evidence.is_study else set()
    hidden = varied | ({"seed", "name"} if evidence.is_study else set())
    rows = [[head(key), Cell(value)] for key, value in _flat(evidence.settings, ".") if key not in hidden]
    title = say("tables.settings.shared" if evidence.is_study else "tables.settings.caption")
    return Table("settings-table", title, heads_of("setting", "value"), rows) if rows else None


def _flat(tree: Mapping[str, Any], joint: str = " ", prefix: str = "") -> list[tuple[str, str]]:
    """Turn a tree into pairs of name and text; what is not set is left out."""
    pairs: list[tuple[str, str]] = []
    for key, value in tree.items():
        if isinstance(value, Mapping):
            pairs += _flat(value, joint, f"{prefix}{key}{joint}")
        elif isinstance(value, bool):
            pairs.append((f"{prefix}{key}", say("tables.settings.yes" if value else "tables.settings.no")))
        elif value is not None and value != []:
            items = value if isinstance(value, list | tuple) else [value]
            shown = ", ".join(f"{item:g}" if isinstance(item, float) else str(item) for item in items)
            pairs.append((f"{prefix}{key}", shown))
    return pairs


def runs_table(evidence: Evidence) -> Table | None:
    """Every run with its folder and its metric, so that a sentence can point to those it rests on."""
    rows, anchors, seen = [], [], set()
    runs = [(level, seed, run) for level in evidence.levels for seed, run in enumerate(level.runs)]
    for level, seed, run in runs[:_MOST_RUNS]:
        name = run.path.name
        values = (level.metrics.get(evidence.metric) or {}).get("values") or ()
        settings = level.results[seed] if seed < len(level.results) else {}
        value = (settings.get("metrics") or {}).get("test", {}).get(evidence.metric)
        shown = values[seed] if value is None and len(values) == len(level.runs) else value
        rows.append([head(name), Cell(level.label), figure(number(seed + 1)), figure(number(shown))])
        anchors.append(f"run-{name}" if name not in seen else f"run-{name}-{len(rows)}")
        seen.add(name)
    heads = (*heads_of("fingerprint", "setting", "seed"), metric_title(evidence.metric))
    note = say("methods.page.more_runs", shown=len(rows), all=len(runs)) if len(runs) > len(rows) else ""
    return Table("runs-table", say("methods.page.runs"), heads, rows, note, tuple(anchors)) if len(rows) > 1 else None
