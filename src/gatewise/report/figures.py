"""The figures of a study's outcome: every seed, how they learned, how long it took."""

from __future__ import annotations

from typing import Any

import numpy as np

from gatewise.metrics.names import is_higher_better
from gatewise.report import charts
from gatewise.report.evidence import MOST_DRAWN, Evidence, Level, logs
from gatewise.report.figure import Figure, Rows, is_finite
from gatewise.report.table import Cell, Table, figure, head, heads_of
from gatewise.report.traces import figures, thin
from gatewise.report.words import baseline_title, metric_heading, number
from gatewise.wording import say

_MOST_EPOCHS = 60
_MOST_FAINT = 30  # seeds of a level that have a curve of their own
_MOST_LETTERS = 32  # of a baseline's name that stands in a figure


def seeds_figure(evidence: Evidence) -> Figure | None:
    """Every seed of every level on the metric that judges."""
    title = say("figures.test", metric=metric_heading(evidence.metric))
    entries = {level.label: level.metrics.get(evidence.metric) or {} for level in evidence.drawn_levels}
    values = {label: [x for x in entry.get("values") or () if is_finite(x)] for label, entry in entries.items()}
    levels = [level for level in evidence.drawn_levels if values[level.label]]
    if not levels:
        return None
    dots: Rows = [
        {"level": level.label, "main": level.main, "seed": seed, "value": figures(value)}
        for level in levels
        for seed, value in enumerate(values[level.label], start=1)
    ]
    means: Rows = [
        {
            "level": level.label,
            "value": figures(entries[level.label]["mean"]),
            "shown": number(entries[level.label]["mean"]),
        }
        for level in levels
    ]
    reference = evidence.reference(evidence.metric)
    words = baseline_title(evidence.baseline)
    base: dict[str, Any] | None = None
    if is_finite(reference):
        short = words if len(words) <= _MOST_LETTERS else say("figures.baseline")
        base = {"value": figures(reference), "name": say("figures.base", title=short, value=number(reference))}
    drawn = [row["value"] for row in dots] + ([base["value"]] if base else [])
    higher = is_higher_better(evidence.metric)
    best = (max if higher else min)(means, key=lambda row: float(row["value"]))
    rows = [[head(level.label), *(figure(number(value)) for value in values[level.label])] for level in levels]
    seeds = tuple(say("figures.seed_number", index=index) for index in range(1, max(map(len, rows))))
    caption = [say("figures.seeds.caption")] + [say("figures.dashed", title=words)] * bool(base)
    caption += [say("figures.seeds.log")] * charts.is_wide(min(drawn), max(drawn))
    told = {"title": title, "count": len(levels), "shown": best["shown"], "level": best["level"]}
    said = [say(f"figures.seeds.{'highest' if higher else 'lowest'}", **told)]
    said += [say("figures.seeds.has", title=words.capitalize(), value=number(reference))] * bool(base)
    return Figure(
        name="seeds",
        title=say("figures.seeds.title", title=title),
        caption=" ".join(caption),
        description=" ".join(said),
        spec=charts.seed_dots([level.label for level in levels], evidence.mains, title, drawn, baseline=bool(base)),
        data={"dots": dots, "means": means, **({"baseline": [base]} if base else {})},
        table=Table("seeds-table", say("figures.seeds.table", title=title), (*heads_of("setting"), *seeds), rows),
    )


def loss_figures(evidence: Evidence) -> list[Figure]:
    """One panel a condition: how the losses fell."""
    if evidence.within:
        levels = evidence.shown_levels
        panel = _loss_panel("loss-0", "", levels, [level.main for level in levels])
        return [panel] if panel else []
    panels = []
    for index, condition in enumerate(evidence.drawn_conditions):
        levels = [level for level in evidence.levels if level.condition == condition]
        levels = [level for level in levels if len(levels) <= MOST_DRAWN or level in evidence.drawn_levels]
        panels.append(_loss_panel(f"loss-{index}", condition, levels, evidence.mains))
    return [panel for panel in panels if panel is not None]


