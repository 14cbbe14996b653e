"""The search of settings: what each level spent, chose and gained, and how the best trial came up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatewise.report.evidence import Evidence
from gatewise.report.figure import Figure
from gatewise.report.figures_text import line_figure
from gatewise.report.table import Cell, Table, figure, head
from gatewise.report.words import metric_heading, number
from gatewise.studies.search.summary import worth
from gatewise.studies.words import label_of, setting
from gatewise.wording import digits, say

_MOST_POINTS = 60


def search_table(evidence: Evidence) -> Table | None:
    """Return budget, choice and worth of every level's search."""
    found = evidence.search
    if not found or not found.get("levels"):
        return None
    rows = [_row(level) for level in found["levels"]]
    metric = metric_heading(found["metric"])
    heads = (
        say("search.head_setting"), say("search.head_trials"), say("search.head_epochs"), say("search.head_seconds"),
        say("search.head_chosen"), say("search.head_before", metric=metric), say("search.head_after"),
        say("search.head_change"),
    )  # fmt: skip
    ranges = "; ".join(f"{with_name(path)} {text}" for path, text in _ranges(found).items())
    note = say("search.table_note", sampler=say(f"search.by_{found['sampler']}"), seed=found["seed"], ranges=ranges)
    if found.get("halving"):
        note += " " + say("search.halving", **found["halving"])
    return Table("search-table", say("search.table"), heads, rows, note)


def search_figure(evidence: Evidence) -> Figure | None:
    """Draw the best value of the validation part so far against the number of trials."""
    found = evidence.search
    if not found:
        return None
    lines: dict[str, dict[str, float]] = {}
    for level in found.get("levels", ()):
        best = level["best_so_far"]
        step = max(1, len(best) // _MOST_POINTS)
        kept = {str(place + 1): best[place] for place in range(0, len(best), step) if best[place] is not None}
        if kept:
            lines[label_of(level["label"], level["levels"])] = kept
    order = sorted({place for line in lines.values() for place in line}, key=int)
    axes = (say("search.axis_trials"), say("search.axis_best", metric=metric_heading(found["metric"])))
    return line_figure("search", say("search.figure"), say("search.figure_note"), axes, lines, order, None)


def with_name(path: str) -> str:
    """Name a setting without a value."""
    return path.rsplit(".", 1)[-1].replace("_", " ")


def _ranges(found: Mapping[str, Any]) -> dict[str, str]:
    """Return every searched setting once, with what may be tried."""
    return {path: text for level in reversed(found["levels"]) for path, text in level["searched"].items()}


def _row(level: Mapping[str, Any]) -> list[Cell]:
    lost = [say(f"search.count_{what}", n=level[what]) for what in ("diverged", "failed") if level[what]]
    trials = str(level["trials"]) + (f" ({', '.join(lost)})" if lost else "")
    chosen = [
        setting(path, value) + (f" ({say(f'search.at_{edge}')})" if (edge := level["edges"].get(path)) else "")
        for path, value in (level["chosen"] or {}).items()
    ]
    gain = worth(level)
    against, start, end, change = gain or ("", None, level["value"], None)
    return [
        head(label_of(level["label"], level["levels"])),
        figure(trials),
        figure(f"{level['epochs']:,}"),
        figure(number(level["seconds"], 3)),
        Cell(", ".join(chosen) or say("search.nothing")),
        figure(number(start) + (f" ({say('search.of_median')})" if against == "median" else "")),
        figure(number(end)),
        figure("" if change is None else _percent(change)),
    ]


def _percent(share: float) -> str:
    text = f"{100 * share:+.1f}"
    return say("words.percent", number=digits("0.0" if text[1:] == "0.0" else text.replace("-", "−")))
