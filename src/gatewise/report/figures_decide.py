"""The figures of what a study decides beyond pairs: ranks over data sets, interactions, quality against cost."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import Any

from gatewise.report import charts_decide
from gatewise.report.charts import is_right
from gatewise.report.evidence import Evidence
from gatewise.report.figure import Figure, Rows, is_finite
from gatewise.report.table import Cell, Table, figure, head
from gatewise.report.traces import figures
from gatewise.report.words import metric_heading, metric_title, number, p_value
from gatewise.studies.words import level_name, setting_name
from gatewise.wording import digits, say

#: Pairs of factors that are drawn, the clearest first.
_MOST_DRAWN = 3
#: Names that stand in a figure before they run into one another.
_MOST_NAMED = 6


def rank_figure(evidence: Evidence) -> Figure | None:
    """Average ranks over data sets, each with half a critical difference to both sides."""
    found = evidence.decided.get("datasets")
    if not found:
        return None
    main, half = found["main"], found["critical_difference"] / 2
    places = sorted(range(len(found["levels"])), key=lambda place: float(found["average"][place]))
    names = {place: level_name(main, found["levels"][place]) for place in places}
    means: Rows = [
        {
            "level": names[place], "rank": figures(found["average"][place]),
            "shown": digits(f"{found['average'][place]:.2f}"),
            "low": figures(found["average"][place] - half), "high": figures(found["average"][place] + half),
        }
        for place in places
    ]  # fmt: skip
    dots: Rows = [
        {"level": names[place], "dataset": name, "rank": row[place]}
        for name, row in zip(found["datasets"], found["ranks"], strict=True)
        for place in places
    ]
    rows = [
        [head(name), *(figure(f"{number(scores[place])} ({digits(f'{ranks[place]:g}')})") for place in places)]
        for name, scores, ranks in zip(found["datasets"], found["scores"], found["ranks"], strict=True)
    ]
    rows.append(
        [head(say("decide.page.average")), *(figure(digits(f"{found['average'][place]:.2f}")) for place in places)]
    )
    values = {
        "n": len(found["datasets"]), "p": p_value(found["p"]), "statistic": number(found["statistic"], 3),
        "difference": number(found["critical_difference"], 3),
    }  # fmt: skip
    return Figure(
        name="ranks",
        title=say("decide.page.ranks"),
        caption=say("decide.page.ranks_note", **values),
        description=" ".join(f"{row['level']}: {row['shown']}." for row in means),
        spec=charts_decide.ranks([names[place] for place in places], say("decide.page.rank"), len(places)),
        data={"rank-dots": dots, "rank-means": means},
        table=Table(
            "ranks-table",
            say("decide.page.ranks_table", metric=metric_heading(found["metric"])),
            (say("decide.page.dataset"), *names.values()),
            rows,
        ),
    )


def interaction_figures(evidence: Evidence) -> list[Figure]:
    """Lines of means for the pairs of factors of which a decided interaction is the clearest."""
    rows = [row for row in evidence.decided.get("interactions") or () if row["decided"]]
    rows.sort(key=lambda row: float(row["p_holm"]))
    pairs = list(dict.fromkeys((row["factors"][0], row["factors"][1]) for row in rows))
    drawn = [_interaction(evidence, pair, f"interaction-{place}") for place, pair in enumerate(pairs[:_MOST_DRAWN])]
    return [made for made in drawn if made is not None]


def _interaction(evidence: Evidence, pair: tuple[str, str], name: str) -> Figure | None:
    metric = evidence.metric
    groups: dict[tuple[str, str], list[list[float]]] = {}
    for level in evidence.levels:
        values = (level.metrics.get(metric) or {}).get("values") or ()
        if all(key in level.settings for key in pair) and values and all(map(is_finite, values)):
            one, other = (level_name(key, level.settings[key]) for key in pair)
            groups.setdefault((one, other), []).append(list(values))
    if not groups:
        return None
    means: Rows = [
        {"main": one, "x": other, "value": figures(fmean(x for values in found for x in values))}
        for (one, other), found in groups.items()
    ]
    seeds: Rows = [
        {"main": one, "x": other, "value": figures(fmean(column))}
        for (one, other), found in groups.items()
        for column in zip(*found, strict=False)
    ]
    mains, across = list(dict.fromkeys(row["main"] for row in means)), list(dict.fromkeys(row["x"] for row in means))
    by_place = {(row["main"], row["x"]): row["value"] for row in means}
    rows: list[list[Cell]] = [[head(one), *(figure(number(by_place.get((one, x)))) for x in across)] for one in mains]
    first, second = (setting_name(key) for key in pair)
    title = say("decide.page.interaction", first=first, second=second)
    return Figure(
        name=name,
        title=title[:1].upper() + title[1:],
        caption=say("decide.page.interaction_note"),
        description=" ".join(f"{row['main']}, {row['x']}: {number(row['value'])}." for row in means),
        spec=charts_decide.interaction(
            name,
            mains,
            across,
            (second, say("verdict.summary.test", metric=metric_title(metric))),
            [row["value"] for row in seeds],
        ),
        data={f"{name}-means": means, f"{name}-seeds": seeds},
        table=Table(f"{name}-table", title, (first, *across), rows),
    )


def front_figures(evidence: Evidence) -> list[Figure]:
    """Quality against each cost by which the settings differ."""
    found = evidence.decided.get("pareto")
    if not found:
        return []
    work = [point for point in found["points"] if point["operations"] and point["parameters"]]
    shares = [point["operations"] / point["parameters"] for point in work]
    # where all are trained equally long, operations are parameters once more
    again = bool(shares) and max(shares) < 1.01 * min(shares)
    return [_front(evidence, found, cost) for cost in found["fronts"] if not (again and cost == "operations")]


def _front(evidence: Evidence, found: Mapping[str, Any], cost: str) -> Figure:
    names = found["fronts"][cost]
    mains = {level.label: level.main for level in evidence.levels}
    known = sorted((point for point in found["points"] if point[cost]), key=lambda point: float(point[cost]))
    points: Rows = [
        {
            "level": point["label"], "main": mains.get(point["label"], point["label"]), "cost": figures(point[cost]),
            "value": figures(point["quality"]), "shade": 1.0 if point["label"] in names else 0.45,
        }
        for point in known
    ]  # fmt: skip
    ends = points[0]["cost"], points[-1]["cost"]
    best = [
        {
            **point,
            "left": point["level"] if len(names) <= _MOST_NAMED and is_right(point["cost"], *ends) else "",
            "right": point["level"] if len(names) <= _MOST_NAMED and not is_right(point["cost"], *ends) else "",
        }
        for point in points
        if point["level"] in names
    ]
    axes = say(f"decide.cost.{cost}"), say("verdict.summary.test", metric=metric_title(found["metric"]))
    heads = (say("decide.page.setting"), axes[1], axes[0], say("decide.page.on_front"))
    rows = [
        [
            head(point["label"]), figure(number(point["quality"])), figure(_amount(point[cost])),
            Cell(say("decide.page.is_on") if point["label"] in names else ""),
        ]
        for point in known
    ]  # fmt: skip
    title = say("decide.page.front", metric=metric_heading(found["metric"]), cost=say(f"decide.cost.{cost}"))
    return Figure(
        name=f"front-{cost}",
        title=title,
        caption=say("decide.page.front_note") + " " + say(f"decide.page.{cost}_note"),
        description=" ".join(f"{one['level']}: {number(one['value'])}, {_amount(one['cost'])}." for one in best),
        spec=charts_decide.front(
            f"front-{cost}", [main for main in evidence.mains if main in {row["main"] for row in points}],
            axes,
            [row["cost"] for row in points], [row["value"] for row in points],
        ),
        data={f"front-{cost}": points, f"front-{cost}-best": best},
        table=Table(f"front-{cost}-table", title, heads, rows),
    )  # fmt: skip


def _amount(value: float) -> str:
    return number(value, 3) if value < 1e9 else f"{value:.3g}"