def _loss_panel(name: str, condition: str, levels: list[Level], mains: list[str]) -> Figure | None:
    faint: Rows = []
    means: Rows = []
    best: Rows = []
    rows = []
    for level in levels:
        curves = list(logs(level))
        for part, key in (("validation", "validation_loss"), ("training", "train_loss")):
            means += _mean_curve(
                level.main, say(f"figures.part.{part}"), [[row.get(key) for row in log] for _, log in curves]
            )
        points = [_curve(level.main, seed, log) for seed, log in curves]
        faint += [row for curve in points[:_MOST_FAINT] for row in _thinned(curve)]
        lowest = [min(curve, key=lambda row: float(row["loss"])) for curve in points if curve]
        best += lowest
        if lowest:
            rows.append(_loss_row(level.main, lowest))
    if not means:
        return None
    several = len(best) > len(levels)
    losses = [row["loss"] for row in [*means, *faint]]
    epochs = max(int(row["epoch"]) for row in means)
    columns = ("seeds", "best_epoch", "lowest", "best_seed", "worst_seed")
    heads = (*heads_of("level"), *(say(f"figures.loss.{key}") for key in columns))
    said = (say("figures.loss.falls", name=row[0].text, loss=row[3].text, epoch=row[2].text) for row in rows)
    caption = say("figures.loss.table_of", condition=condition) if condition else say("figures.loss.table")
    return Figure(
        name=name,
        title=condition[:1].upper() + condition[1:] if condition else say("figures.loss.title"),
        caption="",
        description=say("figures.loss.description", said=" ".join(said)),
        spec=charts.losses(mains, min(losses), max(losses), name, epochs=epochs, seeds=several),
        data={f"{name}-means": means, f"{name}-best": best, **({f"{name}-seeds": faint} if several else {})},
        table=Table(f"{name}-table", caption, heads, rows),
    )


def _loss_row(main: str, lowest: Rows) -> list[Cell]:
    losses, epochs = [row["loss"] for row in lowest], [row["epoch"] for row in lowest]
    mean = sum(losses) / len(losses)
    shown = (number(len(losses)), number(sum(epochs) / len(epochs), 3), *map(number, (mean, min(losses), max(losses))))
    return [head(main), *(figure(value) for value in shown)]


def _curve(main: str, seed: int, log: list[dict[str, Any]]) -> Rows:
    return [
        {
            "main": main,
            "part": say("figures.part.validation"),
            "seed": f"{main} {seed}",
            "epoch": row["epoch"],
            "loss": figures(value),
        }
        for row in log
        if is_finite(value := row.get("validation_loss"))
    ]


def _mean_curve(main: str, part: str, curves: list[list[Any]]) -> Rows:
    """Average over the seeds while at least half of them still train, so that a seed that stops makes no jump."""
    rows = []
    for epoch in range(max(map(len, curves), default=0)):
        values = [curve[epoch] for curve in curves if epoch < len(curve) and is_finite(curve[epoch])]
        if values and 2 * len(values) >= len(curves):
            mean = figures(sum(values) / len(values))
            rows.append({"main": main, "part": part, "epoch": epoch + 1, "loss": mean})
    return _thinned(rows)


def _thinned(rows: Rows) -> Rows:
    return [rows[index] for index in thin(np.array([row["loss"] for row in rows]), _MOST_EPOCHS)]


def time_figure(evidence: Evidence) -> Figure | None:
    """How long a pass over the training windows takes, with the parameters beside."""
    timed = [level for level in evidence.drawn_levels if is_finite(level.seconds.get("per_epoch"))]
    if not timed:
        return None
    bars, rows = [], []
    for level in timed:
        seconds, parameters = number(level.seconds["per_epoch"], 3), number(level.parameters)
        form = "shown" if level.parameters else "shown_alone"
        told = {"seconds": seconds, **({"parameters": parameters} if level.parameters else {})}
        shown = say(f"figures.time.{form}", **told)
        value = figures(level.seconds["per_epoch"])
        bars.append({"level": level.label, "main": level.main, "value": value, "shown": shown})
        step = number(level.seconds.get("per_step_ms"), 3)
        rows.append([head(level.label), *(figure(text) for text in (seconds, step, parameters))])
    alone = all(level.seconds.get("exclusive") for level in timed)
    said = (say("figures.time.said", level=bar["level"], shown=bar["shown"]) for bar in bars)
    heads = (*heads_of("setting"), say("figures.time.seconds"), *heads_of("per_step", "parameters"))
    return Figure(
        name="time",
        title=say("figures.time.title"),
        caption=say(f"figures.time.{'alone' if alone else 'rough'}"),
        description=say("figures.time.description", said=" ".join(said)),
        spec=charts.times([level.label for level in timed], evidence.mains, say("figures.axis.seconds")),
        data={"times": bars},
        table=Table("time-table", say("figures.time.table"), heads, rows),
    )
