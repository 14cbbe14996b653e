"""The tables of what a study decides beyond pairs: sizes of differences, seeds beside test examples, interactions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatewise.registry import spoken
from gatewise.report.evidence import Evidence, show_setting, show_value
from gatewise.report.table import Cell, Table, figure, group, head, says
from gatewise.report.words import interval, metric_heading, number, p_value, percent
from gatewise.studies.words import level_name
from gatewise.wording import digits, say

#: Rows of interactions that stand on the page, the clearest first.
_MOST_ROWS = 12


def effects_table(evidence: Evidence) -> Table | None:
    """How large every difference is, in units that need no metric, and how sure that is."""
    rows: list[list[Cell]] = []
    known = [row for row in evidence.comparisons if row.get("effect") and row.get("metric") == evidence.metric]
    margins = any(row.get("margin") is not None for row in known)
    heads = [
        say("decide.page.pair"), say("decide.page.bootstrap"), "d_z", say("decide.page.interval"),
        say("decide.page.delta"), say("decide.page.chance"), say("decide.page.interval"),
    ]  # fmt: skip
    heads += [say("decide.page.margin"), say("decide.page.p_same")] if margins else []
    for row, leader in _with_conditions(known, len(heads)):
        rows += leader
        effect = row["effect"]
        cells = [
            head(say("tables.pairs.versus", a=show_value(row["a"]), b=show_value(row["b"]))),
            figure(interval(row.get("interval_bca"))),
            figure(number(effect["d_z"], 2)),
            figure(interval(effect["d_z_interval"], 2)),
            figure(number(effect["cliffs_delta"], 2)),
            figure(_percent(effect["chance"])),
            figure(_percents(effect["chance_interval"])),
        ]
        cells += [figure(number(row.get("margin"), 3)), figure(p_value(row.get("p_same")))] if margins else []
        rows.append(cells)
    note = say("decide.page.effects_note") + (" " + say("decide.page.margin_note") if margins else "")
    return Table("effects-table", say("decide.page.effects"), tuple(heads), rows, note) if rows else None


def _with_conditions(rows: list[Mapping[str, Any]], width: int) -> list[tuple[Mapping[str, Any], list[list[Cell]]]]:
    """Put a row that names the condition before the first row of each."""
    found, before = [], None
    for row in rows:
        condition = row.get("condition") or {}
        named = ", ".join(show_setting(key, value) for key, value in condition.items())
        found.append((row, [group(named, width)] if condition and condition != before else []))
        before = condition
    return found


def _percent(share: float) -> str:
    return percent(share, 0)


def _percents(bounds: Any) -> str:
    if not bounds:
        return "–"
    low, high = (digits(f"{100 * bound:.0f}") for bound in bounds)
    return say("words.percent", number=say("words.range", low=low, high=high))


def examples_table(evidence: Evidence) -> Table | None:
    """What the seeds say beside what the test examples say."""
    known = (evidence.decided.get("examples") or {}).get("rows") or []
    several = any(row.get("mcnemar") for row in known)
    heads = [
        say("decide.page.pair"), say("decide.page.over_seeds"), say("decide.page.over_examples"),
        say("decide.page.difference"), say("decide.page.interval"), say("decide.page.p_holm"),
        say("decide.page.number"),
    ]  # fmt: skip
    heads += ["McNemar"] if several else []
    rows: list[list[Cell]] = []
    for row, leader in _with_conditions(known, len(heads)):
        rows += leader
        cells = [
            head(say("tables.pairs.versus", a=show_value(row["a"]), b=show_value(row["b"]))),
            says(row["seeds_say"]),
            says(row["says"]),
            figure(number(row["difference"], 3)),
            figure(interval(row["interval"])),
            figure(p_value(row["p_holm"])),
            figure(number(row["n"])),
        ]
        if several:
            beside = row["mcnemar"] or {}
            cells.append(Cell(say("decide.page.of", k=beside.get("decided"), n=beside.get("seeds")) if beside else "–"))
        rows.append(cells)
    if not rows:
        return None
    examples = say(f"decide.examples.{spoken(evidence.task)}")
    note = say("decide.page.examples_note", test=known[0]["test"], examples=examples)
    note += " " + say("decide.page.mcnemar_note") if several else ""
    return Table("examples-table", say("decide.page.examples", examples=examples), tuple(heads), rows, note)


def interaction_table(evidence: Evidence) -> Table | None:
    """Every difference of differences, the clearest first."""
    known = sorted(evidence.decided.get("interactions") or (), key=lambda row: float(row["p_holm"]))
    ratio = bool(known) and known[0]["scale"] == "ratio"
    heads = (
        say("decide.page.change"), say("decide.page.split_by"), say("decide.page.effect_there"),
        say("decide.page.effect_here"), say("decide.page.ratio" if ratio else "decide.page.difference"),
        say("decide.page.interval"), say("decide.page.p_holm"),
    )  # fmt: skip
    rows = []
    for row in known[:_MOST_ROWS]:
        (one, other), (u, v), (u0, v0) = row["factors"], row["levels"], row["against"]
        rows.append(
            [
                head(say("decide.page.instead", new=level_name(one, u), old=level_name(one, u0))),
                Cell(say("decide.page.instead", new=level_name(other, v), old=level_name(other, v0))),
                *(figure(number(effect, 3)) for effect in row["effects"]),
                figure(number(row["size"], 3), "best" if row["decided"] else ""),
                figure(interval(row["interval"])),
                figure(p_value(row["p_holm"])),
            ]
        )
    note = say(
        "decide.page.ratio_note" if ratio else "decide.page.difference_note", metric=metric_heading(evidence.metric)
    )
    if len(known) > _MOST_ROWS:
        note += " " + say("decide.page.most_rows", n=_MOST_ROWS, of=len(known))
    return Table("interactions-table", say("decide.page.interactions"), heads, rows, note) if rows else None


def families_note(evidence: Evidence) -> str:
    """Say by which test and how often was tested."""
    rules = evidence.decided.get("decide") or {}
    if not rules.get("comparisons"):
        return ""
    return say(
        "decide.page.families",
        n=rules["families"],
        comparisons=rules["comparisons"],
        alpha=digits(f"{rules['alpha']:g}"),
    )
