"""The figures of classification runs: more training texts, scores by epoch, and calibration."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import Any

from gatewise.report import charts_text
from gatewise.report.evidence import Evidence, Level, logs, show_value
from gatewise.report.figure import Figure, Rows, is_finite
from gatewise.report.figures_text import calibration_heads, curve_figure, line_figure
from gatewise.report.table import Table, figure, head
from gatewise.report.traces import figures
from gatewise.report.words import baseline_title, capital, metric_heading, number, percent
from gatewise.wording import say

_SIZE = "split.train_size"
_MOST_LEVELS = 6
_SCORES = ("train_accuracy", "validation_accuracy", "validation_f1_macro")


def setting_figure(evidence: Evidence) -> Figure | None:
    """The metric that judges along a setting that is a number; by training texts, the baselines learn as they grow."""
    return size_figure(evidence) if evidence.main == _SIZE else curve_figure(evidence)


def size_figure(evidence: Evidence) -> Figure | None:
    """The network and each baseline by the number of training texts."""
    lines: dict[str, dict[str, float]] = {}
    sizes = sorted({level.settings[_SIZE] for level in evidence.levels if is_finite(level.settings.get(_SIZE))})
    for level in evidence.levels:
        size = level.settings.get(_SIZE)
        mean = (level.metrics.get(evidence.metric) or {}).get("mean")
        if is_finite(size) and is_finite(mean):
            name = say("figures.curve.network")
            if level.condition:
                name = say("figures.curve.network_of", condition=level.condition)
            lines.setdefault(name, {})[show_value(size)] = float(mean)
    for level in evidence.levels:
        for name, value in _baselines(level, evidence.metric).items():
            if name != "majority" and is_finite(level.settings.get(_SIZE)):  # it learns nothing, and is far below
                lines.setdefault(baseline_title(name), {})[show_value(level.settings[_SIZE])] = value
    title = say("figures.test", metric=metric_heading(evidence.metric))
    caption = say("figures.curve.texts_caption")
    axes = (say("figures.axis.texts"), title)
    return line_figure(
        "curve", say("figures.curve.texts", title=title), caption, axes, lines, [show_value(n) for n in sizes], None
    )


def _baselines(level: Level, metric: str) -> dict[str, float]:
    """Return each baseline's metric of one level, as a mean over seeds."""
    found: dict[str, list[float]] = {}
    for result in level.results:
        for name, parts in (result.get("baselines") or {}).items():
            value = (parts.get("test") or {}).get(metric)
            if is_finite(value):
                found.setdefault(str(name), []).append(float(value))
    return {name: fmean(values) for name, values in found.items()}


def score_figure(evidence: Evidence) -> Figure | None:
    """Accuracy and macro-F1 by epoch, where the log has them: of a study the metric that judges, a line a setting."""
    lines: dict[str, dict[str, float]] = {}
    keys = list(_SCORES)
    if evidence.is_study:
        keys = [f"validation_{evidence.metric}"]
    for level in evidence.shown_levels:
        found = {key: curve for key in keys if (curve := _by_epoch(level, key))}
        if evidence.is_study and found:
            (lines[level.main],) = found.values()
        elif not evidence.is_study:
            lines |= {say(f"figures.scores.{key}"): curve for key, curve in found.items()}
    epochs = sorted({epoch for curve in lines.values() for epoch in curve}, key=int)
    score, title = say("figures.axis.score"), say("figures.scores.title")
    if evidence.is_study:
        score = say("figures.validation", metric=metric_heading(evidence.metric))
        title = say("figures.scores.title_of", title=score)
    return line_figure("scores", title, "", (say("figures.axis.epoch"), score), lines, epochs, None)


def _by_epoch(level: Level, key: str) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for _, log in logs(level):
        for row in log:
            if is_finite(row.get(key)):
                found.setdefault(str(row["epoch"]), []).append(float(row[key]))
    return {epoch: fmean(values) for epoch, values in found.items()}


def calibration_figure(evidence: Evidence) -> Figure | None:
    """How often the likeliest class was right, by how sure the network was: before and after the temperature."""
    rows: Rows = []
    for level in evidence.shown_levels[:_MOST_LEVELS]:
        found = [one["calibration"] for one in level.results if one.get("calibration")]
        before, after = say("figures.calibration.as_trained"), say("figures.calibration.with_temperature")
        sides = {level.main: "bins"} if evidence.is_study else {before: "bins_before", after: "bins"}
        for main, key in sides.items():
            bins = [one[key] for one in found if one.get(key)]
            for place, same in enumerate(zip(*bins, strict=False)):
                means = {name: figures(fmean(row[name] for row in same)) for name in ("confidence", "accuracy")}
                rows.append({"main": main, "bin": place, **means})
    if not rows:
        return None
    mains = list(dict.fromkeys(row["main"] for row in rows))
    low = min(0.1 * int(10 * min(min(row["confidence"], row["accuracy"]) for row in rows)), 0.9)
    cells = [[head(row["main"]), *(figure(percent(row[key])) for key in ("confidence", "accuracy"))] for row in rows]
    said = calibration_words(evidence)
    return Figure(
        name="calibration",
        title=say("figures.calibration.title"),
        caption=f"{say('figures.calibration.texts')} {said}".strip(),
        description=say("figures.calibration.description", said=said),
        spec=charts_text.calibration(mains, round(low, 1)),
        data={"calibration": rows},
        table=Table("calibration-table", say("figures.calibration.table"), calibration_heads(), cells),
    )


def calibration_words(evidence: Evidence) -> str:
    """Say what the temperature is, and the mean gap before and after it."""
    said = []
    for level in evidence.shown_levels[:_MOST_LEVELS]:
        found: list[Mapping[str, Any]] = [one["calibration"] for one in level.results if one.get("calibration")]
        before, after, heat = (_mean([one.get(key) for one in found]) for key in ("ece_before", "ece", "temperature"))
        if before is None or after is None or heat is None:
            continue
        told = {"before": percent(before), "after": percent(after), "heat": number(heat, 3)}
        if evidence.is_study:
            said.append(say("figures.calibration.words_of", name=capital(level.main), **told))
        else:
            said.append(say("figures.calibration.words", **told))
    return " ".join([*said, say("figures.calibration.chosen")]) if said else ""


def _mean(values: list[Any]) -> float | None:
    known = [float(value) for value in values if is_finite(value)]
    return fmean(known) if known else None
