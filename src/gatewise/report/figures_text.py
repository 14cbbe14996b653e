"""The figures of text runs: a setting's curve, loss by position, loss by context, calibration."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import Any

from gatewise.report import charts_text
from gatewise.report.evidence import Evidence, Level, show_value
from gatewise.report.figure import Figure, Rows, is_finite
from gatewise.report.table import Table, figure, head, heads_of
from gatewise.report.traces import figures
from gatewise.report.words import baseline_title, metric_heading, number, percent
from gatewise.studies.words import setting_name
from gatewise.wording import listed, say

_MOST_LEVELS = 6  # lines that one figure has colours and markers for


def curve_figure(evidence: Evidence) -> Figure | None:
    """The metric that judges along a setting that is a number: a learning rate, epochs, a context."""
    setting = evidence.main
    given = [*(level.settings for level in evidence.levels), *(row["levels"] for row in evidence.diverged)]
    found = list(dict.fromkeys(one.get(setting) for one in given))
    values = [value for value in found if is_finite(value) and not isinstance(value, bool)]
    if len(values) < 3 or len(values) < len(found):
        return None
    order = [show_value(value) for value in sorted(values)]
    lines: dict[str, dict[str, float]] = {}
    for level in evidence.levels:
        mean = (level.metrics.get(evidence.metric) or {}).get("mean")
        if is_finite(mean):
            line = lines.setdefault(level.condition or say("figures.curve.all_seeds"), {})
            line[show_value(level.settings[setting])] = float(mean)
    word = setting_name(setting)
    title = say("figures.test", metric=metric_heading(evidence.metric))
    told = [say("figures.curve.at", label=row["label"], runs=row["runs"], of=row["of"]) for row in evidence.diverged]
    caption = say("figures.curve.means")
    caption += " " + say("figures.curve.diverged", told=listed(told)) if told else ""
    return line_figure(
        "curve",
        say("figures.curve.title", title=title, word=word),
        caption,
        (word, title),
        lines,
        order,
        _reference(evidence),
    )


def position_figure(evidence: Evidence) -> Figure | None:
    """Loss by the place in a window that is read from a fresh state: what was read before helps."""
    lines = {level.main: found for level in evidence.shown_levels if (found := _positions(level))}
    order = list(dict.fromkeys(bucket for found in lines.values() for bucket in found))
    order.sort(key=lambda bucket: int(bucket.split("-")[0]))
    caption = say("figures.position.caption")
    axes = (say("figures.axis.place"), say("figures.axis.nats"))
    return line_figure("position", say("figures.position.title"), caption, axes, lines, order, None)


def _positions(level: Level) -> dict[str, float]:
    """Average each bucket over seeds."""
    return _means(
        [{key: row.get("nats_per_char") for key, row in _room(one, "by_position").items()} for one in level.results]
    )


def memory_figure(evidence: Evidence) -> Figure | None:
    """Loss when only the last so many characters may be read."""
    if evidence.within == "memory":
        return None  # the curve of the study shows the same
    lines = {}
    for level in evidence.shown_levels:
        found = _means([dict(_room(one, "memory")) for one in level.results])
        if found:
            lines[level.main] = found
    order = sorted({context for found in lines.values() for context in found}, key=int)
    caption = say("figures.memory.caption")
    axes = (say("figures.axis.readable"), say("figures.axis.nats"))
    return line_figure("memory", say("figures.memory.title"), caption, axes, lines, order, None)


def calibration_figure(evidence: Evidence) -> Figure | None:
    """How often the likeliest symbol was right, by how sure the network was of it."""
    rows: Rows = []
    levels = evidence.shown_levels[:_MOST_LEVELS]
    for level in levels:
        bins = [one["calibration"] for one in level.results if one.get("calibration")]
        for number_of, same in enumerate(zip(*bins, strict=False)):
            means = {key: figures(fmean(row[key] for row in same)) for key in ("confidence", "accuracy")}
            rows.append({"main": level.main, "bin": number_of, **means})
    if not rows:
        return None
    low = min(0.1 * int(10 * min(min(row["confidence"], row["accuracy"]) for row in rows)), 0.9)
    said = []
    for main in dict.fromkeys(row["main"] for row in rows):
        own = [row for row in rows if row["main"] == main]
        gap = fmean(abs(row["confidence"] - row["accuracy"]) for row in own)
        said.append(say("figures.calibration.gap", name=main, gap=percent(gap)))
    cells = [[head(row["main"]), *(figure(percent(row[key])) for key in ("confidence", "accuracy"))] for row in rows]
    return Figure(
        name="calibration",
        title=say("figures.calibration.title"),
        caption=say("figures.calibration.characters"),
        description=say("figures.calibration.description", said=" ".join(said)),
        spec=charts_text.calibration(list(dict.fromkeys(row["main"] for row in rows)), round(low, 1)),
        data={"calibration": rows},
        table=Table("calibration-table", say("figures.calibration.table"), calibration_heads(), cells),
    )


def calibration_heads() -> tuple[str, ...]:
    """Return the headings of a table of calibration."""
    return *heads_of("setting"), say("figures.axis.sure"), say("figures.axis.right_short")


def line_figure(
    name: str, title: str, caption: str, axes: tuple[str, str], lines: Mapping[str, Mapping[str, float]],
    order: list[str], base: dict[str, Any] | None,
) -> Figure | None:  # fmt: skip
    """Draw lines over an ordered scale of names; None where there is nothing to draw a line between."""
    kept = dict(list(lines.items())[:_MOST_LEVELS])
    rows: Rows = [
        {"main": main, "x": x, "value": figures(found[x])}
        for main, found in kept.items()
        for x in order
        if is_finite(found.get(x))
    ]
    if len(order) < 2 or not rows:
        return None
    drawn = [float(row["value"]) for row in rows] + ([base["value"]] if base else [])
    said = [
        say(
            "figures.curve.from_to",
            name=main,
            low=number(found[first]),
            first=first,
            high=number(found[last]),
            last=last,
        )
        for main, found in kept.items()
        for first, last in [(next(iter(known)), known[-1]) for known in [[x for x in order if x in found]] if known]
    ]
    left = len(lines) - len(kept)
    caption += " " + say("figures.curve.some", kept=len(kept), all=len(lines)) if left else ""
    caption += " " + say("figures.dashed", title=base["title"]) if base else ""
    cells = [[head(x), *(figure(number(found.get(x))) for found in kept.values())] for x in order]
    return Figure(
        name=name,
        title=title,
        caption=caption,
        description=say("figures.curve.description", title=title, said=" ".join(said)),
        spec=charts_text.curve(name, list(kept), order, axes, drawn),
        data={name: rows, f"{name}-base": [{"value": base["value"], "name": base["name"]}] if base else []},
        table=Table(f"{name}-table", title, (axes[0], *kept), cells),
    )


def _reference(evidence: Evidence) -> dict[str, Any] | None:
    value = evidence.reference(evidence.metric)
    title = baseline_title(evidence.baseline)
    if not is_finite(value):
        return None
    return {"value": figures(value), "name": say("figures.base", title=title, value=number(value)), "title": title}


def _room(result: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = result.get(name)
    return found if isinstance(found, Mapping) else {}


def _means(seeds: list[dict[str, Any]]) -> dict[str, float]:
    """Average over the seeds that have a value, key by key."""
    keys = dict.fromkeys(key for seed in seeds for key in seed)
    known = {key: [float(seed[key]) for seed in seeds if is_finite(seed.get(key))] for key in keys}
    return {key: fmean(values) for key, values in known.items() if values}
